//! What happened to the resources of a tenant, told to those who subscribed to it or wait for it. A handler
//! notes a change on the tenant while it holds it; whoever let the handler in publishes the notes to the
//! [`Feed`] once they stand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast};

/// How many changes a slow reader may be behind before it loses some.
const BACKLOG: usize = 4096;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum ChangeKind {
    Created,
    Updated,
    Deleted,
}

/// One resource that came, changed or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    /// Its path without version and leading slash, users by object id: `users/{id}/messages/{id}`.
    pub(crate) resource: String,
    /// Other paths that name it: `users/{id}/mailFolders/{id}/messages/{id}`.
    pub(crate) aliases: Vec<String>,
    /// Its type: `#microsoft.graph.message`.
    pub(crate) odata_type: &'static str,
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
        Self { kind, resource, aliases: Vec::new(), odata_type }
    }
}

/// Hands every published change to every reader, and remembers the newest.
#[derive(Debug)]
pub(crate) struct Feed {
    live: broadcast::Sender<Arc<Change>>,
    noted: Mutex<VecDeque<Noted>>,
    published: Notify,
}

/// A change that stands, and its place in the order of all.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    /// From 1 upwards.
    pub(crate) number: u64,
    pub(crate) change: Arc<Change>,
}

impl Feed {
    /// Tells the readers; it is no matter if there are none.
    pub(crate) fn publish(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let change = Arc::new(change);
            let number = noted.back().map_or(1, |last| last.number + 1);
            if noted.len() == BACKLOG {
                noted.pop_front();
            }
            noted.push_back(Noted { number, change: Arc::clone(&change) });
            let _ = self.live.send(change);
        }
        drop(noted);
        self.published.notify_waiters();
    }

    /// Everything that is published from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Change>> {
        self.live.subscribe()
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

impl Default for Feed {
    fn default() -> Self {
        Self { live: broadcast::Sender::new(BACKLOG), noted: Mutex::default(), published: Notify::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_what_comes_after_it_asked() {
        let feed = Feed::default();
        feed.publish(vec![Change::created("chats/1", "#microsoft.graph.chat")]);
        let mut reader = feed.subscribe();
        let change = Change::deleted("chats/2", "#microsoft.graph.chat").also("users/u/chats/2");
        feed.publish(vec![change.clone()]);
        assert_eq!(*reader.try_recv().unwrap(), change);
        assert!(reader.try_recv().is_err(), "nothing else came");
    }
}
