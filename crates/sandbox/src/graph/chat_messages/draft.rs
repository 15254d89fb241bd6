//! What a client wants to say: the body of a POST or a PATCH, checked as Teams checks it (Entra reference
//! §5.3).

use http::StatusCode;
use serde_json::{Map, Value};

use crate::graph::error::GraphError;

use super::attachments;
use super::hosted::{self, HostedContent};
use super::mentions;
use super::message::{Body, Importance, Said};
use super::wire::HOSTED;

/// The largest message, markup and cards included.
const LARGEST: usize = 102_400;

/// What a client may say of a message.
const WRITABLE: [&str; 10] = [
    "body",
    "importance",
    "locale",
    "subject",
    "summary",
    "attachments",
    "mentions",
    "hostedContents",
    "messageType",
    "policyViolation",
];

/// What only Teams says of one.
const READ_ONLY: [&str; 15] = [
    "id",
    "etag",
    "chatId",
    "channelIdentity",
    "createdDateTime",
    "lastModifiedDateTime",
    "lastEditedDateTime",
    "deletedDateTime",
    "eventDetail",
    "from",
    "messageHistory",
    "reactions",
    "replies",
    "replyToId",
    "webUrl",
];

/// The properties of a message that a client sent.
#[derive(Debug, Default)]
pub(super) struct Draft {
    body: Option<Body>,
    importance: Option<Importance>,
    locale: Option<String>,
    subject: Option<Option<String>>,
    summary: Option<Option<String>>,
    attachments: Option<Vec<Value>>,
    mentions: Option<Vec<Value>>,
    hosted: Vec<HostedContent>,
    pub(super) policy_violation: Option<Value>,
}

impl Draft {
    /// Reads what is there.
    pub(super) fn read(payload: &Map<String, Value>) -> Result<Self, GraphError> {
        let payload = known(payload)?;
        let mut draft = Self::default();
        for (name, value) in payload {
            match name {
                "body" => draft.body = Some(body(value)?),
                "importance" => draft.importance = Some(importance(value)?),
                "locale" => draft.locale = text(name, value)?,
                "subject" => draft.subject = Some(text(name, value)?),
                "summary" => draft.summary = Some(text(name, value)?),
                "attachments" => draft.attachments = Some(attachments::read(&objects(name, value)?)?),
                "mentions" => draft.mentions = Some(mentions::read(&objects(name, value)?)?),
                "hostedContents" => draft.take_hosted(&objects(name, value)?)?,
                "messageType" if value == "message" => {}
                "policyViolation" => draft.policy_violation = Some(value.clone()),
                _ => return Err(invalid(name)),
            }
        }
        Ok(draft)
    }

    /// As [`Self::read`], for a new message.
    pub(super) fn new_message(
        payload: &Map<String, Value>,
    ) -> Result<(Said, Vec<HostedContent>), GraphError> {
        let draft = Self::read(payload)?;
        if draft.body.is_none() {
            return Err(GraphError::unreadable("Missing body content"));
        }
        if draft.policy_violation.is_some() {
            return Err(invalid("policyViolation"));
        }
        draft.over(Said::default(), Vec::new())
    }

    /// What is said once the draft stands over what was said before.
    pub(super) fn over(
        self,
        before: Said,
        hosted: Vec<HostedContent>,
    ) -> Result<(Said, Vec<HostedContent>), GraphError> {
        let mut hosted = hosted;
        hosted.extend(self.hosted.iter().cloned());
        let said = Said {
            body: self.body.unwrap_or(before.body),
            importance: self.importance.unwrap_or(before.importance),
            locale: self.locale.or(before.locale),
            subject: self.subject.unwrap_or(before.subject),
            summary: self.summary.unwrap_or(before.summary),
            attachments: self.attachments.unwrap_or(before.attachments),
            mentions: self.mentions.unwrap_or(before.mentions),
        };
        check_size(&said)?;
        if said.body.content.trim().is_empty() && said.attachments.is_empty() {
            return Err(GraphError::unreadable("Missing body content"));
        }
        attachments::check(&said)?;
        mentions::check(&said)?;
        Ok((said, hosted))
    }

