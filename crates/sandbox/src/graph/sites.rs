//! SharePoint's root site: by `root`, by its host name and by its id (Microsoft: site). The tenant has no other; people's
//! own sites are told of by their drives.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::error::{Answer, GraphError};
use super::instants::seconds;
use super::odata::{Service, Surface};
use super::route::{Area, Needs, Route};
use crate::tenant::Tenant;

const READ: Needs = Needs::either(&["Sites.Read.All", "Sites.ReadWrite.All"]);

const PROPERTIES: &[&str] = &[
    "id",
    "createdBy",
    "createdDateTime",
    "description",
    "displayName",
    "error",
    "eTag",
    "isPersonalSite",
    "lastModifiedBy",
    "lastModifiedDateTime",
    "name",
    "parentReference",
    "root",
    "sharepointIds",
    "siteCollection",
    "webUrl",
];
const SITE: Surface = Surface::object(Service::Teams, "site", PROPERTIES);

pub(super) fn routes() -> Vec<Route> {
    ["/sites/root", "/sites/{site}"]
        .map(|pattern| Route::new(Method::GET, pattern, READ, get).area(Area::Files))
        .to_vec()
}

impl Tenant {
    /// What SharePoint calls the tenant: the `contoso` of `contoso.sharepoint.com`.
    pub(super) fn sharepoint_name(&self) -> String {
        let initial = self.domains.iter().find_map(|domain| domain.strip_suffix(".onmicrosoft.com"));
        let name = initial.unwrap_or(&self.display_name).to_lowercase();
        name.chars().filter(char::is_ascii_alphanumeric).collect()
    }
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&SITE)?;
    let host = format!("{}.sharepoint.com", call.tenant.sharepoint_name());
    let id = format!("{host},{}", ids(&call.tenant.id).join(","));
    check(call.params.get("site"), &host, &id)?;
    Ok(call.entity(&query, "sites", root(call.tenant, &host, &id), None))
}

/// Whether the root site is what was asked for: by nothing, by its host, or by host and ids. Other paths of the host are
/// not for this route.
fn check(asked: &str, host: &str, id: &str) -> Result<(), GraphError> {
    let (asked_host, ids) = asked.split_once(',').unwrap_or((asked, ""));
    let is_named = asked_host.eq_ignore_ascii_case(host);
    if asked.is_empty() || asked.eq_ignore_ascii_case(id) || (is_named && ids.is_empty()) {
        return Ok(());
    }
    let people = host.replacen('.', "-my.", 1);
    if asked_host.eq_ignore_ascii_case(&people) {
        return Err(GraphError::not_emulated("people's own sites: their drives are at /users/{id}/drive"));
    }
    Err(if is_named {
        GraphError::new(StatusCode::NOT_FOUND, "itemNotFound", "Requested site could not be found")
    } else {
        GraphError::new(StatusCode::BAD_REQUEST, "invalidRequest", "Invalid hostname for this tenancy")
    })
}

/// The ids of the site collection and of its top site: the tenant's, each turned about in its own way.
fn ids(tenant: &str) -> [String; 2] {
    const TURNS: [u128; 2] =
        [0x5171_e000_0000_0000_0000_0000_0000_0001, 0x5171_e000_0000_0000_0000_0000_0000_0002];
    let tenant = Uuid::parse_str(tenant).unwrap_or_default().as_u128();
    TURNS.map(|turn| Uuid::from_u128(tenant ^ turn).to_string())
}

fn root(tenant: &Tenant, host: &str, id: &str) -> Value {
    json!({
        "id": id,
        "createdDateTime": seconds(tenant.created),
        "description": "",
        "displayName": "Communication site",
        "lastModifiedDateTime": seconds(tenant.created),
        "name": "",
        "root": {},
        "siteCollection": { "hostname": host },
        "webUrl": format!("https://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_site_goes_by_three_names() {
        const HOST: &str = "contoso.sharepoint.com";
        let id = format!("{HOST},{}", ids("a77ac4e0-0000-4000-8000-000000000001").join(","));
        for asked in ["", HOST, "CONTOSO.sharepoint.com", &id] {
            assert!(check(asked, HOST, &id).is_ok(), "{asked}");
        }
        for (asked, code) in [
            ("contoso.sharepoint.com,1,2", "itemNotFound"),
            ("fabrikam.sharepoint.com", "invalidRequest"),
            ("nonsense", "invalidRequest"),
            ("contoso-my.sharepoint.com", "sandboxNotEmulated"),
        ] {
            assert_eq!(check(asked, HOST, &id).unwrap_err().code, code, "{asked}");
        }
    }
}
