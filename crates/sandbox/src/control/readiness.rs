//! Whether it is there, what a client needs to know, and the description of this API.

use http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ready::Ready;

use super::openapi;
use super::steer::ok;
use super::table::{Handler, Operation, Who, object, shape};

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/readyz",
            "Tell that the sandbox answers: every tenant is there",
            Handler::Now(|_| ok(&Readiness { status: "ready" })),
        )
        .who(Who::Anybody)
        .answers(200, shape::<Readiness>),
        Operation::new(
            Method::GET,
            "/openapi.json",
            "Describe the control API",
            Handler::Now(|steer| ok(&openapi::document(&steer.request.origin))),
        )
        .who(Who::Anybody)
        .answers(200, object),
        Operation::new(
            Method::GET,
            "/ready",
            "Tell what the ready line says of the tenant: ids, secrets, people",
            Handler::Now(|steer| ok(&steer.shared.ready(&steer.realm))),
        )
        .answers(200, shape::<Ready>),
    ]
}

#[derive(Serialize, JsonSchema)]
struct Readiness {
    status: &'static str,
}
