//! `PATCH /applications/{id}`, and what create and update read alike (Entra reference §2.1, §2.8, §8).

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::directory::{ApiScope, Application, KeyCredential, PublishedRole, new_id};
use crate::graph::agent_limits;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::payload::Payload;
use crate::graph::permissions::permissions;
use crate::graph::policies::Credential;
use crate::graph::route::{Needs, Route};
use crate::graph::upsert;

use super::{BLUEPRINT, create, credentials, limits};

const UPDATE: Needs = Needs::split(
    &[
        "Application.ReadWrite.All",
        "AgentIdentityBlueprint.UpdateBranding.All",
        "AgentIdentityBlueprint.UpdateAuthProperties.All",
        "AgentIdentityBlueprint.AddRemoveCreds.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
    &[
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "AgentIdentityBlueprint.UpdateBranding.All",
        "AgentIdentityBlueprint.UpdateAuthProperties.All",
        "AgentIdentityBlueprint.AddRemoveCreds.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
);
const UPDATE_BLUEPRINT: Needs = Needs::either(&[
    "AgentIdentityBlueprint.UpdateBranding.All",
    "AgentIdentityBlueprint.UpdateAuthProperties.All",
    "AgentIdentityBlueprint.AddRemoveCreds.All",
    "AgentIdentityBlueprint.ReadWrite.All",
]);

/// What `UpdateBranding.All` may change; credentials are `AddRemoveCreds.All`'s, the rest is
/// `UpdateAuthProperties.All`'s.
const BRANDING: [&str; 5] = ["displayname", "description", "info", "notes", "tags"];
const CREDENTIALS: [&str; 2] = ["keycredentials", "passwordcredentials"];

/// Settable properties that nothing in the sandbox looks at.
const PASSIVE: &[&str] = &[
    "authenticationBehaviors",
    "defaultRedirectUri",
    "description",
    "isDeviceOnlyAuthSupported",
    "nativeAuthenticationApisEnabled",
    "oauth2RequirePostResponse",
    "requestSignatureVerification",
    "samlMetadataUrl",
    "tags",
    "notes",
    "info",
    "managerApplications",
    "optionalClaims",
    "groupMembershipClaims",
    "requiredResourceAccess",
    "serviceManagementReference",
    "signInAudience",
    "addIns",
    "uniqueName",
    "servicePrincipalLockConfiguration",
    "tokenEncryptionKeyId",
    "parentalControlSettings",
];

/// What the service computes, or has an action for.
const READ_ONLY: &[&str] = &[
    "id",
    "deletedDateTime",
    "appId",
    "applicationTemplateId",
    "certification",
    "createdByAppId",
    "createdDateTime",
    "disabledByMicrosoftStatus",
    "publisherDomain",
    "verifiedPublisher",
];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::PATCH, "/applications/{id}", UPDATE, update),
        Route::new(Method::PATCH, "/applications/{id}", UPDATE_BLUEPRINT, update).cast(BLUEPRINT),
    ]
}

fn update(call: &mut Call<'_>) -> Answer {
    if let (Some(name), Err(_)) = (call.to_be_made("uniqueName"), call.application()) {
        let mut payload = Payload::read(call, "Application")?;
        payload.put("uniqueName", name);
        return create::create_from(call, payload);
    }
    let mut app = call.application()?.clone();
    check_permissions(call, &app)?;
    let mut payload = Payload::read(call, "Application")?;
    payload.take_type();
    if let Some(name) = payload.text("displayName")? {
        if name.trim().is_empty() || name.chars().count() > 256 {
            return Err(payload.invalid("displayName"));
        }
        app.display_name = name;
    }
    apply(call, &mut app, payload)?;
    call.tenant.application_changed(&app.id);
    call.tenant.applications.insert(app.id.clone(), app);
    Ok(call.no_content())
}

/// Each property of a blueprint has its own least permission.
fn check_permissions(call: &Call<'_>, app: &Application) -> Result<(), GraphError> {
    let body = call.body()?;
    let least = |name: &String| match name.to_ascii_lowercase() {
        name if BRANDING.contains(&name.as_str()) => "AgentIdentityBlueprint.UpdateBranding.All",
        name if CREDENTIALS.contains(&name.as_str()) => "AgentIdentityBlueprint.AddRemoveCreds.All",
        _ => "AgentIdentityBlueprint.UpdateAuthProperties.All",
    };
    for name in body.keys().filter(|name| !name.starts_with("@odata.")) {
        call.check_reach(
            app,
            &["Application.ReadWrite.All"],
            &[least(name), "AgentIdentityBlueprint.ReadWrite.All"],
        )?;
    }
    Ok(())
}

