//! Keeps the gateway's store in one SQLite file.
//!
//! One thread writes: what is asked for while a group of units is on its way to the disk becomes the next group.
//! Reads by a key or a unique value are answered at once, since they take microseconds; lists run on threads for
//! blocking work. One process has a file for itself, so that what was read needs not be read again until something is
//! committed (`Engine::generation`); [`commit_beside`] makes only what nobody has asked for before.

mod backup;
mod beside;
mod engine;
mod fault;
mod file;
mod jobs;
mod log;
mod readers;
mod records;
mod schema;
mod steady;
mod value;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use attache_store::{CommitError, Committed, StoreError, Unit};
use attache_terms::{Clock, Rng};
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::watch;

pub use backup::{backup, restore};
pub use beside::commit_beside;
pub use writer::Written;

use fault::Fault;
use readers::Readers;
use steady::Steady;
use writer::{Effects, Writer};

/// What an engine needs.
pub struct SqliteOptions {
    /// The file. It is made, with its folder, when there is none.
    pub path: PathBuf,
    /// Its time: leases and what is due.
    pub clock: Arc<dyn Clock>,
    /// For what fences leases.
    pub rng: Arc<dyn Rng>,
}

/// The engine on one SQLite file.
pub struct Sqlite {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    steady: Steady,
    rng: Arc<dyn Rng>,
    readers: Arc<Readers>,
    // Before the hold: the last group is written before another process may come.
    writer: Writer,
    _hold: file::Hold,
}

impl Sqlite {
    /// Opens the file, for this process alone, and brings it up to date.
    pub fn open(options: SqliteOptions) -> Result<Self, StoreError> {
        let SqliteOptions { path, clock, rng } = options;
        let hold = file::hold(&path)?;
        let mut connection = file::open_to_write(&path)?;
        schema::bring_up_to_date(&mut connection, &path, schema::STEPS, clock.now())?;
        let writer = Writer::start(connection, &path)?;
        let readers = Arc::new(Readers::new(path.clone()));
        let steady = Steady::new(Arc::clone(&clock));
        Ok(Self { path, clock, steady, rng, readers, writer, _hold: hold })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How much was written since it was opened.
    pub fn written(&self) -> Written {
        self.writer.written()
    }

    /// Changes whenever something was written, whoever wrote it: this process has the file for itself.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.writer.changed()
    }

    /// Reads on a thread for blocking work.
    async fn read<T, E, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        E: Into<Fault>,
        W: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let done = tokio::task::spawn_blocking(move || readers.read(work)).await;
        done.unwrap_or_else(|error| Err(StoreError::unavailable("a thread that reads", error)))
    }

    /// Writes what no unit says.
    async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection, &mut Effects) -> Result<T, Fault> + Send + 'static,
    {
        self.writer.run(work).await.map_err(plain)
    }
}

/// What is not about a unit is about the store.
fn plain(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        other => StoreError::Altered(other.to_string()),
    }
}

/// Applies a unit, inside a savepoint of its own.
fn apply(
    connection: &Connection,
    unit: Unit,
    now: Timestamp,
    effects: &mut Effects,
) -> Result<Committed, Fault> {
    if let Some(lease) = &unit.under {
        jobs::hold(connection, lease)?;
    }
    records::apply(connection, &unit.changes)?;
    for (lease, end) in unit.ended {
        effects.wakes |= jobs::end(connection, &lease, end, now)?;
    }
    effects.wakes |= !unit.jobs.is_empty();
    for job in &unit.jobs {
        jobs::enqueue(connection, job, now)?;
    }
    let sequences = log::append(connection, unit.entries)?;
    for (of, sequence) in unit.erased {
        log::erase(connection, of, sequence)?;
    }
    Ok(Committed { sequences })
}
