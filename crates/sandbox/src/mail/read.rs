//! From bytes to a message: RFC 5322 and MIME, read by `mail-parser`; nothing that comes is trusted.

use jiff::Timestamp;
use mail_parser::{
    Address as Parsed, Encoding, HeaderName, HeaderValue, Message, MessageParser, MessagePart,
    MimeHeaders as _, PartType,
};

use super::{Address, Attached, Attachment, Blob, Body, Conversation, Header, Importance, Item};

/// Messages in messages deeper than this stay files.
const DEEPEST: usize = 4;
/// More attachments than this make no message that anybody would accept.
const MOST_ATTACHMENTS: usize = 500;
/// Headers beyond this are not kept.
const MOST_HEADERS: usize = 1_000;

/// The message in those bytes; none if they have no header that could be one.
pub(crate) fn read(bytes: &[u8]) -> Option<Item> {
    read_within(bytes, DEEPEST)
}

fn read_within(bytes: &[u8], depth: usize) -> Option<Item> {
    let message = MessageParser::default().parse(bytes)?;
    let headers = headers(bytes);
    if headers.is_empty() {
        return None;
    }
    let list = |address: Option<&Parsed<'_>>| address.map(addresses).unwrap_or_default();
    let find = |name: &str| {
        headers.iter().find(|one| one.name.eq_ignore_ascii_case(name)).map(|one| one.value.trim().to_owned())
    };
    let date = message.date().filter(|date| date.is_valid());
    Some(Item {
        subject: message.subject().map(clean).unwrap_or_default(),
        body: body(&message),
        importance: importance(&find),
        from: list(message.from()).into_iter().next(),
        sender: list(message.sender()).into_iter().next(),
        to: list(message.to()),
        cc: list(message.cc()),
        bcc: list(message.bcc()),
        reply_to: list(message.reply_to()),
        message_id: message.message_id().map(bracketed).unwrap_or_default(),
        in_reply_to: ids(message.in_reply_to()).into_iter().next(),
        references: ids(message.references()),
        conversation: Conversation { index: thread_index(find("Thread-Index")) },
        sent: date.and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()),
        attachments: attachments(&message, depth),
        extended: Vec::new(),
        delivery_receipt: find("Return-Receipt-To").is_some(),
        read_receipt: find("Disposition-Notification-To").is_some(),
        headers,
        mime: Some(bytes.to_vec().into()),
    })
}

/// Every header, unfolded and decoded.
fn headers(bytes: &[u8]) -> Vec<Header> {
    // Naming one header keeps the parser from reading the known ones in their own ways.
    let as_text = MessageParser::new().header_text(HeaderName::Subject).default_header_text();
    let Some(message) = as_text.parse_headers(bytes) else {
        return Vec::new();
    };
    let headers = message.headers().iter().filter_map(|header| {
        let name = header.name.as_str();
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        let value = match &header.value {
            HeaderValue::Text(text) => clean(text),
            HeaderValue::TextList(list) => clean(&list.join(" ")),
            _ => String::new(),
        };
        is_name.then(|| Header { name: name.to_owned(), value })
    });
    headers.take(MOST_HEADERS).collect()
}

/// The text on one line.
pub(super) fn clean(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

fn addresses(parsed: &Parsed<'_>) -> Vec<Address> {
    parsed
        .iter()
        .filter_map(|one| {
            let address = clean(one.address.as_deref()?);
            let name = one.name.as_deref().map(clean).filter(|name| !name.is_empty());
            Some(Address { name: name.unwrap_or_else(|| address.clone()), address })
        })
        .collect()
}

fn bracketed(id: &str) -> String {
    format!("<{}>", clean(id).trim_start_matches('<').trim_end_matches('>'))
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(id) => vec![bracketed(id)],
        HeaderValue::TextList(list) => list.iter().map(|id| bracketed(id)).collect(),
        _ => Vec::new(),
    }
}

fn thread_index(text: Option<String>) -> Blob {
    use base64::Engine as _;
    let text: String = text.unwrap_or_default().split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    // 22 bytes and five a reply; what has another length is somebody else's header.
    let is_index = bytes.len() >= 22 && (bytes.len() - 22).is_multiple_of(5) && bytes.len() <= 22 + 5 * 200;
    Blob::from(if is_index { bytes } else { Vec::new() })
}

fn importance(find: &impl Fn(&str) -> Option<String>) -> Importance {
    if let Some(importance) = find("Importance").as_deref().and_then(Importance::parse) {
        return importance;
    }
    match find("X-Priority").as_deref().and_then(|value| value.chars().next()) {
        Some('1' | '2') => Importance::High,
        Some('4' | '5') => Importance::Low,
        _ => Importance::Normal,
    }
}

fn body(message: &Message<'_>) -> Body {
    let is_html = message
        .html_body
        .iter()
        .any(|part| message.part(*part).is_some_and(|part| matches!(part.body, PartType::Html(_))));
    let pieces: Vec<String> = if is_html {
        (0..message.html_body.len()).filter_map(|at| message.body_html(at)).map(Into::into).collect()
    } else {
        (0..message.text_body.len()).filter_map(|at| message.body_text(at)).map(Into::into).collect()
    };
    Body { is_html, content: pieces.concat() }
}

