//! Messages that come in: looked for at a measured pace, taken in exactly once, and handed to whoever
//! listens; what nobody takes stays on the unread list. It follows the identity: the sponsor's own chat at
//! first, every chat of the agent user after the upgrade.

mod decide;
mod look;
mod pace;
mod subscription;
mod text;

use std::sync::{Arc, Mutex, PoisonError};

use attache_terms::Explain;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub(crate) use decide::{Ear, arrival, ours};
pub use pace::Pace;
pub(crate) use subscription::sealed;
pub use subscription::{Delivery, Subscription};

use crate::Agent;
use crate::state::State;

/// The inbox of one agent. Cheap to clone; it opens nothing before it runs.
#[derive(Clone)]
pub struct Inbox {
    shared: Arc<Shared>,
}

struct Shared {
    state: State,
    pace: Pace,
    /// Counts what was taken in, so that listeners look again.
    arrived: watch::Sender<u64>,
    /// Ends a wait early: the identity changed, or somebody is speaking.
    wake: Notify,
    trouble: Mutex<Option<Trouble>>,
}

/// Why the inbox hears nothing at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A word for programs.
    pub code: &'static str,
    /// What happened, and what to do.
    pub message: String,
}

impl Trouble {
    fn of(error: &dyn Explain) -> Self {
        Self { code: error.code(), message: format!("{error}; {}", error.remedy()) }
    }
}

impl Inbox {
    /// An inbox that keeps what it takes in in `state`.
    pub fn new(state: State, pace: Pace) -> Self {
        Self {
            shared: Arc::new(Shared {
                state,
                pace,
                arrived: watch::Sender::new(0),
                wake: Notify::new(),
                trouble: Mutex::new(None),
            }),
        }
    }

    /// Looks for messages until `stop`.
    pub async fn run(&self, agent: &Agent, stop: CancellationToken) {
        look::run(self, agent, &stop).await;
    }

    /// Looks now: the identity has changed, or a conversation has begun.
    pub fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// Why it hears nothing at the moment, if so.
    pub fn trouble(&self) -> Option<Trouble> {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says so once in the log when trouble begins, changes and ends.
    fn report(&self, trouble: Option<Trouble>) {
        let mut known = self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*known, &trouble) {
            (Some(_), None) => tracing::info!("the inbox hears again"),
            (before, Some(now)) if before.as_ref() != Some(now) => {
                tracing::warn!(code = now.code, "the inbox hears nothing: {}", now.message);
            }
            _ => {}
        }
        *known = trouble;
    }

    fn arrived(&self) {
        self.shared.arrived.send_modify(|count| *count = count.wrapping_add(1));
    }
}
