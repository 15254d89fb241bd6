//! `sendActivityNotification`: 204, and an entry in the activity feed of whoever is meant (Entra reference §5.1).

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Area, Needs, Route};

const SEND: Needs = Needs::either(&["TeamsActivity.Send"]);

/// Characters of a preview at most.
const PREVIEW: usize = 150;

/// What an app put into activity feeds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Notification {
    sent: Timestamp,
    /// The app's id.
    app: String,
    /// The path without the action: `chats/{id}`, `users/{id}/teamwork`.
    about: String,
    content: Map<String, Value>,
}

pub(crate) fn routes() -> Vec<Route> {
    [
        "/chats/{chat}/sendActivityNotification",
        "/users/{user}/teamwork/sendActivityNotification",
        "/teams/{team}/sendActivityNotification",
    ]
    .into_iter()
    .map(|pattern| Route::new(Method::POST, pattern, SEND, send).area(Area::Teams))
    .collect()
}

fn send(call: &mut Call<'_>) -> Answer {
    let mut needs_recipient = true;
    if !call.params.get("chat").is_empty() {
        call.chat_key()?;
    } else if !call.params.get("team").is_empty() {
        call.team()?;
    } else {
        needs_recipient = false;
        let named = call.params.get("user");
        let user = call.tenant.user(named, call.now);
        user.ok_or_else(|| GraphError::not_found(format!("User '{named}' was not found.")))?;
    }
    let content = call.body()?;
    check(&content, needs_recipient)?;
    let segments = &call.path.segments;
    let about = segments[..segments.len().saturating_sub(1)].join("/");
    let notification = Notification { sent: call.now, app: call.caller.app_id.clone(), about, content };
    call.tenant.workloads.teamwork.notifications.push(notification);
    Ok(call.no_content())
}

fn check(content: &Map<String, Value>, needs_recipient: bool) -> Result<(), GraphError> {
    let of = |name: &str| content.get(name).unwrap_or(&Value::Null);
    let invalid =
        |name: &str| GraphError::unreadable(format!("Invalid value specified for property '{name}'."));
    let topic = of("topic");
    if topic["value"].as_str().is_none_or(str::is_empty) {
        return Err(invalid("topic"));
    }
    match topic["source"].as_str() {
        Some("entityUrl") => {}
        // A text of one's own needs a link to go with it.
        Some("text") if topic["webUrl"].is_string() => {}
        _ => return Err(invalid("topic")),
    }
    if of("activityType").as_str().is_none_or(str::is_empty) {
        return Err(invalid("activityType"));
    }
    let preview = &of("previewText")["content"];
    if !preview.is_null() && preview.as_str().is_none_or(|text| text.chars().count() > PREVIEW) {
        return Err(invalid("previewText"));
    }
    if needs_recipient && of("recipient")["@odata.type"].as_str().is_none_or(str::is_empty) {
        return Err(invalid("recipient"));
    }
    Ok(())
}