fn attachments(message: &Message<'_>, depth: usize) -> Vec<Attachment> {
    let mut found = Vec::new();
    for part in message.attachments().take(MOST_ATTACHMENTS) {
        let number = u32::try_from(found.len() + 1).unwrap_or(u32::MAX);
        let kind = part.content_type().map(|kind| match kind.subtype() {
            Some(subtype) => format!("{}/{subtype}", kind.ctype()).to_ascii_lowercase(),
            None => kind.ctype().to_ascii_lowercase(),
        });
        let nested = match &part.body {
            PartType::Message(nested) if depth > 0 => read_within(nested.raw_message(), depth - 1),
            _ => None,
        };
        let content_id = part
            .content_id()
            .map(|id| clean(id).trim_matches(['<', '>']).to_owned())
            .filter(|id| !id.is_empty());
        let is_inline = part.content_disposition().map_or(content_id.is_some(), |how| how.is_inline());
        let (name, content) = match nested {
            Some(item) => (item.subject.clone(), Attached::Message(Box::new(Item { mime: None, ..item }))),
            None => (String::new(), Attached::File(file(message, part).into())),
        };
        let named = part.attachment_name().map(clean).filter(|name| !name.is_empty());
        found.push(Attachment {
            number,
            name: named.unwrap_or(if name.is_empty() { format!("ATT{number:05}") } else { name }),
            content_type: kind,
            is_inline,
            content_id,
            content_location: part.content_location().map(clean),
            modified: Timestamp::UNIX_EPOCH,
            content,
        });
    }
    found
}

/// The bytes of a file, whatever its type says: no text is turned into another charset.
fn file(message: &Message<'_>, part: &MessagePart<'_>) -> Vec<u8> {
    let raw = message.raw_message.get(part.raw_body_offset() as usize..part.raw_end_offset() as usize);
    match (&part.body, part.encoding) {
        (PartType::Message(nested), _) => nested.raw_message().to_vec(),
        (PartType::Text(_) | PartType::Html(_), Encoding::Base64) => raw
            .and_then(mail_parser::decoders::base64::base64_decode)
            .unwrap_or_else(|| part.contents().to_vec()),
        (PartType::Text(_) | PartType::Html(_), Encoding::None) => raw.unwrap_or(part.contents()).to_vec(),
        _ => part.contents().to_vec(),
    }
}

/// What arbitrary bytes of a message must not break: what was read is written, and read again.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_mime(bytes: &[u8]) {
    super::rewrite_headers(bytes, &[], |name| name.starts_with('x'));
    let Some(item) = read(bytes) else { return };
    let written = super::compose(&Item { mime: None, ..item.clone() });
    let Some(again) = read(&written.0) else { panic!("what was written is no message") };
    assert_eq!(again.attachments.len(), item.attachments.len(), "every attachment is written");
    super::internet_headers(&item);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LETTER: &str = "From: =?utf-8?Q?Zo=C3=AB?= <zoe@fabrikam.example>\r\nTo: Ada <ada+x@contoso.example>,\r\n \
        Grace <grace@contoso.example>\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\nMessage-ID: <1@fabrikam.example>\r\n\
        References: <a@x> <b@x>\r\nIn-Reply-To: <b@x>\r\nDate: Sun, 1 Mar 2026 13:00:00 +0100\r\nX-Priority: 1\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; \
        charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n--b\r\nContent-Type: \
        application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
        From: a@x.example\r\nSubject: inner\r\n\r\nhello\r\n--b--\r\n";

    #[test]
    fn a_letter_is_read() {
        let item = read(LETTER.as_bytes()).unwrap();
        assert_eq!(item.from, Some(Address::new("Zoë", "zoe@fabrikam.example")));
        assert_eq!(item.to.len(), 2);
        assert_eq!(item.subject, "Grüße");
        assert_eq!(item.body, Body { is_html: false, content: "Grüße".to_owned() });
        assert_eq!(item.message_id, "<1@fabrikam.example>");
        assert_eq!(item.references, ["<a@x>", "<b@x>"]);
        assert_eq!(item.importance, Importance::High);
        assert_eq!(item.sent, Some("2026-03-01T12:00:00Z".parse().unwrap()));
        assert_eq!(item.header("subject"), Some("Grüße"));
        assert_eq!(item.header("to"), Some("Ada <ada+x@contoso.example>, Grace <grace@contoso.example>"));
        let names: Vec<_> = item.attachments.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a.pdf", "inner"]);
        assert_eq!(item.attachments[0].content, Attached::File(b"%PDF".to_vec().into()));
        let Attached::Message(inner) = &item.attachments[1].content else { panic!("a message") };
        assert_eq!(inner.body.content.trim(), "hello");
    }

    #[test]
    fn what_is_no_message_is_none() {
        assert!(read(b"").is_none());
        assert!(read(b"\r\n\r\n").is_none());
    }

    proptest! {
        #[test]
        fn bytes_never_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = read(&bytes);
        }

        #[test]
        fn damaged_letters_never_break_the_reader(
            cuts in proptest::collection::vec((0..LETTER.len(), any::<u8>()), 0..24), end in 0..LETTER.len(),
        ) {
            let mut bytes = LETTER.as_bytes().to_vec();
            for (at, byte) in cuts {
                bytes[at] = byte;
            }
            bytes.truncate(end);
            let _ = read(&bytes);
        }

        #[test]
        fn nests_of_multiparts_end(depth in 0..300_usize) {
            let mut text = String::new();
            for level in 0..depth {
                text.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"));
            }
            let _ = read(text.as_bytes());
        }
    }
}
