//! OAuth 2.0 as Entra ID speaks it: the grants, client assertions, the three hops to an agent user's token,
//! and the cache that keeps tokens. Everything here is made from an [`Entra`]; what an API client gets of
//! it is a [`TokenSource`].

pub mod aadsts;
mod agent;
mod application;
mod cache;
pub mod checks;
#[cfg(test)]
mod corpus;
mod credential;
mod delegated;
mod endpoint;
mod entra;
mod error;
mod hop;
mod refusal;
mod resource;
mod response;
mod sign_in;
mod source;
mod transport;

pub use agent::T1Source;
pub use credential::ClientCredential;
pub use entra::Entra;
pub use error::TokenError;
pub use hop::Hop;
pub use refusal::Refusal;
pub use resource::{Resource, Scopes};
pub use sign_in::{
    Authority, DeviceCode, Freshness, Prompt, Proved, SignIn, SignInError, SignInRequest, SignedIn,
    WebAttempt, WebClient,
};
pub use source::{AccessToken, Claims, TokenFault, TokenSource};
pub use transport::{Transport, TransportConfig, TransportError};
