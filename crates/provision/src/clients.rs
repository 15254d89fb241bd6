//! As whom each call is made: the least of the identities that suffices.

use attache_graph::Graph;
use attache_terms::{AppId, UserId};

/// Microsoft Graph as each of the identities that provisioning needs. Making one costs nothing; tokens are
/// asked for when a call is made.
pub trait Clients: Send + Sync {
    /// The provisioner: an application with the permissions of the bootstrap, app-only.
    fn bootstrap(&self) -> Graph;

    /// The blueprint itself, app-only, by its certificate. It makes its own children.
    fn blueprint(&self, blueprint: AppId) -> Graph;

    /// The agent user, by three hops.
    fn agent_user(&self, blueprint: AppId, agent: AppId, user: UserId) -> Graph;
}
