//! What is asked of identities: provisioning is idempotent, and two calls at once make one identity.

use attache_ledger::ActName;
use attache_store::{CommitError, NewJob, Record as _, Unit, Versioned};
use attache_terms::UserId;

use super::http::accepted;
use super::names::Names;
use super::{
    DEFAULT, Fallback, Identity, IdentityId, Method, Mode, PROVISION, State, again, aliases, job_for, shared,
};
use crate::Gateway;
use crate::access::{Grant, Principal, members_only, operators_only};
use crate::config::HostedTenant;
use crate::connection::{self, Connection};
use crate::hosting::{Taken, Wish, place};
use crate::organisations::{Organisation, is_slug};
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

const REQUESTED: ActName = ActName::new("identity.requested");

/// What is wished of an identity.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// `default`, or the specialist's name.
    pub(crate) template: String,
    /// Where it is to live; hosted unless said.
    pub(crate) mode: Option<Mode>,
    /// How it is to come to be; created unless said.
    pub(crate) method: Option<Method>,
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
            mode: None,
            method: None,
            fallback: None,
            subdomain: None,
            names: Names::default(),
            aliases: Vec::new(),
            sponsor: None,
            user: None,
        }
    }
}

impl Wanted {
    pub(super) fn mode(&self) -> Mode {
        self.mode.unwrap_or(Mode::Hosted)
    }

    pub(super) fn method(&self) -> Method {
        self.method.unwrap_or(Method::Create)
    }
}

/// Asks for an identity, or goes on with it: whoever calls it twice gets the same one.
pub(crate) async fn provision(gateway: &Gateway, grant: &Grant, wanted: &Wanted) -> Answer<Identity> {
    gives_away(grant, wanted)?;
    loop {
        let store = gateway.store.org(grant.scope);
        let existing = store.find::<Identity>(Identity::BY_TEMPLATE, &wanted.template).await?;
        let tried = match existing {
            Some(existing) => again::go_on(gateway, grant, existing, wanted).await,
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

/// Why it was not done.
pub(super) enum Refused {
    /// Somebody else was faster: look again.
    Beaten,
    /// It cannot be done.
    Problem(Problem),
}

impl<P: Into<Problem>> From<P> for Refused {
    fn from(problem: P) -> Self {
        Self::Problem(problem.into())
    }
}

/// What an operator asks for in an organisation that they do not belong to: a user of our tenants, for it.
fn gives_away(grant: &Grant, wanted: &Wanted) -> Answer<()> {
    let takes = wanted.user.is_some() || matches!(wanted.method(), Method::Verify | Method::Adopt);
    if !grant.is_operators() || (wanted.mode() == Mode::Hosted && takes) {
        return Ok(());
    }
    Err(members_only(
        "an operator of the gateway gives a user of its tenants away (`verify` or `adopt`); anything else is for members \
         of the organisation to ask for",
    ))
}

/// In a customer's tenant ordinary users are made where it has granted what that takes. Whoever chooses them is told at
/// once when it has not.
pub(super) async fn may_make_user(
    gateway: &Gateway,
    grant: &Grant,
    mode: Mode,
    method: Method,
    fallback: Option<Fallback>,
) -> Answer<()> {
    let makes = method == Method::OrdinaryUser || fallback == Some(Fallback::OrdinaryUser);
    if mode == Mode::OwnTenant && makes {
        connection::may_make_ordinary_users(gateway, grant.scope).await?;
    }
    Ok(())
}

async fn request(gateway: &Gateway, grant: &Grant, wanted: &Wanted) -> Result<Identity, Refused> {
    grant.organisation.goes_on()?;
    may_make_user(gateway, grant, wanted.mode(), wanted.method(), wanted.fallback).await?;
    let connection = match wanted.mode() {
        Mode::OwnTenant => Some(own_tenant(gateway, grant, wanted).await?),
        Mode::Hosted | Mode::Shared => {
            may_take_user(grant, wanted)?;
            None
        }
    };
    let sender = match wanted.mode() {
        Mode::Shared => Some(shared::wanted(gateway, wanted)?.to_owned()),
        Mode::Hosted | Mode::OwnTenant => None,
    };
    let mut unit = Unit::new();
    let hosted = match wanted.mode() {
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
        Err(CommitError::Taken { lookup: Identity::BY_USER, .. }) => Err(user_taken().into()),
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
pub(super) fn may_take_user(grant: &Grant, wanted: &Wanted) -> Result<(), Problem> {
    if grant.caller.is_operator() {
        return Ok(());
    }
    if wanted.user.is_some() {
        return Err(operators_only(
            "only an operator of this gateway may name a user that is there already (user_id)",
        ));
    }
    let takes = matches!(wanted.method(), Method::Verify | Method::Adopt);
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
pub(super) async fn own_tenant(
    gateway: &Gateway,
    grant: &Grant,
    wanted: &Wanted,
) -> Answer<Versioned<Connection>> {
    let connection = Connection::of(gateway.store.org(grant.scope)).await?;
    let connection = connection.ok_or_else(connection::not_connected)?;
    let makes = matches!(wanted.method(), Method::Create | Method::OrdinaryUser);
    if makes && wanted.user.is_none() {
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

pub(super) fn user_taken() -> Problem {
    Problem::new(
        http::StatusCode::CONFLICT,
        "user_taken",
        "another identity of this gateway has that user",
        "name another user, or deprovision the identity that has this one, then provision again",
    )
}

pub(super) fn address_taken() -> Problem {
    Problem::invalid(
        "template",
        "another identity of this gateway has the address",
        "choose another address before the @ at Settings > Agent identity > Your own tenant, or another template",
    )
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
    if wanted.mode() == Mode::OwnTenant && own.is_none() {
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
        mode: wanted.mode(),
        method: wanted.method(),
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
        state: if wanted.mode() == Mode::Shared { State::Active } else { State::Pending },
        waiting: None,
        trouble: None,
        suspended: None,
        retried: None,
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

pub(super) fn job(gateway: &Gateway, identity: &Identity) -> NewJob {
    job_for(gateway, &PROVISION, identity.org, identity.id)
}
