//! Private keys and secrets: where they are kept, and signing with them. A key that can be kept in hardware
//! never leaves it, so the rest of the house knows keys only as a [`Signer`]; secrets that must be read
//! (refresh tokens, client secrets) go through a [`SecretStore`].

mod signer;
mod store;

pub use signer::{Algorithm, SignError, Signer};
pub use store::{SecretName, SecretStore, StoreError};
