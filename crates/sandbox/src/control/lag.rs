//! The tenant's lag.

use http::Method;

use crate::lag::Lag;

use super::steer::{Answer, Refusal, Steer, ok};
use super::table::{Handler, Operation, shape};

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/lag",
            "Read the lag in force",
            Handler::Now(|steer| ok(&steer.realm.lag())),
        )
        .answers(200, shape::<Lag>),
        Operation::new(
            Method::POST,
            "/lag",
            "Change the lag of what is written from now on",
            Handler::Now(change),
        )
        .body(shape::<Lag>)
        .answers(200, shape::<Lag>),
    ]
}

fn change(steer: &Steer<'_>) -> Answer {
    let lag: Lag = steer.body()?;
    check(&lag)?;
    steer.realm.set_lag(lag);
    ok(&lag)
}

/// Refuses what no delay can be multiplied by or made of.
pub(super) fn check(lag: &Lag) -> Result<(), Refusal> {
    if lag.is_sound() {
        return Ok(());
    }
    Err(Refusal::bad("The scale is from 0 to 1000000, and every number of seconds from 0 to 1000000000."))
}