/// Sets what the payload names on the application; all of it or, on an error, nothing that is kept.
pub(super) fn apply(call: &Call<'_>, app: &mut Application, mut payload: Payload) -> Result<(), GraphError> {
    if app.is_blueprint() {
        for name in ["publicClient", "spa", "isFallbackPublicClient"] {
            if payload.take(name).is_some_and(|value| !value.is_null()) {
                return Err(GraphError::new(
                    StatusCode::BAD_REQUEST,
                    "AgentBlueprint_IncompatibleProperty",
                    format!("The property '{name}' is not compatible with agent identity blueprints."),
                ));
            }
        }
    }
    if let Some(uris) = payload.texts("identifierUris")? {
        check_identifier_uris(call, app, &uris)?;
        app.identifier_uris = uris;
    }
    if let Some(api) = payload.take("api") {
        set_api(app, &api).ok_or_else(|| payload.invalid("api"))??;
        keep_rest(&mut app.other, "api", &api, &["oauth2PermissionScopes", "requestedAccessTokenVersion"]);
    }
    if let Some(roles) = payload.objects("appRoles")? {
        let roles: Vec<_> = roles
            .iter()
            .map(published_role)
            .collect::<Option<_>>()
            .ok_or_else(|| payload.invalid("appRoles"))?;
        let stands = |old: &PublishedRole| roles.iter().any(|new| new.id == old.id && new.value == old.value);
        if app.roles.iter().any(|old| old.is_enabled && !stands(old)) {
            return Err(still_enabled());
        }
        app.roles = roles;
    }
    for (name, redirects) in [
        ("web", &mut app.web_redirects),
        ("spa", &mut app.spa_redirects),
        ("publicClient", &mut app.public_redirects),
    ] {
        let platform = payload.take(name).unwrap_or(Value::Null);
        if !platform.is_null() && !platform.is_object() {
            return Err(payload.invalid(name));
        }
        if let Some(uris) = platform.get("redirectUris") {
            *redirects = texts(uris)
                .filter(|uris| redirects_are_fine(name, uris))
                .ok_or_else(|| payload.invalid(name))?;
        }
        keep_rest(&mut app.other, name, &platform, &["redirectUris", "redirectUriSettings"]);
    }
    if let Some(public) = payload.boolean("isFallbackPublicClient")? {
        app.is_public = public;
    }
    if let Some(disabled) = payload.boolean("isDisabled")? {
        app.is_disabled = disabled;
    }
    if let Some(keys) = payload.objects("keyCredentials")? {
        let policies = &call.tenant.workloads.policies.app_management;
        let allow = |key: &KeyCredential| policies.check(app, Credential::Key, key.start, key.end);
        app.keys = credentials::replace_keys(call, &app.keys, &keys, allow)?;
    }
    if let Some(passwords) = payload.objects("passwordCredentials")? {
        credentials::keep_passwords(app, &passwords)?;
    }
    let rest = payload.rest_but(PASSIVE, READ_ONLY)?;
    check_passive(app, &rest)?;
    if let Some(asked) = rest.get("uniqueName") {
        let named = call.tenant.applications.named(asked.as_str().unwrap_or_default()).into_iter();
        let others = named.filter(|other| other.id != app.id);
        let others = others.filter_map(|other| other.other.get("uniqueName"));
        upsert::check_unique_name(app.other.get("uniqueName"), asked, others)?;
    }
    app.other.extend(rest);
    limits::check(app)
}

