//! HTML that somebody sent, as plain text: it is shown, never run.

/// The text of a piece of HTML: tags are gone, blocks become lines, the usual entities are read.
pub(super) fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('>') else {
            text.push_str(&rest[start..]);
            rest = "";
            break;
        };
        let tag = rest[start + 1..start + length].trim_start_matches('/').to_ascii_lowercase();
        let name = tag.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default();
        if matches!(name, "br" | "p" | "div" | "li" | "tr" | "h1" | "h2" | "h3") && !text.ends_with('\n') {
            text.push('\n');
        }
        rest = &rest[start + length + 1..];
    }
    text.push_str(rest);
    for (entity, letter) in
        [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
    {
        if text.contains(entity) {
            text = text.replace(entity, letter);
        }
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn tags_go_and_what_they_say_stays() {
        for (html, text) in [
            ("<p>Hello <b>you</b> &amp; me</p><p>Bye</p>", "Hello you & me\nBye"),
            ("one<br/>two", "one\ntwo"),
            ("&amp;lt;b&gt;", "&lt;b>"),
            ("<script>alert(1)</script>", "alert(1)"),
            ("1 < 2", "1 < 2"),
            ("", ""),
        ] {
            assert_eq!(plain(html), text, "{html}");
        }
    }
}
