//! The table of limits, as documented (Graph reference §4.1, §5.4, §5.5, §6.1, §7.1). A request counts for the
//! first row that it matches, and for the row of all requests. Paths are written without the user that a chat
//! or a mailbox is reached through: `/me/chats` and `/users/{id}/chats` are `/chats`; `*` is one part.

use super::limit::Per::{App, AppAndTenant, Mailbox, Person, Place, Tenant, User};
use super::limit::{Limit, Of};
use super::refusal::Words;
use crate::graph::route::Area;

/// Requests that share limits.
#[derive(Debug)]
pub(super) struct Row {
    /// The area that they have to be in, if any.
    pub(super) area: Option<Area>,
    /// Method and path.
    pub(super) requests: &'static [&'static str],
    pub(super) limits: &'static [Limit],
    /// How a refusal reads.
    pub(super) words: Words,
}

/// Every request, of every service.
pub(super) const ALL: Row = row(&["**"], &[Limit::requests(App, 130_000, 10)], Words::Directory);

/// The rows, in the order in which they are asked.
pub(super) const ROWS: &[Row] = &[
    // Conditional access: one request a second in the whole tenant.
    row(&["* /identity/conditionalAccess/**"], &[Limit::requests(Tenant, 1, 1)], Words::NoTime),
    // Audit logs.
    row(&["GET /auditLogs/**"], &[Limit::requests(AppAndTenant, 5, 10)], Words::Directory),
    // Subscriptions.
    row(&["GET /subscriptions"], &every_20_seconds(40, 25), Words::Directory),
    row(&["GET /subscriptions/*"], &every_20_seconds(2_000, 500), Words::Directory),
    row(&["POST /subscriptions/*/reauthorize"], &every_20_seconds(4_000, 1_000), Words::Directory),
    row(&["* /subscriptions", "* /subscriptions/*"], &every_20_seconds(2_000, 500), Words::Directory),
    // Presence.
    row(
        &["* /presence", "* /presence/*", "* /communications/**"],
        &[Limit::requests(AppAndTenant, 10_000, 30)],
        Words::Teams,
    ),
    // Chats.
    row(&["GET /chats"], &[each(App, 200), each(AppAndTenant, 20), each(User, 1)], Words::Teams),
    row(
        &[
            "GET /chats/getAllMessages",
            "GET /chats/getAllMessages/*",
            "GET /teams/*/channels/getAllMessages**",
        ],
        &[each(App, 1_000), each(AppAndTenant, 200)],
        Words::Teams,
    ),
    row(
        &["GET /chats/*"],
        &[each(App, 2_000), each(AppAndTenant, 200), each(Place, 1), each(User, 5)],
        Words::Teams,
    ),
    row(&["POST /chats"], &[each(App, 200), each(AppAndTenant, 20)], Words::Teams),
    row(&["PATCH /chats/*"], &[each(App, 300), each(AppAndTenant, 30), each(Place, 1)], Words::Teams),
    row(&["DELETE /chats/*"], &[each(App, 10), each(AppAndTenant, 1), each(Place, 1)], Words::Teams),
    row(
        &["GET /chats/*/messages", "GET /chats/*/messages/*"],
        &[each(App, 200), each(AppAndTenant, 20), each(Place, 1)],
        Words::Teams,
    ),
    row(
        &["POST /chats/*/messages", "POST /chats/*/messages/replyWithQuote"],
        &[each(App, 200), each(AppAndTenant, 20), each(Place, 1), each(User, 1)],
        Words::Teams,
    ),
    row(
        &["PATCH /chats/*/messages/*"],
        &[each(App, 300), each(AppAndTenant, 30), each(Place, 1)],
        Words::Teams,
    ),
    row(
        &["POST /chats/*/messages/*/softDelete", "POST /chats/*/messages/*/undoSoftDelete"],
        &[each(App, 300), each(AppAndTenant, 30), each(Place, 1)],
        Words::Teams,
    ),
    row(
        &["GET /chats/*/messages/*/hostedContents", "GET /chats/*/messages/*/hostedContents/*"],
        &[each(App, 500), each(AppAndTenant, 50), each(Place, 1)],
        Words::Teams,
    ),
    row(
        &["GET /chats/*/messages/*/hostedContents/*/$value"],
        &[each(App, 600), each(AppAndTenant, 60), each(Place, 1)],
        Words::Teams,
    ),
    row(
        &["POST /chats/*/members", "POST /chats/*/members/add", "DELETE /chats/*/members/*"],
        &[each(App, 300), each(AppAndTenant, 30), Limit::requests(Place, 4, 60)],
        Words::Teams,
    ),
    row(
        &["POST **/sendActivityNotification"],
        &[each(App, 50), each(AppAndTenant, 5), each(Place, 1)],
        Words::Teams,
    ),
    // Channels and teams.
    row(
        &[
            "GET /teams/*/channels/*/messages",
            "GET /teams/*/channels/*/messages/*",
            "GET /teams/*/channels/*/messages/*/replies",
            "GET /teams/*/channels/*/messages/*/replies/*",
        ],
        &[each(App, 200), each(AppAndTenant, 20), each(Place, 1)],
        Words::Teams,
    ),
    row(
        &["POST /teams/*/channels/*/messages", "POST /teams/*/channels/*/messages/*/replies"],
        &[each(App, 500), each(AppAndTenant, 50), each(Place, 1), each(User, 1)],
        Words::Teams,
    ),
    row(&["GET /teams/*"], &[each(App, 1_500), each(AppAndTenant, 30), each(Place, 4)], Words::Teams),
    of(
        Area::Teams,
        &["GET **"],
        &[each(App, 1_500), each(AppAndTenant, 30), each(Place, 1), each(User, 1)],
        Words::Teams,
    ),
    of(
        Area::Teams,
        &["DELETE **"],
        &[each(App, 150), each(AppAndTenant, 15), each(Place, 1), each(User, 1)],
        Words::Teams,
    ),
    of(
        Area::Teams,
        &["**"],
        &[each(App, 300), each(AppAndTenant, 30), each(Place, 1), each(User, 1)],
        Words::Teams,
    ),
    // Files: SharePoint's resource units.
    of(Area::Files, &["**"], FILES, Words::SharePoint),
    // Guests.
    row(&["* /invitations"], &[Limit::requests(Tenant, 150, 5)], Words::Directory),
    // Mailboxes, photos among what is in them.
    of(Area::Outlook, &["**"], OUTLOOK, Words::Outlook),
    row(&["* /photo", "* /photo/$value"], OUTLOOK, Words::Outlook),
    // The directory: resource units, and writes.
    of(Area::Directory, &["**"], DIRECTORY, Words::Directory),
];

