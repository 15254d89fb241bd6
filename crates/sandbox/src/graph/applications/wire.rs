//! How an application looks in JSON (Entra reference §2.1, §8).

use serde_json::{Map, Value, json};

use crate::directory::{ApiScope, Application, KeyCredential, PasswordCredential, PublishedRole};
use crate::graph::instants::{seconds, seconds_or_null, seven_digits};

/// The whole object. `with_keys` shows certificates, which only `$select=keyCredentials` does.
pub(crate) fn application(app: &Application, domain: &str, with_keys: bool) -> Value {
    let mut object = Map::new();
    if app.is_blueprint() {
        object.insert("@odata.type".to_owned(), json!("#microsoft.graph.agentIdentityBlueprint"));
    }
    extend(&mut object, plain(app, domain));
    extend(&mut object, complex(app, with_keys));
    for (name, value) in &app.other {
        match (object.get_mut(name), value) {
            // What the client wrote into a complex property stands beside what has a field of its own.
            (Some(Value::Object(shown)), Value::Object(more)) => {
                shown.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            _ => {
                object.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(object)
}

fn extend(object: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        object.extend(more);
    }
}

fn plain(app: &Application, domain: &str) -> Value {
    json!({
        "id": app.id,
        "deletedDateTime": seconds_or_null(app.life.deleted),
        "appId": app.app_id,
        "applicationTemplateId": null,
        "identifierUris": app.identifier_uris,
        "createdByAppId": app.created_by_app_id,
        "createdDateTime": seven_digits(app.life.created),
        "description": null,
        "disabledByMicrosoftStatus": null,
        "displayName": app.display_name,
        "isDeviceOnlyAuthSupported": null,
        "isDisabled": app.is_disabled.then_some(true),
        "isFallbackPublicClient": app.is_public.then_some(true),
        "groupMembershipClaims": null,
        "nativeAuthenticationApisEnabled": null,
        "notes": null,
        "oauth2RequirePostResponse": false,
        "optionalClaims": null,
        "publisherDomain": domain,
        "serviceManagementReference": null,
        "signInAudience": "AzureADMyOrg",
        "tags": [],
        "tokenEncryptionKeyId": null,
        "uniqueName": null,
        "samlMetadataUrl": null,
        "defaultRedirectUri": null,
        "certification": null,
        "requestSignatureVerification": null,
        "servicePrincipalLockConfiguration": null,
    })
}

fn complex(app: &Application, with_keys: bool) -> Value {
    json!({
        "managerApplications": [],
        "addIns": [],
        "api": {
            "acceptMappedClaims": null,
            "knownClientApplications": [],
            "requestedAccessTokenVersion": app.access_token_version,
            "oauth2PermissionScopes": app.scopes.iter().map(scope).collect::<Vec<_>>(),
            "preAuthorizedApplications": [],
        },
        "appRoles": app.roles.iter().map(role).collect::<Vec<_>>(),
        "info": {
            "logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null,
            "termsOfServiceUrl": null,
        },
        "keyCredentials": app.keys.iter().map(|key| key_credential(key, with_keys)).collect::<Vec<_>>(),
        "parentalControlSettings": { "countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow" },
        "passwordCredentials": app.passwords.iter().map(password_credential).collect::<Vec<_>>(),
        "publicClient": { "redirectUris": app.public_redirects },
        "requiredResourceAccess": [],
        "verifiedPublisher": { "displayName": null, "verifiedPublisherId": null, "addedDateTime": null },
        "web": {
            "homePageUrl": null, "logoutUrl": null, "redirectUris": app.web_redirects,
            "implicitGrantSettings": {
                "enableAccessTokenIssuance": false, "enableIdTokenIssuance": false,
            },
            "redirectUriSettings": app.web_redirects.iter()
                .map(|uri| json!({ "uri": uri, "index": null })).collect::<Vec<_>>(),
        },
        "spa": { "redirectUris": app.spa_redirects },
    })
}

/// A delegated permission that an application publishes.
pub(crate) fn scope(scope: &ApiScope) -> Value {
    json!({
        "id": scope.id,
        "value": scope.value,
        "type": scope.consent,
        "isEnabled": scope.is_enabled,
        "adminConsentDisplayName": scope.display_name,
        "adminConsentDescription": scope.description,
        "userConsentDisplayName": scope.user_display_name,
        "userConsentDescription": scope.user_description,
        "origin": "Application",
    })
}

/// An application permission that an application publishes.
pub(crate) fn role(role: &PublishedRole) -> Value {
    json!({
        "id": role.id,
        "value": (!role.value.is_empty()).then_some(&role.value),
        "allowedMemberTypes": role.allowed,
        "displayName": role.display_name,
        "description": role.description,
        "isEnabled": role.is_enabled,
        "origin": "Application",
    })
}

/// A certificate; `customKeyIdentifier` is its SHA-1 thumbprint in hexadecimal digits.
pub(crate) fn key_credential(key: &KeyCredential, with_key: bool) -> Value {
    json!({
        "customKeyIdentifier": super::credentials::thumbprint(&key.der),
        "displayName": key.display_name,
        "endDateTime": seconds(key.end),
        "key": with_key.then_some(&key.der),
        "keyId": key.key_id,
        "startDateTime": seconds(key.start),
        "type": "AsymmetricX509Cert",
        "usage": key.usage,
    })
}

/// A secret, without its text.
pub(crate) fn password_credential(password: &PasswordCredential) -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": password.display_name,
        "endDateTime": seconds(password.end),
        "hint": password.secret.get(..3),
        "keyId": password.key_id,
        "secretText": null,
        "startDateTime": seconds(password.start),
    })
}
