//! The drives of a tenant, their items, who they are shared with, and the uploads under way.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::content::{Content, Fragment};
use super::ids;
use crate::sharing::{Part, SnapshotMap, parts, whole};

/// The drives that somebody has opened, by their owner's object id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Drives(pub(super) SnapshotMap<String, Drive>);

/// The OneDrive of a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Drive {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) created: Timestamp,
    /// What the owner's licences allow, in bytes.
    pub(super) total: u64,
    /// By item id; what was deleted stays as a tombstone for delta.
    pub(super) items: SnapshotMap<String, Item>,
    pub(super) uploads: SnapshotMap<String, Upload>,
    /// Counts every change of an item: the delta token.
    pub(super) changes: u64,
}

/// A file or folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) id: String,
    /// The GUID in its tags.
    pub(super) guid: String,
    /// None for the root.
    pub(super) parent: Option<String>,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) created: Timestamp,
    pub(super) created_by: Author,
    pub(super) modified: Timestamp,
    pub(super) modified_by: Author,
    /// What the client says about the file on its own disk.
    pub(super) on_disk: Option<(Timestamp, Timestamp)>,
    /// None for a folder.
    pub(super) file: Option<File>,
    /// Counts the changes of anything: the eTag.
    pub(super) version: u64,
    /// Counts the changes of the content: the cTag.
    pub(super) content_version: u64,
    /// The drive's count when it last changed.
    pub(super) change: u64,
    pub(super) deleted: bool,
    pub(super) permissions: Vec<Permission>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Author {
    pub(super) app_id: String,
    pub(super) user: Option<String>,
}

/// The content of a file and its earlier contents.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) mime_type: String,
    pub(super) content: Content,
    /// Oldest first.
    pub(super) earlier: Vec<Version>,
}

/// An earlier content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    /// `1.0`, `2.0`.
    pub(super) id: String,
    pub(super) content: Content,
    pub(super) modified: Timestamp,
    pub(super) modified_by: Author,
}

/// A sharing permission of an item, or a sharing link.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Permission {
    pub(super) id: String,
    pub(super) role: Role,
    /// The users that it is for; for a link, those who redeemed it.
    pub(super) users: Vec<String>,
    pub(super) link: Option<Link>,
    pub(super) invitation: Option<Invitation>,
    pub(super) expires: Option<Timestamp>,
    pub(super) has_password: bool,
}

/// What a permission lets somebody do, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Role {
    Read,
    Write,
    Owner,
}

/// A sharing link.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Link {
    /// `view` or `edit`.
    pub(super) kind: String,
    /// `anonymous`, `organization` or `users`.
    pub(super) scope: String,
    /// The last part of its URL.
    pub(super) token: String,
}

/// An invitation of somebody by address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Invitation {
    pub(super) email: String,
    pub(super) sign_in_required: bool,
    pub(super) invited_by: Author,
}

/// An upload session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    pub(super) parent: String,
    pub(super) name: String,
    pub(super) conflict: Conflict,
    pub(super) on_disk: Option<(Timestamp, Timestamp)>,
    pub(super) description: Option<String>,
    /// Whether the file waits for an empty POST when all bytes are there.
    pub(super) deferred: bool,
    pub(super) by: Author,
    pub(super) expires: Timestamp,
    /// The size of the whole file, once a fragment said it.
    pub(super) total: Option<u64>,
    pub(super) fragments: Vec<Fragment>,
    /// The item that it made; the session answers to its last fragment a while longer.
    pub(super) done: Option<String>,
}

/// `@microsoft.graph.conflictBehavior`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Conflict {
    Fail,
    Replace,
    Rename,
}

impl Part for Drives {
    fn since(&self, earlier: &Self) -> Option<serde_json::Value> {
        self.0.since(&earlier.0)
    }

    fn take_up(&mut self, change: serde_json::Value) -> Result<(), serde_json::Error> {
        self.0.take_up(change)
    }
}

parts!(Drive { items, uploads } whole { id, owner, created, total, changes });

whole!(Item, Upload);

impl Drive {
    /// A drive with nothing in it. Everything about it follows from its owner, so that opening it twice is
    /// opening it once.
    pub(super) fn new(owner: &str, created: Timestamp) -> Self {
        let id = ids::drive(owner);
        let by = Author { app_id: String::new(), user: Some(owner.to_owned()) };
        let guid = ids::root_guid(owner);
        let root = Item {
            id: ids::item(owner, &guid),
            guid,
            parent: None,
            name: "root".to_owned(),
            description: None,
            created,
            created_by: by.clone(),
            modified: created,
            modified_by: by,
            on_disk: None,
            file: None,
            version: 1,
            content_version: 0,
            change: 1,
            deleted: false,
            permissions: Vec::new(),
        };
        Self {
            id,
            owner: owner.to_owned(),
            created,
            total: 1 << 40,
            items: [(root.id.clone(), root)].into_iter().collect(),
            uploads: SnapshotMap::default(),
            changes: 1,
        }
    }

