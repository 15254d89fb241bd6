//! Messages: list, read, draft, change, delete, move and copy (Graph reference §4.2, §4.3).

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::access::{Entry, enter};
use super::changes;
use super::folders::{DELETED_ITEMS, DELETIONS, DRAFTS, ROOT};
use super::ids::{self, BadId, Named};
use super::input::{Marks, Purpose, apply};
use super::query::{Options, Surface, compare, options};
use super::refusals::{bad, foreign_id, malformed_id, no_item};
use super::send::{is_mime, mime};
use super::state::{Mailbox, Message};
use super::transport::message_id;
use super::wire::{self, View};
use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::tags;
use crate::mail::{Conversation, Item, compose};
use crate::sharing::Held;

const COLLECTION: Surface = Surface {
    type_name: "message",
    options: &["filter", "orderby", "select", "expand", "search", "count", "top", "skip"],
    properties: wire::PROPERTIES,
    expandable: EXPANDABLE,
};
const OBJECT: Surface = Surface {
    type_name: "message",
    options: &["select", "expand"],
    properties: wire::PROPERTIES,
    expandable: EXPANDABLE,
};
const COUNT: Surface = Surface { options: &["filter", "search"], ..COLLECTION };
const EXPANDABLE: &[&str] = &["attachments", "singleValueExtendedProperties"];

/// The message that the path names, in the folder that it names, if it names one.
pub(super) fn locate(call: &mut Call<'_>, entry: &Entry) -> Result<u64, GraphError> {
    let (id, folder) = (call.params.get("message").to_owned(), call.params.get("folder").to_owned());
    let mailbox = entry.mailbox(call);
    let uid = mailbox.find(&id)?;
    if !folder.is_empty() {
        let folder = mailbox.folder(&folder)?.number;
        if mailbox.messages.get(&uid).is_none_or(|message| message.folder != folder) {
            return Err(no_item());
        }
    }
    Ok(uid)
}

/// The message, if it is a draft.
pub(super) fn draft(call: &mut Call<'_>, entry: &Entry, uid: u64) -> Result<Held<Message>, GraphError> {
    let message = entry.mailbox(call).messages.get(&uid).cloned().ok_or_else(no_item)?;
    if !message.is_draft {
        return Err(bad(
            "ErrorInvalidOperation",
            "The operation can't be performed because the message isn't a draft.",
        ));
    }
    Ok(message)
}

impl Mailbox {
    /// The lasting number of the message that an id names.
    pub(super) fn find(&self, id: &str) -> Result<u64, GraphError> {
        match ids::parse(&self.owner, id) {
            Ok(Named::Lasting(uid)) => Some(uid).filter(|uid| self.messages.contains_key(uid)),
            Ok(Named::Placed(serial)) => {
                self.messages.values().find(|message| message.serial == serial).map(|message| message.uid)
            }
            Ok(Named::Folder(_)) => None,
            Err(BadId::Foreign) => return Err(foreign_id(id)),
            Err(BadId::Malformed) => return Err(malformed_id()),
        }
        .ok_or_else(no_item)
    }

    /// What a query finds, in its order; in one folder or in all that a person sees.
    fn select(&self, folder: Option<u64>, options: &Options) -> Vec<&Held<Message>> {
        let seen = match folder {
            Some(folder) => vec![folder],
            None => self.subtree(ROOT),
        };
        let mut found: Vec<_> =
            self.messages.values().filter(|message| seen.contains(&message.folder)).collect();
        if let Some(search) = &options.search {
            found.retain(|message| search.finds(message));
        }
        if let Some(filter) = &options.filter {
            found.retain(|message| filter.matches(&self.lean(message)));
        }
        found.sort_by_key(|message| std::cmp::Reverse((message.received, message.uid)));
        if !options.order.is_empty() {
            let mut keyed: Vec<_> = found
                .into_iter()
                .map(|message| {
                    let lean = self.lean(message);
                    let keys = options.order.iter().map(|(path, _)| path.of(&lean).clone());
                    (keys.collect::<Vec<Value>>(), message)
                })
                .collect();
            keyed.sort_by(|(left, _), (right, _)| {
                let orderings =
                    left.iter().zip(right).zip(&options.order).map(|((left, right), (_, descending))| {
                        let ordering = compare(left, right);
                        if *descending { ordering.reverse() } else { ordering }
                    });
                orderings.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
            });
            found = keyed.into_iter().map(|(_, message)| message).collect();
        }
        found
    }

