//! The two lines under every message: why it came, with the id of the request, and where the act is on record.
//! And the HTML of a message, which is its text with everything escaped.

use url::Url;

use crate::Unfit;
use crate::draft::line;

/// What stands under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Why the recipient gets it, as a clause: `you asked for it in the planning chat`.
    pub why: String,
    /// The request that it answers to.
    pub request_id: String,
    /// Where whoever holds the message can see the entry of this act.
    pub audit: Url,
}

impl Signature {
    pub(crate) fn check(&self) -> Result<(), Unfit> {
        line("the reason", &self.why)?;
        line("the request id", &self.request_id)?;
        match self.audit.scheme() {
            "https" | "http" => Ok(()),
            other => Err(Unfit::Link { scheme: other.to_owned() }),
        }
    }

    /// The text and the HTML of a message with this under it.
    pub(crate) fn sign(&self, text: &str) -> (String, String) {
        let why = format!("Why you got this: {} ({})", self.why, self.request_id);
        let audit = self.audit.as_str();
        // "-- " and a line break begin a signature, which programs fold away when they quote (RFC 3676 §4.3).
        let plain = format!("{}\n\n-- \n{why}\nAudit: {audit}\n", text.trim_end());
        let mut html = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n".to_owned();
        for paragraph in paragraphs(text) {
            html.push_str(&format!("<p>{}</p>\n", escaped(paragraph).replace('\n', "<br>\n")));
        }
        let (why, audit) = (escaped(&why), escaped(audit));
        html.push_str(&format!(
            "<hr>\n<p><small>{why}<br>\nAudit: <a href=\"{audit}\">{audit}</a></small></p>\n</body></html>\n"
        ));
        (plain, html)
    }
}

fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
}

/// A text that HTML shows as it is, between tags and in a quoted attribute alike.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\r' => {}
            // HTML has no place for them, not even escaped.
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signature(why: &str) -> Signature {
        let audit = "https://attache.example/a/x?y=1&z='".parse().unwrap();
        Signature { why: why.to_owned(), request_id: "req_1".to_owned(), audit }
    }

    #[test]
    fn both_forms_carry_both_lines() {
        let (text, html) = signature("you asked").sign("Hello.\n\nTwo\nlines\n");
        assert_eq!(
            text,
            "Hello.\n\nTwo\nlines\n\n-- \nWhy you got this: you asked (req_1)\nAudit: https://attache.example/a/x?y=1&z=%27\n"
        );
        assert!(html.contains("<p>Hello.</p>\n<p>Two<br>\nlines</p>"), "{html}");
        assert!(html.contains("Why you got this: you asked (req_1)<br>"), "{html}");
        assert!(html.contains("<a href=\"https://attache.example/a/x?y=1&amp;z=%27\">"), "{html}");
    }

    proptest! {
        #[test]
        fn nothing_that_was_written_is_markup(text in "[\\PC\\n\"'<>&]{0,60}", why in "[\\PC\"'<>&]{0,20}") {
            let (_, html) = signature(&why).sign(&text);
            let ours = ["<!DOCTYPE html>", "<html>", "<head>", "<meta charset=\"utf-8\">", "</head>", "<body>", "<p>",
                "</p>", "<br>", "<hr>", "<small>", "</small>", "</a>", "</body>", "</html>",
                "<a href=\"https://attache.example/a/x?y=1&amp;z=%27\">"];
            let left = ours.iter().fold(html, |html, tag| html.replace(tag, ""));
            prop_assert!(!left.contains(['<', '>', '"', '\'']), "{left}");
        }
    }
}
