//! What was posted to subscribers, for those who look at it or wait for it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Notify;

use super::pending::{Kind, Pending};

/// How many notifications are remembered.
const KEPT: usize = 10_000;

/// A notification that was posted, or could not be.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Posted {
    /// Its place in the order, from 1 upwards.
    pub(crate) number: u64,
    /// When the endpoint had answered, by the tenant's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub(crate) at: Timestamp,
    /// `change` or `lifecycle`.
    pub(crate) kind: &'static str,
    /// The subscription's id.
    pub(crate) subscription: String,
    /// Where it was posted.
    pub(crate) url: String,
    /// What the endpoint answered; none if it did not.
    pub(crate) status: Option<u16>,
    /// Whether it was taken; if not, it comes again.
    pub(crate) taken: bool,
    /// Which attempt it was, from 1 upwards.
    pub(crate) attempt: u32,
    /// The item of the message's `value`.
    pub(crate) notification: Value,
}

/// Which of them somebody wants to see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) after: u64,
    pub(crate) subscription: Option<String>,
    /// What the resource begins with, in lower case.
    pub(crate) resource: Option<String>,
    /// `created`, `updated`, `deleted`, or a lifecycle event.
    pub(crate) what: Option<String>,
    pub(crate) taken: Option<bool>,
}

impl Wanted {
    fn fits(&self, posted: &Posted) -> bool {
        let text = |name: &str| posted.notification[name].as_str().unwrap_or_default();
        posted.number > self.after
            && self.subscription.as_ref().is_none_or(|id| posted.subscription.eq_ignore_ascii_case(id))
            && self.resource.as_ref().is_none_or(|start| text("resource").to_lowercase().starts_with(start))
            && self.what.as_ref().is_none_or(|what| {
                [text("changeType"), text("lifecycleEvent")].iter().any(|one| one.eq_ignore_ascii_case(what))
            })
            && self.taken.is_none_or(|taken| posted.taken == taken)
    }
}

/// The newest ones.
#[derive(Debug, Default)]
pub(crate) struct PostedLog {
    kept: Mutex<Kept>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    posted: VecDeque<Posted>,
}

impl PostedLog {
    /// An endpoint answered a notification, or did not.
    pub(super) fn add(&self, pending: &Pending, status: Option<u16>, taken: bool, at: Timestamp) {
        let mut kept = self.kept();
        kept.last += 1;
        let posted = Posted {
            number: kept.last,
            at,
            kind: match pending.kind {
                Kind::Change => "change",
                Kind::Lifecycle => "lifecycle",
            },
            subscription: pending.subscription.clone(),
            url: pending.url.clone(),
            status,
            taken,
            attempt: pending.attempt(),
            notification: pending.item.clone(),
        };
        if kept.posted.len() == KEPT {
            kept.posted.pop_front();
        }
        kept.posted.push_back(posted);
        drop(kept);
        self.added.notify_waiters();
    }

    /// Those that fit, oldest first.
    pub(crate) fn found(&self, wanted: &Wanted) -> Vec<Posted> {
        self.kept().posted.iter().filter(|one| wanted.fits(one)).cloned().collect()
    }

    /// Those that fit, as soon as there is one.
    pub(crate) async fn wait(&self, wanted: &Wanted) -> Vec<Posted> {
        loop {
            let added = self.added.notified();
            tokio::pin!(added);
            added.as_mut().enable();
            let found = self.found(wanted);
            if !found.is_empty() {
                return found;
            }
            added.await;
        }
    }

    /// Forgets them.
    pub(crate) fn clear(&self) {
        self.kept().posted.clear();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
