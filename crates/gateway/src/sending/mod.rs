//! How much mail an organisation's hosted identities send: counted in the store before anything leaves, so that one
//! organisation does not use up what Exchange allows a tenant that many share.
//!
//! Exchange Online lets a mailbox write to 10,000 recipients in 24 hours and a tenant to about
//! `500 × licences^0.7 + 9,500` outside of it (Entra reference §4.1); what is over bounces for everybody in the tenant.
//! The usual quota of 200 recipients leaves a tenant with a hundred organisations of one licence each within its own.
//! An operator gives an organisation another one.

mod http;
mod window;

use std::time::Duration;

use attache_ledger::ActName;
use attache_store::{CommitError, OrgId, OrgScope, Record, Unit, Versioned};
use serde::{Deserialize, Serialize};

pub(crate) use http::api;

use crate::Gateway;
use crate::access::{Grant, operators_only};
use crate::limits::Left;
use crate::record::{on, thing};
use crate::server::{Answer, Problem};
use window::{DAY, Spent, Window};

const QUOTA_SET: ActName = ActName::new("sending.quota_set");

/// What an organisation's hosted identities may send, and what they sent lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sending {
    org: OrgId,
    /// The organisation's own quota; the gateway's when `None`.
    #[serde(default)]
    quota: Option<u32>,
    window: Window,
}

impl Record for Sending {
    const KIND: &'static str = "sent_mail";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.org.to_string()
    }
}

impl Sending {
    /// That of an organisation which nothing is known of yet, or what is.
    fn of(scope: OrgScope, known: Option<&Versioned<Self>>) -> Self {
        let fresh = || Self { org: scope.org(), quota: None, window: Window::default() };
        known.map_or_else(fresh, |known| known.record.clone())
    }

    fn keep(&self, scope: OrgScope, known: Option<&Versioned<Self>>, unit: &mut Unit) {
        match known {
            Some(known) => unit.update(known, self),
            None => unit.create(scope, self),
        };
    }

    fn standing(&self, gateway: &Gateway) -> Standing {
        let now = gateway.clock.now();
        Standing {
            used: self.window.used(now),
            quota: self.quota.unwrap_or(gateway.config.send_quota),
            is_own: self.quota.is_some(),
            whole: self.window.whole(now),
        }
    }
}

/// How an organisation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// To how many recipients was written within the window.
    pub(crate) used: u32,
    /// To how many it may be.
    pub(crate) quota: u32,
    /// Whether that is the organisation's own quota, and not the gateway's.
    pub(crate) is_own: bool,
    /// How long until the quota is whole again.
    whole: Duration,
}

impl Standing {
    /// How many more may be written to.
    pub(crate) fn remaining(&self) -> u32 {
        self.quota.saturating_sub(self.used)
    }

    /// The same, for the headers of an answer.
    pub(crate) fn left(&self) -> Left {
        let remaining = self.remaining().into();
        Left { policy: "sending", quota: self.quota, window: DAY, remaining, whole: self.whole }
    }
}

/// How an organisation stands now.
pub(crate) async fn standing(gateway: &Gateway, scope: OrgScope) -> Answer<Standing> {
    let known = gateway.store.org(scope).get::<Sending>(scope.org()).await?;
    Ok(Sending::of(scope, known.as_ref()).standing(gateway))
}

/// Gives an organisation a quota of its own, or the gateway's again: an operator's to say, since what one sends more
/// others of the tenant cannot.
async fn set_quota(gateway: &Gateway, grant: &Grant, quota: Option<u32>) -> Answer<Standing> {
    if !grant.caller.is_operator() {
        return Err(operators_only(
            "only an operator of this gateway says how much an organisation may send",
        ));
    }
    let known = gateway.store.org(grant.scope).get::<Sending>(grant.scope.org()).await?;
    let after = Sending { quota, ..Sending::of(grant.scope, known.as_ref()) };
    let mut unit = Unit::new();
    after.keep(grant.scope, known.as_ref(), &mut unit);
    let about = on([
        thing("organisation", grant.scope.org()),
        thing("send_quota", quota.map_or_else(|| "the-gateways".to_owned(), |quota| quota.to_string())),
    ]);
    unit.record(grant.scope, gateway.changed(&grant.caller, QUOTA_SET, about));
    gateway.commit(&grant.caller, unit).await?;
    Ok(after.standing(gateway))
}

/// Counts so many recipients, or refuses, before anything is sent. What then fails to be sent stays counted: Exchange
/// may have counted it.
pub(crate) async fn count(gateway: &Gateway, scope: OrgScope, recipients: u32) -> Answer<()> {
    loop {
        let known = gateway.store.org(scope).get::<Sending>(scope.org()).await?;
        let before = Sending::of(scope, known.as_ref());
        let quota = before.standing(gateway).quota;
        let window = before.window.count(recipients, quota, gateway.clock.now()).map_err(|spent| {
            gateway.metrics.counted_recipients("refused", recipients);
            refused(&spent)
        })?;
        let mut unit = Unit::new();
        Sending { window, ..before }.keep(scope, known.as_ref(), &mut unit);
        match gateway.store.commit(unit).await {
            Ok(_) => {
                gateway.metrics.counted_recipients("counted", recipients);
                return Ok(());
            }
            // Another message was counted at the same time, or the quota changed.
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
        "wait as long as Retry-After says, or have an operator raise the organisation's quota \
         (PUT /api/v1/orgs/{org}/sending)",
    );
    problem.after(wait)
}
