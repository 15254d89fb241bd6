//! Subscriptions to change notifications (Entra reference §6.1, §6.4): those of the application that asks.

use jiff::Timestamp;
use serde::Deserialize;

use crate::path::Path;
use crate::{Answered, Graph};

/// A subscription as a list shows it: without its `clientState`, and without when it was made, which Graph
/// does not keep.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// What is watched: `/users/{id}/messages`.
    pub resource: String,
    /// Which changes: `created`, `created,updated`.
    pub change_type: String,
    /// Where notifications go.
    pub notification_url: String,
    /// Where Graph tells that it will end, has ended or has missed something.
    pub lifecycle_notification_url: Option<String>,
    /// When it ends if nobody renews it.
    pub expiration_date_time: Timestamp,
}

impl Graph {
    /// The application's own subscriptions. One that has expired is no longer among them.
    pub async fn subscriptions(&self) -> Answered<Vec<Subscription>> {
        self.all(Path::new("/subscriptions")).await
    }
}
