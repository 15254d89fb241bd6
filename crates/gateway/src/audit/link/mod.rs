//! Links that show one entry to whoever holds them: 128 random bits that are not the entry's id, a fixed least
//! view with its proof, an end, and a way to take it back.

mod http;

use std::time::Duration;

use ::http::StatusCode;
use attache_ledger::EntryId;
use attache_store::{EntryRow, Lookup, OrgId, OrgScope, Record, Unit, Versioned, id};
use attache_terms::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::http::find;
use super::retention;
use crate::Gateway;
use crate::access::Digest;
use crate::server::{Answer, Problem};

pub(super) use http::api;

id! {
    /// A link to an entry.
    LinkId = "a link's id";
}

/// How long a link is good.
const GOOD: Duration = Duration::from_secs(365 * 24 * 3600);

/// A link as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditLink {
    /// Its id.
    pub(crate) id: LinkId,
    /// Whose log it leads into.
    pub(crate) org: OrgId,
    /// The hash of its secret.
    pub(crate) digest: Digest,
    /// The entry that it shows.
    pub(crate) entry: EntryId,
    /// Since when.
    pub(crate) created: Timestamp,
    /// Until when.
    pub(crate) ends: Timestamp,
    /// When it was taken back.
    pub(crate) revoked: Option<Timestamp>,
}

impl AuditLink {
    /// The lookup by the hash of the secret.
    pub(crate) const BY_DIGEST: &'static str = "digest";
}

impl Record for AuditLink {
    const KIND: &'static str = "audit_link";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::unique_everywhere(Self::BY_DIGEST, self.digest.as_str())]
    }

    fn expires(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}

/// Makes a link to an entry, in the unit that records the entry or later: its address.
pub(crate) fn new_link(
    gateway: &Gateway,
    scope: OrgScope,
    entry: EntryId,
    unit: &mut Unit,
) -> (LinkId, Secret) {
    let mut bytes = [0; 16];
    gateway.rng.fill(&mut bytes);
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let now = gateway.clock.now();
    let link = AuditLink {
        id: LinkId::make(&*gateway.clock, &*gateway.rng),
        org: scope.org(),
        digest: Digest::of(&secret),
        entry,
        created: now,
        ends: now.saturating_add(GOOD).unwrap_or(now),
        revoked: None,
    };
    unit.create(scope, &link);
    let address = Secret::new(gateway.config.url(&format!("/a/{secret}")));
    (link.id, address)
}

/// The entry that a link leads to, while it is good.
pub(super) async fn follow(gateway: &Gateway, secret: &str) -> Answer<(AuditLink, EntryRow)> {
    let gone = || {
        Problem::new(
            StatusCode::NOT_FOUND,
            "link_gone",
            "this link leads nowhere: it has ended, was taken back, or was mistyped",
            "ask the organisation that the message came from",
        )
    };
    let digest = Digest::of(secret);
    let found = gateway.system().find::<AuditLink>(AuditLink::BY_DIGEST, digest.as_str()).await?;
    let good = |link: &Versioned<AuditLink>| link.revoked.is_none() && link.ends > gateway.clock.now();
    let link = found.filter(good).ok_or_else(gone)?.record;
    let store = gateway.store.org(OrgScope::granted(link.org));
    match find(store, &link.entry.to_string()).await {
        Ok(row) => Ok((link, row)),
        // Nothing but its number finds an entry that retention has removed.
        Err(problem) if problem.code == "not_found" => {
            Err(retention::accounts(store).await?.map_or_else(gone, |row| removed(&link, &row)))
        }
        Err(problem) => Err(problem),
    }
}

/// That the entry of a link was kept long enough; `row` accounts for it.
fn removed(link: &AuditLink, row: &EntryRow) -> Problem {
    let (made, gone) = (link.created.strftime("%Y-%m-%d"), row.time.strftime("%Y-%m-%d"));
    Problem::new(
        StatusCode::GONE,
        "entry_removed",
        format!(
            "the entry of {made} or before that this link led to was removed by {gone}, since the organisation keeps \
             entries for a limited time; entry {} of its log accounts for it",
            row.sequence
        ),
        "ask the organisation that the message came from for an export of its log: `attache audit verify` proves that \
         nothing but what that entry names is missing",
    )
}
