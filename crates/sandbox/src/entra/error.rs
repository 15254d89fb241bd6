//! AADSTS errors in Microsoft's shape (Entra reference §1.7, §1.13). One constructor a code.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::exchange::{Request, Response};

/// A failed sign-in or token request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntraError {
    pub(crate) status: StatusCode,
    /// The OAuth error.
    pub(crate) error: &'static str,
    /// The number after `AADSTS`.
    pub(crate) code: u32,
    pub(crate) message: String,
    pub(crate) suberror: Option<&'static str>,
}

impl EntraError {
    pub(crate) fn new(error: &'static str, code: u32, message: impl Into<String>) -> Self {
        let status =
            if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        Self { status, error, code, message: message.into(), suberror: None }
    }

    fn invalid_client(code: u32, message: impl Into<String>) -> Self {
        Self::new("invalid_client", code, message)
    }

    fn invalid_grant(code: u32, message: impl Into<String>) -> Self {
        Self::new("invalid_grant", code, message)
    }

    fn invalid_request(code: u32, message: impl Into<String>) -> Self {
        Self::new("invalid_request", code, message)
    }

    /// The URL names no tenant at all.
    pub(crate) fn not_a_tenant(name: &str) -> Self {
        Self::invalid_request(
            900_023,
            format!(
                "Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid external domain."
            ),
        )
    }

    /// The tenant is unknown.
    pub(crate) fn unknown_tenant(name: &str) -> Self {
        Self::invalid_request(
            90_002,
            format!(
                "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
            ),
        )
    }