    /// A message with what `$expand` adds.
    pub(super) fn expanded(&self, message: &Message, view: &View, options: &Options) -> Value {
        let mut value = self.render(message, view);
        for (name, inside) in &options.expand {
            if name.eq_ignore_ascii_case("attachments") && !view.is_basic {
                let with_content = !inside.to_ascii_lowercase().contains("$select");
                value["attachments"] = json!(self.attachments(message, view.ids, with_content));
            } else if name.eq_ignore_ascii_case("singleValueExtendedProperties") && !view.is_basic {
                let inside = inside.to_ascii_lowercase();
                let wants = |id: &str| inside.contains(&format!("'{}'", id.to_ascii_lowercase()));
                let found = wire::extended(&message.item, wants);
                if found.as_array().is_some_and(|found| !found.is_empty()) {
                    value["singleValueExtendedProperties"] = found;
                }
            }
        }
        value
    }
}

/// `GET …/messages`.
pub(super) fn list(call: &mut Call<'_>) -> Answer {
    let mut options = options(call, &COLLECTION)?;
    let entry = enter(call)?;
    options.prefer(call, entry.preferences.page);
    let folder = folder_of(call, &entry)?;
    let view = View::of(&entry, options.select.as_ref());
    let context = entry.context(&match folder {
        Some(folder) => format!("mailFolders('{}')/messages", ids::folder(&entry.owner, folder)),
        None => "messages".to_owned(),
    });
    let mailbox = entry.look(call)?;
    let found = mailbox.select(folder, &options);
    let response =
        options.page(call, &context, found.len(), |at| mailbox.expanded(found[at], &view, &options));
    Ok(entry.applied(response))
}

/// `GET …/messages/$count`.
pub(super) fn count(call: &mut Call<'_>) -> Answer {
    let options = options(call, &COUNT)?;
    let entry = enter(call)?;
    let folder = folder_of(call, &entry)?;
    let count = entry.mailbox(call).select(folder, &options).len();
    Ok(plain(count.to_string().into_bytes()))
}

fn folder_of(call: &mut Call<'_>, entry: &Entry) -> Result<Option<u64>, GraphError> {
    let folder = call.params.get("folder").to_owned();
    if folder.is_empty() {
        return Ok(None);
    }
    Ok(Some(entry.mailbox(call).folder(&folder)?.number))
}

fn plain(body: Vec<u8>) -> Response {
    Response { body: body.into(), ..Response::empty(StatusCode::OK) }.with(CONTENT_TYPE, "text/plain")
}

/// `GET …/messages/{message}`.
pub(super) fn get(call: &mut Call<'_>) -> Answer {
    let options = options(call, &OBJECT)?;
    let entry = enter(call)?;
    let uid = locate(call, &entry)?;
    let view = View::of(&entry, options.select.as_ref());
    let mailbox = entry.mailbox(call);
    let message = mailbox.messages.get(&uid).ok_or_else(no_item)?;
    let value = mailbox.expanded(message, &view, &options);
    let context = entry.context(&format!("messages{}", options.selected()));
    Ok(entry.applied(call.ok(&call.with_context(&context, value))))
}

/// `GET …/messages/{message}/$value`: the MIME.
pub(super) fn value(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let uid = locate(call, &entry)?;
    let message = entry.mailbox(call).messages.get(&uid).cloned().ok_or_else(no_item)?;
    Ok(plain(compose(&message.item).0.to_vec()))
}

/// The answer with one message of the mailbox.
pub(super) fn answer(call: &mut Call<'_>, entry: &Entry, uid: u64, status: StatusCode) -> Answer {
    let mut view = View::of(entry, None);
    let mailbox = entry.mailbox(call);
    let message = mailbox.messages.get(&uid).ok_or_else(no_item)?;
    // What a client just wrote comes back as it was written.
    view.body = view.body.or(Some(if message.item.body.is_html {
        super::access::BodyKind::Html
    } else {
        super::access::BodyKind::Text
    }));
    let value = mailbox.render(message, &view);
    let id = value["id"].as_str().unwrap_or_default().to_owned();
    let whole = call.with_context(&entry.context("messages"), value);
    let response = if status == StatusCode::CREATED {
        call.created(&format!("/users/{}/messages/{id}", entry.owner), &whole)
    } else {
        call.ok(&whole)
    };
    Ok(entry.applied(response))
}

/// `POST …/messages`: a draft.
pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let folder = folder_of(call, &entry)?.unwrap_or(DRAFTS);
    let (item, marks) = if is_mime(call) {
        (mime(call)?, Marks::default())
    } else {
        let mut item = Item::default();
        let marks = apply(&mut item, &call.body()?, Purpose::Create, call.now)?;
        (item, marks)
    };
    let uid = keep_draft(call, &entry, folder, item, marks);
    answer(call, &entry, uid, StatusCode::CREATED)
}

