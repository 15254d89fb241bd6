//! Microsoft Graph: one module a resource. Each declares its routes in the table, with their permissions.

mod agent_limits;
mod agent_versions;
mod applications;
mod audit_logs;
mod batch;
mod binary;
#[cfg(test)]
mod book_tests;
mod call;
mod cascades;
mod chat_messages;
mod chats;
mod cross_origin;
mod deleted_items;
mod derived;
mod directory_changes;
mod directory_delta;
mod directory_objects;
mod directory_roles;
mod dispatch;
pub(crate) mod domains;
pub(crate) mod drives;
mod error;
mod front;
pub(crate) mod groups;
mod insider;
mod instants;
mod invitations;
mod known;
mod listing;
pub(crate) mod mail;
mod managers;
mod model;
mod odata;
#[cfg(test)]
#[path = "../../tests/oracle/mod.rs"]
mod oracle;
#[cfg(test)]
mod oracle_tests;
mod organization;
mod path;
mod payload;
mod permission_grants;
mod permissions;
mod policies;
mod presence;
mod properties;
pub(crate) mod quota;
mod references;
mod role_assignments;
mod route;
mod service_principals;
mod sites;
pub(crate) mod subscriptions;
#[cfg(test)]
mod table_tests;
mod tags;
mod teams;
mod teamwork;
pub(crate) mod throttling;
mod upsert;
mod users;

use serde::{Deserialize, Serialize};

use crate::directory::Foreign;
use crate::sharing::{SnapshotMap, parts, whole};

pub(crate) use audit_logs::{Audit, user_initiator};
pub(crate) use cross_origin::readable;
#[cfg(test)]
pub(crate) use dispatch::answer_at_once;
pub(crate) use dispatch::{answer, answer_address, is_address, no_such_version, read_as, too_large};
pub(crate) use error::GraphError;
pub(crate) use groups::Group;
pub(crate) use insider::{Insider, perform};
pub(crate) use mail::{Announcement, announce};
pub(crate) use odata::Filter;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use odata::{withstand_filter, withstand_query};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use path::withstand_path;
pub(crate) use path::{Path, is_other_version};
pub(crate) use permissions::{Permission, permission, permission_of_role, permissions};
pub(crate) use policies::Asking;
pub(crate) use route::{Area, Needs, Routes};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use subscriptions::withstand_certificate;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use users::withstand_photo;

/// What arbitrary text of `$search` must not break, in the directory and in a mailbox.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_search(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    odata::withstand_search(&text);
    mail::withstand_search(&text);
}

/// The state of workloads that only Graph looks at.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Workloads {
    pub(crate) mail: mail::Mail,
    pub(crate) chats: chats::Chats,
    pub(crate) teamwork: teamwork::Teamwork,
    pub(crate) drives: drives::Drives,
    pub(crate) groups: groups::Groups,
    pub(crate) audits: audit_logs::Audits,
    pub(crate) policies: policies::Policies,
    pub(crate) quota: quota::Quota,
    /// Applications of other tenants that have a principal here, by app id in lower case.
    pub(crate) foreign: SnapshotMap<String, Foreign>,
    pub(crate) directory_roles: directory_roles::DirectoryRoles,
    pub(crate) profiles: users::profile::Profiles,
    pub(crate) subscriptions: subscriptions::Subscriptions,
    pub(crate) journal: directory_changes::Journal,
    /// Whether v1.0 does not know agents yet.
    pub(crate) has_agents_in_beta_only: bool,
    /// Deletions that others are to follow.
    pub(crate) cascades: Vec<cascades::Cascade>,
}

parts!(Workloads {
    mail, chats, teamwork, drives, groups, audits, quota, foreign, profiles, subscriptions, journal,
} whole {
    policies, directory_roles, has_agents_in_beta_only, cascades,
});

whole!(Foreign);

/// The whole table.
pub(crate) fn routes() -> Routes {
    let resources = [
        applications::routes(),
        service_principals::routes(),
        permission_grants::routes(),
        role_assignments::routes(),
        users::routes(),
        invitations::routes(),
        groups::routes(),
        policies::routes(),
        directory_roles::routes(),
        directory_objects::routes(),
        directory_delta::routes(),
        organization::routes(),
        domains::routes(),
        deleted_items::routes(),
        chats::routes(),
        chat_messages::routes(),
        drives::routes(),
        sites::routes(),
        teams::routes(),
        teamwork::routes(),
        presence::routes(),
        audit_logs::routes(),
        subscriptions::routes(),
        mail::routes(),
    ];
    Routes::new(resources.into_iter().flatten().collect())
}
