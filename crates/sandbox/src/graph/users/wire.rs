//! How users look in JSON (Entra reference §2.4, §3.1–§3.3).

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::directory::{Sku, User};
use crate::entra::Guest;
use crate::graph::groups::security_identifier;
use crate::graph::instants::{seconds, seconds_or_null};
use crate::tenant::Tenant;

/// What a user shows when nothing is selected.
pub(crate) const DEFAULTS: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

/// What it shows when nothing is selected, and nothing else.
pub(crate) fn brief(tenant: &Tenant, user: &User, now: Timestamp) -> Map<String, Value> {
    let mut object = Map::new();
    if user.identity_parent_id().is_some() {
        object.insert("@odata.type".to_owned(), json!("#microsoft.graph.agentUser"));
    }
    for name in DEFAULTS {
        let value = match *name {
            "displayName" => json!(user.display_name),
            "id" => json!(user.id),
            "mail" => json!(tenant.primary_address(user, now)),
            "userPrincipalName" => json!(user.upn),
            "businessPhones" => user.other.get(name).cloned().unwrap_or_else(|| json!([])),
            _ => user.other.get(name).cloned().unwrap_or_default(),
        };
        object.insert((*name).to_owned(), value);
    }
    object
}

/// What [`brief`] shows, with its context, written without being put together first; names in the same order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Brief<'a> {
    #[serde(rename = "@odata.context")]
    context: &'a str,
    #[serde(rename = "@odata.type", skip_serializing_if = "Option::is_none")]
    odata_type: Option<&'static str>,
    business_phones: &'a Value,
    display_name: &'a str,
    given_name: Option<&'a Value>,
    id: &'a str,
    job_title: Option<&'a Value>,
    mail: Option<Cow<'a, str>>,
    mobile_phone: Option<&'a Value>,
    office_location: Option<&'a Value>,
    preferred_language: Option<&'a Value>,
    surname: Option<&'a Value>,
    user_principal_name: &'a str,
}

static NO_PHONES: Value = Value::Array(Vec::new());

impl<'a> Brief<'a> {
    /// Of a user.
    pub(crate) fn of(tenant: &Tenant, user: &'a User, now: Timestamp, context: &'a str) -> Self {
        let mail = user.mail.as_deref().map(Cow::Borrowed);
        Self {
            context,
            odata_type: user.identity_parent_id().map(|_| "#microsoft.graph.agentUser"),
            business_phones: user.other.get("businessPhones").unwrap_or(&NO_PHONES),
            display_name: &user.display_name,
            given_name: user.other.get("givenName"),
            id: &user.id,
            job_title: user.other.get("jobTitle"),
            mail: mail.or_else(|| tenant.primary_address(user, now).map(Cow::Owned)),
            mobile_phone: user.other.get("mobilePhone"),
            office_location: user.other.get("officeLocation"),
            preferred_language: user.other.get("preferredLanguage"),
            surname: user.other.get("surname"),
            user_principal_name: &user.upn,
        }
    }
}

/// The whole object.
pub(crate) fn user(tenant: &Tenant, user: &User, now: Timestamp) -> Value {
    let addresses = super::addresses::proxy_addresses(tenant, user, now);
    let mut object = brief(tenant, user, now);
    let Value::Object(fields) = json!({
        "deletedDateTime": seconds_or_null(user.life.deleted),
        "accountEnabled": user.account_enabled,
        "assignedLicenses": user.licences.iter().map(|licence| json!({
            "disabledPlans": licence.disabled_plans, "skuId": licence.sku_id,
        })).collect::<Vec<_>>(),
        "assignedPlans": assigned_plans(tenant, user),
        "createdDateTime": seconds(user.life.created),
        "creationType": null,
        "identityParentId": user.identity_parent_id(),
        "imAddresses": [],
        "lastPasswordChangeDateTime": user.password.as_ref().map(|_| seconds(user.sessions_valid_from)),
        "licenseAssignmentStates": user.licences.iter().map(|licence| json!({
            "assignedByGroup": null, "disabledPlans": licence.disabled_plans, "error": "None",
            "lastUpdatedDateTime": seconds(licence.assigned), "skuId": licence.sku_id, "state": "Active",
        })).collect::<Vec<_>>(),
        "mailNickname": user.mail_nickname,
        "otherMails": [],
        "passwordPolicies": null,
        "provisionedPlans": provisioned_plans(tenant, user, now),
        "proxyAddresses": addresses,
        "securityIdentifier": security_identifier(&user.id),
        "showInAddressList": null,
        "signInSessionsValidFromDateTime": seconds(user.sessions_valid_from),
        "usageLocation": user.usage_location,
        "userType": "Member",
    }) else {
        return Value::Null;
    };
    object.extend(fields);
    if let Some(guest) = tenant.entra.guests.get(&user.id) {
        object.extend(invited(tenant, user, guest));
    }
    for (name, value) in user.other.iter() {
        object.insert(name.to_owned(), value.clone());
    }
    Value::Object(object)
}

