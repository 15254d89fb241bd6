//! Mentions of people, tags, chats and channels (Entra reference §5.3).

use serde_json::{Map, Value, json};

use crate::graph::error::GraphError;

use super::message::Said;

/// A kind of identity that may be mentioned.
struct Kind {
    property: &'static str,
    odata_type: &'static str,
    /// The enumeration that tells more: its property and its members, the usual one first.
    detail: Option<(&'static str, &'static [&'static str])>,
}

const KINDS: [Kind; 4] = [
    Kind {
        property: "user",
        odata_type: "#microsoft.graph.teamworkUserIdentity",
        detail: Some((
            "userIdentityType",
            &[
                "aadUser",
                "onPremiseAadUser",
                "anonymousGuest",
                "federatedUser",
                "personalMicrosoftAccountUser",
                "skypeUser",
                "phoneUser",
                "emailUser",
            ],
        )),
    },
    Kind {
        property: "conversation",
        odata_type: "#microsoft.graph.teamworkConversationIdentity",
        detail: Some(("conversationIdentityType", &["chat", "channel", "team"])),
    },
    Kind {
        property: "application",
        odata_type: "#microsoft.graph.teamworkApplicationIdentity",
        detail: Some((
            "applicationIdentityType",
            &["bot", "aadApplication", "tenantBot", "office365Connector", "outgoingWebhook"],
        )),
    },
    Kind { property: "tag", odata_type: "#microsoft.graph.teamworkTagIdentity", detail: None },
];

/// The mentions with all of their properties, and no others.
pub(super) fn read(entries: &[Map<String, Value>]) -> Result<Vec<Value>, GraphError> {
    entries.iter().map(mention).collect()
}

fn mention(entry: &Map<String, Value>) -> Result<Value, GraphError> {
    let invalid = || GraphError::unreadable("Invalid mention in the request body.");
    let id = entry.get("id").and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok());
    let id = id.ok_or_else(invalid)?;
    let text = entry.get("mentionText").and_then(Value::as_str).filter(|text| !text.is_empty());
    let text = text.ok_or_else(invalid)?;
    let mentioned = entry.get("mentioned").and_then(Value::as_object).ok_or_else(invalid)?;
    let mut whole = json!({ "application": null, "device": null, "user": null, "conversation": null });
    let mut count = 0;
    for kind in &KINDS {
        let Some(identity) = mentioned.get(kind.property).and_then(Value::as_object) else { continue };
        let of =
            identity.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).ok_or_else(invalid)?;
        let mut shown = json!({
            "@odata.type": kind.odata_type, "id": of,
            "displayName": identity.get("displayName").and_then(Value::as_str),
        });
        if let Some((property, members)) = kind.detail {
            shown[property] = match identity.get(property) {
                None | Some(Value::Null) => json!(members[0]),
                Some(told) if members.iter().any(|member| told == *member) => told.clone(),
                Some(_) => return Err(invalid()),
            };
        }
        whole[kind.property] = shown;
        count += 1;
    }
    if count != 1 {
        return Err(invalid());
    }
    Ok(json!({ "id": id, "mentionText": text, "mentioned": whole }))
}

/// Each mention has its `<at id="…">` in the body or in a card.
pub(super) fn check(said: &Said) -> Result<(), GraphError> {
    for mention in &said.mentions {
        let id = &mention["id"];
        let markers = [format!("<at id=\"{id}\">"), format!("<at id='{id}'>")];
        let is_in = |text: &str| markers.iter().any(|marker| text.contains(marker));
        let text = mention["mentionText"].as_str().unwrap_or_default();
        let in_card = said
            .attachments
            .iter()
            .filter_map(|attachment| attachment["content"].as_str())
            .any(|content| content.contains(&format!("<at>{text}</at>")));
        let in_body = said.body.is_html && is_in(&said.body.content);
        if !in_body && !in_card {
            return Err(GraphError::unreadable(format!(
                "Neither Body nor adaptive card content contains marker for mention with Id '{id}'."
            )));
        }
    }
    Ok(())
}
