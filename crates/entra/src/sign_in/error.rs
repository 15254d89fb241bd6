//! Why nobody is signed in.

use std::io;

use attache_keys::StoreError;
use attache_terms::{Explain, Remedy};

use crate::TokenError;

/// Why a sign-in did not come about.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No port could be opened for the browser to come back to.
    #[error("port {port} cannot be opened on this machine for the browser to come back to: {source}")]
    Listen {
        /// The port; 0 when any would have done.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The person or the tenant said no in the browser.
    #[error("the sign-in was refused ({error}): {description}")]
    Refused {
        /// The OAuth word: `access_denied`, `consent_required`, …
        error: String,
        /// What Entra said about it.
        description: String,
    },
    /// Nobody came back from the browser, or nobody entered the code.
    #[error("the sign-in was not finished in time")]
    TimedOut,
    /// Entra says who it was in a way that cannot be believed.
    #[error("Entra's answer does not say who signed in: {0}")]
    IdToken(&'static str),
    /// Who it was has not just proved it, or Entra does not say so.
    #[error("Entra does not say that you proved who you are just now")]
    NotFresh,
    /// The keys that sign id tokens cannot be had.
    #[error("the keys that sign Entra's id tokens cannot be had: {0}")]
    Keys(String),
    /// Entra gave no refresh token.
    #[error("Entra gave no refresh token")]
    NoRefreshToken,
    /// The sign-in was ended with the process.
    #[error("the sign-in was ended")]
    Ended,
    /// Entra did not give a token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The refresh token could not be kept.
    #[error("the sign-in could not be kept: {0}")]
    Store(#[from] StoreError),
}

impl Explain for SignInError {
    fn code(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "loopback_unavailable",
            Self::Refused { error, .. } => match error.as_str() {
                "access_denied" | "authorization_declined" => "sign_in_declined",
                "consent_required" => "consent_required",
                _ => "sign_in_refused",
            },
            Self::TimedOut => "sign_in_timed_out",
            Self::IdToken(_) => "id_token_invalid",
            Self::NotFresh => "sign_in_not_fresh",
            Self::Keys(_) => "signing_keys_unavailable",
            Self::NoRefreshToken => "refresh_token_missing",
            Self::Ended => "sign_in_ended",
            Self::Token(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Listen { .. } => Remedy::operator("choose another port, or sign in with a device code"),
            Self::Refused { error, .. } => match error.as_str() {
                "consent_required" | "access_denied" => Remedy::operator(
                    "sign in again and accept; if the page asks for an administrator, have one consent first",
                ),
                _ => Remedy::operator("sign in again, or with a device code"),
            },
            Self::TimedOut => Remedy::operator("sign in again, within ten minutes"),
            Self::IdToken(_) => Remedy::operator(
                "sign in again; if it comes back, check that --authority names Entra or a sandbox",
            ),
            Self::NotFresh => Remedy::operator(
                "sign in again, and enter your password or second factor; if it comes back, have auth_time added to \
                 the ID tokens of the gateway's sign-in application (Entra admin centre > App registrations > Token \
                 configuration > Add optional claim)",
            ),
            Self::Keys(_) => Remedy::platform(None, "sign in again in a moment"),
            Self::NoRefreshToken => {
                Remedy::operator("allow offline_access for the application in the tenant, then sign in again")
            }
            Self::Ended => Remedy::operator("sign in again"),
            Self::Token(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
        }
    }
}
