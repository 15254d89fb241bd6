//! Objects from a document.

use http::{Method, StatusCode};

use crate::seed::{Document, plant};

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
        .answers(200, shape::<crate::ready::Ready>)
        .or(&[422]),
    ]
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
    plant(steer.shared, &steer.realm, &document)
        .map_err(|problems| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, problems.join("\n")))?;
    steer.realm.begin_here();
    ok(&steer.shared.ready(&steer.realm))
}
