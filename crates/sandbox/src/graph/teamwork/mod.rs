//! What Teams keeps for a whole tenant.

use serde::{Deserialize, Serialize};

/// The state of Teams beside its chats.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Teamwork {
    /// How often messages were sent and changed, in whatever chat or channel: it orders them all.
    revision: u64,
}

impl Teamwork {
    /// The place of the next change among all.
    pub(crate) fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }
}
