//! From a message to bytes: RFC 5322 and MIME, encoded by `mail-builder`; and headers of bytes that stay as they
//! are otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address as Encoded;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::MimePart;

use super::read::clean;
use super::{Address, Attached, Attachment, Blob, Header, Importance, Item, to_text};

/// The message as bytes: as they came, or built from what it says.
pub(crate) fn compose(item: &Item) -> Blob {
    if let Some(mime) = &item.mime {
        return mime.clone();
    }
    let is_delivered = item.header("Message-ID").is_some();
    let headers = if is_delivered { item.headers.clone() } else { internet_headers(item) };
    let mut builder = MessageBuilder::new();
    for header in &headers {
        let name = header.name.to_ascii_lowercase();
        if name.starts_with("content-") || name == "mime-version" {
            continue;
        }
        builder = builder.header(header.name.clone(), written(item, &name, &header.value));
    }
    let builder = builder.header("MIME-Version", Raw::new("1.0"));
    // Writing to memory does not fail.
    builder.body(body(item)).write_to_vec().unwrap_or_default().into()
}

/// A header's value in the encoding that its name asks for.
fn written<'a>(item: &'a Item, name: &str, value: &'a str) -> HeaderType<'a> {
    let one = |address: &'a Option<Address>| address.as_ref().map(encoded);
    let address = match name {
        "from" => one(&item.from),
        "sender" => one(&item.sender),
        "to" => Some(encoded_list(&item.to)),
        "cc" => Some(encoded_list(&item.cc)),
        "reply-to" => Some(encoded_list(&item.reply_to)),
        _ => None,
    };
    match address {
        Some(address) => address.into(),
        None if ["message-id", "in-reply-to", "references", "date", "received", "thread-index"]
            .contains(&name) =>
        {
            Raw::new(value).into()
        }
        None => Text::new(value).into(),
    }
}

fn encoded(address: &Address) -> Encoded<'_> {
    let name = (address.name != address.address && !address.name.is_empty()).then_some(address.name.as_str());
    Encoded::new_address(name, address.address.as_str())
}

fn encoded_list(list: &[Address]) -> Encoded<'_> {
    Encoded::new_list(list.iter().map(encoded).collect())
}

/// The headers that a message gets when it is sent, top first, decoded. Blind copies have none.
pub(crate) fn internet_headers(item: &Item) -> Vec<Header> {
    let mut headers = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            headers.push(Header { name: name.to_owned(), value: clean(&value) });
        }
    };
    let differs = item.sender.as_ref().zip(item.from.as_ref()).is_some_and(|(a, b)| !a.is(&b.address));
    add("From", item.from.iter().map(shown).collect());
    if differs {
        add("Sender", item.sender.iter().map(shown).collect());
    }
    add("To", shown_list(&item.to));
    add("CC", shown_list(&item.cc));
    add("Reply-To", shown_list(&item.reply_to));
    add("Subject", item.subject.clone());
    add("Thread-Topic", item.topic().to_owned());
    add("Thread-Index", STANDARD.encode(&item.conversation.index.0));
    add(
        "Date",
        item.sent.map(|sent| sent.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()).unwrap_or_default(),
    );
    add("Message-ID", item.message_id.clone());
    add("References", item.references.join(" "));
    add("In-Reply-To", item.in_reply_to.clone().unwrap_or_default());
    if item.importance != Importance::Normal {
        add("Importance", item.importance.as_str().to_owned());
    }
    if item.read_receipt {
        add("Disposition-Notification-To", item.from.iter().map(shown).collect());
    }
    if item.delivery_receipt {
        add("Return-Receipt-To", item.from.iter().map(shown).collect());
    }
    add("Accept-Language", "en-US".to_owned());
    add("Content-Language", "en-US".to_owned());
    if item.attachments.iter().any(|one| !one.is_inline) {
        add("X-MS-Has-Attach", "yes".to_owned());
    }
    for custom in &item.headers {
        add(&custom.name, custom.value.clone());
    }
    add("MIME-Version", "1.0".to_owned());
    headers
}

fn shown(address: &Address) -> String {
    if address.name.is_empty() || address.name == address.address {
        return address.address.clone();
    }
    let is_plain = address.name.chars().all(|c| c.is_alphanumeric() || " -_'".contains(c));
    let name =
        if is_plain { address.name.clone() } else { format!("\"{}\"", address.name.replace('"', "\\\"")) };
    format!("{name} <{}>", address.address)
}

fn shown_list(list: &[Address]) -> String {
    list.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn body(item: &Item) -> MimePart<'_> {
    let text = |content: String| MimePart::new("text/plain", content);
    let content = item.body.content.as_str();
    let mut part = if item.body.is_html {
        MimePart::new(
            "multipart/alternative",
            vec![text(to_text(content)), MimePart::new("text/html", content)],
        )
    } else {
        text(content.to_owned())
    };
    for (is_inline, kind) in [(true, "multipart/related"), (false, "multipart/mixed")] {
        let these: Vec<_> =
            item.attachments.iter().filter(|one| one.is_inline == is_inline).map(attached).collect();
        if !these.is_empty() {
            part = MimePart::new(kind, [vec![part], these].concat());
        }
    }
    part
}

