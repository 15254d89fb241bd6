//! How a sealed file lies on the disk: private to its owner, replaced in one step, and written by one
//! process at a time. The lock stands beside the file, since the file itself is replaced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

/// A lock on the file, held until dropped or until the process ends.
pub(super) struct Lock {
    _held: File,
}

impl Lock {
    /// Waits for the lock. The folder is made first where it is missing, `0700`.
    pub(super) fn take(path: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder(path))?;
        let lock = beside(path, ".lock");
        let is_new = !lock.try_exists()?;
        let file = private().create(true).truncate(false).open(&lock)?;
        if is_new {
            keep_owner(&file, folder(path))?;
        }
        loop {
            match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Self { _held: file }),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The file's bytes, `None` when there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match File::open(path) {
        Ok(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts new bytes in the file's place, durably. Killed at any point it leaves the old bytes or the new.
pub(super) fn replace(path: &Path, bytes: &[u8], _lock: &Lock) -> io::Result<()> {
    let fresh = write_beside(path, bytes)?;
    fs::rename(&fresh, path)?;
    File::open(folder(path))?.sync_all()
}

/// Puts bytes where there is no file yet, durably; `false` when there is one after all.
pub(super) fn create(path: &Path, bytes: &[u8], _lock: &Lock) -> io::Result<bool> {
    let fresh = write_beside(path, bytes)?;
    let made = match fs::hard_link(&fresh, path) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error),
    };
    fs::remove_file(&fresh)?;
    File::open(folder(path))?.sync_all()?;
    Ok(made)
}

/// Whether anybody but the owner may read the file.
pub(super) fn is_readable_by_others(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

/// Writes to a new file beside `path`. What a killed process left there is removed, since whoever holds the
/// lock is alone.
fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let fresh = beside(path, ".new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().create_new(true).open(&fresh)?;
    keep_owner(&file, if path.try_exists()? { path } else { folder(path) })?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(fresh)
}

/// Gives a new file to the owner of this one: what root writes would lock out whoever it is kept for. Nobody but root
/// can, and nobody else has to.
fn keep_owner(fresh: &File, like: &Path) -> io::Result<()> {
    let (owner, now) = (fs::metadata(like)?, fresh.metadata()?);
    if owner.uid() == now.uid() {
        return Ok(());
    }
    match fchown(fresh, Some(owner.uid()), Some(owner.gid())) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        given => given,
    }
}

/// Whose the file is, and who runs this, for people who are refused it.
pub(super) fn owners(path: &Path) -> Option<(u32, u32)> {
    let owner = fs::metadata(path).ok()?.uid();
    Some((owner, rustix::process::geteuid().as_raw()))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
    options
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}
