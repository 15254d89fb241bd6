//! One unit from beside: for a command that has to change something while a gateway has the file.

use std::path::Path;

use attache_store::{CommitError, Committed, StoreError, Unit};
use jiff::Timestamp;
use rusqlite::TransactionBehavior;

use crate::fault::Fault;
use crate::writer::Effects;
use crate::{apply, file, schema};

/// Commits a unit into a database that a gateway of another process may have for itself. It takes its turn among the
/// groups of that one, and is on the disk when this returns.
///
/// That gateway believes in what it has read until it commits something itself. So the unit must only make what nobody
/// can have asked for before, and jobs wait until it looks.
pub fn commit_beside(path: &Path, unit: Unit, now: Timestamp) -> Result<Committed, CommitError> {
    let mut connection = file::open_there(path)?;
    if schema::check(&connection, path, schema::STEPS)? < schema::STEPS.len() {
        let what = format!("{} is of an earlier version: start the gateway with it first", path.display());
        return Err(StoreError::Altered(what).into());
    }
    let commit = || -> Result<Committed, Fault> {
        file::set_up(&connection)?;
        let turn = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let committed = apply(&turn, unit, now, &mut Effects::default())?;
        turn.commit()?;
        Ok(committed)
    };
    commit().map_err(|fault| fault.told(path))
}
