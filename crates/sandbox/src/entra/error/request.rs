//! The request: its tenant, its parameters, its scope and where its answer would go (Entra reference §1.13).

use http::StatusCode;

use super::EntraError;

impl EntraError {
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

    /// A single-tenant application, or a grant that needs a tenant, at `/common` or `/organizations`.
    pub(crate) fn tenant_needed(id: &str) -> Self {
        Self::invalid_request(
            50_194,
            format!(
                "Application '{id}' is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant."
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

    /// A required field of a password's request is missing.
    pub(crate) fn missing_field(field: &str) -> Self {
        Self::invalid_request(
            90_014,
            format!(
                "The required field '{field}' is missing from the credential. Ensure that you have all the necessary parameters for the login request."
            ),
        )
    }

    /// The scope of a code's redemption is empty.
    pub(crate) fn empty_scope() -> Self {
        Self::new(
            "invalid_scope",
            28_003,
            "Provided value for the input parameter scope can't be empty when requesting an access token using the provided authorization code. Please specify a valid scope.",
        )
    }

    /// The scope of a code's redemption cannot be read.
    pub(crate) fn bad_scope(scope: &str) -> Self {
        Self::new(
            "invalid_scope",
            28_002,
            format!(
                "Provided value for the input parameter scope '{scope}' is not valid when requesting an access token. Please specify a valid scope."
            ),
        )
    }

    /// The resource is an application of this directory that has no principal in it.
    pub(crate) fn resource_not_enabled(resource: &str, tenant: &str) -> Self {
        Self::invalid_request(
            650_052,
            format!(
                "The app is trying to access a service '{resource}' that your organization '{tenant}' lacks a service principal for. Contact your IT Admin to review the configuration of your service subscriptions or consent to the application in order to create the required service principal."
            ),
        )
    }

    /// The request cannot be read.
    pub(crate) fn malformed(why: &str) -> Self {
        Self::invalid_request(9_002_313, format!("Invalid request. Request is malformed or invalid. {why}"))
    }

    /// The body is larger than so many bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        let why = format!("The maximum request length supported is {}MB.", limit / (1024 * 1024));
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..Self::malformed(&why) }
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

    pub(crate) fn unsupported_response_type(response_type: &str) -> Self {
        Self::new(
            "unsupported_response_type",
            if response_type == "token" { 700_051 } else { 700_054 },
            format!("response_type '{response_type}' is not enabled for the application."),
        )
    }

    pub(crate) fn unsupported_prompt(prompt: &str) -> Self {
        Self::invalid_request(90_023, format!("Unsupported 'prompt' value '{prompt}'."))
    }

    /// A session by its id, and a hint at whose it is.
    pub(crate) fn identifier_and_hint() -> Self {
        Self::invalid_request(
            90_005,
            "Unable to complete the request. The request isn't valid because the identifier and login hint can't be used together.",
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

    pub(crate) fn device_code_at_common() -> Self {
        Self::invalid_request(
            90_133,
            "Device Code flow is not supported under /common or /consumers endpoint.",
        )
    }

    pub(crate) fn password_at_common() -> Self {
        Self::invalid_request(
            9_001_023,
            "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.",
        )
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

    /// `.default` beside other scopes. The number has a second meaning, [`Self::assertion_audience`].
    pub(crate) fn default_among_others() -> Self {
        Self::new(
            "invalid_scope",
            700_023,
            "The provided value for the input parameter scope isn't valid: .default can't be combined with other scopes.",
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

    /// The tenant could not be written to disk.
    pub(crate) fn not_saved(why: &str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            ..Self::new("temporarily_unavailable", 90_033, format!("A transient error has occurred: {why}."))
        }
    }
}
