//! `/policies/authorizationPolicy`: what ordinary users may do, consent above all.

use http::Method;
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::path::Version;
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};

use super::{FOR_SELF, LEGACY, LOW, MANAGED};

const READ: Needs = Needs::either(&["Policy.Read.All", "Policy.ReadWrite.Authorization"]);
const WRITE: Needs = Needs::either(&["Policy.ReadWrite.Authorization"]);

/// The role of a guest: limited access, the default.
const GUEST: &str = "10dae51f-b6af-4016-8d66-8c2a99b929b3";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/policies/authorizationPolicy", READ, get),
        Route::new(Method::PATCH, "/policies/authorizationPolicy", WRITE, update),
    ]
}

fn get(call: &mut Call<'_>) -> Answer {
    let policies = &call.tenant.workloads.policies;
    let mut shown = json!({
        "id": "authorizationPolicy",
        "deletedDateTime": null,
        "allowInvitesFrom": "everyone",
        "allowedToSignUpEmailBasedSubscriptions": true,
        "allowedToUseSSPR": true,
        "allowEmailVerifiedUsersToJoinOrganization": false,
        "allowUserConsentForRiskyApps": policies.allows_risky,
        "blockMsolPowerShell": false,
        "description": "Used to manage authorization related settings across the company.",
        "displayName": "Authorization Policy",
        "guestUserRoleId": GUEST,
        "defaultUserRolePermissions": {
            "allowedToCreateApps": policies.allows_apps,
            "allowedToCreateSecurityGroups": policies.allows_groups,
            "allowedToCreateTenants": true,
            "allowedToReadBitlockerKeysForOwnedDevice": true,
            "allowedToReadOtherUsers": true,
            "permissionGrantPoliciesAssigned": policies.assigned,
        },
    });
    // Beta has the list under another name.
    if call.path.version == Version::Beta {
        shown["permissionGrantPolicyIdsAssignedToDefaultUserRole"] = json!(policies.assigned);
    }
    shown["@odata.context"] = json!(call.context("policies/authorizationPolicy/$entity"));
    Ok(call.ok(&shown))
}

fn update(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let mut policies = call.tenant.workloads.policies.clone();
    let mut payload = Payload::read(call, "AuthorizationPolicy")?;
    payload.take_type();
    if let Some(list) = payload.texts("permissionGrantPolicyIdsAssignedToDefaultUserRole")? {
        policies.assigned = list;
    }
    if let Some(allows) = payload.boolean("allowUserConsentForRiskyApps")? {
        policies.allows_risky = allows;
    }
    if let Some(Value::Object(permissions)) = payload.take("defaultUserRolePermissions") {
        for (name, value) in permissions {
            match (name.as_str(), &value) {
                ("permissionGrantPoliciesAssigned", Value::Array(list)) => {
                    let list = list.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>();
                    policies.assigned =
                        list.ok_or_else(|| payload.invalid("permissionGrantPoliciesAssigned"))?;
                }
                ("allowedToCreateApps", Value::Bool(allows)) => policies.allows_apps = *allows,
                ("allowedToCreateSecurityGroups", Value::Bool(allows)) => policies.allows_groups = *allows,
                ("@odata.type", _) => {}
                _ => return Err(not_emulated(&name)),
            }
        }
    }
    let known = |id: &String| {
        let Some(id) = id.strip_prefix(FOR_SELF) else {
            // Other kinds of assignment, such as that for owned resources, say nothing about users' consent.
            return id.contains('.');
        };
        [MANAGED, LOW, LEGACY].contains(&id) || policies.custom.contains_key(id)
    };
    if let Some(unknown) = policies.assigned.iter().find(|id| !known(id)) {
        return Err(GraphError::bad_request(format!(
            "The permission grant policy '{unknown}' does not exist."
        )));
    }
    if policies.assigned.iter().filter(|id| id.starts_with(FOR_SELF)).count() > 1 {
        return Err(GraphError::bad_request(
            "At most one ManagePermissionGrantsForSelf policy can be assigned.",
        ));
    }
    if let Some(name) = payload.rest(OTHERS)?.keys().next() {
        return Err(not_emulated(name));
    }
    call.tenant.workloads.policies = policies;
    Ok(call.no_content())
}

const OTHERS: &[&str] = &[
    "allowInvitesFrom",
    "allowedToSignUpEmailBasedSubscriptions",
    "allowedToUseSSPR",
    "allowEmailVerifiedUsersToJoinOrganization",
    "blockMsolPowerShell",
    "description",
    "displayName",
    "guestUserRoleId",
];

fn not_emulated(name: &str) -> GraphError {
    GraphError::new(
        http::StatusCode::NOT_IMPLEMENTED,
        "sandboxNotEmulated",
        format!("The sandbox does not emulate changes of '{name}' of the authorization policy."),
    )
}
