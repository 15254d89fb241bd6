//! One property and what it has to be: the properties of mail that KQL knows (Microsoft: "Searchable properties in
//! Exchange").

use jiff::Timestamp;

use super::parse::Mark;
use super::range::{Span, numbers, times};
use super::words::Phrase;
use crate::graph::error::GraphError;
use crate::graph::mail::refusals::not_emulated;
use crate::graph::mail::state::Message;
use crate::mail::{Address, to_text};

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    /// The default search properties: from, subject and body.
    Anywhere,
    Attachment,
    Bcc,
    Body,
    Category,
    Cc,
    From,
    HasAttachment,
    Importance,
    IsRead,
    Kind,
    Participants,
    Received,
    Recipients,
    Sent,
    Size,
    Subject,
    To,
    /// Exchange knows it, and the sandbox does not.
    Foreign,
}

/// The names that stand before the colon.
const NAMES: &[(&str, Property)] = &[
    ("attachment", Property::Attachment),
    ("attachmentnames", Property::Attachment),
    ("bcc", Property::Bcc),
    ("body", Property::Body),
    ("category", Property::Category),
    ("cc", Property::Cc),
    ("folderid", Property::Foreign),
    ("from", Property::From),
    ("hasattachment", Property::HasAttachment),
    ("hasattachments", Property::HasAttachment),
    ("importance", Property::Importance),
    ("isread", Property::IsRead),
    ("itemclass", Property::Foreign),
    ("kind", Property::Kind),
    ("participants", Property::Participants),
    ("received", Property::Received),
    ("recipients", Property::Recipients),
    ("sent", Property::Sent),
    ("size", Property::Size),
    ("subject", Property::Subject),
    ("to", Property::To),
];

impl Property {
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, property)| *property)
    }
}

/// A condition on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Restriction {
    Text(Property, Phrase),
    Received(Span<Timestamp>),
    Sent(Span<Timestamp>),
    Size(Span<u64>),
    HasAttachment(bool),
    IsRead(bool),
    Importance(String),
    Kind(String),
}

impl Restriction {
    /// The condition that a value makes; none if there is nothing in it to look for.
    pub(super) fn of(property: Property, mark: Mark, value: &str) -> Result<Option<Self>, GraphError> {
        // Clients quote with apostrophes too.
        let value = value.trim().trim_matches('\'');
        if value.is_empty() {
            return Ok(None);
        }
        let is_true = ["true", "1", "yes"].iter().any(|yes| yes.eq_ignore_ascii_case(value));
        Ok(Some(match property {
            Property::Received => Self::Received(times(mark, value)?),
            Property::Sent => Self::Sent(times(mark, value)?),
            Property::Size => Self::Size(numbers(mark, value)?),
            Property::HasAttachment => Self::HasAttachment(is_true),
            Property::IsRead => Self::IsRead(is_true),
            Property::Importance => Self::Importance(value.to_lowercase()),
            Property::Kind => Self::Kind(value.to_lowercase()),
            Property::Foreign => return Err(not_emulated("this property in $search")),
            text => return Ok(Phrase::of(value).map(|phrase| Self::Text(text, phrase))),
        }))
    }

    /// Whether a message meets it.
    pub(super) fn holds(&self, message: &Message) -> bool {
        let item = &message.item;
        match self {
            Self::Text(property, phrase) => is_in(message, *property, phrase),
            Self::Received(span) => span.holds(&message.received),
            Self::Sent(span) => span.holds(&item.sent.unwrap_or(message.created)),
            Self::Size(span) => span.holds(&u64::try_from(item.size()).unwrap_or(u64::MAX)),
            Self::HasAttachment(has) => *has == item.attachments.iter().any(|one| !one.is_inline),
            Self::IsRead(is_read) => *is_read == message.is_read,
            // KQL's word for the middle is not Graph's.
            Self::Importance(wanted) => {
                item.importance.as_str() == if wanted == "medium" { "normal" } else { wanted }
            }
            Self::Kind(kind) => kind == "email",
        }
    }
}

fn is_in(message: &Message, property: Property, phrase: &Phrase) -> bool {
    let item = &message.item;
    let any =
        |list: &[Address]| list.iter().any(|one| phrase.is_in(&format!("{} {}", one.name, one.address)));
    let from = || any(item.from.as_slice()) || any(item.sender.as_slice());
    let recipients = || any(&item.to) || any(&item.cc) || any(&item.bcc);
    let body = || match item.body.is_html {
        true => phrase.is_in(&to_text(&item.body.content)),
        false => phrase.is_in(&item.body.content),
    };
    match property {
        Property::Attachment => item.attachments.iter().any(|one| phrase.is_in(&one.name)),
        Property::Bcc => any(&item.bcc),
        Property::Body => body(),
        Property::Category => message.categories.iter().any(|one| phrase.is_in(one)),
        Property::Cc => any(&item.cc),
        Property::From => from(),
        Property::Participants => from() || recipients(),
        Property::Recipients => recipients(),
        Property::Subject => phrase.is_in(&item.subject),
        Property::To => any(&item.to),
        _ => phrase.is_in(&item.subject) || from() || body(),
    }
}
