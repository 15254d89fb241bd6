//! What can be subscribed to: the resource strings, the paths of the changes that each covers, the permission
//! that it takes, and its limits (Graph reference §6.1).

use crate::graph::path::{Params, Path, Pattern};
use crate::graph::{Area, Needs};

/// Which service tells of the changes; each has its own spelling and its own pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Workload {
    Outlook,
    Teams,
    Presence,
    Directory,
    Drive,
}

/// One form of resource string.
pub(crate) struct Watchable {
    pattern: &'static str,
    /// The paths of the changes; `{name}` is the parameter, `*` any one segment, `**` any rest.
    watches: &'static [&'static str],
    /// What the subscriber has to be able to read, as a path; its answer tells whether it is there.
    reads: Option<&'static str>,
    pub(crate) workload: Workload,
    pub(crate) needs: Needs,
    /// Minutes that a subscription may last.
    longest: i64,
    /// The same with resource data; none if there is none to be had.
    longest_rich: Option<i64>,
    pub(crate) quota: Quota,
}

/// How many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quota {
    /// One of an app to the resource.
    PerResource,
    /// Ten to the resource.
    TenPerUser,
    /// A thousand to the mailbox, over all apps.
    Mailbox,
    /// A hundred of an app in the tenant.
    Directory,
    Unlimited,
}

impl Watchable {
    pub(crate) fn area(&self) -> Area {
        match self.workload {
            Workload::Outlook => Area::Outlook,
            Workload::Teams | Workload::Presence => Area::Teams,
            Workload::Directory | Workload::Drive => Area::Directory,
        }
    }

    /// The longest time in minutes; none if resource data is asked for and cannot be had.
    pub(crate) fn longest(&self, is_rich: bool) -> Option<i64> {
        if is_rich { self.longest_rich } else { Some(self.longest) }
    }

    /// Whether a lifecycle URL is demanded beyond one hour.
    pub(crate) fn demands_lifecycle(&self) -> bool {
        self.workload == Workload::Teams
    }

    /// The watched paths with the parameters filled in.
    pub(crate) fn watches(&self, params: &Params) -> Vec<String> {
        self.watches.iter().map(|path| fill(path, params)).collect()
    }

    /// What the subscriber has to be able to read.
    pub(crate) fn reads(&self, params: &Params) -> Option<String> {
        self.reads.map(|path| fill(path, params))
    }
}

fn fill(path: &str, params: &Params) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => params.get(name).to_owned(),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// The form that a path has, with its parameters; `segments` without `me`.
pub(crate) fn find(path: &Path) -> Option<(&'static Watchable, Params)> {
    WATCHABLES.iter().find_map(|one| Some((one, Pattern::new(one.pattern).matches(&path.segments)?)))
}

/// Whether Graph has subscriptions to it and the sandbox has not.
pub(crate) fn is_known_elsewhere(path: &Path) -> bool {
    const ELSEWHERE: [&str; 12] = [
        "/communications/callRecords",
        "/communications/onlineMeetings/{x}",
        "/print/printers/{x}/jobs",
        "/print/taskDefinitions/{x}/tasks",
        "/security/alerts",
        "/sites/{x}/lists/{x}",
        "/users/{x}/todo/lists/{x}/tasks",
        "/groups/{x}/conversations",
        "/groups/{x}/threads",
        "/teams/{x}/schedule/shifts",
        "/appCatalogs/teamsApps",
        "/users/{x}/onlineMeetings/getAllRecordings",
    ];
    ELSEWHERE.iter().any(|pattern| Pattern::new(pattern).matches(&path.segments).is_some())
}

/// Whether a change at that path is one of a watched path.
pub(crate) fn covers(watched: &str, changed: &str) -> bool {
    let (mut watched, mut changed) = (watched.split('/'), changed.split('/'));
    loop {
        match (watched.next(), changed.next()) {
            (Some("**"), _) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(one), Some(other)) if one.eq_ignore_ascii_case(other) => {}
            _ => return false,
        }
    }
}

