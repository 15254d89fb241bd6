//! The files of a ledger and their opening, for the owner's eyes only (0600).

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::log::{Header, LONGEST_LINE, LineError};

/// Where the latest checkpoint of the log at `path` stands.
pub(crate) fn checkpoint_path(path: &Path) -> PathBuf {
    beside(path, ".checkpoint")
}

/// Where the writers of the log at `path` show that they live.
pub(super) fn writers_path(path: &Path) -> PathBuf {
    beside(path, ".writers")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether `file` is what the path leads to, and not something that was renamed away or removed.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok(there.dev() == ours.dev() && there.ino() == ours.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where a file that is open cannot be renamed or removed, it is always at its path.
#[cfg(not(unix))]
pub(super) fn is_at(_file: &File, path: &Path) -> io::Result<bool> {
    std::fs::exists(path)
}

/// Makes new files the owner's only.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes a folder that is the owner's only, unless it is there.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Takes away what others may do with the file, should a copy or a restore have given it to them.
#[cfg(unix)]
pub(super) fn make_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = file.metadata()?.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o600);
        file.set_permissions(permissions)?;
    }
    Ok(())
}

/// Elsewhere the folder's access list decides.
#[cfg(not(unix))]
pub(super) fn make_private(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Makes the name of a new file durable.
#[cfg(unix)]
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere names are durable with the file.
#[cfg(not(unix))]
pub(super) fn sync_folder_of(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// What stands at the beginning of a file.
pub(crate) enum Beginning {
    /// A header, which ends at this byte.
    Header(Header, u64),
    /// A header that was not written to its end, so nothing can have followed it.
    Torn,
    /// The header of a newer file.
    Newer(u64),
    /// Something else.
    Foreign,
}

/// Reads the header of a file that is not empty.
pub(crate) fn read_header(file: &mut (impl Read + Seek)) -> io::Result<Beginning> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(LONGEST_LINE as u64).read_to_end(&mut bytes)?;
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return Ok(if is_torn_header(&bytes) { Beginning::Torn } else { Beginning::Foreign });
    };
    Ok(match Header::parse(&bytes[..end]) {
        Ok(header) => Beginning::Header(header, end as u64 + 1),
        Err(LineError::Newer(version)) => Beginning::Newer(version),
        Err(LineError::Malformed) => Beginning::Foreign,
    })
}

/// A header that a crash cut short, or blocks that a loss of power left as zeros.
fn is_torn_header(bytes: &[u8]) -> bool {
    let begins = Header::BEGINS.as_bytes();
    bytes.starts_with(begins) || begins.starts_with(bytes) || bytes.iter().all(|byte| *byte == 0)
}
