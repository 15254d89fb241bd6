//! One remembered thing in one file: JSON with a version, readable by its owner only, replaced as a whole so
//! that a reader and a crash see the old or the new and nothing between. A file of a newer version is
//! refused; one of an older version would be kept beside its successor.

use std::fs::{self, File};
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use attache_terms::{Explain, Remedy};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What can stand in a document.
pub(crate) trait Persisted: Serialize + DeserializeOwned + Send + 'static {
    /// The version that this code writes.
    const VERSION: u32;
    /// What it is, for people.
    const WHAT: &'static str;
}

/// The file of one remembered thing.
#[derive(Debug, Clone)]
pub(crate) struct Document<T> {
    path: PathBuf,
    kind: PhantomData<fn() -> T>,
}

/// Tells whether the file is still the one that was read: every save makes a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// There is no file.
    Absent,
    /// This file.
    File { modified: Option<SystemTime>, length: u64, inode: u64 },
}

#[derive(Deserialize)]
struct Head {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    body: T,
}

impl<T: Persisted> Document<T> {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path, kind: PhantomData }
    }

    /// Which file stands there now; one system call.
    pub(crate) fn stamp(&self) -> Stamp {
        match fs::metadata(&self.path) {
            Ok(found) => {
                Stamp::File { modified: found.modified().ok(), length: found.len(), inode: inode(&found) }
            }
            Err(_) => Stamp::Absent,
        }
    }

    /// What was saved last, `None` when nothing was.
    pub(crate) fn load(&self) -> Result<Option<T>, FileError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::io(&self.path, error)),
        };
        let damaged =
            |error: serde_json::Error| FileError::Damaged { path: self.path.clone(), why: error.to_string() };
        let head: Head = serde_json::from_slice(&bytes).map_err(damaged)?;
        if head.version > T::VERSION {
            return Err(FileError::Newer {
                path: self.path.clone(),
                what: T::WHAT,
                found: head.version,
                known: T::VERSION,
            });
        }
        let found: Versioned<T> = serde_json::from_slice(&bytes).map_err(damaged)?;
        Ok(Some(found.body))
    }

    /// Replaces what was saved; durable when it returns.
    pub(crate) fn save(&self, body: &T) -> Result<(), FileError> {
        let fault = |error| FileError::io(&self.path, error);
        let mut bytes = serde_json::to_vec_pretty(&Versioned { version: T::VERSION, body })
            .map_err(|error| fault(io::Error::other(error)))?;
        bytes.push(b'\n');
        replace(&self.path, &bytes).map_err(fault)
    }

    /// Forgets what was saved.
    pub(crate) fn remove(&self) -> Result<(), FileError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io(&self.path, error)),
            _ => Ok(()),
        }
    }
}

/// Makes a directory that only its owner may enter.
pub(crate) fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_private(directory)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = directory.join(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    // The rename itself is durable only when the directory is; Windows has no such call and needs none.
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(())
}

#[cfg(unix)]
fn inode(found: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

/// Why something remembered could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what was written.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It was written by a newer Attaché.
    #[error("{path} holds {what} of version {found}; this Attaché knows versions up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// What it holds.
        what: &'static str,
        /// Its version.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
}

impl FileError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

impl Explain for FileError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "profile_unavailable",
            Self::Damaged { .. } => "profile_damaged",
            Self::Newer { .. } => "profile_too_new",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Io { .. } => {
                Remedy::operator("make the profile's directory writable, or point ATTACHE_HOME elsewhere")
            }
            Self::Damaged { .. } => {
                Remedy::operator("restore the file from a backup, or move it away and sign in again")
            }
            Self::Newer { .. } => Remedy::operator("update Attaché, or use another profile (--profile)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        text: String,
    }

    impl Persisted for Note {
        const VERSION: u32 = 3;
        const WHAT: &'static str = "a note";
    }

    fn document() -> (tempfile::TempDir, Document<Note>) {
        let directory = tempfile::tempdir().unwrap();
        let document = Document::at(directory.path().join("deep/note.json"));
        (directory, document)
    }

    #[test]
    fn what_was_saved_is_read_back_and_the_stamp_tells_of_the_change() {
        let (_directory, document) = document();
        assert_eq!(document.load().unwrap(), None);
        assert_eq!(document.stamp(), Stamp::Absent);
        document.save(&Note { text: "one".into() }).unwrap();
        let first = document.stamp();
        document.save(&Note { text: "two".into() }).unwrap();
        assert_ne!(document.stamp(), first);
        assert_eq!(document.load().unwrap(), Some(Note { text: "two".into() }));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let (_directory, document) = document();
        document.save(&Note { text: "one".into() }).unwrap();
        assert_eq!(fs::metadata(&document.path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_newer_version_is_refused_and_a_damaged_file_named() {
        let (_directory, document) = document();
        document.save(&Note { text: "one".into() }).unwrap();
        fs::write(&document.path, r#"{"version":4,"text":"from the future","more":1}"#).unwrap();
        assert!(matches!(document.load(), Err(FileError::Newer { found: 4, known: 3, .. })));
        fs::write(&document.path, r#"{"version":3,"te"#).unwrap();
        assert!(matches!(document.load(), Err(FileError::Damaged { .. })));
    }
}
