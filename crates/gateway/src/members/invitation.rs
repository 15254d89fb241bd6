//! Invitations: a link that makes whoever signs in with it a member, once. Who that was is known by directory and
//! object id, as Entra says it; where the inviter named them, nobody else can use the link.

use attache_store::{Lookup, OrgId, OrgScope, Record, id};
use attache_terms::UserId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::{Digest, Role};

id! {
    /// An invitation.
    InvitationId = "an invitation's id";
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invitation {
    /// Its id.
    pub(crate) id: InvitationId,
    /// To which organisation.
    pub(crate) org: OrgId,
    /// The hash of the link's secret.
    pub(crate) digest: Digest,
    /// What they will be.
    pub(crate) role: Role,
    /// For whom it is, for the people who look at the list.
    pub(crate) label: String,
    /// The only person who may use it, by object id; whoever has the link when `None`.
    pub(crate) user: Option<UserId>,
    /// Since when.
    pub(crate) created: Timestamp,
    /// Until when.
    pub(crate) ends: Timestamp,
}

impl Invitation {
    /// The lookup by the hash of the secret.
    pub(crate) const BY_DIGEST: &'static str = "digest";
}

impl Record for Invitation {
    const KIND: &'static str = "invitation";
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
