//! From what somebody wants to say to a message that may leave: checked, signed, and in both forms.

use attache_terms::{Explain, Remedy};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Address, Signature};

/// Exchange takes 500 recipients a message by default (Graph reference §4.1).
const MOST_RECIPIENTS: usize = 500;
/// A request to Graph holds 4 MB (§4.1), and the text stands in it twice and encoded.
const LONGEST_TEXT: usize = 256 * 1024;
/// RFC 5322 §2.1.1: no line is longer than 998 characters.
const LONGEST_LINE: usize = 998;
/// What a caller may set beside headers of its own, which begin with `X-`.
const HEADERS: [&str; 8] = [
    "auto-submitted",
    "in-reply-to",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "precedence",
    "references",
    "importance",
];

/// What somebody wants to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Whose mail it is. An alias of the mailbox is kept only where the organisation has set
    /// `SendFromAliasEnabled`; otherwise Exchange writes the primary address there, without a word.
    pub from: Address,
    /// Who gets it.
    pub to: Vec<Address>,
    /// Where answers go, if not to `from`.
    pub reply_to: Option<Address>,
    /// What it is about.
    pub subject: String,
    /// What it says, in plain text; an empty line begins a paragraph.
    pub text: String,
    /// Why it came, and where that is on record.
    pub signature: Signature,
    /// Further headers: those that begin with `X-`, and the few that mailing lists and threads need.
    pub headers: Vec<(String, String)>,
    /// What tells this message from every other, also when it is sent again.
    pub key: Uuid,
    /// When it was written.
    pub date: Timestamp,
}

impl Draft {
    /// The message, if it may leave.
    pub fn finish(self) -> Result<Message, Unfit> {
        line("the subject", &self.subject)?;
        if self.to.is_empty() {
            return Err(Unfit::NoRecipient);
        }
        if self.to.len() > MOST_RECIPIENTS {
            return Err(Unfit::TooManyRecipients { count: self.to.len() });
        }
        if self.text.len() > LONGEST_TEXT {
            return Err(Unfit::TooLong { what: "the text", limit: LONGEST_TEXT });
        }
        for (name, value) in &self.headers {
            header(name, value)?;
        }
        self.signature.check()?;
        let message_id = format!("<{}@{}>", self.key.simple(), self.from.domain());
        let (text, html) = self.signature.sign(&self.text);
        Ok(Message { draft: self, message_id, text, html })
    }
}

/// A message that may leave. The same draft always gives the same message, down to the last byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    draft: Draft,
    message_id: String,
    text: String,
    html: String,
}

impl Message {
    /// Whose mail it is.
    pub fn from(&self) -> &Address {
        &self.draft.from
    }

    /// Who gets it.
    pub fn to(&self) -> &[Address] {
        &self.draft.to
    }

    /// Where answers go, if not to [`from`](Self::from).
    pub fn reply_to(&self) -> Option<&Address> {
        self.draft.reply_to.as_ref()
    }

    /// What it is about.
    pub fn subject(&self) -> &str {
        &self.draft.subject
    }

    /// Its plain text, signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same as HTML.
    pub fn html(&self) -> &str {
        &self.html
    }

    /// The further headers.
    pub fn headers(&self) -> &[(String, String)] {
        &self.draft.headers
    }

    /// What tells it from every other message; the header `X-Attache-Key`.
    pub fn key(&self) -> Uuid {
        self.draft.key
    }

    /// Its `Message-ID`, made of the key, brackets included. It finds the message in Sent Items
    /// (`internetMessageId`) after a send whose outcome is unknown.
    pub fn message_id(&self) -> &str {
        &self.message_id
    }

    /// When it was written.
    pub fn date(&self) -> Timestamp {
        self.draft.date
    }
}

/// A text that stands in one line of a header.
pub(crate) fn line(what: &'static str, text: &str) -> Result<(), Unfit> {
    if text.chars().any(char::is_control) {
        return Err(Unfit::ControlCharacter { what });
    }
    if text.len() > LONGEST_LINE {
        return Err(Unfit::TooLong { what, limit: LONGEST_LINE });
    }
    Ok(())
}

fn header(name: &str, value: &str) -> Result<(), Unfit> {
    let lower = name.to_ascii_lowercase();
    let is_name = name.len() <= 76 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_own = lower.starts_with("x-") && lower.len() > 2 && lower != "x-attache-key";
    if !is_name || !(is_own || HEADERS.contains(&&*lower)) {
        return Err(Unfit::Header { name: name.chars().take(60).collect() });
    }
    line("a header", value)
}

