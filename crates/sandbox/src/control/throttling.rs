//! The tenant's limits.

use http::Method;

use crate::throttling::Throttling;

use super::steer::{Answer, Refusal, Steer, ok};
use super::table::{Handler, Operation, shape};

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/throttling",
            "Read how strictly the tenant throttles",
            Handler::Now(|steer| ok(&steer.realm.manners().throttling)),
        )
        .answers(200, shape::<Throttling>),
        Operation::new(
            Method::POST,
            "/throttling",
            "Change how strictly the tenant throttles; what was counted is forgotten",
            Handler::Now(change),
        )
        .body(shape::<Throttling>)
        .answers(200, shape::<Throttling>),
    ]
}

fn change(steer: &Steer<'_>) -> Answer {
    let throttling: Throttling = steer.body()?;
    check(&throttling)?;
    steer.realm.throttle(throttling);
    ok(&throttling)
}

/// Refuses what no limit can be multiplied by.
pub(super) fn check(throttling: &Throttling) -> Result<(), Refusal> {
    if throttling.is_sound() {
        return Ok(());
    }
    Err(Refusal::bad("The scale is a number from 0 to 1000000."))
}