fn attached(attachment: &Attachment) -> MimePart<'_> {
    let kind = attachment.content_type.as_deref().filter(|kind| kind.contains('/'));
    let mut part = match &attachment.content {
        Attached::File(bytes) => MimePart::new(kind.unwrap_or("application/octet-stream"), bytes.0.as_ref())
            .transfer_encoding_base64(),
        Attached::Message(item) => {
            let bytes = compose(item).0.to_vec();
            MimePart::new("message/rfc822", bytes).transfer_encoding("8bit")
        }
        Attached::Other(item) => MimePart::new("application/json", item.to_string()),
        Attached::Reference => MimePart::new("text/plain", attachment.name.as_str()),
    };
    part = match (&attachment.content_id, attachment.is_inline) {
        (Some(id), _) => part.cid(id.as_str()),
        (None, _) => part,
    };
    if attachment.is_inline { part.inline() } else { part.attachment(clean(&attachment.name)) }
}

/// Base64 whatever the type says: a file arrives byte for byte.
trait Base64 {
    fn transfer_encoding_base64(self) -> Self;
}

impl Base64 for MimePart<'_> {
    fn transfer_encoding_base64(mut self) -> Self {
        if let mail_builder::mime::BodyPart::Binary(bytes) = &self.contents {
            let lines: Vec<String> = STANDARD
                .encode(bytes)
                .as_bytes()
                .chunks(76)
                .map(|line| String::from_utf8_lossy(line).into_owned())
                .collect();
            self.contents = lines.join("\r\n").into_bytes().into();
        }
        self.transfer_encoding("base64")
    }
}

/// The bytes with headers in front and without those that `drops` names; everything else as it is.
pub(crate) fn rewrite_headers(bytes: &[u8], front: &[Header], drops: impl Fn(&str) -> bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 256);
    for header in front {
        out.extend_from_slice(format!("{}: {}\r\n", header.name, clean(&header.value)).as_bytes());
    }
    let mut rest = bytes;
    let mut is_dropping = false;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        if line.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            break;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            is_dropping = drops(String::from_utf8_lossy(name).trim());
        }
        if !is_dropping {
            out.extend_from_slice(line);
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Body, Conversation, read};
    use super::*;
    use proptest::prelude::*;

    fn file(name: &str, bytes: &[u8], is_inline: bool) -> Attachment {
        Attachment {
            number: 1,
            name: name.to_owned(),
            content_type: Some("text/plain".to_owned()),
            is_inline,
            content_id: is_inline.then(|| "logo@x".to_owned()),
            content_location: None,
            modified: jiff::Timestamp::UNIX_EPOCH,
            content: Attached::File(bytes.to_vec().into()),
        }
    }

    fn item(subject: &str, name: &str, content: &str, is_html: bool) -> Item {
        Item {
            subject: subject.to_owned(),
            from: Some(Address::new(name, "ada@contoso.example")),
            to: vec![Address::new("Grace", "grace@contoso.example")],
            bcc: vec![Address::new("Alan", "alan@contoso.example")],
            message_id: "<1@x>".to_owned(),
            sent: Some("2026-03-01T12:00:00Z".parse().unwrap()),
            conversation: Conversation::begin([3; 16], "2026-03-01T12:00:00Z".parse().unwrap()),
            body: Body { is_html, content: content.to_owned() },
            headers: vec![Header { name: "x-run".to_owned(), value: "7".to_owned() }],
            attachments: vec![file("Ünal.txt", b"a\nb\r\n\0\xff", false), file("logo", b"png", true)],
            ..Item::default()
        }
    }

    #[test]
    fn nobody_reads_of_blind_copies() {
        let bytes = compose(&item("s", "Ada", "b", true));
        let text = String::from_utf8_lossy(&bytes.0).into_owned();
        assert!(!text.contains("alan@"), "{text}");
        assert!(text.contains("x-run: 7\r\n"), "{text}");
    }

    #[test]
    fn headers_are_dropped_with_their_folded_lines() {
        let bytes = b"A: 1\r\n 2\r\nbcc: x\r\n\ty\r\nB: 3\r\n\r\nbcc: body\r\n";
        let front = [Header { name: "Received".to_owned(), value: "by\r\nme".to_owned() }];
        let out = rewrite_headers(bytes, &front, |name| name.eq_ignore_ascii_case("Bcc"));
        assert_eq!(out, b"Received: by  me\r\nA: 1\r\n 2\r\nB: 3\r\n\r\nbcc: body\r\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_composed_is_read_back(
            subject in "[\\PC&&[^ ]][\\PC]{0,80}[\\PC&&[^ ]]", name in "[A-Za-zÀ-ž\",.<>@()]{1,30}",
            content in "[a-zA-Zäöü.,\n ]{0,200}x", is_html in any::<bool>(),
        ) {
            let sent = item(&subject, &name, &content, is_html);
            let got = read(&compose(&sent).0).unwrap();
            prop_assert_eq!(got.from.as_ref().map(|from| from.address.as_str()), Some("ada@contoso.example"));
            prop_assert_eq!(&got.to, &sent.to);
            prop_assert_eq!(&got.conversation, &sent.conversation);
            prop_assert_eq!(&got.message_id, &sent.message_id);
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words(&got.subject), words(&sent.subject));
            prop_assert_eq!(words(&got.body.content), words(&sent.body.content));
            prop_assert_eq!(got.body.is_html, is_html);
            let files: Vec<_> = got.attachments.iter().map(|one| (one.is_inline, one.content.clone())).collect();
            for attachment in &sent.attachments {
                prop_assert!(files.contains(&(attachment.is_inline, attachment.content.clone())), "{files:?}");
            }
        }
    }
}
