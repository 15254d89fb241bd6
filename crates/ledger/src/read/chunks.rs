//! The rest of a file in pieces of whole lines, large enough that reading and handing them over costs little.

use std::fs::File;
use std::io::{BufReader, Read, Take};
use std::path::PathBuf;

use super::error::VerifyError;
use super::lines::Lines;

/// How much is read at once. No line is longer.
const PIECE: usize = 1 << 20;

/// Whole lines, one after another, each with its end; at the end of the file one may be without.
pub(super) struct Chunk {
    /// Where they begin in the file.
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

/// The lines after the header.
pub(super) struct Chunks {
    path: PathBuf,
    reader: BufReader<Take<File>>,
    offset: u64,
    /// The beginning of a line whose end was not read yet.
    rest: Vec<u8>,
}

impl Chunks {
    pub(super) fn of(lines: Lines) -> Self {
        let Lines { path, reader, offset, .. } = lines;
        Self { path, reader, offset, rest: Vec::new() }
    }

    /// Where the next lines begin in the file.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next lines, or nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>, VerifyError> {
        let mut bytes = std::mem::take(&mut self.rest);
        let wanted = PIECE.saturating_sub(bytes.len()) as u64;
        let mut piece = (&mut self.reader).take(wanted);
        let read = piece.read_to_end(&mut bytes).map_err(VerifyError::io(&self.path))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        // A piece without a line end is the end of the file, or no line: whoever judges lines says so.
        if read > 0
            && let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n')
        {
            self.rest = bytes.split_off(end + 1);
        }
        let offset = self.offset;
        self.offset += bytes.len() as u64;
        Ok(Some(Chunk { offset, bytes }))
    }
}
