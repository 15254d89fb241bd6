//! The lines of the file, one at a time and none longer than a line can be.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use super::error::VerifyError;
use crate::file::{Beginning, checkpoint_path, end_of_lines, read_header};
use crate::log::LONGEST_LINE;
use crate::note::VerifierKey;

/// A ledger that is being read.
pub(super) struct Lines {
    pub(super) key: VerifierKey,
    /// Where the last line ended when reading began.
    pub(super) length: u64,
    /// The checkpoint file's text at that moment, when there is one.
    pub(super) beside: Option<Vec<u8>>,
    path: PathBuf,
    reader: BufReader<Take<File>>,
    offset: u64,
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

        let (header, offset) = match read_header(&mut file).map_err(&io)? {
            Beginning::Header(header, end) => (header, end),
            Beginning::Newer(version) => {
                return Err(VerifyError::Newer { path: path.to_owned(), version });
            }
            Beginning::Torn | Beginning::Foreign => {
                return Err(VerifyError::NotALedger { path: path.to_owned() });
            }
        };
        file.seek(SeekFrom::Start(offset)).map_err(&io)?;
        let reader = BufReader::with_capacity(1 << 18, file.take(length.saturating_sub(offset)));
        Ok(Self { key: header.key, length, beside, path: path.to_owned(), reader, offset, line: Vec::new() })
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
}

/// A line as it stands in the file.
pub(super) struct RawLine<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) offset: u64,
    /// Whether it has its end.
    pub(super) complete: bool,
}