const OUTLOOK: &[Limit] = &[
    Limit::requests(Mailbox, 4, 0).of(Of::AtOnce),
    Limit::requests(Mailbox, 10_000, 600),
    Limit::requests(Mailbox, 150 * 1024 * 1024, 300).of(Of::Bytes),
];

/// For a tenant of up to a thousand licences (Microsoft: "Avoid getting throttled or blocked in SharePoint Online").
const FILES: &[Limit] = &[
    Limit::requests(AppAndTenant, 1_200, 60).of(Of::Units),
    Limit::requests(AppAndTenant, 1_200_000, 86_400).of(Of::Units),
    Limit::requests(Person, 3_000, 300),
    Limit::requests(Tenant, 18_750, 300).of(Of::Units),
];

const DIRECTORY: &[Limit] = &[
    Limit::requests(AppAndTenant, 3_500, 10).or_larger(5_000, 8_000).of(Of::Units),
    Limit::requests(AppAndTenant, 3_000, 150).of(Of::Writes),
    Limit::requests(App, 150_000, 20).of(Of::Units),
    Limit::requests(App, 35_000, 300).of(Of::Writes),
    Limit::requests(Tenant, 18_000, 300).of(Of::Writes),
];

/// What a request to the directory costs in resource units; what is not listed costs one.
pub(super) const COSTS: &[(&str, u32)] = &[
    ("GET /users", 2),
    ("GET /applications", 2),
    ("GET /subscribedSkus", 3),
    ("GET /oauth2PermissionGrants", 2),
    ("GET /oauth2PermissionGrants/*", 2),
    ("GET **/appRoleAssignments", 2),
    ("GET **/licenseDetails", 2),
    ("GET **/memberOf", 2),
    ("GET **/transitiveMemberOf", 2),
    ("POST /directoryObjects/getByIds", 5),
    ("GET /groups/*/members", 3),
    ("GET /groups/*/transitiveMembers", 5),
    ("POST **/checkMemberGroups", 4),
    ("POST **/checkMemberObjects", 4),
    ("POST **/getMemberGroups", 2),
    ("POST **/getMemberObjects", 2),
];

/// Files: what asks about sharing costs five units.
pub(super) const OF_SHARING: &[&str] = &[
    "* **/permissions",
    "* **/permissions/*",
    "POST **/createLink",
    "POST **/invite",
    "GET /shares/*/permission",
];

/// Files: what reads many items costs two units.
pub(super) const OF_MANY: &[&str] = &[
    "GET **/children",
    "GET **/search/*",
    "GET **/delta",
    "GET **/recent",
    "GET **/sharedWithMe",
    "GET **/versions",
    "GET **/drives",
];

const fn row(requests: &'static [&'static str], limits: &'static [Limit], words: Words) -> Row {
    Row { area: None, requests, limits, words }
}

const fn of(area: Area, requests: &'static [&'static str], limits: &'static [Limit], words: Words) -> Row {
    Row { area: Some(area), requests, limits, words }
}

const fn each(per: super::limit::Per, most: u32) -> Limit {
    Limit::a_second(per, most)
}

const fn every_20_seconds(app: u32, app_and_tenant: u32) -> [Limit; 2] {
    [Limit::requests(App, app, 20), Limit::requests(AppAndTenant, app_and_tenant, 20)]
}
