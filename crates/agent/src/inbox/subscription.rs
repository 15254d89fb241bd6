//! Handing messages out. A message is leased, handed over and then marked; a process that dies in between
//! gives it back when its lease ends. Interest is registered before the list is read, and the list is read
//! again now and then, for what another process left behind.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use attache_terms::{Clock, Envelope, Rng, Source};
use tokio::sync::watch;

use super::Inbox;
use crate::state::{Arrival, Owner, State, StateError, Waiting};

/// How long a message may be on its way to a host before another process may hand it out.
const LEASE: Duration = Duration::from_secs(60);
/// How often the list is read without a sign of anything new.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How many messages are leased at once.
const AT_ONCE: u32 = 20;

/// Someone who listens. When it ends, [`Subscription::close`] gives back what it has not handed over.
pub struct Subscription {
    state: State,
    arrived: watch::Receiver<u64>,
    owner: Owner,
    ready: VecDeque<Waiting>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

/// A message in its envelope, on its way to a host.
#[derive(Debug, Clone)]
pub struct Delivery {
    seq: i64,
    /// The text, sealed.
    pub envelope: Envelope,
    /// What the platform says of it: `chat_id`, `message_id`, `sender_id`, `sponsor`, `sent`. None of it is
    /// chosen by the sender.
    pub meta: BTreeMap<&'static str, String>,
}

impl Inbox {
    /// Listens. Nothing is handed out before [`Subscription::next`] is awaited.
    pub fn subscribe(&self, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Subscription {
        Subscription {
            state: self.shared.state.clone(),
            arrived: self.shared.arrived.subscribe(),
            owner: Owner(rng.uuid()),
            ready: VecDeque::new(),
            clock,
            rng,
        }
    }
}

impl Subscription {
    /// The next message, the oldest first. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Delivery {
        let mut said = false;
        loop {
            if let Some(waiting) = self.ready.pop_front() {
                return self.delivery(&waiting);
            }
            self.arrived.mark_unchanged();
            match self.lease().await {
                Ok(found) if !found.is_empty() => {
                    self.ready = found.into();
                    continue;
                }
                Ok(_) => said = false,
                Err(error) if !said => {
                    tracing::warn!(%error, "messages cannot be handed out");
                    said = true;
                }
                Err(_) => {}
            }
            tokio::select! {
                // An error means that the inbox is gone; the clock still turns.
                Ok(()) = self.arrived.changed() => {}
                () = self.clock.sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// Says that a message reached the host's pipe.
    ///
    /// # Errors
    /// When the state cannot be written; then it may be handed out again.
    pub async fn delivered(&self, delivery: &Delivery) -> Result<(), StateError> {
        self.state.pushed(vec![delivery.seq], self.clock.now()).await
    }

    /// Gives back what was not handed over.
    ///
    /// # Errors
    /// When the state cannot be written; then it is handed out again when its lease has ended.
    pub async fn close(self) -> Result<(), StateError> {
        self.state.release(self.owner).await
    }

    async fn lease(&self) -> Result<Vec<Waiting>, StateError> {
        let now = self.clock.now();
        let until = now.saturating_add(LEASE).unwrap_or(now);
        self.state.lease(self.owner, now, until, AT_ONCE).await
    }

    fn delivery(&self, waiting: &Waiting) -> Delivery {
        let arrival = &waiting.arrival;
        let meta = BTreeMap::from([
            ("chat_id", arrival.chat.to_string()),
            ("message_id", arrival.message.to_string()),
            ("sender_id", arrival.sender.clone()),
            ("sponsor", arrival.sponsor.to_string()),
            ("sent", arrival.sent.to_string()),
        ]);
        Delivery { seq: waiting.seq, envelope: sealed(arrival, &*self.rng), meta }
    }
}

/// A message in its envelope.
pub(crate) fn sealed(arrival: &Arrival, rng: &dyn Rng) -> Envelope {
    let source = Source {
        channel: "teams",
        place: arrival.chat.as_str(),
        message: arrival.message.as_str(),
        sender_id: &arrival.sender,
        sender_name: arrival.sender_name.judge(),
        sponsor: arrival.sponsor,
        sent: &arrival.sent.to_string(),
    };
    Envelope::seal(&source, &arrival.content, rng)
}
