//! Attachments of messages: cards, files by reference, quoted messages (Entra reference §5.3).

use serde_json::{Map, Value, json};

use crate::graph::error::GraphError;

use super::message::Said;

const CARD: &str = "application/vnd.microsoft.card.";
const ADAPTIVE: &str = "application/vnd.microsoft.card.adaptive";
/// A quoted message.
pub(super) const MESSAGE_REFERENCE: &str = "messageReference";

/// The attachments with all of their properties, and no others.
pub(super) fn read(entries: &[Map<String, Value>]) -> Result<Vec<Value>, GraphError> {
    entries.iter().map(attachment).collect()
}

fn attachment(entry: &Map<String, Value>) -> Result<Value, GraphError> {
    let text = |name: &str| match entry.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(GraphError::unreadable(format!(
            "Invalid value specified for property '{name}' of an attachment."
        ))),
    };
    let needs = |name: &str| {
        text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| {
            GraphError::unreadable(format!("A value is required for property '{name}' of an attachment."))
        })
    };
    let (id, content_type) = (needs("id")?, needs("contentType")?);
    if content_type.starts_with(CARD) {
        let content = needs("content")?;
        let card: Value = serde_json::from_str(content).unwrap_or_default();
        let is_right = match content_type {
            ADAPTIVE => card["type"] == "AdaptiveCard",
            _ => card.is_object(),
        };
        if !is_right {
            return Err(GraphError::unreadable(format!(
                "The content of the attachment '{id}' is no valid card."
            )));
        }
    }
    if content_type == "reference" {
        needs("contentUrl")?;
    }
    Ok(json!({
        "id": id,
        "contentType": content_type,
        "contentUrl": text("contentUrl")?,
        "content": text("content")?,
        "name": text("name")?,
        "thumbnailUrl": text("thumbnailUrl")?,
        "teamsAppId": text("teamsAppId")?,
    }))
}

/// Each attachment has its `<attachment id="…">` in the body, and each of these its attachment.
pub(super) fn check(said: &Said) -> Result<(), GraphError> {
    let named = ids_in(&said.body.content);
    for attachment in &said.attachments {
        let id = attachment["id"].as_str().unwrap_or_default();
        if !named.contains(&id) || !said.body.is_html {
            return Err(GraphError::unreadable(format!(
                "The body has no marker for the attachment with id '{id}': <attachment id=\"{id}\"></attachment> in html content is needed."
            )));
        }
    }
    let is_there = |id: &str| said.attachments.iter().any(|attachment| attachment["id"] == id);
    match named.iter().find(|id| said.body.is_html && !is_there(id)) {
        Some(id) => Err(GraphError::unreadable(format!(
            "The body names the attachment '{id}', which is not among the attachments."
        ))),
        None => Ok(()),
    }
}

fn ids_in(content: &str) -> Vec<&str> {
    content
        .split("<attachment ")
        .skip(1)
        .filter_map(|rest| {
            let (tag, _) = rest.split_once('>')?;
            let (_, value) = tag.split_once("id=")?;
            let quote = value.chars().next().filter(|first| ['"', '\''].contains(first))?;
            value[1..].split_once(quote).map(|(id, _)| id)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_markers_of_a_body_are_found() {
        for (content, ids) in [
            ("", &[][..]),
            ("<attachment id=\"a\"></attachment>x<attachment id='b'/>", &["a", "b"]),
            ("<attachment id=a></attachment><attachment id=\"open", &[]),
            ("<attachment ", &[]),
        ] {
            assert_eq!(ids_in(content), ids, "{content}");
        }
    }
}
