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
    let file = make(&lock).map_err(|error| unreachable(&lock, error))?;
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
    make(path).map_err(|error| unreachable(path, error))?;
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// A connection that writes into a file that is there.
pub(crate) fn open_there(path: &Path) -> Result<Connection, StoreError> {
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

/// Opens a file to write to, and makes it where there is none.
fn make(path: &Path) -> std::io::Result<File> {
    let is_new = !path.exists();
    let file = private().open(path)?;
    if is_new {
        keep_owner(path, folder(path))?;
    }
    Ok(file)
}

/// Gives a new file to the owner of the one that stands in this place, or of the folder.
pub(crate) fn keep_owner_of_place(fresh: &Path, place: &Path) -> std::io::Result<()> {
    keep_owner(fresh, if place.exists() { place } else { folder(place) })
}

/// Gives a new file to the owner of this one: what root makes would lock out a gateway that runs as somebody else.
/// Nobody but root can, and nobody else has to.
#[cfg(unix)]
fn keep_owner(fresh: &Path, like: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let (owner, now) = (std::fs::metadata(like)?, std::fs::metadata(fresh)?);
    if owner.uid() == now.uid() {
        return Ok(());
    }
    match std::os::unix::fs::chown(fresh, Some(owner.uid()), Some(owner.gid())) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
        given => given,
    }
}

#[cfg(not(unix))]
fn keep_owner(_fresh: &Path, _like: &Path) -> std::io::Result<()> {
    Ok(())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder(path))
}
