//! Requests that a rule holds, until they are let go or cut.

use http::Method;

use crate::faults::{HeldRequest, Release};

use super::steer::{Answer, Steer, done_if, list};
use super::table::{Handler, Operation, WAIT, Waiting, list_of};

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/held",
            "List the held requests, or wait for one",
            Handler::Waiting(|steer| Box::pin(held(steer)) as Waiting<'_>),
        )
        .query(&[WAIT])
        .answers(200, list_of::<HeldRequest>),
        Operation::new(
            Method::POST,
            "/held/{id}/release",
            "Let a held request go on",
            Handler::Now(|steer| release(steer, Release::GoOn)),
        ),
        Operation::new(
            Method::POST,
            "/held/{id}/cut",
            "Cut the connection of a held request",
            Handler::Now(|steer| release(steer, Release::Cut)),
        ),
    ]
}

async fn held(steer: &Steer<'_>) -> Answer {
    let faults = &steer.realm.faults;
    let held = tokio::time::timeout(steer.wait()?, faults.wait_held()).await;
    list(&held.unwrap_or_else(|_| faults.held()))
}

fn release(steer: &Steer<'_>, release: Release) -> Answer {
    done_if(steer.id.parse().is_ok_and(|id| steer.realm.faults.release(id, release)))
}