/// Why a message may not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is no address.
    #[error("{shown:?} is no address that mail can go to")]
    Address {
        /// Its beginning.
        shown: String,
    },
    /// Nobody would get it.
    #[error("the message has no recipient")]
    NoRecipient,
    /// Exchange would refuse it.
    #[error("the message has {count} recipients, and {MOST_RECIPIENTS} is the most")]
    TooManyRecipients {
        /// How many.
        count: usize,
    },
    /// A line break in a header would begin another one.
    #[error("{what} holds a line break or another control character")]
    ControlCharacter {
        /// What holds it.
        what: &'static str,
    },
    /// It does not fit.
    #[error("{what} is longer than {limit} bytes")]
    TooLong {
        /// What is.
        what: &'static str,
        /// The most that fits.
        limit: usize,
    },
    /// The header is none that a caller may set.
    #[error("a message may not be given the header {name:?}")]
    Header {
        /// Its name.
        name: String,
    },
    /// What the audit line names opens nothing.
    #[error("the audit link is no web address ({scheme}:)")]
    Link {
        /// What kind of address it is.
        scheme: String,
    },
}

impl Explain for Unfit {
    fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "address_invalid",
            Self::NoRecipient => "recipient_missing",
            Self::TooManyRecipients { .. } => "recipients_too_many",
            Self::ControlCharacter { .. } => "control_character",
            Self::TooLong { .. } => "message_too_long",
            Self::Header { .. } => "header_not_allowed",
            Self::Link { .. } => "audit_link_invalid",
        }
    }

    fn remedy(&self) -> Remedy {
        Remedy::caller(match self {
            Self::Address { .. } => {
                "give one address such as ada@contoso.example, without a name or brackets"
            }
            Self::NoRecipient => "name at least one recipient",
            Self::TooManyRecipients { .. } => "send it in several messages, or to a group",
            Self::ControlCharacter { .. } => "leave line breaks out of subject, names and headers",
            Self::TooLong { .. } => "shorten it; long matter belongs in a file that the message links to",
            Self::Header { .. } => "use a name that begins with X-",
            Self::Link { .. } => "give the https address of the audit entry",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            from: "assistant@contoso.example".parse().unwrap(),
            to: vec!["grace@contoso.example".parse().unwrap()],
            reply_to: None,
            subject: "Plans".to_owned(),
            text: "Hello.".to_owned(),
            signature: Signature {
                why: "you asked for it".to_owned(),
                request_id: "req_1".to_owned(),
                audit: "https://attache.example/a/1".parse().unwrap(),
            },
            headers: vec![("X-Run".to_owned(), "7".to_owned())],
            key: Uuid::from_u128(7),
            date: "2026-11-28T10:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn the_message_id_is_made_of_the_key_and_the_senders_domain() {
        let message = draft().finish().unwrap();
        assert_eq!(message.message_id(), "<00000000000000000000000000000007@contoso.example>");
        assert_eq!(message, draft().finish().unwrap());
    }

    #[test]
    fn what_would_break_out_of_its_place_is_refused_and_named() {
        let with = |change: fn(&mut Draft)| {
            let mut draft = draft();
            change(&mut draft);
            draft.finish().map(drop).map_err(|unfit| unfit.code())
        };
        let header = |name: &str| {
            let headers = vec![(name.to_owned(), "x".to_owned())];
            Draft { headers, ..draft() }.finish().map(drop).map_err(|unfit| unfit.code())
        };
        assert_eq!(with(|draft| draft.subject = "a\r\nBcc: x@y".to_owned()), Err("control_character"));
        assert_eq!(with(|draft| draft.headers[0].1 = "1\n2".to_owned()), Err("control_character"));
        assert_eq!(with(|draft| draft.to.clear()), Err("recipient_missing"));
        assert_eq!(with(|draft| draft.to = vec![draft.from.clone(); 501]), Err("recipients_too_many"));
        assert_eq!(with(|draft| draft.text = "x".repeat(LONGEST_TEXT + 1)), Err("message_too_long"));
        assert_eq!(
            with(|draft| draft.signature.audit = "javascript:alert(1)".parse().unwrap()),
            Err("audit_link_invalid")
        );
        for name in ["From", "Bcc", "x-", "X-Attache-Key", "Content-Type", "X:Y", "Date", ""] {
            assert_eq!(header(name), Err("header_not_allowed"), "{name}");
        }
        for name in ["X-Own", "List-Unsubscribe", "In-Reply-To"] {
            assert_eq!(header(name), Ok(()), "{name}");
        }
    }
}
