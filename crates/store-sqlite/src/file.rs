//! The file: for its owner alone, for one process at a time, and opened the same way everywhere.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use attache_store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::fault::{failed, unreachable};

/// How long a connection waits for another one. Only tools from outside can make it wait at all.
const BUSY: Duration = Duration::from_secs(5);

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 96;

/// The hold of one process on a database. It ends with the process, however that ends.
pub(crate) struct Hold(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File);

/// Takes the database for this process alone.
pub(crate) fn hold(path: &Path) -> Result<Hold, StoreError> {
    make_folder(path).map_err(|error| unreachable(path, error))?;
    // Not on the database itself: SQLite's own locks would end with ours.
    let lock = beside(path, ".lock");
    let file = private().open(&lock).map_err(|error| unreachable(&lock, error))?;
    match file.try_lock() {
        Ok(()) => Ok(Hold(file)),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::InUse { what: format!("the database {}", path.display()) })
        }
        Err(TryLockError::Error(error)) => Err(unreachable(&lock, error)),
    }
}

/// The connection that writes. The file is as it was, until [`set_up`].
pub(crate) fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    private().open(path).map_err(|error| unreachable(path, error))?;
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Sets how the connection writes.
pub(crate) fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What was acknowledged survives a loss of power.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is destroyed is overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    // What undoes a unit of a group is kept in memory: it is of no use after a crash, and in a file every page that
    // a unit touches would be written once more.
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// A connection that reads, while others write.
pub(crate) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn open(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(path, error))?;
    let set_up = || {
        connection.busy_timeout(BUSY)?;
        // Otherwise a statement is compiled anew whenever another value is bound to it that might suit a partial index,
        // which takes several times as long as the statement itself.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
    };
    set_up().map_err(|error| failed(path, error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// The path with this after it: `gateway.db.lock`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Opens and makes files that only their owner may read. SQLite gives its journals the same rights.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