/// Puts a draft into a folder.
pub(super) fn keep_draft(
    call: &mut Call<'_>,
    entry: &Entry,
    folder: u64,
    mut item: Item,
    marks: Marks,
) -> u64 {
    let now = call.now;
    if item.conversation.is_none() {
        item.conversation = Conversation::begin(*uuid::Uuid::new_v4().as_bytes(), now);
    }
    if item.message_id.is_empty() {
        item.message_id = message_id(&entry.owner, entry.mailbox(call).next_uid, now);
    }
    changes::place(call.tenant, &entry.owner, folder, Held::new(item), now, |message| {
        (message.is_draft, message.is_read) = (true, true);
        marks.put(message);
    })
}

/// `PATCH …/messages/{message}`.
pub(super) fn update(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let uid = locate(call, &entry)?;
    check_unchanged(call, &entry, uid)?;
    let message = entry.mailbox(call).messages.get(&uid).cloned().ok_or_else(no_item)?;
    let purpose = if message.is_draft { Purpose::Edit } else { Purpose::Mark };
    let mut item = (*message.item).clone();
    let marks = apply(&mut item, &call.body()?, purpose, call.now)?;
    if item != *message.item {
        item.mime = None;
    }
    changes::edit(call.tenant, &entry.owner, uid, call.now, |message| {
        message.item = Held::new(item);
        marks.put(message);
    });
    answer(call, &entry, uid, StatusCode::OK)
}

/// 412 if the message is no longer as `If-Match` has it.
pub(super) fn check_unchanged(call: &mut Call<'_>, entry: &Entry, uid: u64) -> Result<(), GraphError> {
    let Some(wanted) = call.request.header("if-match").map(str::to_owned) else { return Ok(()) };
    let mailbox = entry.mailbox(call);
    let change = mailbox.messages.get(&uid).map_or(0, |message| message.change);
    let key = ids::change_key(&entry.owner, change);
    if tags::names(&wanted, &[&key]) {
        return Ok(());
    }
    Err(GraphError::new(
        StatusCode::PRECONDITION_FAILED,
        "ErrorIrresolvableConflict",
        "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.",
    ))
}

/// `DELETE …/messages/{message}`: to Deleted Items, from there to the recoverable items, and then it is gone.
pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let uid = locate(call, &entry)?;
    check_unchanged(call, &entry, uid)?;
    let mailbox = entry.mailbox(call);
    let folder = mailbox.messages.get(&uid).map_or(0, |message| message.folder);
    let target = match () {
        () if folder == DELETIONS => None,
        () if mailbox.subtree(DELETED_ITEMS).contains(&folder) => Some(DELETIONS),
        () => Some(DELETED_ITEMS),
    };
    match target {
        Some(target) => changes::transfer(call.tenant, &entry.owner, uid, target, call.now, |_| {}),
        None => changes::remove(call.tenant, &entry.owner, uid),
    }
    Ok(call.no_content())
}

/// `POST …/messages/{message}/permanentDelete`.
pub(super) fn delete_for_good(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let uid = locate(call, &entry)?;
    changes::remove(call.tenant, &entry.owner, uid);
    Ok(call.no_content())
}

/// `POST …/messages/{message}/move`.
pub(super) fn relocate(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let uid = locate(call, &entry)?;
    let target = destination(call, &entry)?;
    changes::transfer(call.tenant, &entry.owner, uid, target, call.now, |_| {});
    answer(call, &entry, uid, StatusCode::CREATED)
}

/// `POST …/messages/{message}/copy`.
pub(super) fn copy(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let uid = locate(call, &entry)?;
    let target = destination(call, &entry)?;
    let original = entry.mailbox(call).messages.get(&uid).cloned().ok_or_else(no_item)?;
    let item = original.item.clone();
    let copied = changes::place(call.tenant, &entry.owner, target, item, call.now, |message| {
        message.received = original.received;
        (message.is_draft, message.is_read) = (original.is_draft, original.is_read);
        message.is_other = original.is_other;
        message.flag.clone_from(&original.flag);
        message.categories.clone_from(&original.categories);
    });
    answer(call, &entry, copied, StatusCode::CREATED)
}

/// The folder that a body's `destinationId` names.
pub(super) fn destination(call: &mut Call<'_>, entry: &Entry) -> Result<u64, GraphError> {
    let body = call.body()?;
    let named = body.iter().find(|(name, _)| name.eq_ignore_ascii_case("destinationId"));
    let Some(id) = named.and_then(|(_, value)| value.as_str()).map(str::to_owned) else {
        return Err(bad("ErrorInvalidRequest", "The parameter 'DestinationId' is required."));
    };
    Ok(entry.mailbox(call).folder(&id)?.number)
}
