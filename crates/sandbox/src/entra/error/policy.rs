//! What stands between a right password and a token: policies, locks, expiry (Entra reference §1.13, §13).

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::EntraError;

impl EntraError {
    /// A person has to give a second factor.
    pub(crate) fn mfa_required(resource: &str) -> Self {
        Self {
            suberror: Some("basic_action"),
            ..Self::invalid_grant(50_076, second_factor_wanted("use", resource))
        }
    }

    /// A person has to register a second factor first.
    pub(crate) fn enrolment_required(resource: &str) -> Self {
        Self {
            suberror: Some("basic_action"),
            ..Self::invalid_grant(50_079, second_factor_wanted("enroll in", resource))
        }
    }

    /// Terms of use are not accepted; Entra asks for that as for any challenge of another service.
    pub(crate) fn challenge_unsatisfied() -> Self {
        Self {
            suberror: Some("basic_action"),
            ..Self::invalid_grant(
                50_158,
                "External security challenge not satisfied. User will be redirected to another page or authentication provider to satisfy additional authentication challenges.",
            )
        }
    }

    /// The second factor is asked for on a page: the log shows the interrupted sign-in so, and the client hears it
    /// if the person goes away.
    pub(crate) fn strong_authentication() -> Self {
        Self::new("interaction_required", 50_074, "Strong Authentication is required.")
    }

    /// The same while one has to be registered.
    pub(crate) fn enrolment_interrupted(resource: &str) -> Self {
        Self::new("interaction_required", 50_072, second_factor_wanted("enroll in", resource))
    }

    /// The person said no to the second factor.
    pub(crate) fn second_factor_denied() -> Self {
        Self::new(
            "access_denied",
            500_121,
            "Authentication failed during strong authentication request. User declined the authentication.",
        )
    }

    pub(crate) fn blocked_by_policy() -> Self {
        Self {
            suberror: Some("message_only"),
            ..Self::invalid_grant(
                53_003,
                "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
            )
        }
    }

    pub(crate) fn device_not_compliant() -> Self {
        Self {
            suberror: Some("message_only"),
            ..Self::invalid_grant(
                53_000,
                "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, and the device is not compliant. The user must enroll their device with an approved MDM provider like Intune.",
            )
        }
    }

    pub(crate) fn device_not_joined() -> Self {
        Self {
            suberror: Some("message_only"),
            ..Self::invalid_grant(
                53_001,
                "Device is not in required device state: domain_joined. Conditional Access policy requires a domain joined device, and the device is not domain joined.",
            )
        }
    }

    pub(crate) fn security_defaults() -> Self {
        Self {
            suberror: Some("message_only"),
            ..Self::invalid_grant(
                530_035,
                "Access has been blocked by security defaults. The request is using legacy auth or is deemed unsafe by security defaults policies.",
            )
        }
    }

    /// A refresh token from a sign-in that is too long ago for a policy.
    pub(crate) fn sign_in_frequency(issued: Timestamp, limit: SignedDuration) -> Self {
        Self {
            suberror: Some("token_expired"),
            ..Self::invalid_grant(
                70_043,
                format!(
                    "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token was issued on {issued} and the maximum allowed lifetime for this request is {}.",
                    limit.as_secs()
                ),
            )
        }
    }

    pub(crate) fn locked_account() -> Self {
        Self::invalid_grant(
            50_053,
            "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
        )
    }

    pub(crate) fn expired_password() -> Self {
        Self {
            suberror: Some("user_password_expired"),
            ..Self::invalid_grant(50_055, "The password is expired.")
        }
    }

    /// The application wants its users to be assigned to it.
    pub(crate) fn not_assigned(user: &str, app: &str, name: &str) -> Self {
        Self::invalid_grant(
            50_105,
            format!(
                "Your administrator has configured the application {name} ('{app}') to block users unless they are specifically granted ('assigned') access to the application. The signed in user '{user}' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator. Please contact your administrator to assign access to this application."
            ),
        )
    }

    /// Too many tokens asked for.
    pub(crate) fn throttled(retry_after: Option<u32>) -> Self {
        let message = "There are too many incoming requests. The request was throttled; keep tokens until they expire, and try again later.";
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after,
            ..Self::new("temporarily_unavailable", 90_055, message)
        }
    }

    /// The same refresh, over and over.
    pub(crate) fn request_loop() -> Self {
        Self::invalid_grant(
            50_196,
            "The server terminated an operation because it encountered a client request loop. Please contact your app vendor.",
        )
    }
}

fn second_factor_wanted(what: &str, resource: &str) -> String {
    format!(
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must {what} multi-factor authentication to access '{resource}'."
    )
}
