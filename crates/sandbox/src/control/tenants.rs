//! Tenants: another one beside the first, and back to where it began.

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::clock::Clock;
use crate::config::Seed;
use crate::lag::Lag;
use crate::manners::Manners;
use crate::ready::Ready;
use crate::throttling::Throttling;

use super::clock::ClockChange;
use super::steer::{Answer, Refusal, Steer, created, done_if, list, ok};
use super::table::{Handler, Operation, Who, list_of, shape};

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/tenants", "List the tenants as their ready lines", Handler::Now(all))
            .who(Who::Main)
            .answers(200, list_of::<Ready>),
        Operation::new(
            Method::POST,
            "/tenants",
            "Add a tenant with ids, clock, lag, limits, faults, log and token of its own",
            Handler::Now(add),
        )
        .who(Who::Main)
        .body(shape::<NewTenant>)
        .answers(201, shape::<Ready>)
        .or(&[409, 503]),
        Operation::new(
            Method::DELETE,
            "/tenants/{id}",
            "Remove a tenant; the first one stays",
            Handler::Now(remove),
        )
        .who(Who::Main)
        .or(&[503]),
        Operation::new(
            Method::POST,
            "/reset",
            "Take the tenant back to its seed: its objects, lag and limits are as they were, faults and log are gone, held requests are cut; snapshots and the clock stay",
            Handler::Now(reset),
        )
        .answers(200, shape::<Ready>)
        .or(&[503]),
    ]
}

/// What a new tenant may be told.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct NewTenant {
    /// The same ids and secrets for the same number; random ones without.
    #[schemars(range(min = 0, max = 4_294_967_295_u64))]
    seed: Option<u32>,
    /// Its clock; without, it runs as the system's.
    clock: Option<ClockChange>,
    /// Its lag; without, it has none.
    lag: Option<Lag>,
    /// Its limits; without, it has none.
    throttling: Option<Throttling>,
}

fn all(steer: &Steer<'_>) -> Answer {
    let realms = steer.shared.realms.all();
    list(&realms.iter().map(|realm| steer.shared.ready(realm)).collect::<Vec<_>>())
}

fn add(steer: &Steer<'_>) -> Answer {
    let new: NewTenant = steer.body()?;
    let manners =
        Manners { lag: new.lag.unwrap_or_default(), throttling: new.throttling.unwrap_or_default() };
    super::lag::check(&manners.lag)?;
    super::throttling::check(&manners.throttling)?;
    let clock = Clock::running();
    if let Some(change) = &new.clock {
        change.apply(&clock)?;
    }
    let seed = new.seed.map_or(Seed::Random, |number| Seed::Number(number.into()));
    let added = steer.shared.add(seed, clock, manners).map_err(|error| Refusal::not_saved(&error))?;
    let realm = added.ok_or_else(|| {
        Refusal::new(StatusCode::CONFLICT, "There is a tenant of that seed: use another, or delete it.")
    })?;
    created(&steer.shared.ready(&realm))
}

fn remove(steer: &Steer<'_>) -> Answer {
    done_if(steer.shared.remove(&steer.id).map_err(|error| Refusal::not_saved(&error))?)
}

fn reset(steer: &Steer<'_>) -> Answer {
    steer.realm.reset().map_err(|error| Refusal::not_saved(&error))?;
    ok(&steer.shared.ready(&steer.realm))
}
