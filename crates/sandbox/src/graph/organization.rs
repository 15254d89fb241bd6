//! The tenant itself: `/organization` (names of properties from the CSDL).

use http::Method;
use serde_json::{Value, json};

use super::call::Call;
use super::error::{Answer, GraphError};
use super::instants::seconds;
use super::odata::{Service, Surface};
use super::route::{Needs, Route};
use super::users::wire;

const READ: Needs = Needs::split(
    &[
        "User.Read",
        "User.Read.All",
        "Organization.Read.All",
        "Directory.Read.All",
        "Organization.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
    &[
        "User.Read.All",
        "Organization.Read.All",
        "Directory.Read.All",
        "Organization.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
);

const PROPERTIES: &[&str] = &[
    "id",
    "deletedDateTime",
    "assignedPlans",
    "businessPhones",
    "city",
    "country",
    "countryLetterCode",
    "createdDateTime",
    "defaultUsageLocation",
    "displayName",
    "marketingNotificationEmails",
    "mobileDeviceManagementAuthority",
    "onPremisesLastSyncDateTime",
    "onPremisesSyncEnabled",
    "partnerTenantType",
    "postalCode",
    "preferredLanguage",
    "privacyProfile",
    "provisionedPlans",
    "securityComplianceNotificationMails",
    "securityComplianceNotificationPhones",
    "state",
    "street",
    "technicalNotificationMails",
    "tenantType",
    "verifiedDomains",
];
const COLLECTION: Surface = Surface::directory("organization", PROPERTIES);
const OBJECT: Surface = Surface::object(Service::Directory, "organization", PROPERTIES);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/organization", READ, list),
        Route::new(Method::GET, "/organization/{id}", READ, get),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    Ok(call.list(&query, "organization", vec![entity(call)], None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    if !call.params.get("id").eq_ignore_ascii_case(&call.tenant.id) {
        return Err(GraphError::no_object(call.params.get("id")));
    }
    Ok(call.entity(&query, "organization", entity(call), None))
}

fn entity(call: &Call<'_>) -> Value {
    let tenant = &call.tenant;
    let (default, initial) = (tenant.domains.first(), tenant.domains.initial());
    let domain = |name| {
        json!({
            "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": default == Some(name),
            "isInitial": initial == Some(name), "name": name, "type": "Managed",
        })
    };
    let plans = || tenant.skus.iter().flat_map(|sku| &sku.plans);
    json!({
        "id": tenant.id,
        "deletedDateTime": null,
        "assignedPlans": plans().map(|plan| json!({
            "assignedDateTime": seconds(tenant.created), "capabilityStatus": "Enabled",
            "service": wire::service(&plan.name), "servicePlanId": plan.id,
        })).collect::<Vec<_>>(),
        "businessPhones": [],
        "city": null,
        "country": null,
        "countryLetterCode": "US",
        "createdDateTime": seconds(tenant.created),
        "defaultUsageLocation": null,
        "displayName": tenant.display_name,
        "marketingNotificationEmails": [],
        "mobileDeviceManagementAuthority": "unknown",
        "onPremisesLastSyncDateTime": null,
        "onPremisesSyncEnabled": null,
        "partnerTenantType": null,
        "postalCode": null,
        "preferredLanguage": "en",
        "privacyProfile": null,
        "provisionedPlans": plans().map(|plan| json!({
            "capabilityStatus": "Enabled", "provisioningStatus": "Success", "service": wire::service(&plan.name),
        })).collect::<Vec<_>>(),
        "securityComplianceNotificationMails": [],
        "securityComplianceNotificationPhones": [],
        "state": null,
        "street": null,
        "technicalNotificationMails": [],
        "tenantType": "AAD",
        "verifiedDomains": tenant.domains.iter().map(domain).collect::<Vec<_>>(),
    })
}
