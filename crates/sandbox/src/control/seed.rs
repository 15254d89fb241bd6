//! Objects from a document.

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ready::Ready;
use crate::seed::{Document, Made, plant};

use super::steer::{Answer, Refusal, Steer, ok};
use super::table::{Handler, Operation, shape};

/// The operation.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::POST,
            "/seed",
            "Add what a document describes, all of it or nothing; `reset` comes back to this. TOML is taken too, as application/toml",
            Handler::Now(seed),
        )
        .body(shape::<Document>)
        .answers(200, shape::<Planted>)
        .or(&[422]),
    ]
}

/// The tenant as it is now, and what was added to it.
#[derive(Debug, Serialize, JsonSchema)]
struct Planted {
    #[serde(flatten)]
    ready: Ready,
    /// What the document made, in its order.
    made: Vec<Made>,
}

fn seed(steer: &Steer<'_>) -> Answer {
    let is_toml = steer.request.header("content-type").is_some_and(|kind| kind.contains("toml"));
    let document: Document = if is_toml {
        let text =
            std::str::from_utf8(&steer.request.body).map_err(|error| Refusal::bad(error.to_string()))?;
        toml::from_str(text).map_err(|error| Refusal::bad(error.to_string()))?
    } else {
        steer.body()?
    };
    let made = plant(steer.shared, &steer.realm, &document)
        .map_err(|problems| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, problems.join("\n")))?;
    steer.realm.begin_here();
    ok(&Planted { ready: steer.shared.ready(&steer.realm), made })
}
