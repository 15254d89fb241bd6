//! The tenant itself: `/organization`.

use http::Method;
use serde_json::{Value, json};

use super::call::Call;
use super::error::{Answer, GraphError};
use super::route::{Needs, Route};

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

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/organization", READ, list),
        Route::new(Method::GET, "/organization/{id}", READ, get),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let body = json!({ "@odata.context": call.context("organization"), "value": [entity(call)] });
    Ok(call.ok(&body))
}

fn get(call: &mut Call<'_>) -> Answer {
    if !call.params.get("id").eq_ignore_ascii_case(&call.tenant.id) {
        return Err(GraphError::no_object(call.params.get("id")));
    }
    let mut body = entity(call);
    body["@odata.context"] = json!(call.context("organization/$entity"));
    Ok(call.ok(&body))
}

fn entity(call: &Call<'_>) -> Value {
    let domain = |(index, name): (usize, &String)| {
        json!({
            "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": index == 0,
            "isInitial": index == 0, "name": name, "type": "Managed",
        })
    };
    json!({
        "id": call.tenant.id,
        "displayName": call.tenant.display_name,
        "createdDateTime": call.tenant.created.to_string(),
        "countryLetterCode": "US",
        "tenantType": "AAD",
        "verifiedDomains": call.tenant.domains.iter().enumerate().map(domain).collect::<Vec<_>>(),
    })
}
