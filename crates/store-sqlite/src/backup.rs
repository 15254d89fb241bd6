//! Copies of the whole database: made while it is in use, checked before they count, and put back.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use attache_store::StoreError;
use jiff::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ffi};

use crate::fault::{failed, unreachable};
use crate::{file, schema};

/// Copies a database into a new file, while a gateway of another process may use it.
pub fn backup(path: &Path, to: &Path) -> Result<(), StoreError> {
    copy(&file::open_to_read(path)?, path, to, schema::STEPS)
}

/// Copies what this connection reads into a new file, which has this name only when it is whole.
pub(crate) fn copy(from: &Connection, path: &Path, to: &Path, steps: &[&str]) -> Result<(), StoreError> {
    if to.exists() {
        return Err(StoreError::Exists { what: to.display().to_string() });
    }
    let partial = file::beside(to, ".partial");
    let made = write(from, path, &partial, steps).and_then(|()| {
        // A link, not a new name: it would replace a file that came meanwhile.
        fs::hard_link(&partial, to).and_then(|()| sync_folder(to)).map_err(|error| unreachable(to, error))
    });
    let removed = fs::remove_file(&partial);
    made.and(removed.map_err(|error| unreachable(&partial, error)))
}

fn write(from: &Connection, path: &Path, partial: &Path, steps: &[&str]) -> Result<(), StoreError> {
    let fresh = file::private().truncate(true).open(partial).map_err(|error| unreachable(partial, error))?;
    let copied = || -> rusqlite::Result<()> {
        let mut to = Connection::open(partial)?;
        // All in one step: a copy in many would begin anew with each unit that is written meanwhile.
        let step = Backup::new(from, &mut to)?.step(-1)?;
        if step != StepResult::Done {
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None));
        }
        // A file of its own, with nothing beside it.
        to.pragma_update(None, "journal_mode", "DELETE")?;
        to.close().map_err(|(_, error)| error)
    };
    copied().map_err(|error| failed(partial, error))?;
    fresh.sync_all().map_err(|error| unreachable(partial, error))?;
    let copy = file::open_to_read(partial)?;
    check(&copy, partial, steps)?;
    tracing::debug!(from = %path.display(), to = %partial.display(), "a copy is made and checked");
    Ok(())
}

/// Checks that the file is whole and of a version that this program knows.
fn check(connection: &Connection, path: &Path, steps: &[&str]) -> Result<(), StoreError> {
    if schema::check(connection, path, steps)? == 0 {
        return Err(StoreError::Altered(format!("{} is empty", path.display())));
    }
    let whole: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| failed(path, error))?;
    if whole == "ok" {
        return Ok(());
    }
    Err(StoreError::Altered(format!("{} is damaged: {whole}", path.display())))
}

/// Puts a backup in the place of a database that no gateway uses. What was there before is kept beside it,
/// under the name that is returned. Its journal goes into it first, where it can: whoever is killed between two
/// renames must not part what was committed from the database.
pub fn restore(backup: &Path, path: &Path, now: Timestamp) -> Result<Option<PathBuf>, StoreError> {
    let _hold = file::hold(path)?;
    let from = file::open_to_read(backup)?;
    check(&from, backup, schema::STEPS)?;
    let fresh = file::beside(path, ".restored");
    if fresh.exists() {
        fs::remove_file(&fresh).map_err(|error| unreachable(&fresh, error))?;
    }
    copy(&from, backup, &fresh, schema::STEPS)?;
    // Whoever puts it back, it is for whom the gateway runs as.
    file::keep_owner_of_place(&fresh, path).map_err(|error| unreachable(&fresh, error))?;
    let kept = path.exists().then(|| file::beside(path, &format!(".before-{}", now.as_second())));
    if let Some(kept) = &kept {
        if kept.exists() {
            return Err(StoreError::InUse { what: format!("the name {}", kept.display()) });
        }
        if let Err(error) = file::open_to_write(path).and_then(|database| take_in(&database, path)) {
            tracing::warn!(%error, "the journal of what was there stays beside it");
        }
        put_aside(path, kept)?;
    }
    fs::rename(&fresh, path).and_then(|()| sync_folder(path)).map_err(|error| unreachable(path, error))?;
    Ok(kept)
}

/// Takes the journal into the database.
fn take_in(database: &Connection, path: &Path) -> Result<(), StoreError> {
    let checkpoint = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    checkpoint.map_err(|error| failed(path, error))
}

/// Moves a database with its journal.
fn put_aside(path: &Path, kept: &Path) -> Result<(), StoreError> {
    for suffix in ["-wal", "-shm", ""] {
        let (from, to) = (file::beside(path, suffix), file::beside(kept, suffix));
        if from.exists() {
            fs::rename(&from, &to).map_err(|error| unreachable(&from, error))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
