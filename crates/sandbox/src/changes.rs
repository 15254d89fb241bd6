//! What happened to the resources of a tenant, told to those who subscribed to it or wait for it. A handler
//! notes a change on the tenant while it holds it; whoever let the handler in publishes the notes to the
//! [`Feed`] once they stand, and to the outbox of notifications.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// How many changes are remembered.
const BACKLOG: usize = 4096;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChangeKind {
    Created,
    Updated,
    Deleted,
}

/// One resource that came, changed or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    /// Its path without version and leading slash, users by object id: `users/{id}/messages/{id}`.
    pub(crate) resource: String,
    /// Other paths that name it: `users/{id}/mailFolders/{id}/messages/{id}`.
    pub(crate) aliases: Vec<String>,
    /// Its type: `#microsoft.graph.message`.
    pub(crate) odata_type: Cow<'static, str>,
}

impl Change {
    /// A resource that is new.
    pub(crate) fn created(resource: impl Into<String>, odata_type: &'static str) -> Self {
        Self::new(ChangeKind::Created, resource.into(), odata_type)
    }

    /// A resource that is another than before.
    pub(crate) fn updated(resource: impl Into<String>, odata_type: &'static str) -> Self {
        Self::new(ChangeKind::Updated, resource.into(), odata_type)
    }

    /// A resource that is gone.
    pub(crate) fn deleted(resource: impl Into<String>, odata_type: &'static str) -> Self {
        Self::new(ChangeKind::Deleted, resource.into(), odata_type)
    }

    /// The same, also known by that path.
    pub(crate) fn also(mut self, path: impl Into<String>) -> Self {
        self.aliases.push(path.into());
        self
    }

    /// A resource to which that happened.
    pub(crate) fn new(kind: ChangeKind, resource: String, odata_type: &'static str) -> Self {
        Self { kind, resource, aliases: Vec::new(), odata_type: Cow::Borrowed(odata_type) }
    }
}

/// Remembers the newest published changes, and wakes those who wait for one.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    noted: Mutex<VecDeque<Noted>>,
    published: Notify,
}

/// A change that stands, and its place in the order of all.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    /// From 1 upwards.
    pub(crate) number: u64,
    pub(crate) change: Change,
}

impl Feed {
    /// Remembers changes.
    pub(crate) fn publish(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let number = noted.back().map_or(1, |last| last.number + 1);
            if noted.len() == BACKLOG {
                noted.pop_front();
            }
            noted.push_back(Noted { number, change });
        }
        drop(noted);
        self.published.notify_waiters();
    }

    /// The newest changes, oldest first.
    pub(crate) fn noted(&self) -> Vec<Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Waits until `find` finds something, asking it at once and after each change; `None` if it takes longer
    /// than that in real time.
    pub(crate) async fn wait<T>(&self, longest: Duration, find: impl Fn() -> Option<T>) -> Option<T> {
        let search = async {
            loop {
                let published = self.published.notified();
                tokio::pin!(published);
                published.as_mut().enable();
                if let Some(found) = find() {
                    return found;
                }
                published.await;
            }
        };
        tokio::time::timeout(longest, search).await.ok()
    }
}
