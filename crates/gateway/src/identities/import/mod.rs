//! Identities of earlier systems, taken in: each document of an export becomes an identity that is to be found in the
//! tenant as it is, and whoever imports the same file again changes nothing. Nothing is written to the tenant.

mod document;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use attache_ledger::{Act, ActName, Actor, By, ByKind, Draft, Target, Verdict};
use attache_store::{CommitError, OrgId, OrgScope, StoreError, Unit};
use attache_terms::{Explain, Remedy};
use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use uuid::Uuid;

use self::document::{Document, Refused, Status};
use super::names::Names;
use super::service::{Wanted, fresh, subdomain};
use super::{Identity, IdentityId, Method, Mode, PROVISION, State, job_for};
use crate::hosting::{self, Wish, place};
use crate::nature::{NatureError, check_nature};
use crate::organisations::{Organisation, is_slug};
use crate::record::{on, thing};
use crate::server::Problem;
use crate::{Config, Gateway, Parts, StartError};

const IMPORTED: ActName = ActName::new("identity.imported");
const CREATED: ActName = ActName::new("organisation.created");

/// What is to be imported, and how.
#[derive(Debug, Clone, Copy)]
pub struct Import<'a> {
    /// The export's text.
    pub text: &'a str,
    /// The short names of organisations here, by their ids there; the rest follows from their subdomains.
    pub organisations: &'a BTreeMap<String, String>,
    /// Whether only to say what would be done.
    pub plan: bool,
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The document: its place in the file and its `_id`.
    pub document: String,
    /// The short name of the organisation that it belongs to.
    pub organisation: Option<String>,
    /// Whether the organisation is made for it.
    pub new_organisation: bool,
    /// `default`, or the specialist's name.
    pub template: Option<String>,
    /// What was, or is to be, done.
    #[serde(flatten)]
    pub what: What,
}

/// What is done with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// It becomes an identity, which is then found in the tenant.
    Imported,
    /// Its record is kept; it was deprovisioned there.
    Kept,
    /// It is there already.
    There,
    /// It cannot be taken in.
    Refused {
        /// Why.
        reason: String,
    },
}

/// Why nothing is imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is no export.
    #[error("the file is no export of mongoexport's: {0}")]
    Unreadable(String),
    /// The gateway cannot be put together.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database is for something else.
    #[error(transparent)]
    Nature(#[from] NatureError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database refused a change.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Explain for ImportError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "export_unreadable",
            Self::Start(error) => error.code(),
            Self::Nature(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Commit(error) => error.code(),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Unreadable(_) => Remedy::operator(
                "export the collection again: mongoexport --db … --collection agent_identities --out FILE",
            ),
            Self::Start(error) => error.remedy(),
            Self::Nature(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
            Self::Commit(error) => error.remedy(),
        }
    }
}

/// Imports an export, or says what that would do. Each document is one unit: what was taken in before an error stays,
/// and the same call goes on.
pub async fn import_identities(
    config: Config,
    parts: Parts,
    import: Import<'_>,
) -> Result<Vec<Taken>, ImportError> {
    let gateway = Gateway::assemble(config, parts)?;
    check_nature(&gateway.store, gateway.config.sandbox).await?;
    let documents = document::read(import.text).map_err(ImportError::Unreadable)?;
    let slugs = slugs(&documents, import.organisations);
    let (mut taken, mut seen) = (Vec::new(), BTreeSet::new());
    for document in documents {
        taken.push(match document {
            Err(Refused { name, reason }) => refused(name, reason),
            Ok(document) => match slugs.get(&document.org) {
                Some(Ok(slug)) if !seen.insert((slug.clone(), document.template.clone())) => {
                    let reason = format!("another document before it is {slug}'s {}, too", document.template);
                    refused(document.name, reason)
                }
                Some(Ok(slug)) => take(&gateway, &document, slug, import.plan).await?,
                Some(Err(reason)) => refused(document.name, reason.clone()),
                None => refused(document.name, "its organisation has no name here".to_owned()),
            },
        });
    }
    Ok(taken)
}

