//! What a message says, as plain text: Teams stores HTML (Entra reference §5.3). Tags become line breaks and
//! list marks, links keep their address, attachments, mentions and pictures are noted, scripts and styles
//! are dropped. Nothing is cut in silence.

use attache_graph::{Body, BodyFormat};
use attache_terms::Untrusted;

/// The longest text that is passed on, in characters: several times what Teams takes.
const LONGEST: usize = 120_000;

/// The longest tag that is taken for one, in bytes; it bounds the work on hostile input.
const LONGEST_TAG: usize = 8_192;

/// The text of a message's body.
pub(crate) fn plain(body: &Body) -> Untrusted {
    let text = match body.format {
        BodyFormat::Html => from_html(body.content.judge()),
        BodyFormat::Text => body.content.judge().to_owned(),
    };
    Untrusted::new(bounded(text))
}

fn bounded(text: String) -> String {
    let mut characters = text.char_indices();
    let Some((cut, _)) = characters.nth(LONGEST) else { return text };
    let left = characters.count() + 1;
    format!("{}\n[{left} more characters: read them in Teams]", &text[..cut])
}

/// Reads HTML leniently; every input gives a text.
fn from_html(html: &str) -> String {
    let mut page = Page::default();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        page.text(&rest[..start]);
        let Some(tag) = Tag::read(&rest[start..]) else {
            page.text("<");
            rest = &rest[start + 1..];
            continue;
        };
        rest = &rest[start + tag.length..];
        if !tag.closing && matches!(tag.name.as_str(), "script" | "style") {
            rest = after_closing(rest, &tag.name);
            continue;
        }
        page.tag(&tag);
    }
    page.text(rest);
    page.finish()
}

/// What follows `</name>`; nothing when it is never closed.
fn after_closing<'a>(rest: &'a str, name: &str) -> &'a str {
    let mut searched = rest;
    while let Some(at) = searched.find("</") {
        let from = &searched[at..];
        match Tag::read(from) {
            Some(tag) if tag.name == name => return &from[tag.length..],
            _ => searched = &from[2..],
        }
    }
    ""
}

#[derive(Default)]
struct Page {
    out: String,
    /// Targets of the links that are open.
    links: Vec<Option<String>>,
    preformatted: usize,
}

impl Page {
    fn text(&mut self, raw: &str) {
        if self.preformatted > 0 {
            self.out.push_str(&decoded(raw));
            return;
        }
        for c in decoded(raw).chars() {
            // A no-break space is a space to a reader.
            let c = if c.is_whitespace() { ' ' } else { c };
            if c != ' ' || !self.out.ends_with([' ', '\n']) {
                self.out.push(c);
            }
        }
    }

    fn tag(&mut self, tag: &Tag) {
        match (tag.name.as_str(), tag.closing) {
            ("br" | "hr", _) => self.out.push('\n'),
            (
                "p" | "div" | "blockquote" | "ul" | "ol" | "table" | "tr" | "h1" | "h2" | "h3" | "h4" | "h5"
                | "h6",
                _,
            ) => {
                self.new_line();
            }
            ("pre", closing) => {
                self.new_line();
                self.preformatted =
                    if closing { self.preformatted.saturating_sub(1) } else { self.preformatted + 1 };
            }
            ("li", false) => {
                self.new_line();
                self.out.push_str("- ");
            }
            ("td" | "th", true) => self.out.push('\t'),
            ("a", false) => self.links.push(tag.attribute("href")),
            ("a", true) => self.end_of_link(),
            ("img", false) => self.note("picture", tag.attribute("alt")),
            ("emoji", false) => self.out.push_str(&tag.attribute("alt").unwrap_or_default()),
            ("attachment", false) => self.note("attachment", tag.attribute("id")),
            ("at", false) => self.out.push('@'),
            _ => {}
        }
    }

    fn new_line(&mut self) {
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// Adds the address of a link unless its text is the address.
    fn end_of_link(&mut self) {
        if let Some(Some(target)) = self.links.pop()
            && !self.out.ends_with(&target)
        {
            self.out.push_str(&format!(" <{target}>"));
        }
    }

    fn note(&mut self, what: &str, detail: Option<String>) {
        match detail.filter(|detail| !detail.trim().is_empty()) {
            Some(detail) => self.out.push_str(&format!("[{what}: {detail}]")),
            None => self.out.push_str(&format!("[{what}]")),
        }
    }

    fn finish(self) -> String {
        self.out.trim_matches(|c: char| c.is_whitespace()).to_owned()
    }
}

/// One tag: `<name attribute="value">`.
struct Tag {
    name: String,
    closing: bool,
    attributes: Vec<(String, String)>,
    length: usize,
}

impl Tag {
    /// Reads the tag at the start of `text`; none when it is a mere `<`. A comment is a tag without a name.
    fn read(text: &str) -> Option<Self> {
        if let Some(comment) = text.strip_prefix("<!--") {
            let length = comment.find("-->").map_or(text.len(), |end| 4 + end + 3);
            return Some(Self { name: String::new(), closing: false, attributes: Vec::new(), length });
        }
        let window = &text[..text.floor_char_boundary(LONGEST_TAG)];
        let inside = window.strip_prefix('<')?;
        let (closing, inside) = match inside.strip_prefix('/') {
            Some(inside) => (true, inside),
            None => (false, inside),
        };
        if !inside.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!') {
            return None;
        }
        let name_length =
            inside.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(inside.len());
        let name = inside[..name_length].to_ascii_lowercase();
        let (attributes, rest) = attributes(&inside[name_length..])?;
        Some(Self { name, closing, attributes, length: window.len() - rest.len() })
    }

    fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }
}

/// The attributes up to the closing `>`, and what follows it.
fn attributes(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(rest) = rest.strip_prefix('>') {
            return Some((found, rest));
        }
        let length = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '>')?;
        let name = rest[..length].to_ascii_lowercase();
        rest = rest[length..].trim_start();
        let Some(value) = rest.strip_prefix('=') else {
            found.push((name, String::new()));
            continue;
        };
        let value = value.trim_start();
        let (raw, after) = match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].split_once(quote)?,
            _ => value.split_at(value.find(|c: char| c.is_whitespace() || c == '>')?),
        };
        found.push((name, decoded(raw)));
        rest = after;
    }
}

/// Replaces character references; what is none stays as it is.
fn decoded(raw: &str) -> String {
    const LONGEST_NAME: usize = 12;
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        let end = rest.char_indices().take(LONGEST_NAME).find(|(_, c)| *c == ';').map(|(at, _)| at);
        match end.and_then(|end| Some((end, reference(&rest[..end])?))) {
            Some((end, c)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "euro" => '€',
        "copy" => '©',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(html: &str) -> String {
        from_html(html)
    }

    #[test]
    fn paragraphs_breaks_and_lists_become_lines() {
        assert_eq!(text("<p>Hello</p><p>Ada&nbsp;&amp; Bob<br>bye</p>"), "Hello\nAda & Bob\nbye");
        assert_eq!(text("<ul>\n<li>one</li>\n<li>two</li></ul>"), "- one\n- two");
        assert_eq!(text("<pre>a\n  b</pre>"), "a\n  b");
        assert_eq!(text("<table><tr><td>1</td><td>2</td></tr></table>"), "1\t2");
    }

    #[test]
    fn links_keep_their_address() {
        assert_eq!(
            text(r#"see <a href="https://a.example/?x=1&amp;y=2">this</a>."#),
            "see this <https://a.example/?x=1&y=2>."
        );
        assert_eq!(text(r#"<a href="https://a.example">https://a.example</a>"#), "https://a.example");
    }

    #[test]
    fn what_is_no_text_is_noted() {
        assert_eq!(text(r#"<p>look <attachment id="1795"></attachment></p>"#), "look [attachment: 1795]");
        assert_eq!(text(r#"<img alt="a chart" src="../hostedContents/1/$value">"#), "[picture: a chart]");
        assert_eq!(
            text(r#"<p><at id="0">Ada Lovelace</at> hi <emoji id="smile" alt="🙂"></emoji></p>"#),
            "@Ada Lovelace hi 🙂"
        );
    }

    #[test]
    fn scripts_styles_and_comments_say_nothing() {
        assert_eq!(text("a<script>alert('<b>')</script>b<style>p{}</STYLE>c<!-- no > -->d"), "abcd");
        assert_eq!(text("a<script>never closed"), "a");
    }

    #[test]
    fn a_mere_angle_bracket_is_text() {
        assert_eq!(text("1 < 2 and 3 > 2, x<"), "1 < 2 and 3 > 2, x<");
        assert_eq!(text("a &bogus; &#xD800; &#x41; & b"), "a &bogus; &#xD800; A & b");
    }

    #[test]
    fn a_text_is_never_cut_in_silence() {
        let long = "x".repeat(LONGEST + 7);
        let cut = bounded(long);
        assert!(cut.ends_with("\n[7 more characters: read them in Teams]"), "{}", &cut[LONGEST..]);
        let whole = "é".repeat(LONGEST);
        assert_eq!(bounded(whole.clone()), whole);
    }

    proptest! {
        #[test]
        fn every_input_gives_a_text(html in "(<|>|/|&|;|#|=|\"|'|a|script|!--|-->|pre| |\\PC){0,60}") {
            text(&html);
        }

        #[test]
        fn escaped_text_comes_back_as_it_was(said in "[a-z<>&\"']{1,40}") {
            let escaped = said.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            prop_assert_eq!(text(&format!("<p>{escaped}</p>")), said);
        }
    }
}