    /// The folder that everything is in.
    pub(super) fn root_id(&self) -> String {
        ids::item(&self.owner, &ids::root_guid(&self.owner))
    }

    /// An item that is there.
    pub(super) fn item(&self, id: &str) -> Option<&Item> {
        self.items.get(&id.to_ascii_uppercase()).filter(|item| !item.deleted)
    }

    /// The items in a folder, by name.
    pub(super) fn children<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a Item> {
        self.items.values().filter(move |item| !item.deleted && item.parent.as_deref() == Some(folder))
    }

    /// An item by its name in a folder; names compare without regard to case.
    pub(super) fn child(&self, folder: &str, name: &str) -> Option<&Item> {
        let name = name.to_lowercase();
        self.items.values().find(|item| {
            !item.deleted && item.parent.as_deref() == Some(folder) && item.name.to_lowercase() == name
        })
    }

    /// The folders around an item, the nearest first; they may be gone.
    pub(super) fn ancestors<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a Item> {
        let parent = |item: &Item| item.parent.as_ref().and_then(|parent| self.items.get(parent));
        std::iter::successors(parent(item), move |item| parent(item))
    }

    /// Its place below the root: `/a/b.txt`; empty for the root.
    pub(super) fn path(&self, item: &Item) -> String {
        if item.parent.is_none() {
            return String::new();
        }
        let mut names: Vec<&str> =
            self.ancestors(item).filter(|one| one.parent.is_some()).map(|one| one.name.as_str()).collect();
        names.reverse();
        names.push(&item.name);
        names.iter().map(|name| format!("/{name}")).collect()
    }

    /// The bytes of a file, or of everything in a folder.
    pub(super) fn size(&self, item: &Item) -> u64 {
        match &item.file {
            Some(file) => file.content.size(),
            None => self.children(&item.id).map(|child| self.size(child)).sum(),
        }
    }

    /// The bytes of all files.
    pub(super) fn used(&self) -> u64 {
        let files = self.items.values().filter(|item| !item.deleted).filter_map(|item| item.file.as_ref());
        files.map(|file| file.content.size()).sum()
    }

    /// Keeps an item that is new or another than before, and counts the change.
    pub(super) fn keep(&mut self, mut item: Item) {
        self.changes += 1;
        item.change = self.changes;
        self.items.insert(item.id.clone(), item);
    }

    /// The change up to which somebody knows the drive who knew it at that time.
    pub(super) fn change_at(&self, time: Timestamp) -> u64 {
        let later = self.items.values().filter(|item| item.modified > time).map(|item| item.change);
        later.min().map_or(self.changes, |first| first - 1)
    }

    /// Makes tombstones of an item and of everything in it.
    pub(super) fn delete(&mut self, id: &str, now: Timestamp) {
        let inside: Vec<String> = self.children(id).map(|item| item.id.clone()).collect();
        for id in inside {
            self.delete(&id, now);
        }
        self.changes += 1;
        if let Some(item) = self.items.get_mut(id) {
            item.deleted = true;
            item.modified = now;
            item.change = self.changes;
            item.file = None;
            item.permissions.clear();
        }
    }

    /// A name that is free in a folder: `b 1.txt` for `b.txt`.
    pub(super) fn free_name(&self, folder: &str, name: &str) -> String {
        let (stem, ending) = match name.rfind('.') {
            Some(at) if at > 0 => name.split_at(at),
            _ => (name, ""),
        };
        (1_u64..)
            .map(|number| format!("{stem} {number}{ending}"))
            .find(|name| self.child(folder, name).is_none())
            .unwrap_or_default()
    }
}

impl Item {
    /// Whether it is a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.file.is_none()
    }

    /// `"{GUID},3"`.
    pub(super) fn e_tag(&self) -> String {
        format!("\"{{{}}},{}\"", self.guid.to_ascii_uppercase(), self.version)
    }

    /// `"c:{GUID},3"`.
    pub(super) fn c_tag(&self) -> String {
        format!("\"c:{{{}}},{}\"", self.guid.to_ascii_uppercase(), self.content_version)
    }

    /// The id of the content that it has now.
    pub(super) fn version_id(&self) -> String {
        let earlier = self.file.as_ref().map_or(0, |file| file.earlier.len());
        format!("{}.0", earlier + 1)
    }
}

impl Upload {
    /// How many bytes have come in, without a gap from the first.
    pub(super) fn received(&self) -> u64 {
        self.fragments.iter().map(|fragment| fragment.0.len() as u64).sum()
    }
}

impl Permission {
    /// Whether it still holds.
    pub(super) fn is_current(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}
