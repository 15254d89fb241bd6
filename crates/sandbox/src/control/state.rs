//! Everything that the tenants hold, for looking and comparing.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use crate::sandbox::Shared;
use crate::tenant::Tenant;

use super::steer::{Answer, Steer, ok};
use super::table::{Handler, Operation, object};

/// The operation.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/state",
            "Show everything that the tenant holds, or all tenants with the main token; the shape may change",
            Handler::Now(state),
        )
        .answers(200, object),
    ]
}

fn state(steer: &Steer<'_>) -> Answer {
    if steer.is_main && steer.text("tenant").is_none() {
        return ok(&everything(steer.shared));
    }
    let realm = &steer.realm;
    ok(&json!({ "tenants": { realm.id.as_str(): &*realm.look() } }))
}

/// Every tenant, by id.
pub(super) fn everything(shared: &Shared) -> Value {
    let looks: Vec<Arc<Tenant>> = shared.realms.all().iter().map(|realm| realm.look()).collect();
    let tenants: BTreeMap<&str, &Tenant> =
        looks.iter().map(|tenant| (tenant.id.as_str(), &**tenant)).collect();
    // A state of plain maps always serialises.
    json!({ "tenants": tenants })
}
