//! A team and its channels as they are kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::graph::chat_messages::Thread;
use crate::sharing::{SnapshotList, parts};

/// What a team has beside its group, whose id is its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Team {
    pub(crate) id: String,
    pub(super) created: Timestamp,
    /// The first is General.
    pub(crate) channels: SnapshotList<Channel>,
}

/// A standard channel: every member of the team is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(super) display_name: String,
    pub(super) description: Option<String>,
    pub(super) created: Timestamp,
    pub(crate) thread: Thread,
}

/// The creation of a team, which takes a while.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(super) team: String,
    pub(super) created: Timestamp,
    pub(super) due: Timestamp,
}

parts!(Team {
    channels,
} whole {
    id, created,
});

parts!(Channel { thread } whole { id, display_name, description, created });

impl Channel {
    /// A channel in which nothing was said yet.
    pub(super) fn new(display_name: String, description: Option<String>, now: Timestamp) -> Self {
        let id = format!("19:{}@thread.tacv2", uuid::Uuid::new_v4().simple());
        Self { id, display_name, description, created: now, thread: Thread::default() }
    }
}

impl Team {
    /// The channel of that id.
    pub(crate) fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }
}
