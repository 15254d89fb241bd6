//! What is asked of identities: provisioning is idempotent, and two calls at once make one identity.

use attache_ledger::ActName;
use attache_store::{CommitError, JobId, NewJob, Unit, Versioned};
use attache_terms::UserId;

use super::drive::Body;
use super::{DEFAULT, Identity, IdentityId, Method, Mode, PROVISION, State, aliases};
use crate::Gateway;
use crate::access::{Grant, Principal, operators_only};
use crate::config::HostedTenant;
use crate::organisations::{Organisation, is_slug};
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

const REQUESTED: ActName = ActName::new("identity.requested");
const RETRIED: ActName = ActName::new("identity.retried");

/// What is wished of an identity.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// `default`, or the specialist's name.
    pub(crate) template: String,
    /// Where it is to live.
    pub(crate) mode: Mode,
    /// How it is to come to be.
    pub(crate) method: Method,
    /// Its subdomain in a hosted tenant; the organisation's slug unless said.
    pub(crate) subdomain: Option<String>,
    /// The name that people see.
    pub(crate) display_name: Option<String>,
    /// Extra addresses.
    pub(crate) aliases: Vec<String>,
    /// The person who answers for it.
    pub(crate) sponsor: Option<UserId>,
    /// The user that is there already, if its id is known.
    pub(crate) user: Option<UserId>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            template: DEFAULT.to_owned(),
            mode: Mode::Hosted,
            method: Method::Create,
            subdomain: None,
            display_name: None,
            aliases: Vec::new(),
            sponsor: None,
            user: None,
        }
    }
}

/// Asks for an identity, or goes on with it: whoever calls it twice gets the same one.
pub(crate) async fn provision(gateway: &Gateway, grant: &Grant, wanted: &Wanted) -> Answer<Identity> {
    loop {
        let store = gateway.store.org(grant.scope);
        let existing = store.find::<Identity>(Identity::BY_TEMPLATE, &wanted.template).await?;
        let tried = match existing {
            Some(existing) => go_on(gateway, grant, existing).await,
            None => request(gateway, grant, wanted).await,
        };
        match tried {
            // Somebody else was faster; their identity is ours.
            Err(Refused::Beaten) => {}
            Err(Refused::Problem(problem)) => return Err(problem),
            Ok(identity) => return Ok(identity),
        }
    }
}

enum Refused {
    Beaten,
    Problem(Problem),
}

impl<P: Into<Problem>> From<P> for Refused {
    fn from(problem: P) -> Self {
        Self::Problem(problem.into())
    }
}

async fn request(gateway: &Gateway, grant: &Grant, wanted: &Wanted) -> Result<Identity, Refused> {
    may_name_user(grant, wanted)?;
    let identity = fresh(gateway, &grant.organisation, wanted)?;
    if let Some(subdomain) = &identity.subdomain {
        is_nobody_elses(gateway, &grant.organisation, subdomain).await?;
    }
    let mut unit = Unit::new();
    unit.create(grant.scope, &identity);
    let about = on([thing("identity", identity.id)]);
    unit.record(grant.scope, gateway.changed(&grant.caller, REQUESTED, about));
    unit.enqueue(job(gateway, &identity));
    match gateway.commit(&grant.caller, unit).await {
        Ok(_) => Ok(identity),
        Err(CommitError::Taken { lookup: Identity::BY_TEMPLATE, .. }) => Err(Refused::Beaten),
        Err(CommitError::Taken { lookup: Identity::BY_ADDRESS, .. }) => Err(taken().into()),
        Err(error) => Err(Problem::from(error).into()),
    }
}

/// The users of our tenant are our operators' to give away: whoever has one as identity writes mail as them.
fn may_name_user(grant: &Grant, wanted: &Wanted) -> Result<(), Problem> {
    let is_operator = matches!(&grant.caller.principal, Principal::Person(session, _) if session.operator);
    if wanted.user.is_none() || is_operator {
        return Ok(());
    }
    Err(operators_only("only an operator of this gateway may name a user that is there already (user_id)"))
}

/// Nobody takes a subdomain that is another organisation's slug.
async fn is_nobody_elses(gateway: &Gateway, own: &Organisation, subdomain: &str) -> Answer<()> {
    let other = gateway.system().find::<Organisation>(Organisation::BY_SLUG, subdomain).await?;
    match other.filter(|other| other.id != own.id) {
        Some(_) => Err(taken()),
        None => Ok(()),
    }
}

