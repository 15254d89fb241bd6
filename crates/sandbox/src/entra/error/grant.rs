//! The user, what the user agreed to, and what stands for the sign-in: codes, refresh tokens, device codes,
//! the user assertion of hop 3 (Entra reference §1.13).

use jiff::Timestamp;

use super::EntraError;

impl EntraError {
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

    /// Client and resource are both Microsoft's, and nobody can consent.
    pub(crate) fn no_preauthorization(client: &str, resource: &str) -> Self {
        Self::invalid_request(
            65_002,
            format!(
                "Consent between first party application '{client}' and first party resource '{resource}' must be configured via preauthorization - applications owned and operated by Microsoft must get approval from the API owner before requesting tokens for that API."
            ),
        )
    }

    /// The principal that a consent would make is there already, and does not show yet.
    pub(crate) fn principal_conflict(client: &str, tenant: &str) -> Self {
        Self {
            status: http::StatusCode::BAD_REQUEST,
            ..Self::new(
                "invalid_client",
                650_051,
                format!(
                    "Consent action for Application '{client}' failed due to the following error: The '{client}' service principal name is already present for the tenant '{tenant}'. paramName: ServicePrincipalName, paramValue: '{client}', objectType: System.String"
                ),
            )
        }
    }

    /// An application's token where a user's is wanted.
    pub(crate) fn app_token_on_behalf(client: &str) -> Self {
        Self::new(
            "unauthorized_client",
            7_000_114,
            format!("Application '{client}' is not allowed to make application on-behalf-of calls."),
        )
    }

    /// `.default`, and the application's registration lists no permission of that resource.
    pub(crate) fn misconfigured(client: &str, resource: &str) -> Self {
        Self::new(
            "invalid_client",
            650_056,
            format!(
                "Misconfigured application. This could be due to one of the following: the client has not listed any permissions for '{resource}' in the requested permissions in the client's application registration. Or, the admin has not consented in the tenant. Or, check the application identifier in the request to ensure it matches the configured client application identifier. Client app ID: {client}."
            ),
        )
    }

    /// `.default`, and the application's registration lists other resources only.
    pub(crate) fn resource_not_listed(client: &str, resource: &str, listed: &str) -> Self {
        Self::new(
            "invalid_client",
            650_057,
            format!(
                "Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client's application registration. Client app ID: {client}. Resource app ID: {resource}. List of valid resources from app registration: {listed}."
            ),
        )
    }

    /// The resource is the client itself, by an identifier URI.
    pub(crate) fn own_uri(client: &str, name: &str) -> Self {
        Self::invalid_request(
            90_009,
            format!(
                "Application '{client}'({name}) is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier."
            ),
        )
    }

    pub(crate) fn unknown_user(user: &str, tenant: &str) -> Self {
        Self::invalid_grant(
            50_034,
            format!(
                "The user account {user} does not exist in the {tenant} directory. To sign into this application, the account must be added to the directory."
            ),
        )
    }

    /// Somebody of another tenant who is no guest of this one.
    pub(crate) fn strange_account(
        user: &str,
        provider: &str,
        tenant: &str,
        (client, name): (&str, &str),
    ) -> Self {
        Self::invalid_grant(
            50_020,
            format!(
                "User account '{user}' from identity provider '{provider}' does not exist in tenant '{tenant}' and cannot access the application '{client}'({name}) in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different Azure Active Directory user account."
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

    pub(crate) fn origin_of_no_spa(origin: &str) -> Self {
        Self::invalid_request(
            9_002_326,
            format!(
                "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request origin: '{origin}'."
            ),
        )
    }

    /// The URI at the token endpoint is not the one that the code was sent to.
    pub(crate) fn other_reply_address(uri: &str, expected: &str) -> Self {
        Self::invalid_grant(
            500_112,
            format!(
                "The reply address '{uri}' does not match the reply address '{expected}' provided when requesting Authorization code."
            ),
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

    /// RFC 8628, §3.5; Microsoft names no number for it.
    pub(crate) fn device_impatient() -> Self {
        Self::new(
            "slow_down",
            70_016,
            "OAuth 2.0 device flow error. Authorization is pending. The polling interval is too short; add five seconds to it.",
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

    /// The user was too late with the code.
    pub(crate) fn user_code_expired() -> Self {
        Self::new("expired_token", 70_019, "Verification code expired. Have the user retry the sign-in.")
    }

    pub(crate) fn device_expired() -> Self {
        Self::new(
            "expired_token",
            70_020,
            "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
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
}
