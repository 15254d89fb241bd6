//! A message as bytes: RFC 5322 and MIME, with text and HTML side by side.

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Written;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::MimePart;

use crate::{Address, Message};

impl Message {
    /// The message as it travels. Equal messages give equal bytes: nothing is asked of a clock or of chance.
    pub fn mime(&self) -> Vec<u8> {
        let mut builder = MessageBuilder::new()
            .header("From", written(self.from()))
            .header("To", Written::new_list(self.to().iter().map(written).collect()))
            .header("Subject", Text::new(self.subject()))
            .header("Date", Date::new(self.date().as_second()))
            .header("Message-ID", Raw::new(self.message_id()))
            // Exchange may write a Message-ID of its own over ours; this stays.
            .header("X-Attache-Key", Raw::new(self.key().to_string()));
        if let Some(reply_to) = self.reply_to() {
            builder = builder.header("Reply-To", written(reply_to));
        }
        for (name, value) in self.headers() {
            builder = builder.header(name.as_str(), Text::new(value.as_str()));
        }
        let boundary = format!("attache_{}", self.key().simple());
        let parts = vec![MimePart::new("text/plain", self.text()), MimePart::new("text/html", self.html())];
        let body =
            MimePart::new(ContentType::new("multipart/alternative").attribute("boundary", boundary), parts);
        // Writing to memory does not fail.
        builder.header("MIME-Version", Raw::new("1.0")).body(body).write_to_vec().unwrap_or_default()
    }
}

fn written(address: &Address) -> Written<'_> {
    Written::new_address(address.name(), address.address())
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;
    use proptest::prelude::*;
    use uuid::Uuid;

    use crate::{Draft, Signature};

    proptest! {
        #[test]
        fn what_is_written_is_read_back_by_a_parser_of_others(
            subject in "[A-Za-zÄß\u{1f600}][A-Za-zÄß,.<>@=?\u{1f600} -]{0,120}[A-Za-zÄß\u{1f600}]",
            name in "[A-Za-zÄß\",.<>@()]{1,30}",
            text in "[A-Za-zÄß.\n -]{0,300}",
        ) {
            let draft = Draft {
                from: "assistant@contoso.example".parse::<crate::Address>().unwrap().named(&name).unwrap(),
                to: vec!["a@x.example".parse().unwrap(), "b@x.example".parse().unwrap()],
                reply_to: Some("c@x.example".parse().unwrap()),
                subject: subject.clone(),
                text,
                signature: Signature {
                    why: "you asked".to_owned(),
                    request_id: "req_1".to_owned(),
                    audit: "https://attache.example/a/1".parse().unwrap(),
                },
                headers: vec![("X-Run".to_owned(), "7".to_owned())],
                key: Uuid::from_u128(7),
                date: "2026-11-28T10:00:00Z".parse().unwrap(),
            };
            let message = draft.finish().unwrap();
            let bytes = message.mime();
            prop_assert_eq!(&bytes, &message.mime());
            let read = MessageParser::default().parse(&bytes).unwrap();
            let from = read.from().unwrap().first().unwrap();
            prop_assert_eq!(from.address(), Some("assistant@contoso.example"));
            prop_assert_eq!(from.name(), Some(name.as_str()));
            prop_assert_eq!(read.to().unwrap().iter().count(), 2);
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words(read.subject().unwrap()), words(&subject));
            prop_assert_eq!(read.message_id(), Some("00000000000000000000000000000007@contoso.example"));
            let lines = |text: &str| text.replace('\r', "").trim_end().to_owned();
            prop_assert_eq!(lines(&read.body_text(0).unwrap()), lines(message.text()));
            prop_assert_eq!(lines(&read.body_html(0).unwrap()), lines(message.html()));
            prop_assert_eq!(read.date().unwrap().to_timestamp(), message.date().as_second());
            prop_assert!(bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 998));
        }
    }
}
