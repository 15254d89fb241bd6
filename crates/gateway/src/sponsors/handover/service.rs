//! What people do: name, withdraw, accept, decline.

use attache_ledger::{ActName, Target};
use attache_store::{OrgScope, Page, Unit, Versioned};
use attache_terms::{TenantId, UserId};
use http::StatusCode;

use super::change;
use crate::Gateway;
use crate::access::{Caller, Grant, Session};
use crate::identities::{self, Identity, State, on_named};
use crate::members::Member;
use crate::record::{on, thing};
use crate::server::{Answer, Problem};
use crate::sponsors::look_now;
use crate::sponsors::sponsorship::{Sponsorship, Successor};

const NAMED: ActName = ActName::new("sponsor.named");
const WITHDRAWN: ActName = ActName::new("sponsor.withdrawn");
const ACCEPTED: ActName = ActName::new("sponsor.accepted");
const DECLINED: ActName = ActName::new("sponsor.declined");

/// Names a successor of the sponsor of the identity of this id or template: a person of its tenant, who is asked to
/// accept.
pub(in crate::sponsors) async fn name(
    gateway: &Gateway,
    grant: &Grant,
    named: &str,
    user: UserId,
) -> Answer<(Versioned<Identity>, Sponsorship)> {
    let act = |identity: Versioned<Identity>| async move {
        let known = name_one(gateway, grant, &identity, user).await?;
        Ok((identity, known))
    };
    on_named(gateway, grant, named, act).await
}

async fn name_one(
    gateway: &Gateway,
    grant: &Grant,
    identity: &Versioned<Identity>,
    user: UserId,
) -> Answer<Sponsorship> {
    let tenant = is_sponsored(identity)?;
    let known = Sponsorship::of(gateway.store.org(grant.scope), identity.id).await?;
    if let Some(known) = &known {
        may_change(known)?;
    }
    let is_well = identity.suspended.is_none() && known.as_ref().is_none_or(|known| known.amiss.is_none());
    if identity.sponsor == Some(user) && is_well {
        return Err(Problem::invalid("sponsor", "they are its sponsor already", "name somebody else"));
    }
    is_person(gateway, grant.scope, identity, user).await?;
    let successor =
        Successor { user, named: gateway.clock.now(), accepted: None, changed: None, proved: None };
    let base =
        known.as_ref().map_or_else(|| Sponsorship::fresh(identity, tenant), |known| known.record.clone());
    let named = Sponsorship { successor: Some(successor), ..base };
    let mut unit = Unit::new();
    named.keep(&mut unit, known.as_ref());
    unit.expect(identity);
    unit.record(grant.scope, gateway.changed(&grant.caller, NAMED, about(&named, user)));
    gateway.commit(&grant.caller, unit).await?;
    Ok(named)
}

/// Takes the question back, as long as they have not accepted.
pub(in crate::sponsors) async fn withdraw(
    gateway: &Gateway,
    grant: &Grant,
    identity: &Identity,
) -> Answer<()> {
    let known = Sponsorship::of(gateway.store.org(grant.scope), identity.id).await?;
    let known = known.ok_or_else(nobody_is_asked)?;
    may_change(&known)?;
    let successor = known.successor.filter(|successor| successor.is_asked()).ok_or_else(nobody_is_asked)?;
    let mut unit = Unit::new();
    unit.update(&known, &Sponsorship { successor: None, ..known.record.clone() });
    unit.record(grant.scope, gateway.changed(&grant.caller, WITHDRAWN, about(&known, successor.user)));
    gateway.commit(&grant.caller, unit).await?;
    Ok(())
}

/// What somebody is asked to answer for.
pub(in crate::sponsors) async fn asked(
    gateway: &Gateway,
    session: &Session,
) -> Answer<Vec<Versioned<Sponsorship>>> {
    let user = session.user.to_string();
    let named: Vec<Versioned<Sponsorship>> =
        gateway.system().list_by(Sponsorship::BY_SUCCESSOR, &user, Page::first(200)).await?;
    let mut asked = Vec::new();
    for known in named {
        if is_them(gateway, session, &known).await? {
            asked.push(known);
        }
    }
    Ok(asked)
}

/// The successor accepts: from here on the change goes on by itself.
pub(in crate::sponsors) async fn accept(
    gateway: &Gateway,
    caller: &Caller,
    session: &Session,
    identity: &str,
) -> Answer<Sponsorship> {
    let (known, successor) = for_them(gateway, session, identity).await?;
    let accepted = Successor { accepted: Some(gateway.clock.now()), ..successor };
    let after = Sponsorship { successor: Some(accepted), ..known.record.clone() };
    let mut unit = Unit::new();
    unit.update(&known, &after);
    let scope = OrgScope::granted(known.org);
    unit.record(scope, gateway.changed(caller, ACCEPTED, about(&known, successor.user)));
    unit.enqueue(change::job(gateway, &after));
    gateway.commit_answered(caller, unit, || StatusCode::ACCEPTED).await?;
    Ok(after)
}

