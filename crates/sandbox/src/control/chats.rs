//! What was said in the tenant's chats, and saying something in anybody's name.

use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::graph::{Insider, perform};

use super::steer::{Answer, Refusal, Steer, created, list};
use super::table::{Handler, Kind, Operation, Parameter, WAIT, Waiting, object, object_list, shape};

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/chats/messages",
            "List what was said in chats, oldest first, as Graph shows it to an application, or wait for it",
            Handler::Waiting(|steer| Box::pin(messages(steer)) as Waiting<'_>),
        )
        .query(&[
            Parameter { name: "chat", description: "Only in this chat.", kind: Kind::Text },
            Parameter { name: "from", description: "Only from this user, by id or UPN.", kind: Kind::Text },
            Parameter { name: "contains", description: "Only with this text in the body.", kind: Kind::Text },
            Parameter {
                name: "after",
                description: "Only what was said after the message of this id.",
                kind: Kind::Number,
            },
            WAIT,
        ])
        .answers(200, object_list),
        Operation::new(
            Method::POST,
            "/chats/{id}/messages",
            "Say something in a chat as one of its members",
            Handler::Now(say),
        )
        .body(shape::<Said>)
        .answers(201, object)
        .or(&[422]),
    ]
}

/// What somebody says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// Who, by object id or user principal name.
    from: String,
    /// What.
    content: String,
    /// Whether the content is HTML.
    #[serde(default)]
    html: bool,
}

async fn messages(steer: &Steer<'_>) -> Answer {
    let from = steer.text("from").map(|from| user_id(steer, from)).transpose()?;
    let after = steer.number("after")?.unwrap_or(0);
    let (chat, text) = (steer.text("chat"), steer.text("contains").unwrap_or_default());
    let find = || {
        let mut found: Vec<Value> = said(steer, chat)
            .into_iter()
            .filter(|message| {
                let is = |pointer: &str, wanted: &Option<String>| {
                    wanted.as_ref().is_none_or(|wanted| message.pointer(pointer) == Some(&json!(wanted)))
                };
                let body = message.pointer("/body/content").and_then(Value::as_str).unwrap_or_default();
                is("/from/user/id", &from) && body.contains(text) && number(message) > after
            })
            .collect();
        found.sort_by_key(number);
        (!found.is_empty()).then_some(found)
    };
    let found = steer.realm.feed.wait(steer.wait()?, find).await;
    list(&found.unwrap_or_default())
}

/// A message's id is a number that grows.
fn number(message: &Value) -> u64 {
    message["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(0)
}

fn said(steer: &Steer<'_>, chat: Option<&str>) -> Vec<Value> {
    let tenant = steer.realm.look();
    let chats = tenant.workloads.chats.all().map(|(_, found)| found.id.as_str());
    let mut messages = Vec::new();
    for id in chats.filter(|id| chat.is_none_or(|chat| chat == *id)) {
        let mut next = Some(format!("/chats/{}/messages?$top=50", encoded(id)));
        while let Some(path) = next.take() {
            let Ok(mut page) = perform(steer.shared, &steer.realm, Insider::App, Method::GET, &path, None)
            else {
                break;
            };
            if let Value::Array(value) = page["value"].take() {
                messages.extend(value);
            }
            let link = page["@odata.nextLink"].as_str();
            next = link.and_then(|link| Some(link.split_once("/v1.0")?.1.to_owned()));
        }
    }
    messages
}

fn say(steer: &Steer<'_>) -> Answer {
    let said: Said = steer.body()?;
    let user = user_id(steer, &said.from)?;
    let body = json!({ "body": {
        "contentType": if said.html { "html" } else { "text" }, "content": said.content,
    } });
    let path = format!("/chats/{}/messages", encoded(&steer.id));
    let answer = perform(steer.shared, &steer.realm, Insider::User(&user), Method::POST, &path, Some(&body));
    match answer {
        Ok(message) => created(&message),
        Err(error) if error.status == StatusCode::NOT_FOUND => Err(Refusal::none()),
        Err(error) => {
            let message = format!("{}: {}", error.code, error.message);
            Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message))
        }
    }
}

/// The object id of a user who is there.
pub(super) fn user_id(steer: &Steer<'_>, user: &str) -> Result<String, Refusal> {
    let tenant = steer.realm.look();
    let found = tenant.user(user, steer.realm.clock.now());
    let none = || Refusal::new(StatusCode::NOT_FOUND, format!("There is no user {user:?}."));
    found.map(|user| user.id.clone()).ok_or_else(none)
}

fn encoded(segment: &str) -> impl std::fmt::Display {
    utf8_percent_encode(segment, NON_ALPHANUMERIC)
}
