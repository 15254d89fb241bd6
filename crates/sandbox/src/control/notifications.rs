//! What was posted to subscribers, as it is posted.

use http::Method;

use crate::notifications::{Posted, Wanted};

use super::steer::{Answer, Refusal, Steer, list};
use super::table::{Handler, Kind, Operation, Parameter, WAIT, Waiting, list_of};

/// The operation.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/notifications",
            "List what was posted to subscribers, oldest first, or wait for it",
            Handler::Waiting(|steer| Box::pin(notifications(steer)) as Waiting<'_>),
        )
        .query(&[
            Parameter { name: "after", description: "Only those with a greater number.", kind: Kind::Number },
            Parameter { name: "subscription", description: "Only of this subscription.", kind: Kind::Text },
            Parameter {
                name: "resource",
                description: "Only those whose resource begins so.",
                kind: Kind::Text,
            },
            Parameter {
                name: "what",
                description: "Only what tells of this: created, updated, deleted, or a lifecycle event.",
                kind: Kind::Text,
            },
            Parameter {
                name: "taken",
                description: "Only what the endpoint took (true) or refused (false).",
                kind: Kind::Text,
            },
            WAIT,
        ])
        .answers(200, list_of::<Posted>),
    ]
}

async fn notifications(steer: &Steer<'_>) -> Answer {
    let wanted = Wanted {
        after: steer.number("after")?.unwrap_or(0),
        subscription: steer.text("subscription").map(str::to_owned),
        resource: steer.text("resource").map(str::to_lowercase),
        what: steer.text("what").map(str::to_owned),
        taken: match steer.text("taken") {
            None | Some("") => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(other) => return Err(Refusal::bad(format!("taken is true or false, not {other:?}."))),
        },
    };
    let log = &steer.realm.posted;
    let found = tokio::time::timeout(steer.wait()?, log.wait(&wanted)).await;
    list(&found.unwrap_or_else(|_| log.found(&wanted)))
}
