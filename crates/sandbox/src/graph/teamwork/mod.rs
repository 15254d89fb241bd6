//! What Teams keeps for a whole tenant.

mod activity;

use serde::{Deserialize, Serialize};

pub(super) use activity::routes;

use super::presence::Presence;
use super::teams::{Channel, Operation, Team};
use crate::sharing::{SnapshotList, SnapshotMap, parts, whole};

/// The state of Teams beside its chats.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Teamwork {
    /// How often messages were sent and changed, in whatever chat or channel: it orders them all.
    revision: u64,
    /// Teams by id.
    pub(super) teams: SnapshotMap<String, Team>,
    /// The creations of teams, by their own ids.
    pub(super) operations: SnapshotMap<String, Operation>,
    /// Whether people are there, by their object ids.
    pub(super) presences: SnapshotMap<String, Presence>,
    /// What apps put into activity feeds, oldest first.
    notifications: SnapshotList<activity::Notification>,
}

parts!(Teamwork { teams, operations, presences, notifications } whole { revision });

whole!(Operation, Presence, activity::Notification);

impl Teamwork {
    /// The place of the next change among all.
    pub(crate) fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    /// A channel of a team.
    pub(crate) fn channel(&self, team: &str, channel: &str) -> Option<&Channel> {
        self.teams.get(team)?.channel(channel)
    }

    /// A channel of a team, to be changed.
    pub(crate) fn channel_mut(&mut self, team: &str, channel: &str) -> Option<&mut Channel> {
        self.teams.get_mut(team)?.channels.find_mut(|one| one.id == channel)
    }
}
