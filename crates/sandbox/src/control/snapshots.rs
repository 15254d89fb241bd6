//! Snapshots: everything that a tenant holds, kept and put back.

use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::realm::Snapshot;

use super::steer::{Answer, Refusal, Steer, created, done_if, list};
use super::table::{Handler, Operation, list_of, shape};

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/snapshots",
            "List the snapshots, oldest first",
            Handler::Now(|steer| list(&steer.realm.snapshots.all())),
        )
        .answers(200, list_of::<Snapshot>),
        Operation::new(
            Method::POST,
            "/snapshots",
            "Keep what the tenant holds, until it is forgotten; without a data folder until the process ends",
            Handler::Now(take),
        )
        .body(shape::<NewSnapshot>)
        .answers(201, shape::<Snapshot>),
        Operation::new(
            Method::POST,
            "/snapshots/{id}/restore",
            "Put back what the tenant held; clock, lag, faults and log are left alone",
            Handler::Now(restore),
        )
        .or(&[503]),
        Operation::new(
            Method::DELETE,
            "/snapshots/{id}",
            "Forget a snapshot",
            Handler::Now(|steer| done_if(steer.realm.snapshots.remove(&steer.id))),
        ),
    ]
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct NewSnapshot {
    /// A word to tell it by.
    name: Option<String>,
}

fn take(steer: &Steer<'_>) -> Answer {
    let new: NewSnapshot = steer.body()?;
    let realm = &steer.realm;
    created(&realm.snapshots.keep(realm.look(), new.name.unwrap_or_default(), realm.clock.now()))
}

fn restore(steer: &Steer<'_>) -> Answer {
    let held = steer.realm.snapshots.get(&steer.id).ok_or_else(Refusal::none)?;
    steer.realm.restore(held).map_err(|error| Refusal::not_saved(&error))?;
    done_if(true)
}
