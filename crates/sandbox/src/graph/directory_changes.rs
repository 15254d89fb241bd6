//! Notes what happened to users, groups, applications and service principals, as Graph tells it: what is soft-deleted
//! or restored was updated, and only what is gone for good was deleted. The journal keeps the order, for delta queries;
//! of users and groups there are notifications too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::changes::{Change, ChangeKind};
use crate::sharing::{SnapshotMap, parts, whole};
use crate::tenant::Tenant;

/// When objects changed last, by object id; what never did since it was there from the start is not in it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Journal {
    /// The number of the last change.
    pub(crate) last: u64,
    pub(crate) users: SnapshotMap<String, Mark>,
    pub(crate) groups: SnapshotMap<String, Mark>,
    pub(crate) applications: SnapshotMap<String, Mark>,
    pub(crate) service_principals: SnapshotMap<String, Mark>,
}

parts!(Journal { users, groups, applications, service_principals } whole { last });

whole!(Mark);

/// The last change of an object.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) number: u64,
    /// A group's members that came or went: in which change, and whether they came.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) members: BTreeMap<String, (u64, bool)>,
}

impl Tenant {
    pub(crate) fn user_changed(&mut self, kind: ChangeKind, id: &str) {
        self.changed(Change::new(kind, format!("users/{id}"), "#microsoft.graph.user"));
        let journal = &mut self.workloads.journal;
        journal.last += 1;
        journal.users.get_or_insert_with(&id.to_owned(), Mark::default).number = journal.last;
    }

    pub(crate) fn group_changed(&mut self, kind: ChangeKind, id: &str) {
        self.changed(Change::new(kind, format!("groups/{id}"), "#microsoft.graph.group"));
        let journal = &mut self.workloads.journal;
        journal.last += 1;
        journal.groups.get_or_insert_with(&id.to_owned(), Mark::default).number = journal.last;
    }

    pub(crate) fn application_changed(&mut self, id: &str) {
        let journal = &mut self.workloads.journal;
        journal.last += 1;
        journal.applications.get_or_insert_with(&id.to_owned(), Mark::default).number = journal.last;
    }

    pub(crate) fn principal_changed(&mut self, id: &str) {
        let journal = &mut self.workloads.journal;
        journal.last += 1;
        journal.service_principals.get_or_insert_with(&id.to_owned(), Mark::default).number = journal.last;
    }

    /// Somebody came into a group or went, in the group's last change.
    pub(crate) fn member_changed(&mut self, group: &str, member: &str, came: bool) {
        let journal = &mut self.workloads.journal;
        let mark = journal.groups.get_or_insert_with(&group.to_owned(), Mark::default);
        mark.members.insert(member.to_owned(), (journal.last, came));
    }
}
