//! The rest of a file in pieces of whole lines, large enough that reading and handing them over costs little.

use std::fs::File;
use std::io::{Read, Take};
use std::path::PathBuf;

use memchr::memrchr;

use super::error::VerifyError;
use super::lines::Lines;

/// How much is read at once: what stays in a processor's own cache until it is examined. No line is longer.
const PIECE: usize = 1 << 18;

/// Whole lines, one after another, each with its end; at the end of the file one may be without.
#[derive(Default)]
pub(super) struct Chunk {
    /// Where they begin in the file.
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

/// The lines after the header.
pub(super) struct Chunks {
    path: PathBuf,
    file: Take<File>,
    offset: u64,
    /// The beginning of a line whose end was not read yet.
    rest: Vec<u8>,
}

impl Chunks {
    pub(super) fn of(lines: Lines) -> Self {
        let Lines { path, reader, offset, .. } = lines;
        // Nothing was read into the buffer before the first line.
        Self { path, file: reader.into_inner(), offset, rest: Vec::new() }
    }

    /// Where the next lines begin in the file.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the next lines; false at the end.
    pub(super) fn next(&mut self, chunk: &mut Chunk) -> Result<bool, VerifyError> {
        let bytes = &mut chunk.bytes;
        bytes.clear();
        bytes.append(&mut self.rest);
        let wanted = PIECE.saturating_sub(bytes.len());
        bytes.reserve_exact(wanted);
        let mut piece = (&mut self.file).take(wanted as u64);
        let read = piece.read_to_end(bytes).map_err(VerifyError::io(&self.path))?;
        // A piece without a line end is the end of the file, or no line: whoever judges lines says so.
        if read > 0
            && let Some(end) = memrchr(b'\n', bytes)
        {
            self.rest.extend_from_slice(&bytes[end + 1..]);
            bytes.truncate(end + 1);
        }
        chunk.offset = self.offset;
        self.offset += bytes.len() as u64;
        Ok(!bytes.is_empty())
    }
}
