//! Group commit: what is asked for while one batch is being written makes up the next batch. A blocking
//! thread is busy only while there is something to write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use super::batch::{Batch, Closed};
use super::error::LedgerError;
use super::handle::Receipt;
use super::writer::{Turn, Writer};
use crate::entry::Draft;

/// The most entries that share a write: about half a megabyte.
const LARGEST_BATCH: usize = 1024;

/// The most batches that are written before other processes get their turn.
const LONGEST_TURN: usize = 16;

/// How long the thread looks out for the next entry before it goes: some times what it takes to wake a thread.
/// Whoever was answered just now often has the next one at hand.
const LOOK_OUT: Duration = Duration::from_micros(200);

/// So many are answered by the thread that wrote for them.
const FEW: usize = 4;

/// How long the file is left alone after a turn, when more waits: whoever waits for its lock in another process
/// takes about as long to wake.
const GIVE_WAY: Duration = Duration::from_micros(100);

pub(super) type Answer = Result<Receipt, LedgerError>;

type Waiting = oneshot::Sender<Answer>;

/// What is asked for.
#[derive(Default)]
struct Pending {
    /// Entries that are in no batch yet.
    jobs: Vec<(Draft, Waiting)>,
    /// There is one while the file is locked.
    open: Option<Open>,
    /// Whether a thread is at work, or about to be.
    draining: bool,
}

/// The batch that is written next.
struct Open {
    batch: Batch,
    waiting: Vec<Waiting>,
    /// Whether entries go into it as they come.
    takes_more: bool,
}

/// What the writer does next.
enum Next {
    Write(Closed, Vec<Waiting>),
    /// Gives the file back, with the account of it.
    End(Option<Batch>),
}

/// The entries that wait, and the writer.
pub(super) struct Queue {
    pending: Mutex<Pending>,
    /// Whether anything was asked for since the last batch was taken: for the thread that looks out, which must
    /// not keep others from `pending`.
    asked: AtomicBool,
    writer: Mutex<Writer>,
}

impl Queue {
    pub(super) fn new(writer: Writer) -> Arc<Self> {
        Arc::new(Self {
            pending: Mutex::default(),
            asked: AtomicBool::new(false),
            writer: Mutex::new(writer),
        })
    }

    /// Asks for an entry. It will be written even if nobody waits for the answer.
    pub(super) fn submit(self: &Arc<Self>, draft: Draft) -> oneshot::Receiver<Answer> {
        let (done, answer) = oneshot::channel();
        let mut pending = lock(&self.pending);
        pending.add(draft, done);
        self.asked.store(true, Ordering::Release);
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

    /// Waits for the batches that are being written, and writes what waits after them on this thread. Then the
    /// file ends with its last line.
    pub(super) fn flush(&self) {
        while self.take_turn(Duration::ZERO) {}
        if let Err(error) = self.writer().give_room_back() {
            tracing::warn!(%error, "the ledger keeps its room for more lines");
        }
    }

    /// The writer, when no batch is being written.
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        lock(&self.writer)
    }

    /// Locks the file, writes what waits and what comes meanwhile, and unlocks. False when nothing waits any
    /// more, and then the thread's duty is over.
    fn take_turn(&self, look_out: Duration) -> bool {
        let mut writer = self.writer();
        if lock(&self.pending).rests() {
            return false;
        }
        match writer.begin() {
            Ok((turn, batch)) => {
                lock(&self.pending).open(batch);
                if let Err(error) = self.write_batches(&mut writer, turn, look_out) {
                    lock(&self.pending).fail_open(&error);
                }
            }
            Err(error) => lock(&self.pending).fail_jobs(&error),
        }
        !lock(&self.pending).rests()
    }

    fn write_batches(
        &self,
        writer: &mut Writer,
        mut turn: Turn,
        look_out: Duration,
    ) -> Result<(), LedgerError> {
        let mut left = LONGEST_TURN;
        loop {
            left = left.saturating_sub(1);
            let (closed, waiting) = match self.next(left > 0) {
                Next::Write(closed, waiting) => (closed, waiting),
                Next::End(batch) => {
                    writer.finish(turn, batch);
                    return Ok(());
                }
            };
            match writer.write(&mut turn, closed) {
                Ok(answers) => hand_out(waiting, answers),
                Err(error) => {
                    answer_all(waiting, &error);
                    return Err(error);
                }
            }
            if !lock(&self.pending).is_asked() {
                self.look_out(look_out);
            }
        }
    }

