//! The one that writes: a thread with a connection of its own. Whatever is asked for while the last group is on
//! its way to the disk becomes the next group: one transaction, one savepoint for each, one sync for all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use attache_store::{CommitError, StoreError};
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use crate::fault::Fault;

/// How many share a sync at most, so that the first of them does not wait for all the world.
const LARGEST_GROUP: usize = 512;

/// How much was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Units, and whatever else changed the file.
    pub units: u64,
    /// Transactions that they shared.
    pub groups: u64,
}

/// What the thread and whoever asks it share.
struct Shared {
    path: PathBuf,
    woken: watch::Sender<u64>,
    changed: watch::Sender<u64>,
    /// Odd while a group is being committed.
    generation: AtomicU64,
    units: AtomicU64,
    groups: AtomicU64,
}

impl Shared {
    /// Commits, and so brings about another generation: the number changes before anything of it can be seen, and once
    /// more when all of it can.
    fn committing<T>(&self, commit: impl FnOnce() -> T) -> T {
        self.generation.fetch_add(1, Ordering::SeqCst);
        let committed = commit();
        self.generation.fetch_add(1, Ordering::SeqCst);
        committed
    }
}

/// A way to have something written.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    queue: Option<Sender<Box<dyn Task>>>,
    thread: Option<JoinHandle<()>>,
}

/// What a task says of itself besides its outcome.
#[derive(Default)]
pub(crate) struct Effects {
    /// Jobs may have become due.
    pub(crate) wakes: bool,
}

/// Something to be written.
trait Task: Send {
    /// Does it, and says whether what it did is to stay.
    fn run(&mut self, connection: &Connection, effects: &mut Effects) -> bool;

    /// Tells whoever asked; an error when its group is not known to be on the disk.
    fn answer(self: Box<Self>, path: &Path, lost: Option<&str>);
}

struct Asked<T, W> {
    work: Option<W>,
    outcome: Option<Result<T, Fault>>,
    reply: oneshot::Sender<Result<T, CommitError>>,
}

impl<T, W> Task for Asked<T, W>
where
    T: Send,
    W: FnOnce(&Connection, &mut Effects) -> Result<T, Fault> + Send,
{
    fn run(&mut self, connection: &Connection, effects: &mut Effects) -> bool {
        self.outcome = self.work.take().map(|work| work(connection, effects));
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, path: &Path, lost: Option<&str>) {
        let told = match (lost, self.outcome) {
            (None, Some(outcome)) => outcome.map_err(|fault| fault.told(path)),
            (lost, _) => Err(unavailable(path, lost.unwrap_or("it was not tried")).into()),
        };
        // Whoever asked may have gone; what was written stays.
        let _ = self.reply.send(told);
    }
}

fn unavailable(path: &Path, why: &str) -> StoreError {
    StoreError::Unavailable { what: format!("SQLite at {}: {why}", path.display()), source: None }
}

impl Writer {
    /// A thread that writes with this connection, until the writer is dropped and its queue is empty.
    pub(crate) fn start(connection: Connection, path: &Path) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            woken: watch::Sender::new(0),
            changed: watch::Sender::new(0),
            generation: AtomicU64::new(0),
            units: AtomicU64::new(0),
            groups: AtomicU64::new(0),
        });
        let (queue, asked) = channel();
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || serve(&connection, &asked, &own))
            .map_err(|error| StoreError::unavailable("a thread that writes", error))?;
        Ok(Self { shared, queue: Some(queue), thread: Some(thread) })
    }

    /// Has this done in a transaction. It is on the disk when this returns.
    pub(crate) async fn run<T, W>(&self, work: W) -> Result<T, CommitError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection, &mut Effects) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Box::new(Asked { work: Some(work), outcome: None, reply });
        let ended = || unavailable(&self.shared.path, "the thread that writes has ended");
        self.queue.as_ref().and_then(|queue| queue.send(task).ok()).ok_or_else(ended)?;
        answer.await.unwrap_or_else(|_| Err(ended().into()))
    }

    /// Changes whenever jobs may have become due.
    pub(crate) fn woken(&self) -> watch::Receiver<u64> {
        self.shared.woken.subscribe()
    }

    /// Changes whenever something was written.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// The number of what is committed, unless more is being committed right now.
    pub(crate) fn generation(&self) -> Option<u64> {
        let number = self.shared.generation.load(Ordering::SeqCst);
        number.is_multiple_of(2).then_some(number)
    }

    /// How much was written so far.
    pub(crate) fn written(&self) -> Written {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Written { units: count(&self.shared.units), groups: count(&self.shared.groups) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes had panicked");
        }
    }
}

fn serve(connection: &Connection, asked: &Receiver<Box<dyn Task>>, shared: &Shared) {
    while let Ok(first) = asked.recv() {
        let mut group = vec![first];
        let mut effects = Effects::default();
        let written = write(connection, asked, shared, &mut group, &mut effects);
        let lost = written.err().map(|error| {
            if !connection.is_autocommit() {
                // It is gone in any case when the next one begins.
                let _ = connection.execute_batch("ROLLBACK");
            }
            tracing::error!(%error, units = group.len(), "a group could not be written");
            error.to_string()
        });
        if lost.is_none() {
            shared.units.fetch_add(group.len() as u64, Ordering::Relaxed);
            shared.groups.fetch_add(1, Ordering::Relaxed);
        }
        for task in group {
            task.answer(&shared.path, lost.as_deref());
        }
        if lost.is_none() {
            shared.changed.send_modify(|count| *count = count.wrapping_add(1));
        }
        if effects.wakes && lost.is_none() {
            shared.woken.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

/// Writes the first of the group and whatever waits behind it.
fn write(
    connection: &Connection,
    asked: &Receiver<Box<dyn Task>>,
    shared: &Shared,
    group: &mut Vec<Box<dyn Task>>,
    effects: &mut Effects,
) -> rusqlite::Result<()> {
    let run = |sql: &str| connection.prepare_cached(sql)?.execute([]).map(drop);
    run("BEGIN IMMEDIATE")?;
    for at in 0..LARGEST_GROUP {
        if at == group.len() {
            let Ok(next) = asked.try_recv() else { break };
            group.push(next);
        }
        run("SAVEPOINT unit")?;
        let mut own = Effects::default();
        if group[at].run(connection, &mut own) {
            effects.wakes |= own.wakes;
        } else {
            // A full disk has ended the whole transaction, and then this fails.
            run("ROLLBACK TO unit")?;
        }
        run("RELEASE unit")?;
    }
    shared.committing(|| run("COMMIT"))
}
