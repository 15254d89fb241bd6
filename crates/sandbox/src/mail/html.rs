//! From HTML to text and back, as Exchange converts a body for a client that asks for the other kind
//! (`Prefer: outlook.body-content-type`, Graph reference §4.3). Plain enough for previews; no browser.

/// The text of a page: tags gone, blocks on lines of their own, entities resolved.
pub(crate) fn to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        push_words(&mut text, &rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('<') { tag(&mut text, rest) } else { entity(&mut text, rest) };
    }
    push_words(&mut text, rest);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\r\n").trim().to_owned()
}

/// A page that shows the text, as Exchange wraps one.
pub(crate) fn from_text(text: &str) -> String {
    let escaped = escape(text).replace("\r\n", "\n").replace('\n', "<br>\r\n");
    format!(
        "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\
         <meta name=\"Generator\" content=\"Microsoft Exchange Server\">\r\n<!-- converted from text -->\
         <style><!-- .EmailQuote {{ margin-left: 1pt; padding-left: 4pt; border-left: #800000 2px solid; }} -->\
         </style></head>\r\n<body>\r\n<font size=\"2\"><span style=\"font-size:11pt;\">\
         <div class=\"PlainText\">{escaped}</div>\r\n</span></font>\r\n</body>\r\n</html>\r\n"
    )
}

/// Text as HTML shows it.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn push_words(text: &mut String, piece: &str) {
    for character in piece.chars() {
        if character.is_ascii_whitespace() {
            if !text.is_empty() && !text.ends_with([' ', '\n']) {
                text.push(' ');
            }
        } else {
            text.push(character);
        }
    }
}

/// Reads over a tag; blocks break the line.
fn tag<'a>(text: &mut String, rest: &'a str) -> &'a str {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return comment.find("-->").map_or("", |end| &comment[end + 3..]);
    }
    let Some(end) = rest.find('>') else { return "" };
    let inside = rest[1..end].trim_start_matches('/');
    let name: String =
        inside.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let after = &rest[end + 1..];
    match name.as_str() {
        "br" => text.push('\n'),
        "p" | "div" | "tr" | "li" | "table" | "ul" | "ol" | "h1" | "h2" | "h3" | "h4" | "blockquote"
        | "hr"
            if !text.is_empty() && !text.ends_with('\n') =>
        {
            text.push('\n');
        }
        "style" | "script" | "head" | "title" if !rest.starts_with("</") => {
            return skip_to_end(after, &name);
        }
        _ => {}
    }
    after
}

fn skip_to_end<'a>(rest: &'a str, name: &str) -> &'a str {
    let end = format!("</{name}");
    let at = rest
        .char_indices()
        .find(|(at, _)| rest.get(*at..*at + end.len()).is_some_and(|here| here.eq_ignore_ascii_case(&end)));
    match at.and_then(|(at, _)| Some(at + rest[at..].find('>')? + 1)) {
        Some(after) => &rest[after..],
        None => "",
    }
}

fn entity<'a>(text: &mut String, rest: &'a str) -> &'a str {
    let name = rest[1..].split_once(';').map(|(name, _)| name).filter(|name| name.len() <= 8);
    let character = name.and_then(|name| match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    });
    match (name, character) {
        (Some(name), Some(character)) => {
            text.push(character);
            &rest[name.len() + 2..]
        }
        _ => {
            text.push('&');
            &rest[1..]
        }
    }
}

/// What arbitrary HTML must not break; what is escaped comes back.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_html(bytes: &[u8]) {
    let html = String::from_utf8_lossy(bytes);
    crate::portal::withstand_html(&html);
    let text = to_text(&html);
    assert_eq!(to_text(&from_text(&text)), to_text(&escape(&text).replace("\r\n", "<br>")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_page_becomes_what_one_would_read() {
        let html = "<html><head><title>no</title><style>p{}</style></head><body><p>Dear &lt;Ada&gt;,</p>\r\n\
                    <div>a&#65;&nbsp;b &amp; c<br>d</div><!-- no --><script>x()</script></body></html>";
        assert_eq!(to_text(html), "Dear <Ada>,\r\naA\u{a0}b & c\r\nd");
    }

    proptest! {
        #[test]
        fn text_survives_the_way_there_and_back(text in "[a-z<>&\"']{1,40}( [a-z<>&;#]{1,9}){0,3}") {
            prop_assert_eq!(to_text(&from_text(&text)), text);
        }

        #[test]
        fn nothing_breaks_it(html in "\\PC{0,200}", tail in "[<>&;!/a-z-]{0,40}") {
            let _ = to_text(&(html + &tail));
        }
    }
}
