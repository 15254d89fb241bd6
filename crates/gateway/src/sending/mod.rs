//! How much mail an organisation's hosted identities send: counted in the store before anything leaves, so that one
//! organisation does not use up what Exchange allows a tenant that many share.
//!
//! Exchange Online lets a mailbox write to 10,000 recipients in 24 hours and a tenant to about
//! `500 × licences^0.7 + 9,500` outside of it (Entra reference §4.1); what is over bounces for everybody in the tenant.
//! The usual quota of 200 recipients leaves a tenant with a hundred organisations of one licence each within its own.

mod http;
mod window;

use attache_store::{CommitError, OrgId, OrgScope, Record, Unit};
use serde::{Deserialize, Serialize};

pub(crate) use http::api;

use crate::Gateway;
use crate::server::{Answer, Problem};
use window::{Spent, Window};

/// What an organisation's hosted identities sent lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    org: OrgId,
    window: Window,
}

impl Record for Sent {
    const KIND: &'static str = "sent_mail";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.org.to_string()
    }
}

/// How an organisation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// To how many recipients was written within the window.
    pub(crate) used: u32,
    /// To how many it may be.
    pub(crate) quota: u32,
}

/// How an organisation stands now.
pub(crate) async fn standing(gateway: &Gateway, scope: OrgScope) -> Answer<Standing> {
    let sent = gateway.store.org(scope).get::<Sent>(scope.org()).await?;
    let used = sent.map_or(0, |sent| sent.window.used(gateway.clock.now()));
    Ok(Standing { used, quota: gateway.config.send_quota })
}

/// Counts so many recipients, or refuses, before anything is sent. What then fails to be sent stays counted: Exchange
/// may have counted it.
pub(crate) async fn count(gateway: &Gateway, scope: OrgScope, recipients: u32) -> Answer<()> {
    loop {
        let before = gateway.store.org(scope).get::<Sent>(scope.org()).await?;
        let window = before.as_ref().map(|sent| sent.window.clone()).unwrap_or_default();
        let counted = window.count(recipients, gateway.config.send_quota, gateway.clock.now());
        let after = Sent { org: scope.org(), window: counted.map_err(|spent| refused(&spent))? };
        let mut unit = Unit::new();
        match &before {
            Some(before) => unit.update(before, &after),
            None => unit.create(scope, &after),
        };
        match gateway.store.commit(unit).await {
            Ok(_) => return Ok(()),
            // Another message was counted at the same time.
            Err(CommitError::Conflict { .. } | CommitError::Taken { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn refused(spent: &Spent) -> Problem {
    let Spent { used, quota, wait } = *spent;
    let problem = Problem::new(
        ::http::StatusCode::TOO_MANY_REQUESTS,
        "send_quota_used_up",
        format!(
            "the organisation's identities wrote to {used} recipients within 24 hours, of {quota} that they may"
        ),
        "wait as long as Retry-After says, or have an operator raise send_quota",
    );
    problem.after(wait)
}
