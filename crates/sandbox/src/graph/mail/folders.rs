//! The folders of a mailbox: those that every mailbox has, and how one is found and shown (Graph reference §4.3).

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ids::{self, BadId, Named};
use super::refusals::{foreign_id, malformed_id, no_item};
use super::state::Mailbox;
use crate::graph::error::GraphError;
use crate::sharing::SnapshotMap;

pub(super) const ROOT: u64 = 1;
pub(super) const SENT_ITEMS: u64 = 9;
pub(super) const DELETED_ITEMS: u64 = 10;
pub(super) const OUTBOX: u64 = 11;
pub(super) const INBOX: u64 = 12;
pub(super) const DRAFTS: u64 = 15;
pub(super) const JUNK: u64 = 32;
pub(super) const DELETIONS: u64 = 36;
/// The number of the first folder that a client makes.
pub(super) const FIRST_OWN: u64 = 64;

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Folder {
    pub(super) number: u64,
    /// None of the roots.
    pub(super) parent: Option<u64>,
    pub(super) name: String,
    /// The name that paths may use instead of the id.
    pub(super) well_known: Option<String>,
    pub(super) is_hidden: bool,
    pub(super) created: u64,
    /// The last change of the folder itself.
    pub(super) change: u64,
}

/// Number, well-known name, shown name, parent (0 is none), hidden.
const WELL_KNOWN: [(u64, &str, &str, u64, bool); 17] = [
    (ROOT, "msgfolderroot", "Top of Information Store", 0, false),
    (SENT_ITEMS, "sentitems", "Sent Items", ROOT, false),
    (DELETED_ITEMS, "deleteditems", "Deleted Items", ROOT, false),
    (OUTBOX, "outbox", "Outbox", ROOT, false),
    (INBOX, "inbox", "Inbox", ROOT, false),
    (DRAFTS, "drafts", "Drafts", ROOT, false),
    (JUNK, "junkemail", "Junk Email", ROOT, false),
    (33, "archive", "Archive", ROOT, false),
    (34, "conversationhistory", "Conversation History", ROOT, false),
    (35, "clutter", "Clutter", ROOT, true),
    (DELETIONS, "recoverableitemsdeletions", "Deletions", 0, true),
    (37, "syncissues", "Sync Issues", ROOT, true),
    (38, "conflicts", "Conflicts", 37, true),
    (39, "localfailures", "Local Failures", 37, true),
    (40, "serverfailures", "Server Failures", 37, true),
    (41, "searchfolders", "Search Folders", 0, true),
    (42, "scheduled", "Scheduled", ROOT, true),
];

/// The folders of a new mailbox.
pub(super) fn well_known() -> SnapshotMap<u64, Folder> {
    let folder = |(number, key, name, parent, is_hidden): (u64, &str, &str, u64, bool)| Folder {
        number,
        parent: (parent != 0).then_some(parent),
        name: name.to_owned(),
        well_known: Some(key.to_owned()),
        is_hidden,
        created: 1,
        change: 1,
    };
    WELL_KNOWN.into_iter().map(|one| (one.0, folder(one))).collect()
}

impl Mailbox {
    /// The folder that a path or a body names: by well-known name or by id.
    pub(super) fn folder(&self, name: &str) -> Result<&Folder, GraphError> {
        let by_name = self
            .folders
            .values()
            .find(|folder| folder.well_known.as_deref().is_some_and(|key| key.eq_ignore_ascii_case(name)));
        if let Some(folder) = by_name {
            return Ok(folder);
        }
        match ids::parse(&self.owner, name) {
            Ok(Named::Folder(number)) => self.folders.get(&number).ok_or_else(no_item),
            Ok(_) => Err(no_item()),
            Err(BadId::Foreign) => Err(foreign_id(name)),
            Err(BadId::Malformed) => Err(malformed_id()),
        }
    }

    /// The folders right below one.
    pub(super) fn children(&self, parent: u64) -> impl Iterator<Item = &Folder> {
        self.folders.values().filter(move |folder| folder.parent == Some(parent))
    }

    /// A folder and all below it.
    pub(super) fn subtree(&self, number: u64) -> Vec<u64> {
        let mut all = vec![number];
        let mut at = 0;
        while let Some(parent) = all.get(at).copied() {
            all.extend(self.children(parent).map(|child| child.number));
            at += 1;
        }
        all
    }

    /// 409 if a sibling has that name.
    pub(super) fn check_name(&self, parent: u64, name: &str, except: u64) -> Result<(), GraphError> {
        let is_taken =
            self.children(parent).any(|one| one.name.eq_ignore_ascii_case(name) && one.number != except);
        if is_taken {
            return Err(GraphError::new(
                StatusCode::CONFLICT,
                "ErrorFolderExists",
                "A folder with the specified name already exists.",
            ));
        }
        Ok(())
    }

    /// A new folder; the answer is its number.
    pub(super) fn make_folder(&mut self, parent: u64, name: &str, is_hidden: bool) -> u64 {
        let change = self.touch();
        let number = self.next_folder;
        self.next_folder += 1;
        let folder = Folder {
            number,
            parent: Some(parent),
            name: name.to_owned(),
            well_known: None,
            is_hidden,
            created: change,
            change,
        };
        self.folders.insert(number, folder);
        number
    }

    /// The folder as Graph shows it.
    pub(super) fn shown(&self, folder: &Folder) -> Value {
        let id = |number| ids::folder(&self.owner, number);
        let unread = self.within(folder.number).filter(|message| !message.is_read).count();
        json!({
            "id": id(folder.number),
            "displayName": folder.name,
            "parentFolderId": id(folder.parent.unwrap_or(ROOT)),
            "childFolderCount": self.children(folder.number).filter(|child| !child.is_hidden).count(),
            "unreadItemCount": unread,
            "totalItemCount": self.within(folder.number).count(),
            "isHidden": folder.is_hidden,
        })
    }
}
