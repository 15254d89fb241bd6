//! Answers and forwards, as drafts and at once (Graph reference §4.2): the thread goes on, the subject gets its
//! mark, and the original is quoted below.

use http::StatusCode;
use serde_json::{Map, Value};

use super::access::{Entry, enter};
use super::folders::DRAFTS;
use super::input::{Marks, Purpose, apply, recipients};
use super::messages::{answer, keep_draft, locate};
use super::recipients::addresses;
use super::refusals::{bad, no_item};
use super::send::{is_mime, mime, submit};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::mail::{Address, Body, Item, escape};

/// How a message goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reply,
    ReplyAll,
    Forward,
}

/// `POST …/messages/{message}/createReply`.
pub(super) fn create_reply(call: &mut Call<'_>) -> Answer {
    create(call, Kind::Reply)
}

/// `POST …/messages/{message}/createReplyAll`.
pub(super) fn create_reply_all(call: &mut Call<'_>) -> Answer {
    create(call, Kind::ReplyAll)
}

/// `POST …/messages/{message}/createForward`.
pub(super) fn create_forward(call: &mut Call<'_>) -> Answer {
    create(call, Kind::Forward)
}

/// `POST …/messages/{message}/reply`.
pub(super) fn reply(call: &mut Call<'_>) -> Answer {
    send(call, Kind::Reply)
}

/// `POST …/messages/{message}/replyAll`.
pub(super) fn reply_all(call: &mut Call<'_>) -> Answer {
    send(call, Kind::ReplyAll)
}

/// `POST …/messages/{message}/forward`.
pub(super) fn forward(call: &mut Call<'_>) -> Answer {
    send(call, Kind::Forward)
}

fn create(call: &mut Call<'_>, kind: Kind) -> Answer {
    let entry = enter(call)?;
    let (item, marks) = compose(call, &entry, kind)?;
    let uid = keep_draft(call, &entry, DRAFTS, item, marks);
    answer(call, &entry, uid, StatusCode::CREATED)
}

fn send(call: &mut Call<'_>, kind: Kind) -> Answer {
    let entry = enter(call)?;
    let (item, _) = compose(call, &entry, kind)?;
    submit(call, &entry, item, true, None)
}

fn compose(call: &mut Call<'_>, entry: &Entry, kind: Kind) -> Result<(Item, Marks), GraphError> {
    let uid = locate(call, entry)?;
    let original = entry.mailbox(call).messages.get(&uid).cloned().ok_or_else(no_item)?;
    let mut item = continued(call, entry, &original.item, kind);
    if is_mime(call) {
        let given = mime(call)?;
        let item = Item {
            conversation: item.conversation,
            in_reply_to: item.in_reply_to,
            references: item.references,
            ..given
        };
        return Ok((item, Marks::default()));
    }
    let body = if call.request.body.is_empty() { Map::new() } else { call.body()? };
    let part =
        |name: &str| body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let message = match part("message") {
        None | Some(Value::Null) => None,
        Some(Value::Object(message)) => Some(message),
        Some(_) => return Err(super::refusals::wrong_value("Message")),
    };
    let has =
        |name: &str| message.is_some_and(|message| message.keys().any(|key| key.eq_ignore_ascii_case(name)));
    let comment = match part("comment") {
        None | Some(Value::Null) => None,
        Some(Value::String(comment)) => Some(comment.as_str()),
        Some(_) => return Err(super::refusals::wrong_value("Comment")),
    };
    if comment.is_some_and(|comment| !comment.is_empty()) && has("body") {
        return Err(bad(
            "ErrorInvalidArgument",
            "Specify either a comment or the body of the message, not both.",
        ));
    }
    if let Some(to) = part("toRecipients").filter(|to| !to.is_null()) {
        if kind != Kind::Forward {
            return Err(bad(
                "RequestBodyRead",
                "The parameter 'ToRecipients' in the request payload is not a valid parameter for the operation 'reply'.",
            ));
        }
        if has("toRecipients") {
            return Err(bad(
                "ErrorInvalidArgument",
                "Specify the recipients either as toRecipients or in the message, not both.",
            ));
        }
        item.to = recipients("toRecipients", to)?;
    }
    item.body = quoted(comment.unwrap_or_default(), &original.item);
    let marks = match message {
        Some(message) => apply(&mut item, message, Purpose::Create, call.now)?,
        None => Marks::default(),
    };
    Ok((item, marks))
}