/// What else stands in a complex property, one level deep, beside what was there.
fn keep_rest(other: &mut BTreeMap<String, Value>, name: &str, value: &Value, known: &[&str]) {
    let Some(fields) = value.as_object() else { return };
    let rest = fields.iter().filter(|(field, _)| !known.contains(&field.as_str()) && !field.starts_with('@'));
    let rest: Map<String, Value> = rest.map(|(field, value)| (field.clone(), value.clone())).collect();
    if rest.is_empty() {
        return;
    }
    let kept = other.entry(name.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if let Some(kept) = kept.as_object_mut() {
        kept.extend(rest);
    }
}

/// The rules of redirect URIs (§1.3): absolute, HTTPS but for loopback and for public clients' own schemes, without a
/// fragment, of at most 256 characters, at most 256 of them.
fn redirects_are_fine(platform: &str, uris: &[String]) -> bool {
    let is_fine = |uri: &String| {
        let Ok(url) = url::Url::parse(uri) else { return false };
        let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
        let is_scheme = match url.scheme() {
            "https" => true,
            "http" => is_loopback,
            _ => platform == "publicClient",
        };
        let has_bad = uri.chars().any(|c| "!$'(),;".contains(c));
        is_scheme && !has_bad && url.fragment().is_none() && uri.chars().count() <= 256
    };
    uris.len() <= 256 && uris.iter().all(is_fine)
}

/// The passive properties that have limits.
fn check_passive(app: &Application, rest: &BTreeMap<String, Value>) -> Result<(), GraphError> {
    let invalid = |name: &str| {
        GraphError::bad_request(format!(
            "Invalid value specified for property '{name}' of resource 'Application'."
        ))
    };
    for (name, value) in rest {
        let is_fine = match name.as_str() {
            "isDeviceOnlyAuthSupported" | "oauth2RequirePostResponse" => value.is_boolean(),
            "nativeAuthenticationApisEnabled" => value == "none" || value == "all",
            "authenticationBehaviors" | "requestSignatureVerification" => value.is_object(),
            "defaultRedirectUri" | "samlMetadataUrl" | "uniqueName" => value.is_string(),
            _ => true,
        };
        if !is_fine && !value.is_null() {
            return Err(invalid(name));
        }
    }
    const AUDIENCES: [&str; 4] = [
        "AzureADMyOrg",
        "AzureADMultipleOrgs",
        "AzureADandPersonalMicrosoftAccount",
        "PersonalMicrosoftAccount",
    ];
    if let Some(audience) = rest.get("signInAudience")
        && !audience.as_str().is_some_and(|audience| AUDIENCES.contains(&audience))
    {
        return Err(invalid("signInAudience"));
    }
    if rest
        .get("description")
        .is_some_and(|text| text.as_str().is_some_and(|text| text.chars().count() > 1024))
    {
        return Err(invalid("description"));
    }
    if let Some(managers) = rest.get("managerApplications") {
        let ids = managers.as_array().filter(|list| list.len() <= 10);
        let are_ids = |list: &Vec<Value>| {
            list.iter().all(|one| one.as_str().is_some_and(|id| uuid::Uuid::parse_str(id).is_ok()))
        };
        if !ids.is_some_and(are_ids) {
            return Err(invalid("managerApplications"));
        }
    }
    if let Some(list) = rest.get("requiredResourceAccess") {
        check_required(app, list).ok_or_else(|| invalid("requiredResourceAccess"))??;
    }
    Ok(())
}

/// At most 50 resources and 400 permissions (§2.11), and none that agents may not have (§2.7).
fn check_required(app: &Application, list: &Value) -> Option<Result<(), GraphError>> {
    let list = list.as_array()?;
    let mut count = 0;
    for resource in list {
        let id = resource["resourceAppId"].as_str()?;
        for access in resource["resourceAccess"].as_array()? {
            let (asked, kind) = (access["id"].as_str()?, access["type"].as_str()?);
            uuid::Uuid::parse_str(asked).ok()?;
            count += 1;
            let is_role = match kind {
                "Role" => true,
                "Scope" => false,
                _ => return None,
            };
            if !app.is_blueprint() || id != crate::tenant::GRAPH_APP_ID {
                continue;
            }
            let blocked = permissions().iter().find(|one| {
                let known = if is_role { one.role_id } else { one.scope_id };
                known.is_some_and(|known| known.eq_ignore_ascii_case(asked))
                    && if is_role {
                        agent_limits::is_blocked_role(one.value)
                    } else {
                        agent_limits::is_blocked_scope(one.value)
                    }
            });
            if let Some(one) = blocked {
                return Some(Err(agent_limits::blocked(one.value)));
            }
        }
    }
    if list.len() > 50 || count > 400 {
        return Some(Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "Directory_QuotaExceeded",
            "The number of required permissions exceeds the maximum: 50 resources with 400 permissions.",
        )));
    }
    Some(Ok(()))
}

