//! What `doctor` looks at through Graph. Everything here reads; the judging is apart from the asking, as pure
//! functions of what was read and of the time.

mod credentials;
mod mailbox;
mod permissions;
mod subscriptions;

pub use credentials::{credentials, secret_policy};
pub use mailbox::{AgentUser, agent_user, aliases, ingest_address, licence, mailbox};
pub use permissions::{Use, permissions};
pub use subscriptions::{Watched, subscriptions};

use attache_terms::{Check, Explain as _, Remedy};

use crate::{Cause, GraphError};

/// What may not be looked at, and by which permission it could be.
fn unseen(name: &'static str, what: &str, error: &GraphError, permission: &str) -> Check {
    match error.cause() {
        Cause::Forbidden { .. } => Check::skipped(name, format!("the application may not read {what}"))
            .with_remedy(Remedy::operator(format!(
                "to have it checked, grant the application permission {permission} with admin consent; nothing else here needs it"
            ))),
        _ => Check::skipped(name, format!("{what} could not be read: {error}")).with_remedy(error.remedy()),
    }
}
