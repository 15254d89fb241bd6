//! Which writers still run. Each holds an OS lock on a file of its own for as long as it lives; the system
//! lets go of it when the process dies, however it dies. So an intent in flight in another process is
//! never taken for one that was left behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::open::{is_at, make_folder, private};
use crate::entry::WriterId;

/// How often a new file may be swept away between its creation and its lock.
const ATTEMPTS: usize = 100;

/// This writer's sign of life.
#[derive(Debug)]
pub(super) struct Live {
    path: PathBuf,
    /// Held for its lock.
    _file: File,
}

impl Live {
    /// Says that this writer runs.
    pub(super) fn announce(folder: &Path, writer: WriterId) -> io::Result<Self> {
        make_folder(folder)?;
        let path = folder.join(writer.to_string());
        for _ in 0..ATTEMPTS {
            let file = private(OpenOptions::new().write(true).create(true)).open(&path)?;
            file.lock()?;
            // Somebody may have found the file before it was locked, and swept it away.
            if is_at(&file, &path)? {
                return Ok(Self { path, _file: file });
            }
        }
        Err(io::Error::other("other processes keep removing this writer's lock file"))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // What stays behind is swept away by whoever looks for the dead.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether the writer runs. The remains of a dead one are removed.
pub(super) fn is_live(folder: &Path, writer: WriterId) -> io::Result<bool> {
    let path = folder.join(writer.to_string());
    let file = match OpenOptions::new().write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {
            std::fs::remove_file(&path)?;
            Ok(false)
        }
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
