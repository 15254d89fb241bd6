//! What is remembered of an identity's provisioning, apart from the identity, so that people who change its
//! settings and the job that makes it do not stand in one another's way.

use attache_ledger::EntryId;
use attache_provision::Record as Steps;
use attache_store::{OrgScope, Record};
use serde::{Deserialize, Serialize};

use super::IdentityId;

/// The provisioning of one identity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Provisioning {
    /// Of which identity.
    pub(crate) identity: IdentityId,
    /// The decider's own record.
    pub(crate) steps: Steps,
    /// The intent whose outcome is not recorded yet.
    pub(crate) open: Option<EntryId>,
}

impl Record for Provisioning {
    const KIND: &'static str = "provisioning";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.identity.to_string()
    }
}
