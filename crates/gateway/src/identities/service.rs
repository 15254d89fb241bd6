//! What is asked of identities: provisioning is idempotent, and two calls at once make one identity.

use attache_ledger::ActName;
use attache_store::{CommitError, JobId, NewJob, Unit, Versioned};
use attache_terms::UserId;

use super::drive::Body;
use super::{DEFAULT, Identity, IdentityId, Method, Mode, PROVISION, State, aliases};
use crate::Gateway;
use crate::access::{Grant, operators_only};
use crate::config::HostedTenant;
use crate::hosting::{Taken, Wish, place};
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
    grant.organisation.goes_on()?;
    may_name_user(grant, wanted)?;
    let mut unit = Unit::new();
    let hosted = match wanted.mode {
        Mode::Hosted => Some(host(gateway, grant, wanted, &mut unit).await?),
        Mode::Shared | Mode::OwnTenant => None,
    };
    let identity = fresh(gateway, &grant.organisation, wanted, hosted)?;
    unit.create(grant.scope, &identity);
    // Whoever suspends the organisation meanwhile is heard.
    unit.expect(&grant.organisation);
    let about = on([thing("identity", identity.id)]);
    unit.record(grant.scope, gateway.changed(&grant.caller, REQUESTED, about));
    unit.enqueue(job(gateway, &identity));
    match gateway.commit(&grant.caller, unit).await {
        Ok(_) => Ok(identity),
        Err(CommitError::Taken { lookup: Identity::BY_TEMPLATE, .. }) => Err(Refused::Beaten),
        Err(CommitError::Taken { lookup: Identity::BY_ADDRESS, .. }) => Err(Taken::refused().into()),
        Err(error) => match Taken::of(&error) {
            Some(Taken::Subdomain) => Err(Taken::refused().into()),
            Some(Taken::Place) => Err(Refused::Beaten),
            None => Err(Problem::from(error).into()),
        },
    }
}

/// The users of our tenant are our operators' to give away: whoever has one as identity writes mail as them.
fn may_name_user(grant: &Grant, wanted: &Wanted) -> Result<(), Problem> {
    if wanted.user.is_none() || grant.caller.is_operator() {
        return Ok(());
    }
    Err(operators_only("only an operator of this gateway may name a user that is there already (user_id)"))
}

/// An identity that exists: what stands still is set in motion again.
async fn go_on(gateway: &Gateway, grant: &Grant, existing: Versioned<Identity>) -> Result<Identity, Refused> {
    if existing.state.acts() || existing.state == State::Deprovisioning {
        return Ok(existing.record);
    }
    grant.organisation.goes_on()?;
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
    hosted: Option<&HostedTenant>,
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
    let subdomain = subdomain(organisation, wanted);
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

/// The subdomain that is wanted: the organisation's short name unless said.
pub(super) fn subdomain(organisation: &Organisation, wanted: &Wanted) -> String {
    wanted.subdomain.clone().unwrap_or_else(|| organisation.slug.clone())
}

/// The tenant of ours that takes the identity.
async fn host<'a>(
    gateway: &'a Gateway,
    grant: &Grant,
    wanted: &Wanted,
    unit: &mut Unit,
) -> Answer<&'a HostedTenant> {
    let subdomain = subdomain(&grant.organisation, wanted);
    let wish = Wish { subdomain: &subdomain, address: None };
    place(gateway, grant.scope, &grant.organisation, wish, unit).await
}

fn job(gateway: &Gateway, identity: &Identity) -> NewJob {
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    let body = Body { identity: identity.id };
    NewJob::new(id, PROVISION.name, Some(identity.org), &body).only(identity.id.to_string())
}
