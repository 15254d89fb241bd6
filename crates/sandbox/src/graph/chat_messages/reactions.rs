//! Reactions to messages, and the history that they leave (Entra reference §5.3).

use http::Method;
use serde_json::{Value, json};

use crate::changes::ChangeKind;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::instants::milliseconds;
use crate::graph::route::{Needs, Route};

use super::message::Sender;
use super::wire::identity;

const REACT: Needs = Needs::delegated(&["ChatMessage.Send", "Chat.ReadWrite"]);

const REACT_IN_CHANNEL: Needs = Needs::delegated(&["ChannelMessage.Send"]);

/// Reactions from before any emoji could be one, with the names that people see.
const NAMED: [(&str, &str); 6] = [
    ("like", "Like"),
    ("angry", "Angry"),
    ("sad", "Sad"),
    ("laugh", "Laugh"),
    ("heart", "Heart"),
    ("surprised", "Surprised"),
];

/// An emoji with all of its joiners and selectors.
const LONGEST: usize = 64;

pub(super) fn routes() -> Vec<Route> {
    type Handler = fn(&mut Call<'_>) -> Answer;
    [
        ("/chats/{chat}/messages/{message}/setReaction", REACT, set as Handler),
        ("/chats/{chat}/messages/{message}/unsetReaction", REACT, unset),
        ("/me/chats/{chat}/messages/{message}/setReaction", REACT, set),
        ("/me/chats/{chat}/messages/{message}/unsetReaction", REACT, unset),
        ("/users/{user}/chats/{chat}/messages/{message}/setReaction", REACT, set),
        ("/users/{user}/chats/{chat}/messages/{message}/unsetReaction", REACT, unset),
        ("/teams/{team}/channels/{channel}/messages/{message}/setReaction", REACT_IN_CHANNEL, set),
        ("/teams/{team}/channels/{channel}/messages/{message}/unsetReaction", REACT_IN_CHANNEL, unset),
        (
            "/teams/{team}/channels/{channel}/messages/{message}/replies/{reply}/setReaction",
            REACT_IN_CHANNEL,
            set,
        ),
        (
            "/teams/{team}/channels/{channel}/messages/{message}/replies/{reply}/unsetReaction",
            REACT_IN_CHANNEL,
            unset,
        ),
    ]
    .into_iter()
    .map(|(pattern, needs, handler)| Route::new(Method::POST, pattern, needs, handler))
    .collect()
}

fn set(call: &mut Call<'_>) -> Answer {
    react(call, "reactionAdded")
}

fn unset(call: &mut Call<'_>) -> Answer {
    react(call, "reactionRemoved")
}

fn react(call: &mut Call<'_>, action: &'static str) -> Answer {
    let place = call.place()?;
    let body = call.body()?;
    let kind = body.get("reactionType").and_then(Value::as_str).unwrap_or_default();
    check(kind)?;
    let message = call.message_there(&place)?;
    if message.deleted.is_some() || message.event.is_some() {
        return Err(GraphError::unreadable("A reaction to this message is not possible."));
    }
    let user = call.caller.user_id().unwrap_or_default().to_owned();
    let is_same = |old: &Value| old["reactionType"] == kind && old["user"]["user"]["id"] == user.as_str();
    let is_set = message.reactions.iter().any(is_same);
    if is_set == (action == "reactionAdded") {
        return Ok(call.no_content());
    }
    let id = message.id();
    let identity = identity(call.tenant, &Sender::user(&user));
    let moment = place.next_moment(call.tenant, call.now);
    let name = NAMED.iter().find(|(legacy, _)| *legacy == kind).map(|(_, name)| *name);
    let reaction = json!({
        "reactionType": kind, "displayName": name, "reactionContentUrl": null,
        "createdDateTime": milliseconds(moment.time),
        "user": { "application": null, "device": null, "user": identity },
    });
    place.change(call, &id, moment, ChangeKind::Updated, |message| {
        message.reactions.retain(|old| !is_same(old));
        if action == "reactionAdded" {
            message.reactions.push(reaction.clone());
        }
        message.history.push(json!({
            "modifiedDateTime": milliseconds(moment.time), "actions": action, "reaction": reaction,
        }));
    });
    Ok(call.no_content())
}

/// One of the old names, or an emoji: something that is no plain text.
fn check(kind: &str) -> Result<(), GraphError> {
    if kind.is_empty() {
        return Err(GraphError::unreadable("Reaction type is missing from the request body."));
    }
    let is_emoji = kind.len() <= LONGEST && !kind.is_ascii() && !kind.contains(char::is_whitespace);
    if is_emoji || NAMED.iter().any(|(name, _)| *name == kind) {
        return Ok(());
    }
    Err(GraphError::unreadable(format!("The reaction type '{}' is not supported.", kind.escape_default())))
}