fn taken() -> Problem {
    Problem::invalid("subdomain", "another organisation has it", "choose another subdomain")
}

/// An identity that exists: what stands still is set in motion again.
async fn go_on(gateway: &Gateway, grant: &Grant, existing: Versioned<Identity>) -> Result<Identity, Refused> {
    if existing.state.acts() || existing.state == State::Deprovisioning {
        return Ok(existing.record);
    }
    let mut unit = Unit::new();
    unit.enqueue(job(gateway, &existing));
    let mut now = existing.record.clone();
    if existing.state == State::Error {
        let identity = Identity {
            state: State::Pending,
            trouble: None,
            changed: gateway.clock.now(),
            ..existing.record.clone()
        };
        unit.update(&existing, &identity);
        let about = on([thing("identity", identity.id)]);
        unit.record(grant.scope, gateway.changed(&grant.caller, RETRIED, about));
        now = identity;
    }
    match gateway.commit(&grant.caller, unit).await {
        Ok(_) => Ok(now),
        Err(CommitError::Conflict { .. }) => Err(Refused::Beaten),
        Err(error) => Err(Problem::from(error).into()),
    }
}

/// An identity as it is wished, which is not kept yet.
pub(super) fn fresh(
    gateway: &Gateway,
    organisation: &Organisation,
    wanted: &Wanted,
) -> Result<Identity, Problem> {
    if wanted.template != DEFAULT && !is_slug(&wanted.template) {
        return Err(Problem::invalid(
            "template",
            "not a short name",
            "take `default`, or a name such as `cfo`",
        ));
    }
    if wanted.mode == Mode::OwnTenant {
        return Err(Problem::invalid(
            "mode",
            "identities in a customer's own tenant are not there yet",
            "choose hosted, or shared",
        ));
    }
    if wanted.display_name.as_deref().is_some_and(|name| !is_line(name)) {
        return Err(Problem::invalid("display_name", "not a name", "write 1 to 100 characters on one line"));
    }
    let hosted = match wanted.mode {
        Mode::Hosted => Some(host(gateway)?),
        Mode::Shared | Mode::OwnTenant => None,
    };
    let subdomain = wanted.subdomain.clone().unwrap_or_else(|| organisation.slug.clone());
    if hosted.is_some() && !is_slug(&subdomain) {
        return Err(Problem::invalid(
            "subdomain",
            "not one label of a host name",
            "take a name such as `acme`",
        ));
    }
    let local = match wanted.template.as_str() {
        DEFAULT => &gateway.config.local_part,
        specialist => specialist,
    };
    let now = gateway.clock.now();
    Ok(Identity {
        id: IdentityId::make(&*gateway.clock, &*gateway.rng),
        org: organisation.id,
        template: wanted.template.clone(),
        mode: wanted.mode,
        method: wanted.method,
        tenant: hosted.map(|hosted| hosted.tenant),
        address: match (hosted, wanted.mode) {
            (Some(hosted), _) => Some(format!("{local}@{subdomain}.{}", hosted.domain)),
            (None, _) => None,
        },
        subdomain: hosted.map(|_| subdomain),
        display_name: wanted
            .display_name
            .clone()
            .unwrap_or_else(|| format!("{} Assistant", organisation.name)),
        job_title: "AI Agent".to_owned(),
        department: "AI Workforce".to_owned(),
        aliases: aliases::checked(&wanted.aliases)?,
        sponsor: wanted.sponsor,
        cell: None,
        agent: None,
        user: wanted.user,
        state: if wanted.mode == Mode::Shared { State::Active } else { State::Pending },
        waiting: None,
        trouble: None,
        suspended: None,
        created: now,
        changed: now,
    })
}

/// Whether a text can be a name that people see.
fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 100 && !text.chars().any(char::is_control)
}

/// The tenant of ours that takes the next identity.
fn host(gateway: &Gateway) -> Result<&HostedTenant, Problem> {
    gateway.config.hosted.first().ok_or_else(|| {
        Problem::invalid(
            "mode",
            "this gateway has no tenant of its own to host identities in",
            "choose own_tenant, or have an operator configure a hosted tenant",
        )
    })
}

fn job(gateway: &Gateway, identity: &Identity) -> NewJob {
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    let body = Body { identity: identity.id };
    NewJob::new(id, PROVISION.name, Some(identity.org), &body).only(identity.id.to_string())
}
