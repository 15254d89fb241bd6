//! From a client's JSON to a message (Graph reference §4.1): properties by name, in any case, and refusals in
//! Exchange's words.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::refusals::{bad, not_emulated, wrong_value};
use super::state::Message;
use crate::graph::binary::binary;
use crate::graph::error::GraphError;
use crate::mail::{Address, Attached, Attachment, Body, Extended, Header, Importance, Item};

/// How many custom headers a message may have.
const MOST_HEADERS: usize = 5;

/// What a body said of a message, besides what travels with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    pub(super) is_read: Option<bool>,
    pub(super) is_other: Option<bool>,
    pub(super) flag: Option<Value>,
    pub(super) categories: Option<Vec<String>>,
}

impl Marks {
    pub(super) fn put(self, message: &mut Message) {
        message.is_read = self.is_read.unwrap_or(message.is_read);
        message.is_other = self.is_other.unwrap_or(message.is_other);
        message.flag = self.flag.unwrap_or_else(|| message.flag.clone());
        message.categories = self.categories.unwrap_or_else(|| std::mem::take(&mut message.categories));
    }
}

/// What may be done with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Everything may be set.
    Create,
    /// Drafts: all but headers and attachments.
    Edit,
    /// What was sent or received: marks only.
    Mark,
}

/// Puts a body's properties onto a message.
pub(super) fn apply(
    item: &mut Item,
    body: &Map<String, Value>,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Marks, GraphError> {
    let mut marks = Marks::default();
    for (name, value) in body {
        let key = name.to_ascii_lowercase();
        if key.starts_with("@odata.") || key.contains("@odata.") {
            continue;
        }
        let content = [
            "subject",
            "body",
            "torecipients",
            "ccrecipients",
            "bccrecipients",
            "replyto",
            "from",
            "sender",
            "importance",
            "isdeliveryreceiptrequested",
            "isreadreceiptrequested",
            "internetmessageid",
        ];
        // Exchange lets these change on what was delivered too.
        let stays_open = ["subject", "body", "importance"];
        if purpose == Purpose::Mark && content.contains(&key.as_str()) && !stays_open.contains(&key.as_str())
        {
            return Err(bad(
                "ErrorInvalidPropertySet",
                "The requested operation is not allowed on a message that isn't a draft.",
            ));
        }
        match key.as_str() {
            "subject" => item.subject = one_line(&text(name, value)?),
            "body" => item.body = body_of(value)?,
            "importance" => {
                item.importance = Importance::parse(&text(name, value)?).ok_or_else(|| wrong_value(name))?;
            }
            "from" => item.from = recipient(name, value)?,
            "sender" => item.sender = recipient(name, value)?,
            "torecipients" => item.to = recipients(name, value)?,
            "ccrecipients" => item.cc = recipients(name, value)?,
            "bccrecipients" => item.bcc = recipients(name, value)?,
            "replyto" => item.reply_to = recipients(name, value)?,
            "isdeliveryreceiptrequested" => item.delivery_receipt = flag(name, value)?,
            "isreadreceiptrequested" => item.read_receipt = flag(name, value)?,
            "internetmessageid" => item.message_id = one_line(&text(name, value)?),
            "internetmessageheaders" if purpose == Purpose::Create => item.headers = headers(value)?,
            "attachments" if purpose == Purpose::Create => {
                for one in list(name, value)? {
                    add_attachment(item, one, now)?;
                }
            }
            "singlevalueextendedproperties" => extend(item, name, value)?,
            "isread" => marks.is_read = Some(flag(name, value)?),
            "categories" => marks.categories = Some(texts(name, value)?),
            "flag" => marks.flag = Some(follow_up(value)?),
            "inferenceclassification" => {
                marks.is_other = Some(match text(name, value)?.to_ascii_lowercase().as_str() {
                    "focused" => false,
                    "other" => true,
                    _ => return Err(wrong_value(name)),
                });
            }
            "internetmessageheaders" | "attachments" => {
                return Err(bad(
                    "ErrorInvalidPropertySet",
                    format!("The property '{name}' can only be set when the message is created."),
                ));
            }
            "multivalueextendedproperties" | "extensions" => {
                return Err(not_emulated(&format!("'{name}' of a message")));
            }
            // Graph passes over what only the server sets.
            "id"
            | "changekey"
            | "createddatetime"
            | "lastmodifieddatetime"
            | "receiveddatetime"
            | "sentdatetime"
            | "hasattachments"
            | "bodypreview"
            | "parentfolderid"
            | "conversationid"
            | "conversationindex"
            | "weblink"
            | "isdraft"
            | "uniquebody" => {}
            _ => {
                return Err(bad(
                    "RequestBodyRead",
                    format!(
                        "The property '{name}' does not exist on type 'microsoft.graph.message'. Make sure to only use property names that are defined by the type."
                    ),
                ));
            }
        }
    }
    Ok(marks)
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

fn text(name: &str, value: &Value) -> Result<String, GraphError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        _ => Err(wrong_value(name)),
    }
}

