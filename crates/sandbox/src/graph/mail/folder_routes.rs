//! Folders: list, read, make, rename, move, copy, delete (Graph reference §4.3).

use http::StatusCode;
use serde_json::Value;

use super::access::{Entry, enter};
use super::changes::{self, note_folder};
use super::folders::{DELETED_ITEMS, Folder, ROOT};
use super::ids;
use super::messages::destination;
use super::query::{Options, Surface, compare, options};
use super::refusals::{bad, denied, no_item};
use super::state::{Departure, Mailbox};
use crate::changes::Change;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};

/// What a folder has.
pub(super) const PROPERTIES: &[&str] = &[
    "id",
    "displayName",
    "parentFolderId",
    "childFolderCount",
    "unreadItemCount",
    "totalItemCount",
    "isHidden",
];
const COLLECTION: Surface = Surface {
    type_name: "mailFolder",
    options: &["filter", "orderby", "select", "expand", "count", "top", "skip"],
    properties: PROPERTIES,
    expandable: &["childFolders"],
};
const OBJECT: Surface = Surface { options: &["select", "expand"], ..COLLECTION };

/// `GET …/mailFolders` and `GET …/mailFolders/{folder}/childFolders`.
pub(super) fn list(call: &mut Call<'_>) -> Answer {
    let mut options = options(call, &COLLECTION)?;
    let with_hidden =
        call.request.query("includeHiddenFolders").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let entry = enter(call)?;
    options.prefer(call, entry.preferences.page);
    let named = call.params.get("folder").to_owned();
    let mailbox = entry.look(call)?;
    let (parent, context) = if named.is_empty() {
        (ROOT, "mailFolders".to_owned())
    } else {
        let folder = mailbox.folder(&named)?;
        (folder.number, format!("mailFolders('{}')/childFolders", ids::folder(&entry.owner, folder.number)))
    };
    let mut found: Vec<Value> = mailbox
        .children(parent)
        .filter(|folder| with_hidden || !folder.is_hidden)
        .map(|folder| mailbox.shown_with(folder, &options))
        .filter(|shown| options.filter.as_ref().is_none_or(|filter| filter.matches(shown)))
        .collect();
    match options.order.first() {
        Some((path, descending)) => found.sort_by(|left, right| {
            let ordering = compare(path.of(left), path.of(right));
            if *descending { ordering.reverse() } else { ordering }
        }),
        None => found.sort_by_key(|shown| shown["displayName"].as_str().unwrap_or_default().to_lowercase()),
    }
    let response = options.page(call, &entry.context(&context), found.len(), |at| {
        selected(found[at].clone(), options.select.as_deref())
    });
    Ok(entry.applied(response))
}

impl Mailbox {
    fn shown_with(&self, folder: &Folder, options: &Options) -> Value {
        let mut shown = self.shown(folder);
        if !options.expand.is_empty() {
            let children = self.children(folder.number).filter(|child| !child.is_hidden);
            shown["childFolders"] = children.map(|child| self.shown(child)).collect();
        }
        shown
    }
}

