//! What is asked of identities: provisioning is idempotent, and two calls at once make one identity.

use attache_ledger::ActName;
use attache_store::{CommitError, JobId, NewJob, Record as _, Unit, Versioned};
use attache_terms::UserId;

use super::drive::Body;
use super::http::accepted;
use super::names::Names;
use super::{DEFAULT, Fallback, Identity, IdentityId, Method, Mode, PROVISION, State, aliases, shared};
use crate::Gateway;
use crate::access::{Grant, Principal, operators_only};
use crate::config::HostedTenant;
use crate::connection::{self, Connection};
use crate::hosting::{Taken, Wish, place};
use crate::organisations::{Organisation, is_slug};
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

const REQUESTED: ActName = ActName::new("identity.requested");
const FALLBACK: ActName = ActName::new("identity.fallback_chosen");
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
    /// What is wanted where no agent user can be had; as it was, or nothing, unless said.
    pub(crate) fallback: Option<Fallback>,
    /// Its subdomain in a hosted tenant; the organisation's slug unless said.
    pub(crate) subdomain: Option<String>,
    /// What people see of it.
    pub(crate) names: Names,
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
            fallback: None,
            subdomain: None,
            names: Names::default(),
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
            Some(existing) => go_on(gateway, grant, existing, wanted.fallback).await,
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

/// Ordinary users are made in tenants of ours only: a customer's need not grant what that takes.
fn may_make_user(mode: Mode, method: Method, fallback: Option<Fallback>) -> Answer<()> {
    if mode != Mode::OwnTenant || (method != Method::OrdinaryUser && fallback != Some(Fallback::OrdinaryUser))
    {
        return Ok(());
    }
    Err(Problem::invalid(
        if method == Method::OrdinaryUser { "method" } else { "fallback" },
        "the gateway makes no ordinary users in an organisation's own tenant",
        "have an administrator make the user there, and adopt it (`\"method\": \"adopt\"`)",
    ))
}

async fn request(gateway: &Gateway, grant: &Grant, wanted: &Wanted) -> Result<Identity, Refused> {
    grant.organisation.goes_on()?;
    may_make_user(wanted.mode, wanted.method, wanted.fallback)?;
    let connection = match wanted.mode {
        Mode::OwnTenant => Some(own_tenant(gateway, grant, wanted).await?),
        Mode::Hosted | Mode::Shared => {
            may_take_user(grant, wanted)?;
            None
        }
    };
    let sender = match wanted.mode {
        Mode::Shared => Some(shared::wanted(gateway, wanted)?.to_owned()),
        Mode::Hosted | Mode::OwnTenant => None,
    };
    let mut unit = Unit::new();
    let hosted = match wanted.mode {
        Mode::Hosted => Some(host(gateway, grant, wanted, &mut unit).await?),
        Mode::Shared | Mode::OwnTenant => None,
    };
    let made =
        fresh(gateway, &grant.organisation, wanted, hosted, connection.as_ref().map(|found| &found.record))?;
    let identity = Identity { address: sender.or(made.address.clone()), ..made };
    unit.create(grant.scope, &identity);
    // Whoever suspends the organisation meanwhile is heard.
    unit.expect(&grant.organisation);
    if let Some(connection) = &connection {
        // Whoever disconnects the tenant meanwhile meets this.
        unit.update(connection, &Connection { asked: connection.asked + 1, ..connection.record.clone() });
    }
    let about = on([thing("identity", identity.id)]);
    unit.record(grant.scope, gateway.changed(&grant.caller, REQUESTED, about));
    unit.enqueue(job(gateway, &identity));
    match gateway.commit_answered(&grant.caller, unit, || accepted(identity.clone())).await {
        Ok(_) => Ok(identity),
        Err(CommitError::Taken { lookup: Identity::BY_TEMPLATE, .. }) => Err(Refused::Beaten),
        Err(CommitError::Taken { lookup: Identity::BY_ADDRESS, .. }) => {
            let elsewhere = || if connection.is_some() { address_taken() } else { Taken::refused() };
            Err(aliases::taken(gateway, &identity).await?.unwrap_or_else(elsewhere).into())
        }
        Err(CommitError::Conflict { kind: Connection::KIND, .. }) => Err(Refused::Beaten),
        Err(error) => match Taken::of(&error) {
            Some(Taken::Subdomain) => Err(Taken::refused().into()),
            Some(Taken::Place) => Err(Refused::Beaten),
            None => Err(Problem::from(error).into()),
        },
    }
}

