//! Private keys and secrets: where they are kept, and signing with them. A key that can be kept in hardware
//! never leaves it, so the rest of the house knows keys only as a [`Signer`]; secrets that must be read
//! (refresh tokens, client secrets) go through a [`SecretStore`].

mod certificate;
#[cfg(test)]
mod corpus;
mod memory;
mod sealed;
mod secret_service;
mod signer;
mod signing_key;
mod software;
mod store;

pub use certificate::{Certificate, CertificateError, Validity};
pub use memory::MemoryStore;
pub use sealed::{SealedFile, SealingKey};
pub use secret_service::SecretServiceStore;
pub use signer::{Algorithm, SignError, Signer};
pub use signing_key::SigningKey;
pub use software::{KeyError, SoftwareKey};
pub use store::{SecretName, SecretStore, StoreError};