const MAIL: Needs = Needs::split(
    &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"],
    &["Mail.ReadBasic", "Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite"],
);
const CALENDAR: Needs = Needs::either(&["Calendars.Read", "Calendars.ReadWrite"]);
const CONTACTS: Needs = Needs::either(&["Contacts.Read", "Contacts.ReadWrite"]);
const CHAT: Needs = Needs::split(&["Chat.Read", "Chat.ReadWrite"], &["Chat.Read.All", "Chat.ReadWrite.All"]);
const ALL_CHATS: Needs = Needs::split(&[], &["Chat.Read.All", "Chat.ReadWrite.All"]);
const CHAT_BASIC: Needs = Needs::split(
    &["Chat.ReadBasic", "Chat.Read", "Chat.ReadWrite"],
    &["Chat.ReadBasic.All", "Chat.Read.All", "Chat.ReadWrite.All"],
);
const CHAT_MEMBERS: Needs = Needs::split(
    &["ChatMember.Read", "ChatMember.ReadWrite", "Chat.ReadBasic", "Chat.Read", "Chat.ReadWrite"],
    &[
        "ChatMember.Read.All",
        "ChatMember.ReadWrite.All",
        "Chat.ReadBasic.All",
        "Chat.Read.All",
        "Chat.ReadWrite.All",
    ],
);
const ALL_CHATS_BASIC: Needs =
    Needs::split(&[], &["Chat.ReadBasic.All", "Chat.Read.All", "Chat.ReadWrite.All"]);
const ALL_CHAT_MEMBERS: Needs = Needs::split(
    &[],
    &["ChatMember.Read.All", "ChatMember.ReadWrite.All", "Chat.ReadBasic.All", "Chat.Read.All"],
);
const CHANNEL: Needs = Needs::either(&["ChannelMessage.Read.All"]);
const ALL_CHANNELS: Needs = Needs::split(&[], &["ChannelMessage.Read.All"]);
const TEAM: Needs = Needs::either(&["Team.ReadBasic.All", "TeamSettings.Read.All"]);
const TEAM_MEMBERS: Needs = Needs::either(&["TeamMember.Read.All"]);
const PRESENCE: Needs = Needs::either(&["Presence.Read.All"]);
const USERS: Needs = Needs::either(&["User.Read.All", "User.ReadWrite.All", "Directory.Read.All"]);
const GROUPS: Needs = Needs::either(&["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"]);
const FILES: Needs = Needs::split(&["Files.ReadWrite", "Files.ReadWrite.All"], &["Files.ReadWrite.All"]);

const fn outlook(
    pattern: &'static str,
    watches: &'static [&'static str],
    reads: Option<&'static str>,
    needs: Needs,
) -> Watchable {
    Watchable {
        pattern,
        watches,
        reads,
        workload: Workload::Outlook,
        needs,
        longest: 10_080,
        longest_rich: Some(1_440),
        quota: Quota::Mailbox,
    }
}

const fn teams(
    pattern: &'static str,
    watches: &'static [&'static str],
    reads: Option<&'static str>,
    needs: Needs,
    quota: Quota,
) -> Watchable {
    Watchable {
        pattern,
        watches,
        reads,
        workload: Workload::Teams,
        needs,
        longest: 4_320,
        longest_rich: Some(4_320),
        quota,
    }
}

const fn presence(pattern: &'static str, watches: &'static [&'static str]) -> Watchable {
    Watchable {
        pattern,
        watches,
        reads: None,
        workload: Workload::Presence,
        needs: PRESENCE,
        longest: 60,
        longest_rich: Some(60),
        quota: Quota::Unlimited,
    }
}

const fn directory(
    pattern: &'static str,
    watches: &'static [&'static str],
    reads: Option<&'static str>,
    needs: Needs,
) -> Watchable {
    Watchable {
        pattern,
        watches,
        reads,
        workload: Workload::Directory,
        needs,
        longest: 41_760,
        longest_rich: None,
        quota: Quota::Directory,
    }
}