/// The users of our tenant are our operators' to give away: whoever has one as identity writes mail as them. With an
/// organisation's short name an operator has given away the users below that subdomain, and no others.
fn may_take_user(grant: &Grant, wanted: &Wanted) -> Result<(), Problem> {
    if grant.caller.is_operator() {
        return Ok(());
    }
    if wanted.user.is_some() {
        return Err(operators_only(
            "only an operator of this gateway may name a user that is there already (user_id)",
        ));
    }
    let takes = matches!(wanted.method, Method::Verify | Method::Adopt);
    if takes && subdomain(&grant.organisation, wanted) != grant.organisation.slug {
        return Err(operators_only(
            "only an operator of this gateway may have a user taken that is there already below another subdomain \
             than the organisation's short name",
        ));
    }
    Ok(())
}

/// The organisation's own tenant. A user who is there already is an administrator's of that tenant to give away, for
/// the same reason: a name such as `ceo` would be found by its address.
async fn own_tenant(gateway: &Gateway, grant: &Grant, wanted: &Wanted) -> Answer<Versioned<Connection>> {
    let connection = Connection::of(gateway.store.org(grant.scope)).await?;
    let connection = connection.ok_or_else(connection::not_connected)?;
    if wanted.method == Method::Create && wanted.user.is_none() {
        return Ok(connection);
    }
    let home = gateway.connected_home(&connection).ok_or_else(connection::not_connected)?;
    let is_administrator = match &grant.caller.principal {
        Principal::Person(session, _) if session.tenant == connection.tenant => {
            connection::is_administrator(&gateway.provisioner(&home), session.user).await?
        }
        _ => false,
    };
    if is_administrator { Ok(connection) } else { Err(connection::not_administrator()) }
}

fn address_taken() -> Problem {
    Problem::invalid(
        "template",
        "another identity of this gateway has the address",
        "choose another address before the @ at Settings > Agent identity > Your own tenant, or another template",
    )
}

/// An identity that exists: what stands still is set in motion again.
async fn go_on(
    gateway: &Gateway,
    grant: &Grant,
    existing: Versioned<Identity>,
    fallback: Option<Fallback>,
) -> Result<Identity, Refused> {
    if existing.state.acts() || existing.state == State::Deprovisioning {
        return Ok(existing.record);
    }
    grant.organisation.goes_on()?;
    let mut unit = Unit::new();
    unit.enqueue(job(gateway, &existing));
    may_make_user(existing.mode, existing.method, fallback)?;
    let fallback = fallback.unwrap_or(existing.fallback);
    let mut now = Identity { fallback, ..existing.record.clone() };
    let about = || on([thing("identity", existing.id)]);
    if existing.state == State::Error {
        now = Identity { state: State::Pending, trouble: None, changed: gateway.clock.now(), ..now };
        unit.record(grant.scope, gateway.changed(&grant.caller, RETRIED, about()));
    }
    if fallback != existing.fallback {
        unit.record(grant.scope, gateway.changed(&grant.caller, FALLBACK, about()));
    }
    if now != existing.record {
        unit.update(&existing, &now);
    }
    match gateway.commit_answered(&grant.caller, unit, || accepted(now.clone())).await {
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
    own: Option<&Connection>,
) -> Result<Identity, Problem> {
    if wanted.template != DEFAULT && !is_slug(&wanted.template) {
        return Err(Problem::invalid(
            "template",
            "not a short name",
            "take `default`, or a name such as `cfo`",
        ));
    }
    let [display_name, job_title, department] = wanted.names.of_new(organisation, wanted)?;
    if wanted.mode == Mode::OwnTenant && own.is_none() {
        return Err(connection::not_connected());
    }
    let subdomain = subdomain(organisation, wanted);
    let local = match (wanted.template.as_str(), own) {
        (DEFAULT, Some(own)) => &own.local_part,
        (DEFAULT, None) => &gateway.config.local_part,
        (specialist, _) => specialist,
    };
    let now = gateway.clock.now();
    Ok(Identity {
        id: IdentityId::make(&*gateway.clock, &*gateway.rng),
        org: organisation.id,
        template: wanted.template.clone(),
        mode: wanted.mode,
        method: wanted.method,
        fallback: wanted.fallback.unwrap_or_default(),
        fell_back: None,
        tenant: own.map(|own| own.tenant).or(hosted.map(|hosted| hosted.tenant)),
        address: match (hosted, own) {
            (_, Some(own)) => Some(format!("{local}@{}", own.domain)),
            (Some(hosted), None) => Some(format!("{local}@{subdomain}.{}", hosted.domain)),
            (None, None) => None,
        },
        subdomain: hosted.map(|_| subdomain),
        display_name,
        job_title,
        department,
        aliases: aliases::checked(&wanted.aliases)?,
        sponsor: wanted.sponsor,
        licences: Vec::new(),
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
