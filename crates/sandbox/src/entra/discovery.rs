//! Discovery documents and public keys (Entra reference §1.1, §1.2).

use http::StatusCode;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use serde_json::{Value, json};

use crate::exchange::Response;
use crate::tenant::Tenant;

use super::context::Context;
use super::token::with_common_headers;

/// The tenant of personal accounts.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// `common` and `organizations` have no issuer of their own: the literal `{tenantid}` stands for it.
fn issuer_tenant<'a>(tenant: &'a Tenant, name: &str) -> &'a str {
    match name.to_ascii_lowercase().as_str() {
        "common" | "organizations" => "{tenantid}",
        "consumers" => CONSUMERS,
        _ => &tenant.id,
    }
}

fn is_shared(name: &str) -> bool {
    ["common", "organizations", "consumers"].iter().any(|shared| name.eq_ignore_ascii_case(shared))
}

/// An application's own keys are asked for with its id; none has any here, but the link keeps the id.
fn of_app(context: &Context<'_>) -> String {
    context.request.query("appid").map_or_else(String::new, |app| {
        format!("?{}", form_urlencoded::Serializer::new(String::new()).append_pair("appid", app).finish())
    })
}

/// The v2 document. That PKCE and grant types are not advertised is as it is there.
pub(super) fn v2(context: &Context<'_>, tenant: &Tenant, name: &str) -> Response {
    let origin = &context.request.origin;
    let shown = if is_shared(name) { name } else { &tenant.id };
    let base = format!("{origin}/{shown}");
    document(
        context,
        &json!({
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{base}/discovery/v2.0/keys{}", of_app(context)),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{origin}/{}/v2.0", issuer_tenant(tenant, name)),
            "request_uri_parameter_supported": false,
            "userinfo_endpoint": format!("{}/oidc/userinfo", graph_origin(origin)),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "http_logout_supported": true,
            "frontchannel_logout_supported": true,
            "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
            "claims_supported": V2_CLAIMS,
            "kerberos_endpoint": format!("{base}/kerberos"),
            "tenant_region_scope": region(name),
            "cloud_instance_name": "microsoftonline.com",
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": host(graph_origin(origin)),
            "rbac_url": "https://pas.windows.net",
        }),
    )
}

/// The v1 document.
pub(super) fn v1(context: &Context<'_>, tenant: &Tenant, name: &str) -> Response {
    let origin = &context.request.origin;
    let shown = if is_shared(name) { name } else { &tenant.id };
    let base = format!("{origin}/{shown}");
    document(
        context,
        &json!({
            "token_endpoint": format!("{base}/oauth2/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{origin}/common/discovery/keys{}", of_app(context)),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "token id_token", "token"],
            "scopes_supported": ["openid"],
            "issuer": format!("https://sts.windows.net/{}/", issuer_tenant(tenant, name)),
            "microsoft_multi_refresh_token": true,
            "authorization_endpoint": format!("{base}/oauth2/authorize"),
            "device_authorization_endpoint": format!("{base}/oauth2/devicecode"),
            "http_logout_supported": true,
            "frontchannel_logout_supported": true,
            "end_session_endpoint": format!("{base}/oauth2/logout"),
            "claims_supported": V1_CLAIMS,
            "check_session_iframe": format!("{base}/oauth2/checksession"),
            "userinfo_endpoint": format!("{base}/openid/userinfo"),
            "kerberos_endpoint": format!("{base}/kerberos"),
            "tenant_region_scope": region(name),
            "cloud_instance_name": "microsoftonline.com",
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": host(graph_origin(origin)),
            "rbac_url": "https://pas.windows.net",
        }),
    )
}

/// The token-signing keys, each with the issuer of the second generation's tokens: validators compare it with `iss`.
pub(super) fn v2_keys(context: &Context<'_>, tenant: &Tenant, name: &str) -> Response {
    let issuer = format!("{}/{}/v2.0", context.request.origin, issuer_tenant(tenant, name));
    let mut keys = context.key.jwks();
    for key in &mut keys {
        key["cloud_instance_name"] = json!("microsoftonline.com");
        key["issuer"] = json!(issuer);
    }
    document(context, &json!({ "keys": keys }))
}

/// The same keys, of which the first generation tells no issuer.
pub(super) fn v1_keys(context: &Context<'_>, _: &Tenant, _: &str) -> Response {
    document(context, &json!({ "keys": context.key.jwks() }))
}

/// Which hosts are one service: MSAL asks before it trusts an authority.
pub(super) fn instance(context: &Context<'_>) -> Response {
    let request = context.request;
    let host = host(&request.origin);
    let named = request.query("authorization_endpoint").and_then(|endpoint| url::Url::parse(endpoint).ok());
    let Some(endpoint) = named.filter(|endpoint| context.names.is_own(endpoint)) else {
        return Response::json(
            StatusCode::BAD_REQUEST,
            &json!({
                "error": "invalid_instance",
                "error_description": "AADSTS50049: Unknown or invalid instance.",
                "error_codes": [50_049],
            }),
        );
    };
    let tenant = endpoint.path().trim_start_matches('/').split('/').next().unwrap_or("common").to_owned();
    document(
        context,
        &json!({
            "tenant_discovery_endpoint":
                format!("{}/{tenant}/v2.0/.well-known/openid-configuration", request.origin),
            "api-version": "1.1",
            "metadata": [
                { "preferred_network": host, "preferred_cache": host, "aliases": [host] },
                {
                    "preferred_network": "login.microsoftonline.com",
                    "preferred_cache": "login.windows.net",
                    "aliases": ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
                },
            ],
        }),
    )
}

/// Who keeps a user's password: MSAL asks before it sends one.
pub(super) fn user_realm(context: &Context<'_>, user: &str, is_managed: bool) -> Response {
    let domain = user.rsplit_once('@').map_or("", |(_, domain)| domain);
    let body = if is_managed {
        json!({
            "ver": "1.0",
            "account_type": "Managed",
            "domain_name": domain,
            "cloud_instance_name": "microsoftonline.com",
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        })
    } else {
        json!({
            "ver": "1.0",
            "account_type": "Unknown",
            "cloud_instance_name": "microsoftonline.com",
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        })
    };
    with_common_headers(Response::json(StatusCode::OK, &body).with(CACHE_CONTROL, "private"), context)
}

const V1_CLAIMS: [&str; 17] = [
    "sub",
    "iss",
    "cloud_instance_name",
    "cloud_instance_host_name",
    "cloud_graph_host_name",
    "msgraph_host",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "acr",
    "amr",
    "nonce",
    "email",
    "given_name",
    "family_name",
    "nickname",
];

const V2_CLAIMS: [&str; 19] = [
    "sub",
    "iss",
    "cloud_instance_name",
    "cloud_instance_host_name",
    "cloud_graph_host_name",
    "msgraph_host",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "acr",
    "nonce",
    "preferred_username",
    "name",
    "tid",
    "ver",
    "at_hash",
    "c_hash",
    "email",
];

fn region(name: &str) -> Value {
    if is_shared(name) { Value::Null } else { json!("WW") }
}

/// Graph stands at its own name for who uses Microsoft's, and beside sign-in for everybody else.
fn graph_origin(origin: &str) -> &str {
    if origin == "https://login.microsoftonline.com" { "https://graph.microsoft.com" } else { origin }
}

fn host(origin: &str) -> &str {
    origin.strip_prefix("https://").unwrap_or(origin)
}

fn document(context: &Context<'_>, body: &Value) -> Response {
    let document = Response::json(StatusCode::OK, body)
        .with(CACHE_CONTROL, "max-age=86400, private")
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    with_common_headers(document, context)
}
