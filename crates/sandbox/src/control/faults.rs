//! The rules by which requests go wrong.

use http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::faults::{Fault, FaultRule};

use super::steer::{Answer, Refusal, Steer, created, done, done_if, list};
use super::table::{Handler, Operation, list_of, shape};

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/faults",
            "List the rules, spent ones included",
            Handler::Now(|steer| list(&steer.realm.faults.rules())),
        )
        .answers(200, list_of::<FaultRule>),
        Operation::new(Method::POST, "/faults", "Add a rule by which requests go wrong", Handler::Now(add))
            .body(shape::<Fault>)
            .answers(201, shape::<Added>),
        Operation::new(
            Method::DELETE,
            "/faults",
            "Remove every rule; held requests stay held",
            Handler::Now(|steer| {
                steer.realm.faults.clear();
                done()
            }),
        ),
        Operation::new(
            Method::DELETE,
            "/faults/{id}",
            "Remove a rule",
            Handler::Now(|steer| done_if(steer.id.parse().is_ok_and(|id| steer.realm.faults.remove(id)))),
        ),
    ]
}

#[derive(Debug, Serialize, JsonSchema)]
struct Added {
    /// To remove it by.
    id: u64,
}

fn add(steer: &Steer<'_>) -> Answer {
    let fault: Fault = steer.body()?;
    fault.check().map_err(Refusal::bad)?;
    created(&Added { id: steer.realm.faults.add(fault) })
}
