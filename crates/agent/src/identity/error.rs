//! Why the agent has no identity to act under.

use attache_entra::{SignInError, TransportError};
use attache_keys::{CertificateError, KeyError, StoreError};
use attache_ledger::LedgerError;
use attache_terms::{Explain, Origin, Remedy, TenantId};

use super::machine::Refused;
use crate::profile::{FileError, ProfileName};

/// Why the agent has no identity to act under.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Nobody has signed in.
    #[error("nobody has signed in, so there is nobody to act for")]
    SignedOut,
    /// Somebody has, and their token is gone.
    #[error("the sponsor's token is gone from the secret store")]
    TokenLost,
    /// The blueprint's key or certificate is gone.
    #[error("the blueprint's key is gone from {place}, so the agent user cannot be spoken for")]
    KeyLost {
        /// The store.
        place: String,
    },
    /// The profile belongs to another tenant or cloud.
    #[error(
        "the profile {} belongs to the tenant {} at {}; its tokens go nowhere else",
        .0.profile, .0.tenant, .0.login
    )]
    AnotherHome(Box<Elsewhere>),
    /// Another person is signed in.
    #[error("{signed_in} is signed in; sign out before another person signs in")]
    AnotherSponsor {
        /// Who is.
        signed_in: String,
    },
    /// The token of the three hops is somebody else's.
    #[error("{0}")]
    AnotherUser(String),
    /// Two processes disagree, or we do with ourselves.
    #[error("the identity cannot change so: {0}")]
    OutOfTurn(String),
    /// The profile's files.
    #[error(transparent)]
    File(#[from] FileError),
    /// The secret store.
    #[error(transparent)]
    Secrets(#[from] StoreError),
    /// The private key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The way out: authorities, proxies.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The sign-in itself.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The ledger did not take it, so it was not done.
    #[error(transparent)]
    Unrecorded(#[from] LedgerError),
}

/// Where a profile belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its sign-in service.
    pub login: Origin,
    /// Its name.
    pub profile: ProfileName,
}

impl From<Refused> for IdentityError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::AnotherSponsor(signed_in) => Self::AnotherSponsor { signed_in },
            Refused::AnotherUser { .. } => Self::AnotherUser(refused.to_string()),
            Refused::OutOfTurn { .. } => Self::OutOfTurn(refused.to_string()),
        }
    }
}

impl Explain for IdentityError {
    fn code(&self) -> &'static str {
        match self {
            Self::SignedOut | Self::TokenLost => "sign_in_required",
            Self::KeyLost { .. } => "blueprint_key_lost",
            Self::AnotherHome(_) => "another_tenant",
            Self::AnotherSponsor { .. } => "another_sponsor",
            Self::AnotherUser(_) => "another_user",
            Self::OutOfTurn(_) => "identity_out_of_turn",
            Self::File(error) => error.code(),
            Self::Secrets(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::Certificate(error) => error.code(),
            Self::Transport(error) => error.code(),
            Self::SignIn(error) => error.code(),
            Self::Unrecorded(error) => error.code(),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::SignedOut | Self::TokenLost => {
                Remedy::operator("run `attache sign-in` (with the same --profile) and sign in as the sponsor")
            }
            Self::KeyLost { .. } => Remedy::operator(
                "restore the secret store, or run `attache provision`, which gives the blueprint a new certificate",
            ),
            Self::AnotherHome(_) => Remedy::operator(
                "use another profile (--profile), or give this one the tenant and authority that it was made with",
            ),
            Self::AnotherSponsor { .. } => {
                Remedy::operator("run `attache sign-out` first, or use another profile (--profile)")
            }
            Self::AnotherUser(_) => Remedy::operator(
                "run `attache provision --plan` and compare the agent user with what the tenant shows",
            ),
            Self::OutOfTurn(_) => Remedy::us("report it with the profile's identity.json"),
            Self::File(error) => error.remedy(),
            Self::Secrets(error) => error.remedy(),
            Self::Key(error) => error.remedy(),
            Self::Certificate(error) => error.remedy(),
            Self::Transport(error) => error.remedy(),
            Self::SignIn(error) => error.remedy(),
            Self::Unrecorded(error) => error.remedy(),
        }
    }
}
