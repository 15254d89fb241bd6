//! What is known of an identity's sponsor: what the last look found, and who is to succeed them. It stands apart from
//! the identity, so that those who change its settings and those who look do not stand in one another's way.

use attache_store::{Lookup, OrgId, OrgScope, OrgStore, Record, StoreError, Unit, Versioned};
use attache_terms::{ObjectId, TenantId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::look::Finding;
use crate::identities::{Identity, IdentityId};

/// What is known of the sponsor of one identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sponsorship {
    /// Of which identity.
    pub(crate) identity: IdentityId,
    /// Whose it is.
    pub(crate) org: OrgId,
    /// In which tenant its sponsors are.
    pub(crate) tenant: TenantId,
    /// When Entra was asked last.
    pub(crate) looked: Option<Timestamp>,
    /// What is amiss, and since when we know.
    pub(crate) amiss: Option<(Finding, Timestamp)>,
    /// Who its sponsors are in Entra, as the last look saw: on the agent identity, or on the user.
    pub(crate) in_entra: Vec<ObjectId>,
    /// Who is to succeed.
    pub(crate) successor: Option<Successor>,
}

/// Who is to succeed a sponsor, and how far that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Successor {
    /// The object id in the identity's tenant.
    pub(crate) user: UserId,
    /// When they were named.
    pub(crate) named: Timestamp,
    /// When they accepted.
    pub(crate) accepted: Option<Timestamp>,
    /// Since when they are the sponsor, in Entra and here.
    pub(crate) changed: Option<Timestamp>,
    /// When it was tried that the identity, having been paused, acts again.
    pub(crate) proved: Option<Timestamp>,
}

impl Successor {
    /// Whether they have accepted and Entra does not know it yet.
    pub(crate) fn is_under_way(self) -> bool {
        self.accepted.is_some() && self.changed.is_none()
    }

    /// Whether they are still asked.
    pub(crate) fn is_asked(self) -> bool {
        self.accepted.is_none()
    }
}

impl Sponsorship {
    /// The lookup by identity.
    pub(super) const BY_IDENTITY: &'static str = "identity";
    /// The lookup by who is asked to succeed.
    pub(super) const BY_SUCCESSOR: &'static str = "successor";

    /// That of an identity in this tenant, of which nothing is known yet.
    pub(super) fn fresh(identity: &Identity, tenant: TenantId) -> Self {
        Self {
            identity: identity.id,
            org: identity.org,
            tenant,
            looked: None,
            amiss: None,
            in_entra: Vec::new(),
            successor: None,
        }
    }

    /// That of an identity.
    pub(super) async fn of(
        store: OrgStore<'_>,
        identity: IdentityId,
    ) -> Result<Option<Versioned<Self>>, StoreError> {
        store.get(identity).await
    }

    /// Has a unit keep it: anew, or in place of what was read.
    pub(super) fn keep(&self, unit: &mut Unit, before: Option<&Versioned<Self>>) {
        match before {
            Some(before) => unit.update(before, self),
            None => unit.create(OrgScope::granted(self.org), self),
        };
    }
}

impl Record for Sponsorship {
    const KIND: &'static str = "sponsorship";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.identity.to_string()
    }

    fn lookups(&self) -> Vec<Lookup> {
        let mut lookups = vec![Lookup::unique_everywhere(Self::BY_IDENTITY, self.identity)];
        if let Some(successor) = self.successor.filter(|successor| successor.is_asked()) {
            lookups.push(Lookup::many(Self::BY_SUCCESSOR, successor.user));
        }
        lookups
    }
}