    fn next(&self, takes_more: bool) -> Next {
        let mut pending = lock(&self.pending);
        self.asked.store(false, Ordering::Relaxed);
        pending.next(takes_more)
    }

    fn look_out(&self, for_at_most: Duration) {
        let start = Instant::now();
        while start.elapsed() < for_at_most && !self.asked.load(Ordering::Acquire) {
            // Where there is no core to spare, whoever has the next entry may need this one.
            yield_now();
        }
    }
}

impl Pending {
    fn add(&mut self, draft: Draft, done: Waiting) {
        match &mut self.open {
            Some(open) if open.takes_more && open.batch.len() < LARGEST_BATCH => open.add(draft, done),
            _ => self.jobs.push((draft, done)),
        }
    }

    /// From now on entries go into this batch, those first that wait.
    fn open(&mut self, batch: Batch) {
        let mut open = Open { batch, waiting: Vec::new(), takes_more: true };
        open.fill(&mut self.jobs);
        self.open = Some(open);
    }

    /// Whether nothing waits for a turn; then no thread is at work any more.
    fn rests(&mut self) -> bool {
        self.draining = !self.jobs.is_empty();
        !self.draining
    }

    /// Whether there is something to write.
    fn is_asked(&self) -> bool {
        !self.jobs.is_empty() || self.open.as_ref().is_some_and(|open| open.batch.len() > 0)
    }

    /// Takes what is to be written now; what comes meanwhile goes into the next batch, if there is to be one.
    /// When there is nothing, the turn ends in the same breath: no entry may slip into a batch that nobody
    /// will write.
    fn next(&mut self, takes_more: bool) -> Next {
        let Some(open) = self.open.as_mut().filter(|open| open.batch.len() > 0) else {
            return Next::End(self.open.take().map(|open| open.batch));
        };
        let closed = open.batch.close();
        let waiting = std::mem::take(&mut open.waiting);
        open.takes_more = takes_more;
        if takes_more {
            open.fill(&mut self.jobs);
        }
        Next::Write(closed, waiting)
    }

    /// Tells those whose entries stand behind a batch that could not be written.
    fn fail_open(&mut self, error: &LedgerError) {
        if let Some(open) = self.open.take() {
            answer_all(open.waiting, error);
        }
    }

    /// Tells those who wait for a file that could not be opened.
    fn fail_jobs(&mut self, error: &LedgerError) {
        answer_all(self.jobs.drain(..).map(|(_, done)| done).collect(), error);
    }
}

impl Open {
    fn add(&mut self, draft: Draft, done: Waiting) {
        self.batch.push(draft);
        self.waiting.push(done);
    }

    /// Takes what waits, as far as it holds.
    fn fill(&mut self, jobs: &mut Vec<(Draft, Waiting)>) {
        let count = jobs.len().min(LARGEST_BATCH.saturating_sub(self.batch.len()));
        for (draft, done) in jobs.drain(..count) {
            self.add(draft, done);
        }
    }
}

/// A panic leaves nothing half-done behind these locks: the writer reads the file again after any failure.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers many where others run, so that the next batch need not wait until all of them are woken.
fn hand_out(waiting: Vec<Waiting>, answers: Vec<Answer>) {
    match Handle::try_current() {
        Ok(runtime) if waiting.len() > FEW && runtime.runtime_flavor() == RuntimeFlavor::MultiThread => {
            drop(runtime.spawn(async move { answer(waiting, answers) }));
        }
        _ => answer(waiting, answers),
    }
}

fn answer(waiting: Vec<Waiting>, answers: Vec<Answer>) {
    for (done, answer) in waiting.into_iter().zip(answers) {
        if let Err(Err(error)) = done.send(answer) {
            tracing::error!(%error, "an entry that nobody waited for was not recorded");
        }
    }
}

fn answer_all(waiting: Vec<Waiting>, error: &LedgerError) {
    let answers = vec![Err(error.clone()); waiting.len()];
    answer(waiting, answers);
}

/// The duty to write what waits. A runtime that shuts down may drop it unrun.
struct Drain {
    queue: Arc<Queue>,
    done: bool,
}

impl Drain {
    fn run(mut self) {
        while self.queue.take_turn(LOOK_OUT) {
            let turn_ended = Instant::now();
            while turn_ended.elapsed() < GIVE_WAY {
                yield_now();
            }
        }
        self.done = true;
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        // Unrun, or after a panic: those who wait learn of it when their senders are dropped.
        if !self.done {
            let mut pending = lock(&self.queue.pending);
            (pending.draining, pending.open) = (false, None);
            pending.jobs.clear();
        }
    }
}
