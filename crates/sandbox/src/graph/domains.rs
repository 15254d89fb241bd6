//! `/domains`: the verified domains (Entra reference §2.4; names of properties from the CSDL).

use http::Method;
use serde_json::{Value, json};

use super::call::Call;
use super::error::{Answer, GraphError};
use super::odata::{Service, Surface};
use super::route::{Needs, Route};

const READ: Needs = Needs::either(&[
    "Domain.Read.All",
    "Domain.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);

const PROPERTIES: &[&str] = &[
    "authenticationType",
    "availabilityStatus",
    "id",
    "isAdminManaged",
    "isDefault",
    "isInitial",
    "isRoot",
    "isVerified",
    "manufacturer",
    "model",
    "passwordNotificationWindowInDays",
    "passwordValidityPeriodInDays",
    "state",
    "supportedServices",
];
const COLLECTION: Surface = Surface {
    service: Service::Directory,
    type_name: "domain",
    options: &["select", "top", "skiptoken"],
    properties: PROPERTIES,
    expandable: &[],
    page: 100,
    largest_page: 999,
};
const OBJECT: Surface = Surface::object(Service::Directory, "domain", PROPERTIES);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/domains", READ, list),
        Route::new(Method::GET, "/domains/{domain}", READ, get),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let items = call.tenant.domains.iter().enumerate().map(|(index, name)| shown(index, name)).collect();
    Ok(call.list(&query, "domains", items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let asked = call.params.get("domain");
    let mut domains = call.tenant.domains.iter().enumerate();
    let found = domains.find(|(_, name)| name.eq_ignore_ascii_case(asked));
    let (index, name) = found.ok_or_else(|| GraphError::no_object(asked))?;
    Ok(call.entity(&query, "domains", shown(index, name), None))
}

fn shown(index: usize, name: &str) -> Value {
    json!({
        "authenticationType": "Managed",
        "availabilityStatus": null,
        "id": name,
        "isAdminManaged": true,
        "isDefault": index == 0,
        "isInitial": name.ends_with(".onmicrosoft.com"),
        "isRoot": true,
        "isVerified": true,
        "manufacturer": null,
        "model": null,
        "passwordNotificationWindowInDays": null,
        "passwordValidityPeriodInDays": null,
        "state": null,
        "supportedServices": ["Email", "OfficeCommunicationsOnline"],
    })
}