/// The next message of the thread, without its own words.
fn continued(call: &Call<'_>, entry: &Entry, original: &Item, kind: Kind) -> Item {
    let mark = if kind == Kind::Forward { "FW:" } else { "RE:" };
    let is_marked = original.subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(mark));
    let subject = if is_marked {
        original.subject.clone()
    } else {
        format!("{mark} {}", original.subject).trim_end().to_owned()
    };
    let own: Vec<String> = call
        .tenant
        .users
        .get(&entry.owner)
        .map(|user| addresses(call.tenant, user, call.now))
        .unwrap_or_default();
    let is_own = |address: &Address| own.iter().any(|one| address.is(one));
    let author: Vec<Address> = match () {
        () if !original.reply_to.is_empty() => original.reply_to.clone(),
        // Who answers their own message writes to those to whom it went.
        () if original.from.as_ref().is_some_and(is_own) => original.to.clone(),
        () => original.from.iter().cloned().collect(),
    };
    let mut references = original.references.clone();
    references.push(original.message_id.clone());
    let mut item = Item {
        subject,
        from: call
            .tenant
            .users
            .get(&entry.owner)
            .map(|user| super::recipients::address_of(call.tenant, user, call.now)),
        in_reply_to: Some(original.message_id.clone()),
        references,
        conversation: original.conversation.answer(call.now),
        importance: original.importance,
        ..Item::default()
    };
    match kind {
        Kind::Reply => item.to = author,
        Kind::ReplyAll => {
            item.to = author;
            let others = |list: &[Address], known: &[Address]| -> Vec<Address> {
                list.iter()
                    .filter(|one| !is_own(one) && !known.iter().any(|known| known.is(&one.address)))
                    .cloned()
                    .collect()
            };
            let more = others(&original.to, &item.to);
            item.to.extend(more);
            item.cc = others(&original.cc, &item.to);
        }
        Kind::Forward => item.attachments.clone_from(&original.attachments),
    }
    item.sender.clone_from(&item.from);
    item
}

/// The comment, and below it the original.
fn quoted(comment: &str, original: &Item) -> Body {
    let shown = |address: &Address| format!("{} <{}>", address.name, address.address);
    let list = |list: &[Address]| list.iter().map(shown).collect::<Vec<_>>().join("; ");
    let sent = original.sent.map(|sent| sent.strftime("%A, %B %-d, %Y %-I:%M:%S %p").to_string());
    let mut lines = vec![
        ("From", list(original.from.as_slice())),
        ("Sent", sent.unwrap_or_default()),
        ("To", list(&original.to)),
    ];
    if !original.cc.is_empty() {
        lines.push(("Cc", list(&original.cc)));
    }
    lines.push(("Subject", original.subject.clone()));
    if !original.body.is_html {
        let head: Vec<String> = lines.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let line = "_".repeat(32);
        let content =
            format!("{comment}\r\n{line}\r\n{}\r\n\r\n{}", head.join("\r\n"), original.body.content);
        return Body { is_html: false, content };
    }
    let head: Vec<String> =
        lines.iter().map(|(name, value)| format!("<b>{name}:</b> {}", escape(value))).collect();
    let content = format!(
        "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head><body>\
         {comment}\r\n<hr tabindex=\"-1\" style=\"display:inline-block; width:98%\">\r\n\
         <div id=\"divRplyFwdMsg\" dir=\"ltr\"><font face=\"Calibri, sans-serif\" color=\"#000000\" style=\"font-size:11pt\">\
         {}</font><div>&nbsp;</div></div>\r\n{}\r\n</body></html>",
        head.join("<br>\r\n"),
        original.body.content,
    );
    Body { is_html: true, content }
}
