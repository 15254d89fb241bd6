//! The lines of the file, one at a time and none longer than a line can be.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use super::error::VerifyError;
use crate::file::{Beginning, checkpoint_path, end_of_lines, read_header};
use crate::log::{LONGEST_LINE, Line, LineError, export_header};
use crate::note::VerifierKey;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The file of a [`crate::Ledger`].
    Ledger,
    /// The file that [`crate::Export`] wrote.
    Export,
}

/// A ledger, or an export, that is being read.
pub(super) struct Lines {
    pub(super) kind: Kind,
    pub(super) key: VerifierKey,
    /// Where the last line ended when reading began.
    pub(super) length: u64,
    /// The checkpoint file's text at that moment, when there is one.
    pub(super) beside: Option<Vec<u8>>,
    pub(super) path: PathBuf,
    pub(super) reader: BufReader<Take<File>>,
    pub(super) offset: u64,
    line: Vec<u8>,
}

impl Lines {
    /// Opens the file and reads its header.
    pub(super) fn open(path: &Path) -> Result<Self, VerifyError> {
        let io = VerifyError::io(path);
        let mut file = File::open(path).map_err(&io)?;
        // While a shared lock is held no batch is half-written, nor written and not yet in the checkpoint.
        file.lock_shared().map_err(&io)?;
        let size = file.metadata().map_err(&io)?.len();
        let length = end_of_lines(&mut file, size).map_err(&io)?;
        let beside = std::fs::read(checkpoint_path(path)).ok();
        file.unlock().map_err(&io)?;

        let newer = |version| VerifyError::Newer { path: path.to_owned(), version };
        let (kind, key, offset) = match read_header(&mut file).map_err(&io)? {
            Beginning::Header(header, end) => (Kind::Ledger, header.key, end),
            Beginning::Newer(version) => return Err(newer(version)),
            Beginning::Torn | Beginning::Foreign => match read_export_header(&mut file).map_err(&io)? {
                (Ok(key), end) => (Kind::Export, key, end),
                (Err(LineError::Newer(version)), _) => return Err(newer(version)),
                (Err(LineError::Malformed), _) => {
                    return Err(VerifyError::NotALedger { path: path.to_owned() });
                }
            },
        };
        file.seek(SeekFrom::Start(offset)).map_err(&io)?;
        let reader = BufReader::with_capacity(1 << 18, file.take(length.saturating_sub(offset)));
        let (path, line) = (path.to_owned(), Vec::new());
        Ok(Self { kind, key, length, beside, path, reader, offset, line })
    }

    /// Opens a file that is no export.
    pub(super) fn open_ledger(path: &Path) -> Result<Self, VerifyError> {
        let lines = Self::open(path)?;
        match lines.kind {
            Kind::Ledger => Ok(lines),
            Kind::Export => Err(VerifyError::NotALedger { path: lines.path }),
        }
    }

    /// The next line and where it begins; without its line end, if it has one.
    pub(super) fn next(&mut self) -> Result<Option<RawLine<'_>>, VerifyError> {
        self.line.clear();
        let mut limited = (&mut self.reader).take(LONGEST_LINE as u64);
        let read = limited.read_until(b'\n', &mut self.line).map_err(VerifyError::io(&self.path))?;
        if read == 0 {
            return Ok(None);
        }
        let offset = self.offset;
        self.offset += read as u64;
        let complete = self.line.pop_if(|byte| *byte == b'\n').is_some();
        Ok(Some(RawLine { bytes: &self.line, offset, complete }))
    }

    /// Reads a ledger to its end: whether somebody signed for what comes before. A line that cannot be read and that
    /// nobody signed for is where a writer died; the room behind it ends it like any other.
    pub(super) fn signed_checkpoint_follows(&mut self) -> Result<bool, VerifyError> {
        let key = self.key.clone();
        while let Some(line) = self.next()? {
            if let Ok(Line::Checkpoint(checkpoint)) = Line::parse(line.bytes)
                && checkpoint.is_signed_by(&key)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The first line as that of an export, and where it ends.
fn read_export_header(file: &mut File) -> io::Result<(Result<VerifierKey, LineError>, u64)> {
    let mut line = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    let end = BufReader::new(file.take(LONGEST_LINE as u64)).read_until(b'\n', &mut line)?;
    let header = line.strip_suffix(b"\n").ok_or(LineError::Malformed).and_then(export_header);
    Ok((header, end as u64))
}

/// A line as it stands in the file.
pub(super) struct RawLine<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) offset: u64,
    /// Whether it has its end.
    pub(super) complete: bool,
}
