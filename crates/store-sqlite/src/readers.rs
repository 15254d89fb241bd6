//! Connections that read. A reader never waits for the writer, nor the writer for it.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use attache_store::StoreError;
use rusqlite::Connection;

use crate::fault::Fault;
use crate::file;

/// How many connections are kept for the next who read.
const IDLE: usize = 8;

/// Connections that read.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default() }
    }

    /// Reads with a connection that nobody else reads with.
    pub(crate) fn read<T, E: Into<Fault>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let connection = kept.map_or_else(|| file::open_to_read(&self.path), Ok)?;
        let told = |fault: Fault| crate::plain(fault.told(&self.path));
        let outcome = work(&connection).map_err(|error| told(error.into()));
        let mut idle = idle();
        // One that failed may be why.
        if outcome.is_ok() && idle.len() < IDLE {
            idle.push(connection);
        }
        outcome
    }
}
