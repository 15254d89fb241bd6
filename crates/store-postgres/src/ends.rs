//! Jobs that end with nothing else to say. One needs a statement, which is a transaction of its own; those that end
//! while it is on its way share the next one, so that a busy node does not pay for each transaction by itself.

use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use attache_store::{JobEnd, Lease};
use tokio::sync::oneshot;

use crate::connections::{Connections, Failed};
use crate::jobs;

/// How many share a statement at most.
const MOST: usize = 64;

/// Ends that wait for the statement before theirs.
#[derive(Default)]
pub(crate) struct Ends(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    asked: Vec<Asked>,
    /// Whether somebody sends them.
    sent: bool,
}

struct Asked {
    lease: Lease,
    end: JobEnd,
    now: Option<SystemTime>,
    reply: oneshot::Sender<Ended>,
}

/// What a shared statement came to for one of its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It is ended.
    Done,
    /// Another has its lease.
    LeaseLost,
    /// The statement failed: it is to be ended by itself. It may have ended all the same.
    Alone {
        /// Whether the server may have done it.
        may_have_ended: bool,
    },
}

impl Connections {
    /// Ends a job in the next statement.
    pub(crate) async fn ended_with_others(
        &self,
        lease: &Lease,
        end: &JobEnd,
        now: Option<SystemTime>,
    ) -> Ended {
        let (reply, ended) = oneshot::channel();
        let sends = self.ends.ask(Asked { lease: lease.clone(), end: end.clone(), now, reply });
        if sends {
            // A task of its own: the others do not depend on whether the first one is waited for.
            let connections = self.clone();
            tokio::spawn(async move { connections.send_ends().await });
        }
        ended.await.unwrap_or(Ended::Alone { may_have_ended: true })
    }

    async fn send_ends(&self) {
        let mut turn = Turn { ends: Arc::clone(&self.ends), over: false };
        while let Some(asked) = self.ends.next() {
            let (ends, replies): (Vec<_>, Vec<_>) = asked
                .into_iter()
                .map(|Asked { lease, end, now, reply }| ((lease, end), (now, reply)))
                .unzip();
            let now = replies.iter().filter_map(|(now, _)| *now).max();
            let ended = self.ended_together(&ends, now).await;
            for ((_, reply), ended) in replies.into_iter().zip(ended) {
                // Whoever asked may have gone; what was ended stays.
                let _ = reply.send(ended);
            }
            // Whoever has been answered, and has the next job to end, shares the next statement.
            tokio::task::yield_now().await;
        }
        turn.over = true;
    }

    async fn ended_together(&self, ends: &[(Lease, JobEnd)], now: Option<SystemTime>) -> Vec<Ended> {
        let Some(statement) = jobs::ended(ends, now) else { return Vec::new() };
        let rows = match self.try_once("ending jobs", statement.sql, &statement.params()).await {
            Ok(rows) => rows,
            Err(failed) => {
                let may_have_ended = matches!(failed, Failed::Connection(_));
                return ends.iter().map(|_| Ended::Alone { may_have_ended }).collect();
            }
        };
        let done: Vec<uuid::Uuid> = rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
        let told = |(lease, _): &(Lease, JobEnd)| match done.contains(&lease.job.id.uuid()) {
            true => Ended::Done,
            false => Ended::LeaseLost,
        };
        ends.iter().map(told).collect()
    }
}

impl Ends {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one; says whether whoever asks has to see to it that it is sent.
    fn ask(&self, asked: Asked) -> bool {
        let mut waiting = self.waiting();
        waiting.asked.push(asked);
        !std::mem::replace(&mut waiting.sent, true)
    }

    /// Those that share the next statement; `None` when nobody waits any more. A job is in it once: whoever ends
    /// it a second time is told by the statement after that the lease is gone.
    fn next(&self) -> Option<Vec<Asked>> {
        let mut waiting = self.waiting();
        let mut next: Vec<Asked> = Vec::new();
        for asked in take(&mut waiting.asked) {
            let is_there = next.iter().any(|other| other.lease.job.id == asked.lease.job.id);
            if is_there || next.len() == MOST {
                waiting.asked.push(asked);
            } else {
                next.push(asked);
            }
        }
        waiting.sent = !next.is_empty();
        if next.is_empty() { None } else { Some(next) }
    }
}

/// The turn of whoever sends. When it is dropped before it is over, those who wait end their jobs by themselves.
struct Turn {
    ends: Arc<Ends>,
    over: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.over {
            *self.ends.waiting() = Waiting::default();
        }
    }
}
