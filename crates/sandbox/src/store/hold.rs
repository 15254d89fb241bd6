//! The hold of one sandbox on a data folder. Two would each append to the same logs, and tear them. It is a lock of
//! the operating system's, so that it ends with the process, however that ends; the file stays.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::files::{self, FileError};
use crate::start_error::StartError;

/// It lasts as long as this.
#[derive(Debug)]
pub(super) struct Hold(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File);

impl Hold {
    /// Takes the folder, which must be there.
    pub(super) fn take(folder: &Path) -> Result<Self, StartError> {
        let path = folder.join("lock");
        let file = files::open_private(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StartError::FolderInUse(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(FileError::new(&path, error).into()),
        }
    }
}
