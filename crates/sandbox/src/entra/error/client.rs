//! The client and the proof of it: secrets, certificates, exchange tokens (Entra reference §1.13).

use jiff::Timestamp;

use super::EntraError;

impl EntraError {
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

    /// A certificate assertion for another endpoint. Microsoft's pages on assertions use this number (and 700021)
    /// so; its list of codes uses it for scopes.
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

    /// The issuer's keys cannot be had.
    pub(crate) fn issuer_unreachable(issuer: &str, why: &str) -> Self {
        Self::new(
            "invalid_request",
            501_661,
            format!(
                "Request to External OIDC endpoint failed: the keys of '{issuer}' cannot be read ({why})."
            ),
        )
    }

    /// The application has no federated identity credential at all.
    pub(crate) fn no_federated_credential(issuer: &str, subject: &str, audience: &str) -> Self {
        Self::invalid_client(
            70_021,
            format!(
                "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. Assertion Subject: '{subject}'. Assertion Audience: '{audience}'. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
            ),
        )
    }

    /// A token of Entra's own in the hands of an application that nothing ties to it.
    pub(crate) fn own_token_not_federated() -> Self {
        Self::invalid_client(
            700_222,
            "AAD-issued tokens may not be used for federated identity flows, except for app-only tokens for the token exchange.",
        )
    }

    /// The certificate in `x5c` is none of the application's.
    pub(crate) fn bad_certificate(subject: &str) -> Self {
        Self::invalid_client(
            700_030,
            format!(
                "Invalid certificate - subject name in certificate is not authorized. SubjectNames/SubjectAlternativeNames (up to 10) in token certificate are: '{subject}'."
            ),
        )
    }

    /// What stands in `x5c` is no certificate.
    pub(crate) fn unreadable_certificate() -> Self {
        Self::invalid_client(
            50_012,
            "Authentication failed: the client assertion contains an invalid signing certificate.",
        )
    }

    pub(crate) fn not_app_only() -> Self {
        Self::invalid_client(700_229, "Only app-only tokens can be used as Federated Identity Credentials.")
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
}