fn check_identifier_uris(call: &Call<'_>, app: &Application, uris: &[String]) -> Result<(), GraphError> {
    for uri in uris {
        let others = call.tenant.applications.named(uri.trim_end_matches('/')).into_iter();
        let mut others = others.filter(|other| other.id != app.id && other.life.is_live());
        if others.any(|other| other.identifier_uris.contains(uri)) {
            return Err(GraphError::bad_request(
                "Another object with the same value for property identifierUris already exists.",
            ));
        }
        let domains = &call.tenant.domains;
        let is_ours = |host: &str| domains.contains(host) || domains.are_above(host);
        // `api://` names the application, alone or behind any text, or the tenant (Microsoft: "Restrictions on
        // identifier URIs"); both schemes name the tenant's domains.
        let ours = match (uri.strip_prefix("api://"), uri.strip_prefix("https://")) {
            (Some(rest), _) => {
                let mut parts = rest.split('/');
                let (first, second) = (parts.next().unwrap_or_default(), parts.next());
                let is_it = |part: &str| part.eq_ignore_ascii_case(&app.app_id);
                is_it(first) || second.is_some_and(is_it) || first == call.tenant.id || is_ours(first)
            }
            (None, Some(rest)) => is_ours(rest.split('/').next().unwrap_or_default()),
            (None, None) => false,
        };
        if !ours {
            return Err(GraphError::new(
                StatusCode::BAD_REQUEST,
                "HostNameNotOnVerifiedDomain",
                format!(
                    "Values of identifierUris property must use a verified domain of the organization or its subdomain: '{uri}'"
                ),
            ));
        }
    }
    Ok(())
}

/// A permission that is enabled may be granted somewhere: it is disabled before its value changes or it goes.
fn still_enabled() -> GraphError {
    GraphError::new(
        StatusCode::BAD_REQUEST,
        "CannotDeleteOrUpdateEnabledEntitlement",
        "Permission (scope or role) cannot be deleted or updated unless disabled first.",
    )
}

fn set_api(app: &mut Application, api: &Value) -> Option<Result<(), GraphError>> {
    let api = api.as_object()?;
    match api.get("requestedAccessTokenVersion") {
        Some(Value::Null) => app.access_token_version = None,
        Some(version) => {
            app.access_token_version = Some(
                version
                    .as_u64()
                    .filter(|one| (1..=2).contains(one))
                    .and_then(|one| u8::try_from(one).ok())?,
            );
        }
        None => {}
    }
    if let Some(scopes) = api.get("oauth2PermissionScopes") {
        let scopes: Vec<_> = scopes
            .as_array()?
            .iter()
            .map(|one| one.as_object().and_then(api_scope))
            .collect::<Option<_>>()?;
        let stands = |old: &ApiScope| scopes.iter().any(|new| new.id == old.id && new.value == old.value);
        if app.scopes.iter().any(|old| old.is_enabled && !stands(old)) {
            return Some(Err(still_enabled()));
        }
        app.scopes = scopes;
    }
    Some(Ok(()))
}

fn api_scope(scope: &Map<String, Value>) -> Option<ApiScope> {
    let text = |name: &str| scope.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(ApiScope {
        id: uuid::Uuid::parse_str(&text("id")?).ok()?.to_string(),
        value: text("value")?,
        is_enabled: scope.get("isEnabled").and_then(Value::as_bool).unwrap_or(true),
        consent: text("type").unwrap_or_else(|| "User".to_owned()),
        display_name: text("adminConsentDisplayName").unwrap_or_default(),
        description: text("adminConsentDescription").unwrap_or_default(),
        user_display_name: text("userConsentDisplayName"),
        user_description: text("userConsentDescription"),
    })
}

fn published_role(role: &Map<String, Value>) -> Option<PublishedRole> {
    let text = |name: &str| role.get(name).and_then(Value::as_str).map(str::to_owned);
    let allowed = match role.get("allowedMemberTypes") {
        None => vec!["Application".to_owned()],
        Some(types) => texts(types)?,
    };
    let is_type = |one: &String| matches!(one.as_str(), "Application" | "User");
    if allowed.is_empty() || !allowed.iter().all(is_type) {
        return None;
    }
    Some(PublishedRole {
        id: text("id")
            .map_or_else(|| Some(new_id()), |id| Some(uuid::Uuid::parse_str(&id).ok()?.to_string()))?,
        value: text("value").unwrap_or_default(),
        display_name: text("displayName").unwrap_or_default(),
        description: text("description").unwrap_or_default(),
        is_enabled: role.get("isEnabled").and_then(Value::as_bool).unwrap_or(true),
        allowed,
    })
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|one| one.as_str().map(str::to_owned)).collect()
}
