//! What people do with an identity by its id or template, whatever version of it there is. While jobs write to it they
//! are not sent away: it is looked at again.

use std::future::Future;

use attache_store::Versioned;

use super::http::find;
use super::{Identity, removal, suspend};
use crate::Gateway;
use crate::access::Grant;
use crate::server::Answer;

/// How often it is looked at again.
const AGAIN: usize = 8;

/// Does something with the identity of this id or template, and once more if a job wrote to it meanwhile.
pub(crate) async fn on_named<T, F: Future<Output = Answer<T>>>(
    gateway: &Gateway,
    grant: &Grant,
    named: &str,
    act: impl Fn(Versioned<Identity>) -> F,
) -> Answer<T> {
    let mut again = AGAIN;
    loop {
        let identity = find(gateway, grant.scope, named).await?;
        match act(identity).await {
            Err(problem) if problem.code == "conflict" && again > 0 => again -= 1,
            answer => return answer,
        }
    }
}

/// Suspends it.
pub(crate) async fn suspend_named(
    gateway: &Gateway,
    grant: &Grant,
    named: &str,
    reason: &str,
) -> Answer<Identity> {
    let act = |identity| async move { suspend::suspend(gateway, grant, &identity, reason).await };
    on_named(gateway, grant, named, act).await
}

/// Resumes it.
pub(crate) async fn resume_named(gateway: &Gateway, grant: &Grant, named: &str) -> Answer<Identity> {
    let act = |identity| async move { suspend::resume(gateway, grant, &identity).await };
    on_named(gateway, grant, named, act).await
}

/// Takes it back.
pub(super) async fn deprovision_named(gateway: &Gateway, grant: &Grant, named: &str) -> Answer<Identity> {
    let act = |identity| async move { removal::ask(gateway, grant, &identity).await };
    on_named(gateway, grant, named, act).await
}
