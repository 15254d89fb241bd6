//! `/domains`: the verified domains (Entra reference §2.4; names of properties from the CSDL).

use http::Method;
use serde_json::{Value, json};

use crate::directory::{Life, VerifiedDomains};

use super::call::Call;
use super::deleted_items::is_kept;
use super::error::{Answer, GraphError};
use super::odata::{Service, Surface};
use super::route::{Needs, Route};

const READ: Needs = Needs::either(&[
    "Domain.Read.All",
    "Domain.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);

const WRITE: Needs = Needs::either(&["Domain.ReadWrite.All"]);

/// How many domains a tenant may have (Entra reference §3, limits of the directory).
const MOST: usize = 5_000;

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
        Route::new(Method::POST, "/domains", WRITE, create),
        Route::new(Method::DELETE, "/domains/{domain}", WRITE, delete),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let items = call.tenant.domains.iter().map(|name| shown(&call.tenant.domains, name)).collect();
    Ok(call.list(&query, "domains", items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let asked = call.params.get("domain");
    let domains = &call.tenant.domains;
    let name = domains.named(asked).ok_or_else(|| GraphError::no_object(asked))?;
    Ok(call.entity(&query, "domains", shown(domains, name), None))
}

/// A subdomain of a verified domain is verified by that (Graph documentation, "Create domain"). Others would wait
/// for a DNS record, which nobody can set here.
fn create(call: &mut Call<'_>) -> Answer {
    let body = call.body()?;
    let name = body.get("id").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    if !is_host_name(&name) {
        return Err(GraphError::bad_request("The domain name is invalid."));
    }
    let domains = &call.tenant.domains;
    if domains.contains(&name) {
        return Err(GraphError::conflict(
            "A conflicting object with one or more of the specified property values is present in the directory.",
            "id",
        ));
    }
    if domains.len() >= MOST {
        return Err(GraphError::bad_request("The tenant has the maximum number of domains."));
    }
    if !domains.are_above(&name) {
        return Err(GraphError::not_emulated("a root domain, which DNS would have to verify"));
    }
    call.tenant.domains.push(&name);
    let shown = call.with_context("domains", shown(&call.tenant.domains, &name));
    Ok(call.created(&format!("/domains/{name}"), &shown))
}

/// A domain that something uses stays, as long as deleted users have it too.
fn delete(call: &mut Call<'_>) -> Answer {
    let asked = call.params.get("domain").to_ascii_lowercase();
    let domains = &call.tenant.domains;
    if !domains.contains(&asked) {
        return Err(GraphError::no_object(&asked));
    }
    let suffix = format!("@{asked}");
    let is_there = |life: &Life| life.is_live() || is_kept(life, call.now);
    let mut users = call.tenant.users.values().filter(|user| is_there(&user.life));
    let used = users.any(|user| user.upn.to_ascii_lowercase().ends_with(&suffix));
    let stays = [domains.first(), domains.initial()].contains(&Some(asked.as_str()));
    if stays || used {
        return Err(GraphError::bad_request("The domain is in use and cannot be deleted."));
    }
    call.tenant.domains.remove(&asked);
    Ok(call.no_content())
}

/// Whether a domain may have this name, in lower or upper case.
pub(crate) fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

fn shown(domains: &VerifiedDomains, name: &str) -> Value {
    json!({
        "authenticationType": "Managed",
        "availabilityStatus": null,
        "id": name,
        "isAdminManaged": true,
        "isDefault": domains.first() == Some(name),
        "isInitial": domains.initial() == Some(name),
        "isRoot": !domains.are_above(name),
        "isVerified": true,
        "manufacturer": null,
        "model": null,
        "passwordNotificationWindowInDays": null,
        "passwordValidityPeriodInDays": null,
        "state": null,
        "supportedServices": ["Email", "OfficeCommunicationsOnline"],
    })
}
