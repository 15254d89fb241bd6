//! Group commit: what is asked for while one batch is being written makes up the next batch. A blocking
//! thread is busy only while there is something to write.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::error::LedgerError;
use super::handle::Receipt;
use super::writer::{Committing, More, Writer};
use crate::entry::Draft;

/// The most entries that share a write: about half a megabyte.
const LARGEST_BATCH: usize = 1024;

pub(super) type Answer = Result<Receipt, LedgerError>;

/// One entry that waits, and who waits for it.
struct Job {
    draft: Draft,
    done: oneshot::Sender<Answer>,
}

#[derive(Default)]
struct Pending {
    jobs: Vec<Job>,
    /// Whether a thread is at work, or about to be.
    draining: bool,
}

/// The entries that wait, and the writer.
pub(super) struct Queue {
    pending: Mutex<Pending>,
    writer: Mutex<Writer>,
}

impl Queue {
    pub(super) fn new(writer: Writer) -> Arc<Self> {
        Arc::new(Self { pending: Mutex::default(), writer: Mutex::new(writer) })
    }

    /// Asks for an entry. It will be written even if nobody waits for the answer.
    pub(super) fn submit(self: &Arc<Self>, draft: Draft) -> oneshot::Receiver<Answer> {
        let (done, answer) = oneshot::channel();
        let mut pending = lock(&self.pending);
        pending.jobs.push(Job { draft, done });
        let idle = !std::mem::replace(&mut pending.draining, true);
        drop(pending);
        if idle {
            let drain = Drain { queue: Arc::clone(self), done: false };
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(move || drain.run())),
                Err(_) => drain.run(),
            }
        }
        answer
    }

    /// Waits for the batch that is being written, and writes what waits after it on this thread.
    pub(super) fn flush(&self) {
        let mut writer = self.writer();
        let jobs = std::mem::take(&mut lock(&self.pending).jobs);
        if !jobs.is_empty() {
            self.write(&mut writer, jobs);
        }
    }

    /// Writes one batch; false when there is none, and then the thread's duty is over.
    fn write_batch(&self) -> bool {
        let mut writer = self.writer();
        let mut pending = lock(&self.pending);
        if pending.jobs.is_empty() {
            pending.draining = false;
            return false;
        }
        let count = pending.jobs.len().min(LARGEST_BATCH);
        let jobs = pending.jobs.drain(..count).collect();
        drop(pending);
        self.write(&mut writer, jobs);
        true
    }

    /// Writes a batch and answers those who wait for it.
    fn write(&self, writer: &mut Writer, jobs: Vec<Job>) {
        let (drafts, waiting): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.draft, job.done)).unzip();
        match writer.commit(drafts) {
            Ok(Committing { answers, log, note }) => {
                answer(waiting, answers);
                let more = if lock(&self.pending).jobs.is_empty() { More::No } else { More::Yes };
                writer.finish(log, note, more);
            }
            Err(error) => {
                let answers = vec![Err(error); waiting.len()];
                answer(waiting, answers);
            }
        }
    }

    /// The writer, when no batch is being written.
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        lock(&self.writer)
    }
}

/// A panic leaves nothing half-done behind these locks: the writer reads the file again after any failure.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(waiting: Vec<oneshot::Sender<Answer>>, answers: Vec<Answer>) {
    for (done, answer) in waiting.into_iter().zip(answers) {
        if let Err(Err(error)) = done.send(answer) {
            tracing::error!(%error, "an entry that nobody waited for was not recorded");
        }
    }
}

/// The duty to write what waits. A runtime that shuts down may drop it unrun.
struct Drain {
    queue: Arc<Queue>,
    done: bool,
}

impl Drain {
    fn run(mut self) {
        while self.queue.write_batch() {}
        self.done = true;
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        // Unrun, or after a panic: those who wait learn of it when their senders are dropped.
        if !self.done {
            let mut pending = lock(&self.queue.pending);
            pending.draining = false;
            pending.jobs.clear();
        }
    }
}
