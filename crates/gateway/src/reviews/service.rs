//! What people do: confirm, as an owner or administrator, or as the sponsor.

use attache_ledger::{ActName, Target};
use attache_store::{OrgScope, Page, Unit, Versioned};
use http::StatusCode;

use super::http::confirmed;
use super::list::{self, Line};
use super::review::Review;
use crate::Gateway;
use crate::access::{Caller, Principal, Session};
use crate::identities::Identity;
use crate::members::Member;
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

const CONFIRMED: ActName = ActName::new("identity.reviewed");

/// Confirms an identity as it is: it is still wanted, and this sponsor answers for it.
pub(super) async fn confirm(
    gateway: &Gateway,
    scope: OrgScope,
    caller: &Caller,
    identity: &Versioned<Identity>,
) -> Answer<Line> {
    if !list::is_reviewed(identity) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "not_reviewed",
            "the identity has no account, or is on its way out",
            "confirm only those that the list has",
        ));
    }
    let (by, name) = match &caller.principal {
        Principal::Person(session, _) => (Some(session.user), session.name.clone()),
        Principal::Key(key) => (None, key.name.clone()),
        Principal::Operator(_) => (None, "an operator".to_owned()),
    };
    let review = Review {
        identity: identity.id,
        org: identity.org,
        confirmed: gateway.clock.now(),
        by,
        name,
        sponsor: identity.sponsor,
    };
    let before: Option<Versioned<Review>> = gateway.store.org(scope).get(identity.id).await?;
    let mut unit = Unit::new();
    match &before {
        Some(before) => unit.update(before, &review),
        None => unit.create(scope, &review),
    };
    // What is confirmed is what was seen.
    unit.expect(identity);
    let about = Target { user: identity.sponsor, ..on([thing("identity", identity.id)]) };
    unit.record(scope, gateway.changed(caller, CONFIRMED, about));
    let line = list::line_after(gateway, scope, identity.record.clone(), Some(review)).await?;
    gateway.commit_answered(caller, unit, || confirmed(line.clone())).await?;
    Ok(line)
}

/// The identities that whoever is signed in answers for, in whatever organisation.
pub(super) async fn sponsored(gateway: &Gateway, session: &Session) -> Answer<Vec<Versioned<Identity>>> {
    let user = session.user.to_string();
    let named: Vec<Versioned<Identity>> =
        gateway.system().list_by(Identity::BY_SPONSOR, &user, Page::first(200)).await?;
    let mut own = Vec::new();
    for identity in named {
        let is_them = identity.tenant == Some(session.tenant) || {
            let store = gateway.store.org(OrgScope::granted(identity.org));
            Member::of(store, session.tenant, session.user).await?.is_some()
        };
        if is_them && list::is_reviewed(&identity) {
            own.push(identity);
        }
    }
    Ok(own)
}

/// One of them.
pub(super) async fn one_sponsored(
    gateway: &Gateway,
    session: &Session,
    id: &str,
) -> Answer<Versioned<Identity>> {
    let own = sponsored(gateway, session).await?;
    let found = own.into_iter().find(|identity| identity.id.to_string() == id);
    found.ok_or_else(|| Problem::not_found("identity that you answer for"))
}
