//! Mentions of people, tags, chats and channels (Entra reference §5.3).

use serde_json::{Map, Value, json};

use crate::graph::error::GraphError;

use super::message::Said;

/// The kinds of identity that may be mentioned, with their types and the enumeration that tells more.
const KINDS: [(&str, &str, Option<(&str, &[&str], &str)>); 4] = [
    (
        "user",
        "#microsoft.graph.teamworkUserIdentity",
        Some((
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
            "aadUser",
        )),
    ),
    (
        "conversation",
        "#microsoft.graph.teamworkConversationIdentity",
        Some(("conversationIdentityType", &["team", "channel", "chat"], "chat")),
    ),
    (
        "application",
        "#microsoft.graph.teamworkApplicationIdentity",
        Some((
            "applicationIdentityType",
            &["aadApplication", "bot", "tenantBot", "office365Connector", "outgoingWebhook"],
            "bot",
        )),
    ),
    ("tag", "#microsoft.graph.teamworkTagIdentity", None),
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
    for (name, odata_type, detail) in KINDS {
        let Some(identity) = mentioned.get(name).and_then(Value::as_object) else { continue };
        let of =
            identity.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).ok_or_else(invalid)?;
        let mut shown = json!({
            "@odata.type": odata_type, "id": of,
            "displayName": identity.get("displayName").and_then(Value::as_str),
        });
        if let Some((property, members, usual)) = detail {
            let told = match identity.get(property) {
                None | Some(Value::Null) => usual,
                Some(told) => members.iter().find(|member| told == **member).ok_or_else(invalid)?,
            };
            shown[property] = json!(told);
        }
        whole[name] = shown;
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
        if !(said.body.is_html && is_in(&said.body.content)) && !in_card {
            return Err(GraphError::unreadable(format!(
                "Neither Body nor adaptive card content contains marker for mention with Id '{id}'."
            )));
        }
    }
    Ok(())
}