const fn drive(pattern: &'static str, watches: &'static [&'static str]) -> Watchable {
    Watchable {
        pattern,
        watches,
        reads: None,
        workload: Workload::Drive,
        needs: FILES,
        longest: 42_300,
        longest_rich: None,
        quota: Quota::Unlimited,
    }
}

const WATCHABLES: [Watchable; 27] = [
    outlook(
        "/users/{user}/messages",
        &["users/{user}/messages/*"],
        Some("/users/{user}/mailFolders/inbox"),
        MAIL,
    ),
    outlook(
        "/users/{user}/mailFolders/{folder}/messages",
        &["users/{user}/mailFolders/{folder}/messages/*"],
        Some("/users/{user}/mailFolders/{folder}"),
        MAIL,
    ),
    outlook("/users/{user}/events", &["users/{user}/events/*"], None, CALENDAR),
    outlook("/users/{user}/calendar/events", &["users/{user}/events/*"], None, CALENDAR),
    outlook("/users/{user}/contacts", &["users/{user}/contacts/*"], None, CONTACTS),
    teams("/chats/getAllMessages", &["chats/*/messages/*"], None, ALL_CHATS, Quota::PerResource),
    teams("/chats/getAllMembers", &["chats/*/members/*"], None, ALL_CHAT_MEMBERS, Quota::PerResource),
    teams(
        "/chats/{chat}/messages",
        &["chats/{chat}/messages/*"],
        Some("/chats/{chat}"),
        CHAT,
        Quota::PerResource,
    ),
    teams(
        "/chats/{chat}/members",
        &["chats/{chat}/members/*"],
        Some("/chats/{chat}"),
        CHAT_MEMBERS,
        Quota::PerResource,
    ),
    teams("/chats/{chat}", &["chats/{chat}"], Some("/chats/{chat}"), CHAT_BASIC, Quota::PerResource),
    teams("/chats", &["chats/*"], None, ALL_CHATS_BASIC, Quota::PerResource),
    teams(
        "/users/{user}/chats/getAllMessages",
        &["users/{user}/chats/*/messages/*"],
        None,
        CHAT,
        Quota::TenPerUser,
    ),
    teams("/users/{user}/chats", &["users/{user}/chats/*"], None, CHAT_BASIC, Quota::TenPerUser),
    teams(
        "/teams/getAllMessages",
        &["teams/*/channels/*/messages/*", "teams/*/channels/*/messages/*/replies/*"],
        None,
        ALL_CHANNELS,
        Quota::PerResource,
    ),
    teams(
        "/teams/{team}/channels/{channel}/messages",
        &[
            "teams/{team}/channels/{channel}/messages/*",
            "teams/{team}/channels/{channel}/messages/*/replies/*",
        ],
        Some("/teams/{team}/channels/{channel}"),
        CHANNEL,
        Quota::PerResource,
    ),
    teams("/teams/{team}/channels", &["teams/{team}/channels/*"], None, TEAM, Quota::PerResource),
    teams("/teams/{team}/members", &["teams/{team}/members/*"], None, TEAM_MEMBERS, Quota::PerResource),
    teams("/teams/{team}", &["teams/{team}"], None, TEAM, Quota::PerResource),
    teams("/teams", &["teams/*"], None, TEAM, Quota::PerResource),
    presence(
        "/communications/presences/{user}",
        &["communications/presences/{user}", "users/{user}/presence"],
    ),
    presence("/communications/presences", &["communications/presences/*", "users/*/presence"]),
    directory("/users", &["users/*"], None, USERS),
    directory("/users/{user}", &["users/{user}"], Some("/users/{user}"), USERS),
    directory("/groups", &["groups/*"], None, GROUPS),
    directory("/groups/{group}", &["groups/{group}"], None, GROUPS),
    // `…/root`, as paths of drives are read.
    drive("/users/{user}/drive/items/root", &["users/{user}/drive/**"]),
    drive("/drives/{drive}/items/root", &["drives/{drive}/**"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watched_path_covers_what_is_directly_below() {
        for (watched, changed, covered) in [
            ("users/u/messages/*", "Users/U/Messages/m", true),
            ("users/u/messages/*", "users/u/messages", false),
            ("users/u/messages/*", "users/u/messages/m/attachments/a", false),
            ("users/u/messages/*", "users/v/messages/m", false),
            ("chats/*/messages/*", "chats/19:a@thread.v2/messages/1", true),
            ("users/u/drive/**", "users/u/drive/items/1", true),
            ("users/*", "users/u", true),
            ("users/*", "users/u/messages/m", false),
        ] {
            assert_eq!(covers(watched, changed), covered, "{watched} {changed}");
        }
    }

    #[test]
    fn the_forms_of_a_resource_string_are_told_apart() {
        let find = |text: &str| {
            let path = Path::parse(&format!("/v1.0/{text}")).unwrap();
            find(&path).map(|(one, params)| one.watches(&params))
        };
        for text in ["users('u')/mailFolders('inbox')/messages", "users/u/mailfolders/inbox/messages"] {
            assert_eq!(find(text).unwrap(), ["users/u/mailFolders/inbox/messages/*"], "{text}");
        }
        assert_eq!(find("chats/getAllMessages").unwrap(), ["chats/*/messages/*"]);
        assert_eq!(find("chats/19:x").unwrap(), ["chats/19:x"]);
        assert_eq!(find("users/u/drive/root").unwrap(), ["users/u/drive/**"]);
        assert_eq!(find("drives/d/root").unwrap(), ["drives/d/**"]);
        assert!(find("users/u/nonsense").is_none());
    }
}