    /// The body refers to new contents by the names that the client gave them.
    fn take_hosted(&mut self, entries: &[Map<String, Value>]) -> Result<(), GraphError> {
        for entry in entries {
            let (name, content) = hosted::read(entry)?;
            let (theirs, ours) = (format!("{HOSTED}{name}/$value"), format!("{HOSTED}{}/$value", content.id));
            let mut is_used = false;
            if let Some(body) = &mut self.body
                && body.content.contains(&theirs)
            {
                is_used = true;
                body.content = body.content.replace(&theirs, &ours);
            }
            for attachment in self.attachments.iter_mut().flatten() {
                if let Some(Value::String(text)) = attachment.get_mut("content")
                    && text.contains(&theirs)
                {
                    is_used = true;
                    *text = text.replace(&theirs, &ours);
                }
            }
            if !is_used {
                return Err(GraphError::unreadable(format!(
                    "Hosted content with temporary id '{name}' is not referred to by the message."
                )));
            }
            self.hosted.push(content);
        }
        Ok(())
    }
}

/// The writable properties that say something, by their right names, hosted contents last: they are looked
/// for in the rest. What is null and what is an annotation says nothing.
fn known(payload: &Map<String, Value>) -> Result<Vec<(&'static str, &Value)>, GraphError> {
    let mut found = Vec::new();
    for (name, value) in payload {
        if name.contains('@') {
            continue;
        }
        let is = |known: &&&str| known.eq_ignore_ascii_case(name);
        if let Some(known) = WRITABLE.iter().find(is) {
            if !value.is_null() || ["subject", "summary"].contains(known) {
                found.push((*known, value));
            }
        } else if READ_ONLY.iter().any(|known| is(&known)) {
            if !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()) {
                return Err(GraphError::unreadable(format!(
                    "The property '{name}' of a chatMessage is read-only outside of an import."
                )));
            }
        } else {
            return Err(GraphError::unreadable(format!(
                "The property '{name}' does not exist on type 'microsoft.graph.chatMessage'. Make sure to only use property names that are defined by the type."
            )));
        }
    }
    found.sort_by_key(|(name, _)| *name == "hostedContents");
    Ok(found)
}

fn body(value: &Value) -> Result<Body, GraphError> {
    let content = value["content"].as_str().ok_or_else(|| GraphError::unreadable("Missing body content"))?;
    let is_html = match value["contentType"].as_str().unwrap_or("text") {
        kind if kind.eq_ignore_ascii_case("html") => true,
        kind if kind.eq_ignore_ascii_case("text") => false,
        _ => return Err(invalid("contentType")),
    };
    // Markup without an element around it gets a paragraph.
    let content = match content.trim_start().starts_with('<') || !is_html {
        true => content.to_owned(),
        false => format!("<p>{content}</p>"),
    };
    Ok(Body { is_html, content })
}

fn importance(value: &Value) -> Result<Importance, GraphError> {
    match value.as_str() {
        Some("normal") => Ok(Importance::Normal),
        Some("high") => Ok(Importance::High),
        Some("urgent") => Ok(Importance::Urgent),
        _ => Err(invalid("importance")),
    }
}

fn text(name: &str, value: &Value) -> Result<Option<String>, GraphError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(invalid(name)),
    }
}

fn objects(name: &str, value: &Value) -> Result<Vec<Map<String, Value>>, GraphError> {
    let list = value.as_array().ok_or_else(|| invalid(name))?;
    list.iter().map(|one| one.as_object().cloned().ok_or_else(|| invalid(name))).collect()
}

fn check_size(said: &Said) -> Result<(), GraphError> {
    let cards = said.attachments.iter().filter_map(|one| one["content"].as_str()).map(str::len);
    if said.body.content.len() + cards.sum::<usize>() <= LARGEST {
        return Ok(());
    }
    Err(GraphError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLarge",
        "Message body is too large: the limit is about 100 KB.",
    ))
}

fn invalid(name: &str) -> GraphError {
    GraphError::unreadable(format!("Invalid value specified for property '{name}'."))
}
