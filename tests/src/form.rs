//! The first form of an HTML page, as far as the sandbox's pages go: its action, and its fields with their
//! values. It reads tags and quoted attributes; it is no HTML parser.

use std::collections::BTreeMap;

/// A form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it goes; empty for the page's own address.
    pub(crate) action: String,
    /// Its fields in order.
    pub(crate) fields: Vec<Field>,
}

/// An `input` or a `button` that has a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Form {
    /// Reads the first form of a page.
    pub(crate) fn first(page: &str) -> Option<Self> {
        let start = page.find("<form")?;
        let end = page[start..].find("</form")? + start;
        let mut tags =
            page[start..end].split('<').skip(1).filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag);
        let form = attributes(tags.next()?);
        let fields = tags
            .filter(|tag| ["input", "button"].iter().any(|name| tag.starts_with(name)))
            .map(|tag| {
                let mut field = attributes(tag);
                let mut take = |name| field.remove(name).unwrap_or_default();
                Field { kind: take("type"), name: take("name"), value: take("value") }
            })
            .filter(|field| !field.name.is_empty())
            .collect();
        Some(Self { action: form.get("action").cloned().unwrap_or_default(), fields })
    }
}

fn attributes(tag: &str) -> BTreeMap<String, String> {
    let mut rest = tag;
    let mut found = BTreeMap::new();
    while let Some((before, after)) = rest.split_once("=\"") {
        let Some((value, next)) = after.split_once('"') else { break };
        let name = before.rsplit(char::is_whitespace).next().unwrap_or_default();
        found.insert(name.to_ascii_lowercase(), unescape(value));
        rest = next;
    }
    found
}

fn unescape(text: &str) -> String {
    let quotes =
        text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#39;", "'").replace("&#x27;", "'");
    let signs = quotes.replace("&lt;", "<").replace("&#60;", "<").replace("&gt;", ">").replace("&#62;", ">");
    signs.replace("&#38;", "&").replace("&#x26;", "&").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_its_action_and_its_named_fields() {
        let page = r#"<p><form method="post" action="/x?a=1&amp;b=2">
            <input type="hidden" name="flow" value="&quot;1&quot;"><input name="login" type="email">
            <button type="submit">Sign in</button></form>"#;
        let form = Form::first(page).unwrap();
        assert_eq!(form.action, "/x?a=1&b=2");
        let fields: Vec<_> =
            form.fields.iter().map(|field| (&*field.kind, &*field.name, &*field.value)).collect();
        assert_eq!(fields, [("hidden", "flow", "\"1\""), ("email", "login", "")]);
    }

    #[test]
    fn a_page_without_a_form_has_none() {
        assert_eq!(Form::first("<p>You may close this page.</p>"), None);
    }
}
