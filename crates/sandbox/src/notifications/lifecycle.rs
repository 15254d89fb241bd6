//! Lifecycle notifications: asking to authorise again, telling of loss (Graph reference §6.3).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::graph::subscriptions::Subscription;

/// How long before the token or the subscription ends Graph first asks.
const LEAD: SignedDuration = SignedDuration::from_mins(15);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LifecycleEvent {
    ReauthorizationRequired,
    SubscriptionRemoved,
    Missed,
}

impl LifecycleEvent {
    fn name(self) -> &'static str {
        match self {
            Self::ReauthorizationRequired => "reauthorizationRequired",
            Self::SubscriptionRemoved => "subscriptionRemoved",
            Self::Missed => "missed",
        }
    }
}

/// The item.
pub(super) fn item(one: &Subscription, event: LifecycleEvent, tenant: &str) -> Value {
    json!({
        "subscriptionId": one.id,
        "subscriptionExpirationDateTime": one.expires,
        "tenantId": tenant,
        "organizationId": tenant,
        "clientState": one.client_state,
        "lifecycleEvent": event.name(),
    })
}

/// The next time after `last` at which the subscriber is asked to authorise again: some time before the
/// token or the subscription ends, and once more at the end.
pub(super) fn next_reminder(one: &Subscription, last: Option<Timestamp>) -> Option<Timestamp> {
    one.lifecycle_url.as_ref()?;
    let end = one.caller.expires.min(one.expires);
    let first = end.saturating_sub(LEAD).unwrap_or(end).max(one.created);
    [first, end].into_iter().find(|at| last.is_none_or(|last| *at > last))
}
