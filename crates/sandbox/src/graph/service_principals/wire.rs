//! How service principals look in JSON (Entra reference §2.2, §2.3).

use serde_json::{Map, Value, json};

use crate::directory::{ServicePrincipal, ServicePrincipalKind};
use crate::entra::MICROSOFT_SERVICES;
use crate::first_party;
use crate::graph::applications::wire::{key_credential, password_credential, role, scope};
use crate::graph::instants::{seconds, seconds_or_null};
use crate::published;
use crate::tenant::Tenant;

/// The whole object.
pub(crate) fn service_principal(tenant: &Tenant, sp: &ServicePrincipal) -> Value {
    let foreign = tenant.workloads.foreign.get(&sp.app_id.to_ascii_lowercase());
    let application = tenant
        .applications
        .named(&sp.app_id)
        .into_iter()
        .find(|app| app.app_id == sp.app_id)
        .or_else(|| foreign.map(|foreign| &foreign.application));
    let (scopes, roles) = match application {
        Some(app) => (app.scopes.clone(), app.roles.clone()),
        None => published::shown_of_microsoft(&sp.app_id),
    };
    let (type_name, kind) = match &sp.kind {
        ServicePrincipalKind::Application => (None, "Application"),
        ServicePrincipalKind::BlueprintPrincipal => {
            (Some("#microsoft.graph.agentIdentityBlueprintPrincipal"), "Application")
        }
        ServicePrincipalKind::AgentIdentity { .. } => {
            (Some("#microsoft.graph.agentIdentity"), "ServiceIdentity")
        }
    };
    let owner = match (&sp.kind, application) {
        (ServicePrincipalKind::AgentIdentity { .. }, _) => Value::Null,
        (_, Some(_)) => json!(foreign.map_or(&tenant.id, |foreign| &foreign.home)),
        (_, None) => json!(MICROSOFT_SERVICES),
    };
    let names: Vec<&str> = match &sp.kind {
        ServicePrincipalKind::AgentIdentity { .. } => vec![&sp.app_id],
        _ => std::iter::once(sp.app_id.as_str())
            .chain(application.into_iter().flat_map(|app| app.identifier_uris.iter().map(String::as_str)))
            .chain(first_party::of(&sp.app_id).into_iter().flat_map(|known| known.uris.iter().copied()))
            .collect(),
    };

    let mut object = Map::new();
    if let Some(type_name) = type_name {
        object.insert("@odata.type".to_owned(), json!(type_name));
    }
    let Value::Object(fields) = json!({
        "id": sp.id,
        "deletedDateTime": seconds_or_null(sp.life.deleted),
        "accountEnabled": sp.account_enabled,
        "addIns": [],
        "alternativeNames": [],
        "appDescription": null,
        "appDisplayName": application.map(|app| &app.display_name),
        "appId": sp.app_id,
        "applicationTemplateId": null,
        "appOwnerOrganizationId": owner,
        "appRoleAssignmentRequired": false,
        "appRoles": roles.iter().map(role).collect::<Vec<_>>(),
        "createdByAppId": sp.created_by_app_id,
        "description": null,
        "disabledByMicrosoftStatus": null,
        "displayName": sp.display_name,
        "homepage": null,
        "info": {
            "logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null,
            "termsOfServiceUrl": null,
        },
        "keyCredentials": sp.keys.iter().map(|key| key_credential(key, false)).collect::<Vec<_>>(),
        "loginUrl": null,
        "logoutUrl": null,
        "notes": null,
        "notificationEmailAddresses": [],
        "oauth2PermissionScopes": scopes.iter().map(scope).collect::<Vec<_>>(),
        "passwordCredentials": sp.passwords.iter().map(password_credential).collect::<Vec<_>>(),
        "preferredSingleSignOnMode": null,
        "preferredTokenSigningKeyThumbprint": null,
        "replyUrls": application.map(|app| app.web_redirects.clone()).unwrap_or_default(),
        "resourceSpecificApplicationPermissions": [],
        "samlSingleSignOnSettings": null,
        "servicePrincipalNames": names,
        "servicePrincipalType": kind,
        "signInAudience": application.map(|app| app.other.get("signInAudience").cloned().unwrap_or_else(|| json!("AzureADMyOrg"))),
        "tags": [],
        "tokenEncryptionKeyId": null,
        "verifiedPublisher": { "displayName": null, "verifiedPublisherId": null, "addedDateTime": null },
    }) else {
        return Value::Null;
    };
    object.extend(fields);
    if let ServicePrincipalKind::AgentIdentity { blueprint_id, .. } = &sp.kind {
        object.insert("agentIdentityBlueprintId".to_owned(), json!(blueprint_id));
        object.insert("createdDateTime".to_owned(), json!(seconds(sp.life.created)));
    }
    for (name, value) in &sp.other {
        object.insert(name.clone(), value.clone());
    }
    Value::Object(object)
}
