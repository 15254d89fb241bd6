//! What a message is wherever it lies: the part that travels (Graph reference §4.1, §4.3).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Blob;

/// A message without its place in a mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Item {
    pub(crate) subject: String,
    pub(crate) body: Body,
    pub(crate) importance: Importance,
    pub(crate) from: Option<Address>,
    pub(crate) sender: Option<Address>,
    pub(crate) to: Vec<Address>,
    pub(crate) cc: Vec<Address>,
    pub(crate) bcc: Vec<Address>,
    pub(crate) reply_to: Vec<Address>,
    /// With its angle brackets; empty until it has one.
    pub(crate) message_id: String,
    pub(crate) in_reply_to: Option<String>,
    pub(crate) references: Vec<String>,
    pub(crate) conversation: Conversation,
    pub(crate) sent: Option<Timestamp>,
    /// The internet headers: on a draft the custom ones, on delivered mail all of them.
    pub(crate) headers: Vec<Header>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) extended: Vec<Extended>,
    pub(crate) delivery_receipt: bool,
    pub(crate) read_receipt: bool,
    /// The bytes, of a message that came as bytes.
    pub(crate) mime: Option<Blob>,
}

/// What a message says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) is_html: bool,
    pub(crate) content: String,
}

/// How urgent it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Importance {
    Low,
    #[default]
    Normal,
    High,
}

/// A mail address with the name that people see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) name: String,
    pub(crate) address: String,
}

/// An internet header, decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A single-value extended property: its id with type and name, and its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extended {
    pub(crate) id: String,
    pub(crate) value: String,
}

/// Which thread a message belongs to and where in it: the bytes of `Thread-Index`, 22 and five more a reply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conversation {
    pub(crate) index: Blob,
}

/// What hangs on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    /// Its number within the message.
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) is_inline: bool,
    /// Without angle brackets.
    pub(crate) content_id: Option<String>,
    pub(crate) content_location: Option<String>,
    pub(crate) modified: Timestamp,
    pub(crate) content: Attached,
}

/// What an attachment holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Attached {
    File(Blob),
    Message(Box<Item>),
    /// An item that is no message (an event, a contact), as it was sent.
    Other(Value),
    /// A link to a file elsewhere.
    Reference,
}

impl Item {
    /// The class that Exchange gives a message when it comes (PR_MESSAGE_CLASS).
    pub(crate) fn class(&self) -> &'static str {
        let kind = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case("Content-Type"));
        match kind.map(|header| header.value.to_ascii_lowercase()) {
            Some(kind) if kind.starts_with("multipart/report") && kind.contains("delivery-status") => {
                "REPORT.IPM.Note.NDR"
            }
            _ => "IPM.Note",
        }
    }
}

impl Importance {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Low, Self::Normal, Self::High].into_iter().find(|one| one.as_str().eq_ignore_ascii_case(text))
    }
}

impl Address {
    pub(crate) fn new(name: impl Into<String>, address: impl Into<String>) -> Self {
        Self { name: name.into(), address: address.into() }
    }

    pub(crate) fn is(&self, address: &str) -> bool {
        self.address.eq_ignore_ascii_case(address)
    }

    /// Whether mail can be sent to it: one `@` between two parts that say something.
    pub(crate) fn is_deliverable(&self) -> bool {
        is_address(&self.address)
    }
}

/// Whether a text is an address that SMTP takes (RFC 5321 §4.1.2, without quoted local parts).
pub(crate) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"@".contains(c);
    !local.is_empty()
        && local.len() <= 64
        && local.chars().all(plain)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !domain.is_empty()
        && domain.len() <= 255
        && domain.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        })
}

impl Conversation {
    /// A new thread that begins at `now`.
    pub(crate) fn begin(guid: [u8; 16], now: Timestamp) -> Self {
        let mut index = vec![1];
        index.extend_from_slice(&filetime(now).to_be_bytes()[1..6]);
        index.extend_from_slice(&guid);
        Self { index: index.into() }
    }

    /// The place of an answer that is written at `now`.
    pub(crate) fn answer(&self, now: Timestamp) -> Self {
        let mut index = self.index.0.to_vec();
        index.extend_from_slice(&filetime(now).to_be_bytes()[2..7]);
        Self { index: index.into() }
    }

    /// What the messages of the thread share.
    pub(crate) fn guid(&self) -> [u8; 16] {
        self.index.0.get(6..22).and_then(|guid| guid.try_into().ok()).unwrap_or_default()
    }

    pub(crate) fn is_none(&self) -> bool {
        self.index.0.len() < 22
    }
}

/// 100-nanosecond steps since 1601.
fn filetime(now: Timestamp) -> u64 {
    const FROM_1601_TO_1970: i128 = 11_644_473_600;
    u64::try_from((now.as_nanosecond() + FROM_1601_TO_1970 * 1_000_000_000) / 100).unwrap_or_default()
}

impl Item {
    /// Everybody whom it goes to.
    pub(crate) fn recipients(&self) -> impl Iterator<Item = &Address> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }

    /// The subject without the marks of answers and forwards.
    pub(crate) fn topic(&self) -> &str {
        let mut topic = self.subject.trim();
        while let Some((mark, rest)) = topic.split_once(':')
            && ["re", "fw", "fwd", "aw", "wg"].iter().any(|known| known.eq_ignore_ascii_case(mark.trim()))
        {
            topic = rest.trim_start();
        }
        topic
    }

    /// The value of an internet header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|one| one.name.eq_ignore_ascii_case(name)).map(|one| one.value.as_str())
    }

    /// What it weighs, attachments included.
    pub(crate) fn size(&self) -> usize {
        let attached: usize = self.attachments.iter().map(Attachment::size).sum();
        self.subject.len() + self.body.content.len() + attached
    }
}

impl Attachment {
    /// What it weighs.
    pub(crate) fn size(&self) -> usize {
        match &self.content {
            Attached::File(bytes) => bytes.0.len(),
            Attached::Message(item) => item.size(),
            Attached::Other(item) => item.to_string().len(),
            Attached::Reference => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_text() {
        for good in ["a@b.example", "ada+tag@contoso.example", "o'neil@x", "ada@münchen.example"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a b@c", "a@b@c", "a@b..c", ".a@b", "a\r\n@b", "<a@b>", "a@b c"] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }

    #[test]
    fn answers_stay_in_the_thread_and_grow_by_five_bytes() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let first = Conversation::begin([7; 16], now);
        let second = first.answer(now);
        assert_eq!(first.index.0.len(), 22);
        assert_eq!(second.index.0.len(), 27);
        assert_eq!((first.guid(), second.guid()), ([7; 16], [7; 16]));
    }

    #[test]
    fn the_topic_has_no_marks() {
        let item = Item { subject: "RE: Fwd: re: Plans: a list".to_owned(), ..Item::default() };
        assert_eq!(item.topic(), "Plans: a list");
    }
}