fn flag(name: &str, value: &Value) -> Result<bool, GraphError> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::Null => Ok(false),
        _ => Err(wrong_value(name)),
    }
}

fn list<'a>(name: &str, value: &'a Value) -> Result<&'a [Value], GraphError> {
    match value {
        Value::Array(list) => Ok(list),
        Value::Null => Ok(&[]),
        _ => Err(wrong_value(name)),
    }
}

fn texts(name: &str, value: &Value) -> Result<Vec<String>, GraphError> {
    list(name, value)?.iter().map(|one| text(name, one)).collect()
}

/// A member of an object, in any case.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn body_of(value: &Value) -> Result<Body, GraphError> {
    if value.is_null() {
        return Ok(Body::default());
    }
    if !value.is_object() {
        return Err(wrong_value("body"));
    }
    let kind =
        member(value, "contentType").map_or(Ok("text".to_owned()), |kind| text("contentType", kind))?;
    let is_html = match kind.to_ascii_lowercase().as_str() {
        "html" => true,
        "text" | "" => false,
        _ => return Err(wrong_value("contentType")),
    };
    let content = member(value, "content").map_or(Ok(String::new()), |content| text("content", content))?;
    Ok(Body { is_html, content })
}

fn recipient(name: &str, value: &Value) -> Result<Option<Address>, GraphError> {
    if value.is_null() {
        return Ok(None);
    }
    let address =
        member(value, "emailAddress").filter(|one| one.is_object()).ok_or_else(|| wrong_value(name))?;
    let part = |part: &str| member(address, part).map_or(Ok(String::new()), |value| text(part, value));
    let (shown, address) = (one_line(&part("name")?), one_line(&part("address")?));
    Ok(Some(Address { name: if shown.is_empty() { address.clone() } else { shown }, address }))
}

/// A list of recipients.
pub(super) fn recipients(name: &str, value: &Value) -> Result<Vec<Address>, GraphError> {
    let list = list(name, value)?.iter().map(|one| recipient(name, one)).collect::<Result<Vec<_>, _>>()?;
    Ok(list.into_iter().flatten().collect())
}

fn headers(value: &Value) -> Result<Vec<Header>, GraphError> {
    let list = list("internetMessageHeaders", value)?;
    if list.len() > MOST_HEADERS {
        return Err(bad(
            "InvalidInternetMessageHeaderCollection",
            format!("The maximum number of internet message headers per message is {MOST_HEADERS}."),
        ));
    }
    list.iter()
        .map(|one| {
            let part = |part: &str| member(one, part).map_or(Ok(String::new()), |value| text(part, value));
            let (name, value) = (part("name")?, part("value")?);
            let is_custom = name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"));
            if !is_custom {
                return Err(bad(
                    "InvalidInternetMessageHeader",
                    format!("The internet message header name '{name}' should start with 'x-' or 'X-'."),
                ));
            }
            let is_name =
                name.len() <= 255 && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
            if !is_name || value.chars().any(char::is_control) || value.len() > 995 {
                return Err(bad(
                    "InvalidInternetMessageHeader",
                    format!("The internet message header '{}' is invalid.", one_line(&name)),
                ));
            }
            Ok(Header { name, value })
        })
        .collect()
}

