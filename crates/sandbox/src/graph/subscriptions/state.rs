//! The subscriptions of a tenant.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::authorize::Caller;
use crate::changes::ChangeKind;

use super::watchable::Workload;
use crate::sharing::{Part, SnapshotMap, whole};

/// All of them, by id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Subscriptions(SnapshotMap<String, Subscription>);

whole!(Subscription);

/// One subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    /// As the client wrote it.
    pub(crate) resource: String,
    /// The paths of the changes that it covers.
    pub(crate) watches: Vec<String>,
    /// `$filter`, as sent.
    pub(crate) filter: Option<String>,
    /// `$select` of the resource data, as sent.
    pub(crate) select: Option<String>,
    pub(crate) workload: Workload,
    pub(crate) changes: Vec<ChangeKind>,
    pub(crate) notification_url: String,
    pub(crate) lifecycle_url: Option<String>,
    pub(crate) client_state: Option<String>,
    pub(crate) tls: String,
    pub(crate) is_rich: bool,
    /// As sent: base64 of DER or PEM.
    pub(crate) certificate: Option<String>,
    pub(crate) certificate_id: Option<String>,
    pub(crate) url_app_id: Option<String>,
    /// Who made it or authorised it again, with the token of that time.
    pub(crate) caller: Caller,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
}

impl Subscription {
    /// Whether Graph may still look at the resource in the subscriber's name. Only who has a lifecycle URL
    /// can be asked to authorise again, so only theirs lapse with the token.
    pub(crate) fn is_authorised(&self, now: Timestamp) -> bool {
        self.lifecycle_url.is_none() || now < self.caller.expires
    }
}

impl Part for Subscriptions {
    fn since(&self, earlier: &Self) -> Option<serde_json::Value> {
        self.0.since(&earlier.0)
    }

    fn take_up(&mut self, change: serde_json::Value) -> Result<(), serde_json::Error> {
        self.0.take_up(change)
    }
}

impl Subscriptions {
    /// Those that have not expired.
    pub(crate) fn live(&self, now: Timestamp) -> impl Iterator<Item = &Subscription> {
        self.0.values().filter(move |one| now < one.expires)
    }

    /// One that has not expired.
    pub(crate) fn get(&self, id: &str, now: Timestamp) -> Option<&Subscription> {
        self.0.get(&id.to_ascii_lowercase()).filter(|one| now < one.expires)
    }

    /// The same, to change it.
    pub(crate) fn get_mut(&mut self, id: &str, now: Timestamp) -> Option<&mut Subscription> {
        self.0.get_mut(&id.to_ascii_lowercase()).filter(|one| now < one.expires)
    }

    /// Adds one; what has expired goes.
    pub(crate) fn add(&mut self, subscription: Subscription, now: Timestamp) {
        self.0.retain(|_, one| now < one.expires);
        self.0.insert(subscription.id.clone(), subscription);
    }

    /// Takes one away.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Subscription> {
        self.0.remove(&id.to_ascii_lowercase())
    }

    /// Whether there is none at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