/// What `$select` leaves; the id always.
pub(super) fn selected(shown: Value, select: Option<&[String]>) -> Value {
    let (Some(select), Value::Object(fields)) = (select, &shown) else { return shown };
    let keeps = |name: &str| {
        name.starts_with('@')
            || name == "id"
            || name == "childFolders"
            || select.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(name))
    };
    fields.iter().filter(|(name, _)| keeps(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// `GET …/mailFolders/{folder}`.
pub(super) fn get(call: &mut Call<'_>) -> Answer {
    let options = options(call, &OBJECT)?;
    let entry = enter(call)?;
    let number = named(call, &entry)?;
    let mailbox = entry.mailbox(call);
    let folder = mailbox.folders.get(&number).ok_or_else(no_item)?;
    let shown = selected(mailbox.shown_with(folder, &options), options.select.as_deref());
    let context = entry.context(&format!("mailFolders{}", options.selected()));
    Ok(entry.applied(call.ok(&call.with_context(&context, shown))))
}

/// The folder that the path names; below another one, if the path says so.
fn named(call: &mut Call<'_>, entry: &Entry) -> Result<u64, GraphError> {
    let (folder, child) = (call.params.get("folder").to_owned(), call.params.get("child").to_owned());
    let mailbox = entry.mailbox(call);
    let number = mailbox.folder(&folder)?.number;
    if child.is_empty() {
        return Ok(number);
    }
    let child = mailbox.folder(&child)?;
    if child.parent == Some(number) { Ok(child.number) } else { Err(no_item()) }
}

fn answer(call: &mut Call<'_>, entry: &Entry, number: u64, status: StatusCode) -> Answer {
    let mailbox = entry.mailbox(call);
    let shown = mailbox.folders.get(&number).map(|folder| mailbox.shown(folder)).ok_or_else(no_item)?;
    let id = shown["id"].as_str().unwrap_or_default().to_owned();
    let whole = call.with_context(&entry.context("mailFolders"), shown);
    if status == StatusCode::CREATED {
        return Ok(call.created(&format!("/users/{}/mailFolders/{id}", entry.owner), &whole));
    }
    Ok(call.ok(&whole))
}

fn name_in(body: &serde_json::Map<String, Value>) -> Result<Option<String>, GraphError> {
    let Some((_, value)) = body.iter().find(|(key, _)| key.eq_ignore_ascii_case("displayName")) else {
        return Ok(None);
    };
    let name = value.as_str().map(str::trim).filter(|name| !name.is_empty() && name.chars().count() <= 255);
    name.map(|name| Some(name.to_owned())).ok_or_else(|| {
        bad("ErrorInvalidArgument", "The folder's displayName is a text of 1 to 255 characters.")
    })
}

/// `POST …/mailFolders` and `POST …/mailFolders/{folder}/childFolders`.
pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let body = call.body()?;
    if body.get("@odata.type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("mailSearchFolder"))
    {
        return Err(super::refusals::not_emulated("search folders"));
    }
    let name = name_in(&body)?
        .ok_or_else(|| bad("ErrorInvalidRequest", "The property 'displayName' is required for a folder."))?;
    let is_hidden = body.get("isHidden").and_then(Value::as_bool).unwrap_or(false);
    let parent = if call.params.get("folder").is_empty() { ROOT } else { named(call, &entry)? };
    let mailbox = entry.mailbox(call);
    mailbox.check_name(parent, &name, 0)?;
    let number = mailbox.make_folder(parent, &name, is_hidden);
    note_folder(call.tenant, &entry.owner, &ids::folder(&entry.owner, number), Change::created);
    answer(call, &entry, number, StatusCode::CREATED)
}

/// `PATCH …/mailFolders/{folder}`.
pub(super) fn update(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let number = named(call, &entry)?;
    let name = name_in(&call.body()?)?;
    if let Some(name) = name {
        let mailbox = entry.mailbox(call);
        let folder = mailbox.folders.get(&number).ok_or_else(no_item)?.clone();
        if folder.well_known.is_some() {
            return Err(denied());
        }
        mailbox.check_name(folder.parent.unwrap_or(ROOT), &name, number)?;
        change(mailbox, number, |folder| folder.name = name);
        note_folder(call.tenant, &entry.owner, &ids::folder(&entry.owner, number), Change::updated);
    }
    answer(call, &entry, number, StatusCode::OK)
}

fn change(mailbox: &mut Mailbox, number: u64, how: impl FnOnce(&mut Folder)) {
    let change = mailbox.touch();
    if let Some(folder) = mailbox.folders.get_mut(&number) {
        how(folder);
        folder.change = change;
    }
}

/// `POST …/mailFolders/{folder}/move`.
pub(super) fn relocate(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let number = named(call, &entry)?;
    let target = destination(call, &entry)?;
    place(call, &entry, number, target)?;
    answer(call, &entry, number, StatusCode::CREATED)
}

fn place(call: &mut Call<'_>, entry: &Entry, number: u64, target: u64) -> Result<(), GraphError> {
    let mailbox = entry.mailbox(call);
    let folder = mailbox.folders.get(&number).ok_or_else(no_item)?.clone();
    if folder.well_known.is_some() {
        return Err(bad("ErrorMoveDistinguishedFolder", "Distinguished folders cannot be moved."));
    }
    if mailbox.subtree(number).contains(&target) {
        return Err(bad("ErrorMoveCopyFailed", "A folder can't be moved into itself."));
    }
    mailbox.check_name(target, &folder.name, number)?;
    change(mailbox, number, |folder| folder.parent = Some(target));
    note_folder(call.tenant, &entry.owner, &ids::folder(&entry.owner, number), Change::updated);
    Ok(())
}

/// `POST …/mailFolders/{folder}/copy`: with all that is in it.
pub(super) fn copy(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let number = named(call, &entry)?;
    let target = destination(call, &entry)?;
    let mailbox = entry.mailbox(call);
    let tree = mailbox.subtree(number);
    let name = mailbox.folders.get(&number).map(|folder| folder.name.clone()).unwrap_or_default();
    if tree.contains(&target) {
        return Err(bad("ErrorMoveCopyFailed", "A folder can't be copied into itself."));
    }
    mailbox.check_name(target, &name, 0)?;
    let mut made = std::collections::BTreeMap::new();
    for old in tree {
        let mailbox = entry.mailbox(call);
        let Some(folder) = mailbox.folders.get(&old).cloned() else { continue };
        let parent = folder.parent.and_then(|parent| made.get(&parent).copied()).filter(|_| old != number);
        let new = mailbox.make_folder(parent.unwrap_or(target), &folder.name, folder.is_hidden);
        made.insert(old, new);
        let inside: Vec<_> = mailbox.within(old).cloned().collect();
        note_folder(call.tenant, &entry.owner, &ids::folder(&entry.owner, new), Change::created);
        for original in inside {
            changes::place(call.tenant, &entry.owner, new, original.item.clone(), call.now, |message| {
                message.received = original.received;
                (message.is_draft, message.is_read) = (original.is_draft, original.is_read);
            });
        }
    }
    let new = made.get(&number).copied().unwrap_or(number);
    answer(call, &entry, new, StatusCode::CREATED)
}

/// `DELETE …/mailFolders/{folder}`: into Deleted Items, from there for good.
pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let number = named(call, &entry)?;
    let mailbox = entry.mailbox(call);
    if mailbox.folders.get(&number).is_some_and(|folder| folder.well_known.is_some()) {
        return Err(bad("ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted."));
    }
    if mailbox.subtree(DELETED_ITEMS).contains(&number) {
        remove(call, &entry, number);
        return Ok(call.no_content());
    }
    // A name that is taken there gets a number.
    let name = mailbox.folders.get(&number).map(|folder| folder.name.clone()).unwrap_or_default();
    let free = (0..).map(|at| if at == 0 { name.clone() } else { format!("{name} ({at})") });
    let taken = |name: &String| mailbox.check_name(DELETED_ITEMS, name, number).is_err();
    let name = free.into_iter().find(|name| !taken(name)).unwrap_or(name);
    change(mailbox, number, |folder| {
        (folder.name, folder.parent) = (name, Some(DELETED_ITEMS));
    });
    note_folder(call.tenant, &entry.owner, &ids::folder(&entry.owner, number), Change::updated);
    Ok(call.no_content())
}

/// `POST …/mailFolders/{folder}/permanentDelete`.
pub(super) fn delete_for_good(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let number = named(call, &entry)?;
    let is_well_known =
        entry.mailbox(call).folders.get(&number).is_some_and(|folder| folder.well_known.is_some());
    if is_well_known {
        return Err(bad("ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted."));
    }
    remove(call, &entry, number);
    Ok(call.no_content())
}

fn remove(call: &mut Call<'_>, entry: &Entry, number: u64) {
    let tree = entry.mailbox(call).subtree(number);
    for folder in tree.into_iter().rev() {
        let inside: Vec<u64> = entry.mailbox(call).within(folder).map(|message| message.uid).collect();
        for uid in inside {
            changes::remove(call.tenant, &entry.owner, uid);
        }
        let mailbox = entry.mailbox(call);
        mailbox.folders.remove(&folder);
        let change = mailbox.touch();
        mailbox.depart(Departure { change, place: None, number: folder });
        note_folder(call.tenant, &entry.owner, &ids::folder(&entry.owner, folder), Change::deleted);
    }
}