fn extend(item: &mut Item, name: &str, value: &Value) -> Result<(), GraphError> {
    for one in list(name, value)? {
        let id = member(one, "id").and_then(Value::as_str).ok_or_else(|| wrong_value(name))?;
        let kinds = [
            "String ",
            "Integer ",
            "Boolean ",
            "SystemTime ",
            "Binary ",
            "Short ",
            "Long ",
            "Double ",
            "CLSID ",
        ];
        if !kinds.iter().any(|kind| id.starts_with(kind)) {
            return Err(bad("ErrorInvalidProperty", format!("The extended property id '{id}' is invalid.")));
        }
        let value = text(name, member(one, "value").unwrap_or(&Value::Null))?;
        item.extended.retain(|other| !other.id.eq_ignore_ascii_case(id));
        item.extended.push(Extended { id: id.to_owned(), value });
    }
    Ok(())
}

fn follow_up(value: &Value) -> Result<Value, GraphError> {
    let status = member(value, "flagStatus").and_then(Value::as_str).unwrap_or("notFlagged");
    let known = ["notFlagged", "complete", "flagged"];
    let status =
        known.iter().find(|one| one.eq_ignore_ascii_case(status)).ok_or_else(|| wrong_value("flagStatus"))?;
    let mut flag = serde_json::json!({ "flagStatus": status });
    for name in ["startDateTime", "dueDateTime", "completedDateTime"] {
        if let Some(time) = member(value, name).filter(|time| !time.is_null()) {
            let (Some(when), zone) =
                (member(time, "dateTime").and_then(Value::as_str), member(time, "timeZone"))
            else {
                return Err(wrong_value(name));
            };
            flag[name] = serde_json::json!({ "dateTime": when, "timeZone": zone.and_then(Value::as_str).unwrap_or("UTC") });
        }
    }
    if flag.get("dueDateTime").is_some() && flag.get("startDateTime").is_none() {
        return Err(bad("ErrorInvalidArgument", "A flag with a due date needs a start date."));
    }
    Ok(flag)
}

/// Hangs an attachment on a message; the answer is its number.
pub(super) fn add_attachment(item: &mut Item, value: &Value, now: Timestamp) -> Result<u32, GraphError> {
    let kind = member(value, "@odata.type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let part =
        |name: &str| member(value, name).filter(|one| !one.is_null()).map(|one| text(name, one)).transpose();
    let content = match kind.trim_start_matches('#') {
        "microsoft.graph.fileattachment" => {
            let bytes = part("contentBytes")?.ok_or_else(|| {
                bad("ErrorInvalidArgument", "The property 'contentBytes' is required for a file attachment.")
            })?;
            let bytes = binary(&bytes).ok_or_else(|| wrong_value("contentBytes"))?;
            Attached::File(bytes.into())
        }
        "microsoft.graph.itemattachment" => match member(value, "item") {
            Some(inner @ Value::Object(fields)) => {
                let kind = member(inner, "@odata.type")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                if kind.trim_start_matches('#') == "microsoft.graph.message" || kind.is_empty() {
                    let mut attached = Item::default();
                    apply(&mut attached, fields, Purpose::Create, now)?;
                    attached.sent = Some(now);
                    Attached::Message(Box::new(attached))
                } else {
                    Attached::Other(inner.clone())
                }
            }
            _ => {
                return Err(bad(
                    "ErrorInvalidArgument",
                    "The property 'item' is required for an item attachment.",
                ));
            }
        },
        "microsoft.graph.referenceattachment" => Attached::Reference,
        "" => {
            return Err(bad(
                "RequestBodyRead",
                "The property '@odata.type' is required to tell what kind of attachment it is.",
            ));
        }
        other => {
            return Err(bad(
                "RequestBodyRead",
                format!("A type named '{other}' could not be resolved by the model."),
            ));
        }
    };
    let name =
        one_line(&part("name")?.ok_or_else(|| {
            bad("ErrorInvalidArgument", "The property 'name' is required for an attachment.")
        })?);
    let number = item.attachments.iter().map(|one| one.number).max().unwrap_or(0) + 1;
    item.attachments.push(Attachment {
        number,
        name,
        content_type: part("contentType")?,
        is_inline: member(value, "isInline").map_or(Ok(false), |one| flag("isInline", one))?,
        content_id: part("contentId")?.map(|id| one_line(&id).trim_matches(['<', '>']).to_owned()),
        content_location: part("contentLocation")?,
        modified: now,
        content,
    });
    Ok(number)
}
