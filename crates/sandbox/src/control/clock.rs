//! The tenant's clock: real, faster or slower, or by hand.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;

use super::steer::{Answer, Refusal, Steer, ok};
use super::table::{Handler, Operation, shape};

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/clock",
            "Read the tenant's clock",
            Handler::Now(|steer| ok(&reading(&steer.realm.clock))),
        )
        .answers(200, shape::<Reading>),
        Operation::new(
            Method::POST,
            "/clock",
            "Set the clock, let time pass at once, stop it, or change its pace",
            Handler::Now(change),
        )
        .body(shape::<ClockChange>)
        .answers(200, shape::<Reading>),
    ]
}

/// What the clock shows.
#[derive(Debug, Serialize, JsonSchema)]
struct Reading {
    #[schemars(with = "String", extend("format" = "date-time"))]
    now: Timestamp,
    /// How many seconds pass in one; 0 if it stands.
    pace: f64,
}

/// A change of the clock. What is named is done in this order: the pace, the time, the advance.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClockChange {
    /// How many seconds pass in one from now on: 1 is real time, 0 stops it.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pace: Option<f64>,
    /// The time that it is now.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    now: Option<Timestamp>,
    /// How many seconds pass at once.
    #[schemars(range(min = 0.0, max = 10_000_000_000.0))]
    advance_seconds: Option<f64>,
}

impl ClockChange {
    /// Changes the clock.
    pub(super) fn apply(&self, clock: &Clock) -> Result<(), Refusal> {
        let is_pace = |pace: f64| (0.0..=1_000_000.0).contains(&pace);
        if self.pace.is_some_and(|pace| !is_pace(pace)) {
            return Err(Refusal::bad("pace is a number from 0 to 1000000."));
        }
        let by = self.advance_seconds.map(Duration::try_from_secs_f64).transpose().map_err(|_| {
            Refusal::bad("advance_seconds is a number from 0 upwards; use \"now\" to go back.")
        })?;
        if let Some(pace) = self.pace {
            clock.set_pace(pace);
        }
        if let Some(now) = self.now {
            clock.set(now);
        }
        if let Some(by) = by {
            clock.advance(by);
        }
        Ok(())
    }
}

fn change(steer: &Steer<'_>) -> Answer {
    let change: ClockChange = steer.body()?;
    change.apply(&steer.realm.clock)?;
    ok(&reading(&steer.realm.clock))
}

fn reading(clock: &Clock) -> Reading {
    Reading { now: clock.now(), pace: clock.pace() }
}