/// What tells of a guest (Microsoft: "Properties of a B2B guest user").
fn invited(tenant: &Tenant, user: &User, guest: &Guest) -> [(String, Value); 4] {
    let own = json!({
        "signInType": "userPrincipalName", "issuer": tenant.domains.first(), "issuerAssignedId": user.upn,
    });
    let issuer = if guest.home.is_some() { "ExternalAzureAD" } else { "mail" };
    let elsewhere = json!({ "signInType": "federated", "issuer": issuer, "issuerAssignedId": null });
    let identities = if guest.accepted.is_some() { json!([own, elsewhere]) } else { json!([own]) };
    [
        ("creationType", json!("Invitation")),
        ("externalUserState", json!(guest.state())),
        ("externalUserStateChangeDateTime", json!(seconds(guest.accepted.unwrap_or(guest.invited)))),
        ("identities", identities),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

fn assigned_plans(tenant: &Tenant, user: &User) -> Vec<Value> {
    user.licences
        .iter()
        .flat_map(|licence| {
            let sku = tenant.skus.iter().find(|sku| sku.sku_id == licence.sku_id);
            sku.into_iter().flat_map(|sku| &sku.plans).map(move |plan| (licence, plan))
        })
        .map(|(licence, plan)| {
            let disabled = licence.disabled_plans.contains(&plan.id);
            json!({
                "assignedDateTime": seconds(licence.assigned),
                "capabilityStatus": if disabled { "Deleted" } else { "Enabled" },
                "service": service(&plan.name),
                "servicePlanId": plan.id,
            })
        })
        .collect()
}

/// The services that are set up, or on their way.
fn provisioned_plans(tenant: &Tenant, user: &User, now: Timestamp) -> Vec<Value> {
    let due = |service: &str| match service {
        "exchange" => tenant.mailbox_due(user),
        "TeamspaceAPI" => tenant.teams_due(user),
        _ => Some(now),
    };
    assigned_plans(tenant, user)
        .into_iter()
        .filter(|plan| plan["capabilityStatus"] == "Enabled")
        .map(|plan| {
            let is_there = due(plan["service"].as_str().unwrap_or_default()).is_some_and(|due| due <= now);
            json!({
                "capabilityStatus": "Enabled",
                "provisioningStatus": if is_there { "Success" } else { "PendingActivation" },
                "service": plan["service"],
            })
        })
        .collect()
}

/// The service that a plan belongs to.
pub(crate) fn service(plan: &str) -> &'static str {
    match plan {
        name if name.starts_with("EXCHANGE") => "exchange",
        name if name.starts_with("TEAMS") => "TeamspaceAPI",
        name if name.starts_with("MCO") => "MicrosoftCommunicationsOnline",
        name if name.starts_with("SHAREPOINT") => "SharePoint",
        _ => "MicrosoftOffice",
    }
}

/// A subscribed SKU with the seats that are taken.
pub(crate) fn subscribed_sku(tenant: &Tenant, sku: &Sku) -> Value {
    json!({
        "id": format!("{}_{}", tenant.id, sku.sku_id),
        "accountId": tenant.id,
        "accountName": tenant.display_name,
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": consumed(tenant, &sku.sku_id),
        "prepaidUnits": { "enabled": sku.seats, "lockedOut": 0, "suspended": 0, "warning": 0 },
        "servicePlans": service_plans(sku, |_| "Success"),
        "skuId": sku.sku_id,
        "skuPartNumber": sku.part_number,
        "subscriptionIds": [],
    })
}

/// The seats of a SKU that are taken, by users that are not deleted.
pub(crate) fn consumed(tenant: &Tenant, sku_id: &str) -> usize {
    tenant.users.count(sku_id)
}

/// A user's licences in detail: plans that are still being set up say so.
pub(crate) fn license_details(tenant: &Tenant, user: &User, now: Timestamp) -> Vec<Value> {
    user.licences
        .iter()
        .filter_map(|licence| {
            let sku = tenant.skus.iter().find(|sku| sku.sku_id == licence.sku_id)?;
            let plans = service_plans(sku, |plan| {
                let pending = (plan.brings_mailbox() && now < licence.mailbox)
                    || (plan.brings_teams() && now < licence.teams);
                match pending {
                    _ if licence.disabled_plans.contains(&plan.id) => "Disabled",
                    true => "PendingProvisioning",
                    false => "Success",
                }
            });
            Some(json!({
                "id": format!("{}_{}", user.id, sku.sku_id),
                "skuId": sku.sku_id,
                "skuPartNumber": sku.part_number,
                "servicePlans": plans,
            }))
        })
        .collect()
}

fn service_plans(sku: &Sku, status: impl Fn(&crate::directory::ServicePlan) -> &'static str) -> Vec<Value> {
    sku.plans
        .iter()
        .map(|plan| {
            json!({
                "servicePlanId": plan.id, "servicePlanName": plan.name, "provisioningStatus": status(plan),
                "appliesTo": "User",
            })
        })
        .collect()
}
