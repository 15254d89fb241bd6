//! Links that show one entry to whoever holds them: 128 random bits that are not the entry's id, a fixed least
//! view with its proof, an end, and a way to take it back.

use std::time::Duration;

use attache_ledger::EntryId;
use attache_store::{Lookup, OrgId, OrgScope, Record, Unit, id};
use attache_terms::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Gateway;
use crate::access::Digest;

id! {
    /// A link to an entry.
    LinkId = "a link's id";
}

/// How long a link is good.
const GOOD: Duration = Duration::from_secs(365 * 24 * 3600);

/// A link as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Audited {
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

impl Audited {
    /// The lookup by the hash of the secret.
    pub(crate) const BY_DIGEST: &'static str = "digest";
}

impl Record for Audited {
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
    let link = Audited {
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
