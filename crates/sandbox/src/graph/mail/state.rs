//! The mailboxes of a tenant and how they change: every change has a number, which change keys and delta tokens
//! carry (Graph reference §4.3).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::folders::{self, Folder};
use super::settings::Settings;
use super::transport::Transport;
use crate::mail::Item;
use crate::sharing::{Held, SnapshotMap, parts, whole};

/// How many departures a mailbox remembers for delta; an older token is answered with 410.
const REMEMBERED: usize = 20_000;

/// All mail of a tenant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Mail {
    /// By the owner's object id.
    pub(super) mailboxes: SnapshotMap<String, Mailbox>,
    pub(crate) transport: Transport,
    pub(super) uploads: SnapshotMap<String, super::uploads::Upload>,
    /// Who may use another's mailbox.
    pub(crate) rights: Vec<Right>,
    /// `Set-OrganizationConfig -SendFromAliasEnabled`.
    pub(crate) send_from_alias: bool,
    /// What the edge finds of mail from outside, unless the injector says it.
    pub(crate) authentication_results: Option<String>,
}

/// A right over a mailbox, as `Add-MailboxPermission` and `Add-RecipientPermission` give them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Right {
    /// The object id of the mailbox's owner.
    pub(crate) mailbox: String,
    /// The object id of whom it is given to.
    pub(crate) delegate: String,
    pub(crate) access: Access,
}

/// What a right allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Access {
    #[serde(rename = "fullAccess")]
    Full,
    SendAs,
    SendOnBehalf,
}

/// A mailbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Mailbox {
    /// The owner's object id.
    pub(super) owner: String,
    pub(super) folders: SnapshotMap<u64, Folder>,
    /// By their lasting numbers.
    pub(super) messages: SnapshotMap<u64, Held<Message>>,
    /// What left, by the number of the change.
    pub(super) departures: SnapshotMap<u64, Departure>,
    /// The number of the last change.
    pub(super) change: u64,
    /// Delta tokens from before this change have expired.
    pub(super) forgotten: u64,
    pub(super) next_uid: u64,
    pub(super) next_serial: u64,
    pub(super) next_folder: u64,
    pub(super) settings: Settings,
}

/// A message in its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) uid: u64,
    /// Anew at every move: what the ordinary id is made of.
    pub(super) serial: u64,
    pub(super) folder: u64,
    /// The change that brought it into its folder.
    pub(super) arrived: u64,
    /// The last change of it.
    pub(super) change: u64,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) received: Timestamp,
    pub(super) is_draft: bool,
    pub(super) is_read: bool,
    pub(super) is_other: bool,
    /// `followupFlag` as Graph shows it.
    pub(super) flag: Value,
    pub(super) categories: Vec<String>,
    pub(super) item: Held<Item>,
}

/// A message or a folder that is no longer where it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Departure {
    pub(super) change: u64,
    /// The folder that it left, and its serial there; none of a folder that went.
    pub(super) place: Option<(u64, u64)>,
    /// The lasting number of the message, or the number of the folder.
    pub(super) number: u64,
}

parts!(Mail { mailboxes, transport, uploads } whole { rights, send_from_alias, authentication_results });

parts!(Mailbox {
    folders, messages, departures,
} whole {
    owner, change, forgotten, next_uid, next_serial, next_folder, settings,
});

parts!(Message {
    item,
} whole {
    uid, serial, folder, arrived, change, created, modified, received, is_draft, is_read, is_other, flag, categories,
});

whole!(Departure, Folder, Item, super::uploads::Upload);

impl Mail {
    /// The mailbox of a user; it is made when it is first looked at.
    pub(super) fn mailbox(&mut self, owner: &str) -> &mut Mailbox {
        self.mailboxes.get_or_insert_with(&owner.to_owned(), || Mailbox::new(owner))
    }

    /// Whether one of these rights was given.
    pub(super) fn may(&self, delegate: &str, mailbox: &str, access: &[Access]) -> bool {
        self.rights
            .iter()
            .any(|one| one.mailbox == mailbox && one.delegate == delegate && access.contains(&one.access))
    }
}