fn refused(document: String, reason: String) -> Taken {
    let what = What::Refused { reason };
    Taken { document, organisation: None, new_organisation: false, template: None, what }
}

/// The short name of each organisation: as it was given, else its subdomain, else its id there if that makes one.
fn slugs(
    documents: &[Result<Document, Refused>],
    given: &BTreeMap<String, String>,
) -> BTreeMap<String, Result<String, String>> {
    let mut slugs: BTreeMap<String, Result<String, String>> = BTreeMap::new();
    let all = || documents.iter().flatten();
    for document in all().filter(|one| one.subdomain.is_some()).chain(all()) {
        let slug = given.get(&document.org).or(document.subdomain.as_ref()).cloned();
        let slug = slug.unwrap_or_else(|| document.org.to_ascii_lowercase().replace('_', "-"));
        slugs.entry(document.org.clone()).or_insert_with(|| {
            if is_slug(&slug) {
                Ok(slug)
            } else {
                let org = &document.org;
                Err(format!("{slug:?} is no short name for an organisation: give one with --org {org}=NAME"))
            }
        });
    }
    slugs
}

/// Takes one document in, or finds out what that would do.
async fn take(
    gateway: &Arc<Gateway>,
    document: &Document,
    slug: &str,
    plan: bool,
) -> Result<Taken, ImportError> {
    let found = gateway.system().find::<Organisation>(Organisation::BY_SLUG, slug).await?;
    let mut taken = Taken {
        document: document.name.clone(),
        organisation: Some(slug.to_owned()),
        new_organisation: found.is_none(),
        template: Some(document.template.clone()),
        what: What::There,
    };
    let organisation =
        found.as_ref().map_or_else(|| new(gateway, document, slug), |found| found.record.clone());
    let scope = OrgScope::granted(organisation.id);
    let mut unit = Unit::new();
    let identity = match identity(gateway, scope, &organisation, document, &mut unit).await {
        Ok(identity) => identity,
        Err(reason) => {
            taken.what = What::Refused { reason };
            return Ok(taken);
        }
    };
    let store = gateway.store.org(scope);
    if found.is_some() && store.get::<Identity>(identity.id).await?.is_some() {
        return Ok(taken);
    }
    if identity.state != State::Deprovisioned {
        let same = store.find::<Identity>(Identity::BY_TEMPLATE, &identity.template).await?;
        match same {
            Some(there) if there.user == identity.user => return Ok(taken),
            Some(_) => {
                let reason = format!("{slug} has another identity called {} already", identity.template);
                taken.what = What::Refused { reason };
                return Ok(taken);
            }
            None => {}
        }
        if let Some(reason) = belongs_elsewhere(gateway, &identity).await? {
            taken.what = What::Refused { reason };
            return Ok(taken);
        }
    }
    taken.what = if identity.state == State::Deprovisioned { What::Kept } else { What::Imported };
    if plan {
        return Ok(taken);
    }
    if identity.state == State::Deprovisioned {
        // It needs no place any more.
        unit = Unit::new();
    }
    if found.is_none() {
        unit.create(scope, &organisation);
        if identity.state == State::Deprovisioned || identity.subdomain.as_deref() != Some(slug) {
            hosting::claim_name(&mut unit, scope, slug, organisation.created);
        }
        unit.record(scope, by_command(gateway, CREATED, on([thing("organisation", organisation.id)])));
    }
    unit.create(scope, &identity);
    unit.record(scope, by_command(gateway, IMPORTED, on([thing("identity", identity.id)])));
    if identity.state == State::Pending {
        unit.enqueue(job_for(gateway, &PROVISION, organisation.id, identity.id));
    }
    match gateway.store.commit(unit).await {
        Ok(_) => Ok(taken),
        Err(CommitError::Taken { lookup, .. }) => {
            let reason = format!("somebody took its {lookup} meanwhile: import the file again");
            taken.what = What::Refused { reason };
            Ok(taken)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whose user or address it is, if another identity has it.
async fn belongs_elsewhere(gateway: &Gateway, identity: &Identity) -> Result<Option<String>, StoreError> {
    if let (Some(tenant), Some(user)) = (identity.tenant, identity.user) {
        let user = format!("{tenant}/{user}");
        if gateway.system().find::<Identity>(Identity::BY_USER, &user).await?.is_some() {
            return Ok(Some("another identity here has its user".to_owned()));
        }
    }
    if let Some(address) = &identity.address {
        let address = address.to_ascii_lowercase();
        if gateway.system().find::<Identity>(Identity::BY_ADDRESS, &address).await?.is_some() {
            return Ok(Some(format!("another identity here has the address {address}")));
        }
    }
    Ok(None)
}

fn new(gateway: &Gateway, document: &Document, slug: &str) -> Organisation {
    let name = document.org_name.clone().unwrap_or_else(|| slug.to_owned());
    Organisation {
        id: OrgId::make(&*gateway.clock, &*gateway.rng),
        slug: slug.to_owned(),
        name: name.chars().filter(|char| !char.is_control()).take(100).collect(),
        region: None,
        audit_days: None,
        suspended: None,
        created: gateway.clock.now(),
    }
}

/// The identity that a document becomes. Its id follows from the document, so that the same one is never taken in
/// twice.
async fn identity(
    gateway: &Gateway,
    scope: OrgScope,
    organisation: &Organisation,
    document: &Document,
    unit: &mut Unit,
) -> Result<Identity, String> {
    let refused = |problem: Problem| format!("{}; {}", problem.detail, problem.remedy);
    let method = match document.status {
        Status::Active => Method::Adopt,
        Status::Pending | Status::Error | Status::Deprovisioned => Method::Verify,
    };
    let wanted = Wanted {
        template: document.template.clone(),
        mode: Some(document.mode),
        method: Some(method),
        subdomain: document.subdomain.clone(),
        names: Names { display_name: document.display_name.clone(), ..Names::default() },
        aliases: document.aliases.clone(),
        user: document.user,
        ..Wanted::default()
    };
    let subdomain = subdomain(organisation, &wanted);
    let hosted = match document.mode {
        Mode::Hosted => {
            let wish = Wish { subdomain: &subdomain, address: document.address.as_deref() };
            Some(place(gateway, scope, organisation, wish, unit).await.map_err(refused)?)
        }
        Mode::Shared | Mode::OwnTenant => None,
    };
    let made = fresh(gateway, organisation, &wanted, hosted, None).map_err(refused)?;
    let state = match (document.status, document.mode) {
        (Status::Deprovisioned, _) => State::Deprovisioned,
        (_, Mode::Shared) => State::Active,
        _ => State::Pending,
    };
    Ok(Identity {
        id: id(document),
        address: document.address.clone().or(made.address.clone()),
        job_title: document.job_title.clone().unwrap_or_else(|| made.job_title.clone()),
        department: document.department.clone().unwrap_or_else(|| made.department.clone()),
        created: document.created.unwrap_or(made.created),
        state,
        ..made
    })
}

/// A version 7 id: the document's time, then bits that follow from what it is.
fn id(document: &Document) -> IdentityId {
    let named = format!("attache/import/{}/{}/{}", document.org, document.template, document.id);
    let hash = digest(&SHA256, named.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    let time = document.created.map_or(0, |created| created.as_millisecond().max(0));
    bytes[..6].copy_from_slice(&time.to_be_bytes()[2..]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    IdentityId::new(Uuid::from_bytes(bytes))
}

/// Whoever may run the command runs the gateway's machine; who it is, the system does not say.
fn by_command(gateway: &Gateway, act: ActName, about: Target) -> Draft {
    let by = Actor { by: Some(By { kind: ByKind::Operator, id: None }), ..Actor::default() };
    gateway.composer.change(Act::new(act, by).on(about), Verdict::Done, None)
}
