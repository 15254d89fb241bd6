//! OAuth 2.0 as Entra ID speaks it: the grants, client assertions, the three hops to an agent user's token,
//! and the cache that keeps tokens.

mod source;

pub use source::{AccessToken, Claims, TokenFault, TokenSource};
