//! Change notifications on their way out: the validation handshake, and a courier for each realm that has
//! subscriptions (Graph reference §6.1–§6.5). Everything waits on the realm's clock.

mod courier;
mod endpoint;
mod handshake;
mod item;
mod lifecycle;
mod outbox;
mod pending;
mod posted;
mod poster;
mod rich;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use http::StatusCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::graph::GraphError;
use crate::realm::Realm;
use crate::sandbox::Shared;

pub(crate) use outbox::{Outbox, Waiting};
pub(crate) use posted::{Posted, PostedLog, Wanted};

use courier::Courier;
use poster::Poster;

/// The couriers of a sandbox.
#[derive(Debug)]
pub(crate) struct Couriers {
    shared: Weak<Shared>,
    poster: Arc<Poster>,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// The realms that have one, by id.
    running: Mutex<BTreeSet<String>>,
}

impl Couriers {
    /// None yet; those that start end with `stop`.
    pub(crate) fn new(
        shared: Weak<Shared>,
        allow_http: bool,
        authority: Option<PathBuf>,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let poster = Arc::new(Poster::new(allow_http, authority));
        Self { shared, poster, stop, tasks, running: Mutex::default() }
    }

    /// Has a courier listen to the realm's changes from now on.
    pub(crate) fn start(&self, realm: &Arc<Realm>) {
        let is_new = self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(realm.id.clone());
        if is_new {
            let courier =
                Courier::new(Weak::clone(&self.shared), realm, Arc::clone(&self.poster), self.tasks.clone());
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = courier.run() => {}
                }
            });
        }
    }

    /// Asks an endpoint whether it wants to be one.
    pub(crate) async fn validate(&self, clock: &Clock, url: &str) -> Result<(), GraphError> {
        handshake::validate(&self.poster, clock, url)
            .await
            .map_err(|message| GraphError::new(StatusCode::BAD_REQUEST, "ValidationError", message))
    }
}
