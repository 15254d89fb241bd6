//! `auditLogs/signIns`: what the sign-in log tells (Entra reference §13). v1.0 lists the interactive sign-ins; beta
//! does so too unless `$filter` names `signInEventTypes`, and shows the `agent`.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::directory::Sku;
use crate::entra::{ClientKind, Event, SignInRow, short_guid};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::instants::seconds;
use crate::graph::odata::{Service, Surface};
use crate::graph::path::Version;
use crate::graph::route::{Needs, Route};

const READ: Needs = Needs::either(&["AuditLog.Read.All"]);

/// Who holds one of these sees which policies applied.
const READ_POLICIES: [&str; 2] = ["Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"];

const COLLECTION: Surface = Surface {
    service: Service::Teams,
    type_name: "signIn",
    options: &["filter", "select", "orderby", "top", "skiptoken"],
    properties: &[],
    expandable: &[],
    page: 1000,
    largest_page: 1000,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/auditLogs/signIns", READ, list),
        Route::new(Method::GET, "/auditLogs/signIns/{id}", READ, get),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    check_licence(call)?;
    let query = call.query(&COLLECTION)?;
    let names_events = query
        .filter
        .iter()
        .flat_map(|filter| filter.properties())
        .any(|path| path.0.first().is_some_and(|name| name.eq_ignore_ascii_case("signInEventTypes")));
    let shows = |row: &SignInRow| {
        (call.path.version == Version::Beta && names_events) || row.event == Event::InteractiveUser
    };
    let rows = call.tenant.entra.sign_ins.newest_first();
    let items = rows.iter().filter(|row| shows(row)).map(|row| shown(call, row)).collect();
    Ok(call.list(&query, "auditLogs/signIns", items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    check_licence(call)?;
    let query = call.query(&Surface { options: &["select"], ..COLLECTION })?;
    let id = call.params.get("id").to_ascii_lowercase();
    let rows = call.tenant.entra.sign_ins.newest_first();
    let row = rows.iter().find(|row| row.id == id).ok_or_else(|| {
        GraphError::new(
            StatusCode::NOT_FOUND,
            "UnknownError",
            format!("No sign-in with id '{id}' was found."),
        )
    })?;
    let item = shown(call, row);
    Ok(call.entity(&query, "auditLogs/signIns", item, None))
}

/// The log is sold with the premium directory; and a user needs a role to read it.
fn check_licence(call: &Call<'_>) -> Result<(), GraphError> {
    let is_premium = |sku: &Sku| sku.plans.iter().any(|plan| plan.name.starts_with("AAD_PREMIUM"));
    if !call.tenant.skus.iter().any(is_premium) {
        return Err(GraphError::new(
            StatusCode::FORBIDDEN,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        ));
    }
    call.require_administrator().map_err(|_| {
        GraphError::new(
            StatusCode::FORBIDDEN,
            "UnknownError",
            "User is not in the allowed roles to read the sign-in logs.",
        )
    })
}

fn shown(call: &Call<'_>, row: &SignInRow) -> Value {
    let client = row.client.as_ref();
    let user = row.user.as_ref();
    let text = |value: Option<&String>| json!(value.map_or("", String::as_str));
    let is_service = row.event == Event::ServicePrincipal;
    let sees_policies = READ_POLICIES.iter().any(|one| call.caller.holds(one));
    let mut item = json!({
        "id": row.id,
        "createdDateTime": seconds(row.created),
        "userDisplayName": text(user.map(|user| &user.name)),
        "userPrincipalName": text(user.map(|user| &user.upn)),
        "userId": text(user.map(|user| &user.id)),
        "appId": text(client.map(|client| &client.app_id)),
        "appDisplayName": text(client.map(|client| &client.name)),
        "ipAddress": row.address.to_string(),
        "clientAppUsed": match row.event {
            Event::ServicePrincipal => "",
            Event::InteractiveUser if row.protocol == "none" => "Browser",
            _ => "Mobile Apps and Desktop clients",
        },
        "correlationId": row.correlation_id,
        "conditionalAccessStatus": row.conditional_access(),
        "isInteractive": row.event == Event::InteractiveUser,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
        "resourceDisplayName": row.resource.as_ref().map(|resource| &resource.name),
        "resourceId": row.resource.as_ref().map(|resource| &resource.app_id),
        "status": {
            "errorCode": row.error_code,
            "failureReason": row.failure.as_deref().unwrap_or("Other."),
            "additionalDetails": additional_details(row),
        },
        "deviceDetail": {
            "deviceId": "", "displayName": "", "operatingSystem": text(row.platform.as_ref()), "browser": "",
            "isCompliant": false, "isManaged": false, "trustType": "",
        },
        "location": {
            "city": "", "state": "", "countryOrRegion": text(row.country.as_ref()),
            "geoCoordinates": { "altitude": null, "latitude": null, "longitude": null },
        },
        "appliedConditionalAccessPolicies": if sees_policies { json!(row.applied) } else { json!([]) },
    });
    if let (Version::Beta, Some(fields)) = (call.path.version, item.as_object_mut()) {
        fields.extend(beta(call, row, is_service));
    }
    item
}

/// What beta has more.
fn beta(call: &Call<'_>, row: &SignInRow, is_service: bool) -> Map<String, Value> {
    let client = row.client.as_ref();
    let principal = |value: Option<&String>| json!(value.filter(|_| is_service).map_or("", String::as_str));
    let is_strong = row.methods.iter().any(|method| method == "mfa");
    let more = json!({
        "signInEventTypes": [row.event],
        "servicePrincipalId": principal(client.map(|client| &client.principal_id)),
        "servicePrincipalName": principal(client.map(|client| &client.name)),
        "clientCredentialType": row.credential.as_deref().unwrap_or("none"),
        "userType": if row.user.is_some() { json!("member") } else { Value::Null },
        "userAgent": row.user_agent,
        "tokenIssuerType": "AzureAD",
        "incomingTokenType": row.incoming,
        "authenticationProtocol": row.protocol,
        "authenticationRequirement":
            if is_strong { "multiFactorAuthentication" } else { "singleFactorAuthentication" },
        "uniqueTokenIdentifier": short_guid(&row.id),
        "originalRequestId": row.id,
        "sessionId": row.session_id,
        "homeTenantId": call.tenant.id,
        "resourceTenantId": call.tenant.id,
        "crossTenantAccessType": "none",
        "isTenantRestricted": false,
        "flaggedForReview": false,
        "agent": agent(call, row),
    });
    match more {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Who of the agents' family acted, and for whom.
fn agent(call: &Call<'_>, row: &SignInRow) -> Value {
    let shows_all = call
        .request
        .header("prefer")
        .is_some_and(|prefer| prefer.to_ascii_lowercase().contains("include-unknown-enum-members"));
    // Members that came later are shown to who asks for them.
    let later = |name: &'static str| if shows_all { name } else { "unknownFutureValue" };
    let actor = match row.client_kind() {
        ClientKind::Ordinary => "notAgentic",
        ClientKind::Blueprint => later("agentIdentityBlueprintPrincipal"),
        ClientKind::AgentIdentity => "agenticAppInstance",
    };
    let blueprint = row.client.as_ref().and_then(|client| client.blueprint_id.clone());
    let (subject, parent) = match &row.user {
        None => (actor, blueprint),
        Some(user) if user.parent.is_some() => (later("agentIDuser"), user.parent.clone()),
        Some(_) => ("notAgentic", None),
    };
    json!({ "agentType": actor, "agentSubjectType": subject, "agentSubjectParentId": parent })
}

fn additional_details(row: &SignInRow) -> Value {
    match row.error_code {
        0 if row.methods.iter().any(|method| method == "mfa") => {
            json!("MFA requirement satisfied by claim in the token")
        }
        50_072 | 50_074 | 50_076 | 50_079 => json!("MFA required in Azure AD"),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::odata::Query;

    #[test]
    fn the_log_takes_the_options_of_reports() {
        let parse = |text: &str| {
            let parameters: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            Query::parse(&COLLECTION, &parameters, false)
        };
        for text in [
            "$filter=status/errorCode ne 0 and createdDateTime ge 2026-03-01T00:00:00Z&$top=1000",
            "$filter=signInEventTypes/any(t: t eq 'servicePrincipal')&$orderby=createdDateTime desc",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
        assert!(parse("$top=1001").is_err());
        assert!(parse("$search=x").is_err());
    }
}
