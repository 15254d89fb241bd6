//! What a device remembers between runs: which messages it has claimed, how far it has read in each chat,
//! what nobody has seen yet, and which messages are its own. One SQLite file per profile, shared by every
//! process of that profile, opened when it is first needed (never before `initialize` is answered). Only
//! this module holds SQL; every call runs on a thread for blocking work.

mod arrivals;
mod cursors;
mod error;
mod schema;
mod sent;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

pub use arrivals::{Arrival, Owner, Waiting};
pub use cursors::Cursor;
pub use error::StateError;

/// How long a call waits for another process's write.
const BUSY: Duration = Duration::from_secs(5);

/// The state of one profile. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct State {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    connection: Mutex<Option<Connection>>,
}

impl State {
    /// The state in this file, which is opened (and made, readable by its owner alone) at the first call.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { shared: Arc::new(Shared { path: path.into(), connection: Mutex::new(None) }) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Whether there is anything to remember yet; asking opens nothing.
    fn exists(&self) -> bool {
        self.shared.path.exists()
    }

    /// Runs `work` with the connection, on a thread for blocking work.
    async fn with<T, W>(&self, work: W) -> Result<T, StateError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || {
            let mut slot = shared.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = match slot.take() {
                Some(connection) => slot.insert(connection),
                None => slot.insert(open(&shared.path)?),
            };
            work(connection).map_err(|source| StateError::failed(&shared.path, source))
        })
        .await;
        done.unwrap_or_else(|_| Err(StateError::Ended { path: self.shared.path.clone() }))
    }
}

fn open(path: &Path) -> Result<Connection, StateError> {
    make_private(path).map_err(|source| StateError::Unreachable { path: path.to_owned(), source })?;
    let failed = |source| StateError::failed(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    // A claim that is lost in a power cut would deliver a message twice.
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    schema::bring_up_to_date(&mut connection, path, schema::MIGRATIONS)?;
    Ok(connection)
}

/// Makes the file, and the folder around it, for this user alone. SQLite gives its journals the same rights.
fn make_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_opened_before_the_first_call() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("deep/state.sqlite"));
        assert!(!state.path().exists());
        state.sent_in(&attache_terms::ChatId::notes()).await.unwrap();
        assert!(state.path().exists());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_file_and_its_journal_are_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("profile/state.sqlite"));
        state.sent_in(&attache_terms::ChatId::notes()).await.unwrap();
        let files = std::fs::read_dir(folder.path().join("profile")).unwrap();
        for file in files.map(Result::unwrap) {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        }
        let folder = std::fs::metadata(folder.path().join("profile")).unwrap();
        assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        std::fs::write(&path, "this is not a database, and long enough to be read as one".repeat(50))
            .unwrap();
        let error = State::at(&path).sent_in(&attache_terms::ChatId::notes()).await.unwrap_err();
        assert!(error.to_string().contains("state.sqlite"), "{error}");
        assert_eq!(attache_terms::Explain::code(&error), "state_damaged");
    }
}