/// The successor does not want to.
pub(in crate::sponsors) async fn decline(
    gateway: &Gateway,
    caller: &Caller,
    session: &Session,
    identity: &str,
) -> Answer<()> {
    let (known, successor) = for_them(gateway, session, identity).await?;
    let mut unit = Unit::new();
    unit.update(&known, &Sponsorship { successor: None, ..known.record.clone() });
    let scope = OrgScope::granted(known.org);
    unit.record(scope, gateway.changed(caller, DECLINED, about(&known, successor.user)));
    gateway.commit_answered(caller, unit, || StatusCode::NO_CONTENT).await?;
    Ok(())
}

/// What whoever is signed in is asked: they are the named user of the identity's tenant, or a member of the
/// organisation with that object id. For everybody else there is no such thing.
async fn for_them(
    gateway: &Gateway,
    session: &Session,
    identity: &str,
) -> Answer<(Versioned<Sponsorship>, Successor)> {
    let nothing = || Problem::not_found("sponsorship that you are asked to take over");
    let known = gateway.system().find::<Sponsorship>(Sponsorship::BY_IDENTITY, identity).await?;
    let known = known.ok_or_else(nothing)?;
    let successor = known.successor.filter(|successor| successor.is_asked()).ok_or_else(nothing)?;
    if successor.user != session.user || !is_them(gateway, session, &known).await? {
        return Err(nothing());
    }
    Ok((known, successor))
}

/// Whether who is signed in can be the user of that tenant whose object id they have.
async fn is_them(gateway: &Gateway, session: &Session, known: &Sponsorship) -> Answer<bool> {
    if known.tenant == session.tenant {
        return Ok(true);
    }
    let store = gateway.store.org(OrgScope::granted(known.org));
    Ok(Member::of(store, session.tenant, session.user).await?.is_some())
}

/// Has the sponsor of an identity looked at now, and the identity itself.
pub(in crate::sponsors) async fn check(
    gateway: &Gateway,
    caller: &Caller,
    identity: &Identity,
) -> Answer<()> {
    is_sponsored(identity)?;
    let mut unit = Unit::new();
    unit.enqueue(look_now(gateway, identity));
    unit.enqueue(identities::look_now(gateway, identity));
    gateway.commit_answered(caller, unit, || StatusCode::ACCEPTED).await?;
    Ok(())
}

fn is_sponsored(identity: &Identity) -> Answer<TenantId> {
    let leaving = matches!(identity.state, State::Deprovisioning | State::Deprovisioned);
    identity.tenant.filter(|_| !leaving).ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "not_active",
            "the identity has no account that somebody could answer for",
            "provision it in a tenant first",
        )
    })
}

/// Whether the user is there, may sign in, and is a person.
async fn is_person(gateway: &Gateway, scope: OrgScope, identity: &Identity, user: UserId) -> Answer<()> {
    let remedy = "give the object id of a person of the identity's tenant who can sign in";
    let home = gateway.home(scope, identity).await?.ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "tenant_not_configured",
            "the identity's tenant is neither configured on this gateway nor connected",
            "have an operator configure it, or connect it again",
        )
    })?;
    let found = match gateway.provisioner(&home).user(user).await {
        Ok(found) => found.value,
        Err(error) if error.is_not_found() => {
            return Err(Problem::invalid("sponsor", "the identity's tenant has no such user", remedy));
        }
        Err(error) => return Err(Problem::explained(StatusCode::BAD_GATEWAY, &error)),
    };
    if found.identity_parent_id.is_some() {
        return Err(Problem::invalid("sponsor", "that user is an agent", remedy));
    }
    if found.account_enabled == Some(false) {
        return Err(Problem::invalid("sponsor", "that user may not sign in", remedy));
    }
    Ok(())
}

fn may_change(known: &Sponsorship) -> Answer<()> {
    if !known.successor.is_some_and(Successor::is_under_way) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "handover_under_way",
        "a successor has accepted, and is being made the sponsor in Entra",
        "wait until that is done",
    ))
}

fn nobody_is_asked() -> Problem {
    Problem::not_found("successor who is still asked")
}

fn about(known: &Sponsorship, user: UserId) -> Target {
    Target { user: Some(user), ..on([thing("identity", known.identity)]) }
}