    /// A required parameter is missing.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::invalid_request(
            900_144,
            format!("The request body must contain the following parameter: '{parameter}'."),
        )
    }

    /// The request cannot be read.
    pub(crate) fn malformed(why: &str) -> Self {
        Self::invalid_request(9_002_313, format!("Invalid request. Request is malformed or invalid. {why}"))
    }

    /// Another HTTP method is expected.
    pub(crate) fn wrong_method(expected: &str) -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            ..Self::invalid_request(900_561, format!("The endpoint only accepts {expected} requests."))
        }
    }

    pub(crate) fn unsupported_grant_type(grant_type: &str) -> Self {
        Self::new(
            "unsupported_grant_type",
            70_003,
            format!("The app requested an unsupported grant type '{grant_type}'."),
        )
    }

    /// v1's `resource` in a v2 request.
    pub(crate) fn resource_parameter() -> Self {
        Self::invalid_request(
            901_002,
            "The 'resource' request parameter is not supported. Use the 'scope' parameter.",
        )
    }

    pub(crate) fn unknown_client(id: &str, tenant: &str) -> Self {
        Self::new(
            "unauthorized_client",
            700_016,
            format!(
                "Application with identifier '{id}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
            ),
        )
    }

    pub(crate) fn no_principal(id: &str, tenant: &str) -> Self {
        Self::new(
            "unauthorized_client",
            7_000_229,
            format!("The client application '{id}' is missing service principal in the tenant '{tenant}'."),
        )
    }

    pub(crate) fn disabled_client(id: &str) -> Self {
        Self::new("unauthorized_client", 7_000_112, format!("Application '{id}' is disabled."))
    }

    pub(crate) fn no_credential(grant_type: &str) -> Self {
        if grant_type == "client_credentials" {
            return Self::invalid_client(
                7_000_216,
                "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
            );
        }
        Self::invalid_client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    }

    pub(crate) fn two_credentials() -> Self {
        Self::invalid_request(
            9_002_324,
            "Multiple client credentials are presented. Send either 'client_secret' or 'client_assertion'.",
        )
    }

    pub(crate) fn public_client_with_credential(id: &str) -> Self {
        Self::invalid_client(
            700_025,
            format!(
                "Client '{id}' is public so neither 'client_assertion' nor 'client_secret' should be presented."
            ),
        )
    }

    pub(crate) fn wrong_secret(id: &str) -> Self {
        Self::invalid_client(
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{id}'."
            ),
        )
    }

    pub(crate) fn expired_secret(id: &str) -> Self {
        Self::invalid_client(
            7_000_222,
            format!(
                "The provided client secret keys for app '{id}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."
            ),
        )
    }

    /// Something about the assertion's key or signature.
    pub(crate) fn assertion_key(reason: &str) -> Self {
        Self::invalid_client(
            700_027,
            format!(
                "The certificate with identifier used to sign the client assertion is not registered on application, or the assertion failed validation. [Reason - {reason}]"
            ),
        )
    }

    pub(crate) fn assertion_malformed() -> Self {
        Self::invalid_client(50_027, "JWT token is invalid or malformed.")
    }

    pub(crate) fn assertion_not_current(
        now: Timestamp,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Self {
        let text = |time: Option<Timestamp>| time.map_or_else(|| "none".to_owned(), |time| time.to_string());
        Self::invalid_client(
            700_024,
            format!(
                "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {}, expiry time of assertion {}. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
                text(from),
                text(until)
            ),
        )
    }

    pub(crate) fn assertion_of_another_client() -> Self {
        Self::invalid_client(
            700_021,
            "Client assertion application identifier doesn't match 'client_id' parameter.",
        )
    }

    pub(crate) fn assertion_audience() -> Self {
        Self::invalid_client(700_023, "Client assertion audience claim does not match Realm issuer.")
    }

    /// No federated identity credential fits; `what` is issuer (700211), audience (700212) or subject (700213).
    pub(crate) fn no_federated_match(code: u32, what: &str, value: &str) -> Self {
        Self::invalid_client(
            code,
            format!(
                "No matching federated identity record found for presented assertion {what} '{value}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion."
            ),
        )
    }

    pub(crate) fn federated_key_unknown() -> Self {
        Self::invalid_client(
            7_000_272,
            "The signing key of the federated identity assertion could not be found or does not fit its signature.",
        )
    }

    pub(crate) fn not_app_only() -> Self {
        Self::invalid_client(700_229, "Only app-only tokens can be used as Federated Identity Credentials.")
    }

    pub(crate) fn scope_not_default() -> Self {
        Self::new(
            "invalid_scope",
            1_002_012,
            "The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
        )
    }

    pub(crate) fn malformed_scope(scope: &str) -> Self {
        Self::new(
            "invalid_scope",
            70_011,
            format!(
                "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope '{scope}' is not valid."
            ),
        )
    }

    pub(crate) fn several_resources() -> Self {
        Self::new(
            "invalid_request",
            700_022,
            "The provided value for the input parameter scope can't contain multiple resources' scopes.",
        )
    }

    pub(crate) fn unknown_resource(resource: &str, tenant: &str) -> Self {
        Self::new(
            "invalid_resource",
            500_011,
            format!(
                "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
            ),
        )
    }

    pub(crate) fn unknown_scope(scope: &str, client: &str, resource: &str) -> Self {
        Self::new(
            "invalid_client",
            650_053,
            format!(
                "The application '{client}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. Contact the app vendor."
            ),
        )
    }

    pub(crate) fn agentic_app_only(id: &str, resource: &str) -> Self {
        Self::new(
            "unauthorized_client",
            82_001,
            format!(
                "Agentic application '{id}' is not permitted to request app-only tokens for resource '{resource}'."
            ),
        )
    }

    /// An agent entity at a flow that is closed to it.
    pub(crate) fn agentic_user_flow(id: &str) -> Self {
        Self::new(
            "unauthorized_client",
            82_002,
            format!("Agentic application '{id}' is not permitted to request user tokens by this flow."),
        )
    }

    pub(crate) fn no_consent(client: &str, name: &str) -> Self {
        Self {
            suberror: Some("consent_required"),
            ..Self::invalid_grant(
                65_001,
                format!(
                    "The user or administrator has not consented to use the application with ID '{client}' named '{name}'. Send an interactive authorization request for this user and resource."
                ),
            )
        }
    }

    pub(crate) fn unknown_user(user: &str, tenant: &str) -> Self {
        Self::invalid_grant(
            50_034,
            format!(
                "The user account {user} does not exist in the {tenant} directory. To sign into this application, the account must be added to the directory."
            ),
        )
    }

    pub(crate) fn disabled_user() -> Self {
        Self::invalid_grant(50_057, "The user account is disabled.")
    }

    pub(crate) fn wrong_password() -> Self {
        Self::invalid_grant(50_126, "Error validating credentials due to invalid username or password.")
    }

    pub(crate) fn revoked_grant(issued: Timestamp, valid_from: Timestamp) -> Self {
        Self::invalid_grant(
            50_173,
            format!(
                "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before which tokens are not valid) for this user is '{valid_from}'."
            ),
        )
    }

    pub(crate) fn expired_grant(what: &str) -> Self {
        Self::invalid_grant(70_008, format!("The provided {what} has expired."))
    }

    pub(crate) fn inactive_refresh_token(issued: Timestamp) -> Self {
        Self::invalid_grant(
            700_082,
            format!(
                "The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for 90.00:00:00."
            ),
        )
    }

    pub(crate) fn expired_spa_refresh_token(issued: Timestamp) -> Self {
        Self::invalid_grant(
            700_084,
            format!(
                "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which can't be extended. It was issued on {issued}."
            ),
        )
    }

    /// A code or refresh token that is none, or another client's.
    pub(crate) fn bad_grant(what: &str) -> Self {
        Self {
            suberror: Some("bad_token"),
            ..Self::invalid_grant(
                70_000,
                format!("The provided value for the '{what}' parameter is not valid."),
            )
        }
    }

    pub(crate) fn redeemed_code() -> Self {
        Self::invalid_grant(
            54_005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
        )
    }

    pub(crate) fn redirect_mismatch(uri: &str, client: &str) -> Self {
        Self::invalid_request(
            50_011,
            format!(
                "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application '{client}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal."
            ),
        )
    }

    pub(crate) fn missing_verifier() -> Self {
        Self::invalid_grant(50_147, "Missing code challenge parameter, or its size isn't valid.")
    }

    pub(crate) fn wrong_verifier() -> Self {
        Self::invalid_grant(
            501_481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        )
    }

    pub(crate) fn spa_without_origin() -> Self {
        Self::invalid_request(
            9_002_327,
            "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
        )
    }

    pub(crate) fn unsupported_response_type(response_type: &str) -> Self {
        Self::new(
            "unsupported_response_type",
            700_054,
            format!("response_type '{response_type}' is not enabled for the application."),
        )
    }

    pub(crate) fn no_session() -> Self {
        Self::new("login_required", 50_058, "A silent sign-in request was sent but no user is signed in.")
    }

    pub(crate) fn consent_required(client: &str) -> Self {
        Self::new(
            "consent_required",
            65_001,
            format!("The user or administrator has not consented to use the application with ID '{client}'."),
        )
    }

    pub(crate) fn consent_declined() -> Self {
        Self::new("access_denied", 65_004, "User declined to consent to access the app.")
    }

    pub(crate) fn device_pending() -> Self {
        Self::new(
            "authorization_pending",
            70_016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        )
    }

    pub(crate) fn device_declined() -> Self {
        Self::new(
            "authorization_declined",
            70_000,
            "OAuth 2.0 device flow error. The end user denied the authorization request.",
        )
    }

    pub(crate) fn device_unknown() -> Self {
        Self::new(
            "bad_verification_code",
            70_018,
            "Bad verification code. User typed in wrong user code for device code flow.",
        )
    }

    pub(crate) fn device_expired() -> Self {
        Self::new(
            "expired_token",
            70_020,
            "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
        )
    }

    pub(crate) fn device_code_at_common() -> Self {
        Self::invalid_request(
            90_133,
            "Device Code flow is not supported under /common or /consumers endpoint.",
        )
    }

    /// The user assertion of hop 3 is wrong: signature or kind (50013), audience (500131), expiry (500133).
    pub(crate) fn user_assertion(code: u32, why: &str) -> Self {
        Self::invalid_grant(code, format!("Assertion failed validation. [Reason - {why}]"))
    }

    /// `user_id` is no GUID.
    pub(crate) fn user_id_not_guid() -> Self {
        Self::new(
            "server_error",
            50_000,
            "There was an error issuing a token or an issue with our sign-in service.",
        )
    }

    /// A grant that needs a tenant, at `/common` or `/organizations`.
    pub(crate) fn tenant_needed(id: &str) -> Self {
        Self::invalid_request(
            50_194,
            format!(
                "Application '{id}' is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant."
            ),
        )
    }

    /// The tenant could not be written to disk.
    pub(crate) fn not_saved(why: &str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            ..Self::new("temporarily_unavailable", 90_033, format!("A transient error has occurred: {why}."))
        }
    }

    /// `AADSTS<code>: <message>` with the trailer.
    pub(crate) fn description(&self, ids: &Ids, now: Timestamp) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.code,
            self.message,
            ids.trace,
            ids.correlation,
            timestamp(now)
        )
    }

    /// The token endpoint's answer.
    pub(crate) fn to_response(&self, ids: &Ids, now: Timestamp) -> Response {
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(ids, now),
            "error_codes": [self.code],
            "timestamp": timestamp(now),
            "trace_id": ids.trace,
            "correlation_id": ids.correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = Value::from(suberror);
        }
        Response::json(self.status, &body)
    }
}

fn timestamp(now: Timestamp) -> String {
    now.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The ids of a request: ours, and the client's if it sent a GUID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) trace: String,
    pub(crate) correlation: String,
}

impl Ids {
    /// Reads or makes them.
    pub(crate) fn of(request: &Request) -> Self {
        let correlation = request
            .header("client-request-id")
            .and_then(|id| uuid::Uuid::parse_str(id).ok())
            .map_or_else(crate::directory::new_id, |id| id.to_string());
        Self { trace: crate::directory::new_id(), correlation }
    }
}
