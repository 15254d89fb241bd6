//! The list that is reviewed: every identity that is not gone, who answers for it, when it last did something, and
//! when it is to be confirmed.

use attache_ledger::Mode as As;
use attache_store::{EntryQuery, Order, OrgScope, Versioned};
use jiff::Timestamp;

use super::review::{Review, due};
use crate::Gateway;
use crate::identities::{Identity, State};
use crate::server::Answer;

/// How many of an identity's newest entries are looked through for its last act.
const LOOKED_THROUGH: usize = 200;

/// One line of the list.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// The identity.
    pub(super) identity: Identity,
    /// The last entry of an act that it did itself.
    pub(super) last_used: Option<Timestamp>,
    /// The last confirmation.
    pub(super) last: Option<Review>,
    /// When it is to be confirmed.
    pub(super) due: Timestamp,
    /// Whether that is over.
    pub(super) overdue: bool,
}

/// The line of one identity.
pub(super) async fn line(gateway: &Gateway, scope: OrgScope, identity: Identity) -> Answer<Line> {
    let last: Option<Versioned<Review>> = gateway.store.org(scope).get(identity.id).await?;
    line_after(gateway, scope, identity, last.map(|last| last.record)).await
}

/// The same, after this confirmation.
pub(super) async fn line_after(
    gateway: &Gateway,
    scope: OrgScope,
    identity: Identity,
    last: Option<Review>,
) -> Answer<Line> {
    let due = due(identity.created, identity.sponsor, last.as_ref(), gateway.config.governance.review);
    let overdue = due <= gateway.clock.now();
    Ok(Line { last_used: last_used(gateway, scope, &identity).await?, identity, last, due, overdue })
}

/// Every line of an organisation.
pub(super) async fn lines(gateway: &Gateway, scope: OrgScope) -> Answer<Vec<Line>> {
    let mut lines = Vec::new();
    for identity in reviewed(gateway, scope).await? {
        lines.push(line(gateway, scope, identity).await?);
    }
    Ok(lines)
}

/// How many identities of an organisation should have been confirmed by now.
pub(crate) async fn overdue(gateway: &Gateway, scope: OrgScope) -> Answer<usize> {
    let (now, interval) = (gateway.clock.now(), gateway.config.governance.review);
    let mut count = 0;
    for identity in reviewed(gateway, scope).await? {
        let last: Option<Versioned<Review>> = gateway.store.org(scope).get(identity.id).await?;
        count += usize::from(due(identity.created, identity.sponsor, last.as_deref(), interval) <= now);
    }
    Ok(count)
}

/// What is reviewed: what is not gone or on its way out. Who sends by the shared address has no access of their own.
async fn reviewed(gateway: &Gateway, scope: OrgScope) -> Answer<Vec<Identity>> {
    let identities: Vec<Versioned<Identity>> = gateway.store.org(scope).every().await?;
    Ok(identities.into_iter().map(|one| one.record).filter(is_reviewed).collect())
}

/// Whether an identity is reviewed.
pub(super) fn is_reviewed(identity: &Identity) -> bool {
    identity.tenant.is_some() && !matches!(identity.state, State::Deprovisioning | State::Deprovisioned)
}

/// When it last did something itself, as far as its newest entries tell.
async fn last_used(gateway: &Gateway, scope: OrgScope, identity: &Identity) -> Answer<Option<Timestamp>> {
    let store = gateway.store.org(scope);
    let about = identity.id.to_string();
    let query = EntryQuery {
        term: Some(&about),
        order: Order::Descending,
        ..EntryQuery::all(store.own_log(), LOOKED_THROUGH)
    };
    let rows = store.entries(query).await?;
    let own = rows.iter().find(|row| {
        let entry = row.entry().and_then(Result::ok);
        entry.is_some_and(|entry| entry.actor.mode == Some(As::AgentUser))
    });
    Ok(own.map(|row| row.time))
}
