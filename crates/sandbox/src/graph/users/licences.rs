//! `assignLicense`, `licenseDetails` and `/subscribedSkus` (Entra reference §3.3).

use http::Method;
use serde_json::{Map, Value};

use crate::changes::ChangeKind;
use crate::directory::{AssignedLicence, ServicePlan, User};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::route::{Needs, Route};
use crate::lag::Cause;

use super::wire;

const ASSIGN: Needs = Needs::either(&[
    "LicenseAssignment.ReadWrite.All",
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
]);
const READ_DETAILS: Needs = Needs::split(
    &[
        "User.Read",
        "LicenseAssignment.Read.All",
        "User.Read.All",
        "User.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
    ],
    &[
        "LicenseAssignment.Read.All",
        "User.Read.All",
        "User.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
    ],
);
const READ_SKUS: Needs = Needs::either(&[
    "LicenseAssignment.Read.All",
    "LicenseAssignment.ReadWrite.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);

/// No `$filter`, no `$top`.
const SKUS: Surface = Surface {
    service: Service::Directory,
    type_name: "subscribedSku",
    options: &["select"],
    properties: &[
        "id",
        "accountId",
        "accountName",
        "appliesTo",
        "capabilityStatus",
        "consumedUnits",
        "prepaidUnits",
        "servicePlans",
        "skuId",
        "skuPartNumber",
        "subscriptionIds",
    ],
    expandable: &[],
    page: 1_000,
    largest_page: 1_000,
};
const DETAILS: Surface = Surface {
    service: Service::Directory,
    type_name: "licenseDetails",
    options: &["select"],
    properties: &["id", "skuId", "skuPartNumber", "servicePlans"],
    expandable: &[],
    page: 1_000,
    largest_page: 1_000,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/users/{id}/assignLicense", ASSIGN, assign),
        Route::new(Method::GET, "/users/{id}/licenseDetails", READ_DETAILS, details),
        Route::new(Method::GET, "/me/licenseDetails", Needs::delegated(READ_DETAILS.delegated), details),
        Route::new(Method::GET, "/subscribedSkus", READ_SKUS, skus),
        Route::new(Method::GET, "/subscribedSkus/{sku}", READ_SKUS, sku),
    ]
}

fn skus(call: &mut Call<'_>) -> Answer {
    let query = call.query(&SKUS)?;
    let items = call.tenant.skus.iter().map(|sku| wire::subscribed_sku(call.tenant, sku)).collect();
    Ok(call.list(&query, "subscribedSkus", items, None))
}

fn sku(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface { options: &["select"], ..SKUS })?;
    let asked = call.params.get("sku");
    let skus = call.tenant.skus.iter().map(|sku| wire::subscribed_sku(call.tenant, sku));
    let found =
        skus.into_iter().find(|sku| sku["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(asked)));
    let found = found.ok_or_else(|| GraphError::no_object(asked))?;
    Ok(call.entity(&query, "subscribedSkus", found, None))
}

fn details(call: &mut Call<'_>) -> Answer {
    let query = call.query(&DETAILS)?;
    let user = call.user()?;
    let own = call.caller.user_id() == Some(user.id.as_str());
    let broad = [
        "LicenseAssignment.Read.All",
        "User.Read.All",
        "User.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ];
    if !own && !call.reaches(user, &broad) {
        return Err(GraphError::denied());
    }
    let items = wire::license_details(call.tenant, user, call.now);
    Ok(call.list(&query, &format!("users('{}')/licenseDetails", user.id), items, None))
}

fn assign(call: &mut Call<'_>) -> Answer {
    let mut user = call.user()?.clone();
    call.check_user_reach(
        &user,
        &["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
    )?;
    let body = call.body()?;
    let (add, remove) = (list(&body, "addLicenses")?, list(&body, "removeLicenses")?);

    for sku_id in remove {
        let sku_id = guid(sku_id, "removeLicenses")?;
        if !user.licences.iter().any(|licence| licence.sku_id == sku_id) {
            return Err(GraphError::bad_request("User does not have a corresponding license."));
        }
        user.licences.retain(|licence| licence.sku_id != sku_id);
    }
    for entry in add {
        let licence = licence(call, &user, entry)?;
        match user.licences.iter_mut().find(|old| old.sku_id == licence.sku_id) {
            Some(old) => old.disabled_plans = licence.disabled_plans,
            None => user.licences.push(licence),
        }
    }
    check_plans(call, &user)?;

    let mut shown = call.user_json(&user, &crate::graph::odata::Query::default());
    if let Some(fields) = shown.as_object_mut() {
        let kept = |name: &str| {
            name.starts_with("@odata.") || name == "assignedLicenses" || wire::DEFAULTS.contains(&name)
        };
        fields.retain(|name, _| kept(name));
    }
    call.tenant.user_changed(ChangeKind::Updated, &user.id);
    call.tenant.users.insert(user.id.clone(), user);
    Ok(call.ok(&call.with_context("users", shown)))
}

fn licence(call: &Call<'_>, user: &User, entry: &Value) -> Result<AssignedLicence, GraphError> {
    let sku_id = guid(entry.get("skuId").unwrap_or(&Value::Null), "skuId")?;
    let sku = call.tenant.skus.iter().find(|sku| sku.sku_id == sku_id).ok_or_else(|| {
        GraphError::bad_request(format!("License {sku_id} does not correspond to a valid company License."))
    })?;
    if user.usage_location.is_none() || call.now < user.usage_location_effective {
        return Err(GraphError::bad_request(
            "License assignment cannot be done for user with invalid usage location.",
        ));
    }
    let has_it = user.licences.iter().any(|licence| licence.sku_id == sku_id);
    // What the user's record says now: a licence removed in this very call has left its seat.
    let before = call.tenant.users.get(&user.id);
    let gave_back = before.is_some_and(|old| old.licences.iter().any(|one| one.sku_id == sku_id)) && !has_it;
    let taken = wire::consumed(call.tenant, &sku_id) - usize::from(gave_back);
    if !has_it && taken >= sku.seats as usize {
        return Err(GraphError::bad_request(format!(
            "Subscription with SKU {sku_id} does not have any available licenses."
        )));
    }
    let disabled = match entry.get("disabledPlans") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(plans)) => {
            plans.iter().map(|plan| guid(plan, "disabledPlans")).collect::<Result<Vec<_>, _>>()?
        }
        Some(_) => return Err(invalid("disabledPlans")),
    };
    if let Some(unknown) = disabled.iter().find(|id| !sku.plans.iter().any(|plan| plan.id == **id)) {
        return Err(GraphError::bad_request(format!(
            "Disabled plan {unknown} does not correspond to a valid service plan of license {sku_id}."
        )));
    }
    Ok(AssignedLicence {
        sku_id,
        disabled_plans: disabled,
        assigned: call.now,
        mailbox: call.due_of(user, Cause::Mailbox),
        teams: call.due_of(user, Cause::Teams),
    })
}

/// Two subscriptions may hold the same service in two sizes; one of the two has to be disabled. What adds to a service
/// needs that service, from whichever subscription.
fn check_plans(call: &Call<'_>, user: &User) -> Result<(), GraphError> {
    let plans = user.licences.iter().flat_map(|licence| {
        let sku = call.tenant.skus.iter().find(|sku| sku.sku_id == licence.sku_id);
        let plans = sku.into_iter().flat_map(|sku| &sku.plans);
        plans.filter(|plan| !licence.disabled_plans.contains(&plan.id))
    });
    let plans: Vec<&ServicePlan> = plans.collect();
    let excluded = plans
        .iter()
        .find_map(|plan| plans.iter().find(|other| plan.excludes(other)).map(|other| (plan, other)));
    if let Some((one, other)) = excluded {
        return Err(GraphError::bad_request(format!(
            "License assignment failed because service plans {}, {} are mutually exclusive.",
            one.id, other.id
        )));
    }
    let has = |id: &&str| plans.iter().any(|plan| plan.id == *id);
    let lacks = |plan: &&&ServicePlan| !plan.depends_on().is_empty() && !plan.depends_on().iter().any(has);
    match plans.iter().find(lacks) {
        None => Ok(()),
        Some(plan) => Err(GraphError::bad_request(format!(
            "License assignment failed because service plan {} depends on the service plan(s) {}",
            plan.id,
            plan.depends_on().join(",")
        ))),
    }
}

fn list<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a Vec<Value>, GraphError> {
    body.get(name).and_then(Value::as_array).ok_or_else(|| invalid(name))
}

fn guid(value: &Value, name: &str) -> Result<String, GraphError> {
    let id = value.as_str().and_then(|text| uuid::Uuid::parse_str(text).ok());
    id.map(|id| id.to_string()).ok_or_else(|| invalid(name))
}

fn invalid(name: &str) -> GraphError {
    GraphError::bad_request(format!("Invalid value specified for parameter '{name}' of 'assignLicense'."))
}