impl Mailbox {
    pub(super) fn new(owner: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            folders: folders::well_known(),
            messages: SnapshotMap::default(),
            departures: SnapshotMap::default(),
            change: 1,
            forgotten: 0,
            next_uid: 1,
            next_serial: 1,
            next_folder: folders::FIRST_OWN,
            settings: Settings::default(),
        }
    }

    /// The number of a new change.
    pub(super) fn touch(&mut self) -> u64 {
        self.change += 1;
        self.change
    }

    /// Puts a new message into a folder; the answer is its lasting number.
    pub(super) fn add(&mut self, folder: u64, item: Held<Item>, now: Timestamp) -> u64 {
        let change = self.touch();
        let (uid, serial) = (self.next_uid, self.next_serial);
        self.next_uid += 1;
        self.next_serial += 1;
        let message = Message {
            uid,
            serial,
            folder,
            arrived: change,
            change,
            created: now,
            modified: now,
            received: now,
            is_draft: false,
            is_read: false,
            is_other: false,
            flag: json!({ "flagStatus": "notFlagged" }),
            categories: Vec::new(),
            item,
        };
        self.messages.insert(uid, Held::new(message));
        uid
    }

    /// Changes a message in its place.
    pub(super) fn edit(&mut self, uid: u64, now: Timestamp, how: impl FnOnce(&mut Message)) {
        let change = self.touch();
        if let Some(message) = self.messages.get_mut(&uid) {
            let message = message.edit();
            how(message);
            message.change = change;
            message.modified = now;
        }
    }

    /// Moves a message: it leaves its folder and arrives in the other one with a new ordinary id.
    pub(super) fn transfer(&mut self, uid: u64, folder: u64, now: Timestamp) {
        let change = self.touch();
        let serial = self.next_serial;
        let Some(message) = self.messages.get_mut(&uid) else { return };
        self.next_serial += 1;
        let place = (message.folder, message.serial);
        let message = message.edit();
        (message.folder, message.serial) = (folder, serial);
        (message.arrived, message.change, message.modified) = (change, change, now);
        self.depart(Departure { change, place: Some(place), number: uid });
    }

    /// Takes a message out for good.
    pub(super) fn remove(&mut self, uid: u64) -> Option<Held<Message>> {
        let message = self.messages.remove(&uid)?;
        let change = self.touch();
        self.depart(Departure { change, place: Some((message.folder, message.serial)), number: uid });
        Some(message)
    }

    pub(super) fn depart(&mut self, departure: Departure) {
        self.departures.insert(departure.change, departure);
        while self.departures.len() > REMEMBERED {
            let Some(oldest) = self.departures.first().map(|(change, _)| *change) else { return };
            self.departures.remove(&oldest);
            self.forgotten = oldest;
        }
    }

    /// The messages of a folder.
    pub(super) fn within(&self, folder: u64) -> impl Iterator<Item = &Held<Message>> {
        self.messages.values().filter(move |message| message.folder == folder)
    }

    /// The thread that a message belongs to, by the messages that it answers.
    pub(super) fn thread_of(&self, item: &Item) -> Option<crate::mail::Conversation> {
        let named = item.in_reply_to.iter().chain(item.references.iter().rev());
        let ids: Vec<&str> = named.map(String::as_str).collect();
        self.messages
            .values()
            .find(|message| ids.contains(&message.item.message_id.as_str()))
            .map(|message| message.item.conversation.clone())
    }
}

/// What was delivered to the tenant's mailboxes and lies in the inboxes or in junk: the owner, the message's id,
/// when it came, and what it is.
pub(crate) fn delivered(
    tenant: &crate::tenant::Tenant,
) -> impl Iterator<Item = (&str, String, Timestamp, &Item)> {
    tenant.workloads.mail.mailboxes.values().flat_map(|mailbox| {
        let there = mailbox.within(folders::INBOX).chain(mailbox.within(folders::JUNK));
        there.map(move |message| {
            let id = mailbox.id(message, super::ids::IdKind::Ordinary);
            (mailbox.owner.as_str(), id, message.received, &*message.item)
        })
    })
}
