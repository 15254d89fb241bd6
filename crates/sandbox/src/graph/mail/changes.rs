//! What happens to messages and folders, noted for subscriptions (Graph reference §6.1): by the message's own path
//! and by those of its folder, well-known name included.

use jiff::Timestamp;

use super::ids::IdKind;
use super::state::{Mailbox, Message};
use crate::changes::Change;
use crate::mail::Item;
use crate::sharing::Held;
use crate::tenant::Tenant;

const MESSAGE: &str = "#microsoft.graph.message";
const FOLDER: &str = "#microsoft.graph.mailFolder";

/// Puts a message into a folder of a user's mailbox; `how` finishes it before anybody sees it.
pub(super) fn place(
    tenant: &mut Tenant,
    owner: &str,
    folder: u64,
    item: Held<Item>,
    now: Timestamp,
    how: impl FnOnce(&mut Message),
) -> u64 {
    let mailbox = tenant.workloads.mail.mailbox(owner);
    let uid = mailbox.add(folder, item, now);
    if let Some(message) = mailbox.messages.get_mut(&uid) {
        how(message.edit());
    }
    note(tenant, owner, uid, Change::created);
    uid
}

/// Changes a message.
pub(super) fn edit(
    tenant: &mut Tenant,
    owner: &str,
    uid: u64,
    now: Timestamp,
    how: impl FnOnce(&mut Message),
) {
    tenant.workloads.mail.mailbox(owner).edit(uid, now, how);
    note(tenant, owner, uid, Change::updated);
}

/// Moves a message to another folder; `how` changes it on the way.
pub(super) fn transfer(
    tenant: &mut Tenant,
    owner: &str,
    uid: u64,
    folder: u64,
    now: Timestamp,
    how: impl FnOnce(&mut Message),
) {
    note(tenant, owner, uid, Change::deleted);
    let mailbox = tenant.workloads.mail.mailbox(owner);
    mailbox.transfer(uid, folder, now);
    if let Some(message) = mailbox.messages.get_mut(&uid) {
        how(message.edit());
    }
    note(tenant, owner, uid, Change::created);
}

/// Takes a message out for good.
pub(super) fn remove(tenant: &mut Tenant, owner: &str, uid: u64) {
    note(tenant, owner, uid, Change::deleted);
    tenant.workloads.mail.mailbox(owner).remove(uid);
}

fn note(tenant: &mut Tenant, owner: &str, uid: u64, kind: fn(String, &'static str) -> Change) {
    let mailbox = tenant.workloads.mail.mailbox(owner);
    let Some(message) = mailbox.messages.get(&uid) else { return };
    let id = mailbox.id(message, IdKind::Ordinary);
    let mut change = kind(format!("users/{owner}/messages/{id}"), MESSAGE);
    for folder in names(mailbox, message.folder) {
        change = change.also(format!("users/{owner}/mailFolders/{folder}/messages/{id}"));
    }
    tenant.changed(change);
}

/// Notes what happened to a folder.
pub(super) fn note_folder(
    tenant: &mut Tenant,
    owner: &str,
    id: &str,
    kind: fn(String, &'static str) -> Change,
) {
    tenant.changed(kind(format!("users/{owner}/mailFolders/{id}"), FOLDER));
}

/// What a folder is called in paths: by its id, and by its well-known name if it has one.
fn names(mailbox: &Mailbox, number: u64) -> Vec<String> {
    let well_known = mailbox.folders.get(&number).and_then(|folder| folder.well_known.clone());
    [super::ids::folder(&mailbox.owner, number)].into_iter().chain(well_known).collect()
}

impl super::state::Mail {}
