//! Taking turns between the processes of one profile. A lease is a lock of the operating system on a file, so
//! it ends with its holder, however that ends; the file says who holds it, for people.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use attache_terms::Clock;
use serde::{Deserialize, Serialize};

use super::document::{FileError, make_private};

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// What it does with it.
    pub work: String,
}

/// The right to do one kind of work, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    // Closing the file gives the lock back.
    _file: File,
}

/// What came of asking for a lease.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is ours.
    Yes(Lease),
    /// Another process has it; who, if that can be read.
    By(Option<Holder>),
}

impl Lease {
    /// Takes the lease if nobody holds it.
    pub(crate) fn take(path: &Path, work: &str) -> Result<Taken, FileError> {
        let fault = |error| FileError::io(path, error);
        make_private(path.parent().unwrap_or(Path::new("."))).map_err(fault)?;
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {
                let holder = Holder { pid: std::process::id(), work: work.to_owned() };
                let text = serde_json::to_vec(&holder).map_err(|error| fault(error.into()))?;
                file.set_len(0)
                    .and_then(|()| file.rewind())
                    .and_then(|()| file.write_all(&text))
                    .map_err(fault)?;
                Ok(Taken::Yes(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let holder =
                    file.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str(&text).ok());
                Ok(Taken::By(holder))
            }
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }

    /// Waits for the lease; for short work that others hold for milliseconds.
    pub(crate) async fn wait(path: &Path, work: &str, clock: &Arc<dyn Clock>) -> Result<Self, FileError> {
        const LOOK: Duration = Duration::from_millis(20);
        loop {
            match Self::take(path, work)? {
                Taken::Yes(lease) => return Ok(lease),
                Taken::By(_) => clock.sleep(LOOK).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_the_others_learn_who() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("locks/upgrade.lock");
        let Taken::Yes(lease) = Lease::take(&path, "upgrade").unwrap() else { panic!("nobody holds it") };
        let Taken::By(holder) = Lease::take(&path, "upgrade").unwrap() else { panic!("it is held") };
        assert_eq!(holder, Some(Holder { pid: std::process::id(), work: "upgrade".to_owned() }));
        drop(lease);
        assert!(matches!(Lease::take(&path, "upgrade").unwrap(), Taken::Yes(_)));
    }
}
