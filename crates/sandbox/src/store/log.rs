//! An append-only file of lines. A line is there when its end is: what a killed process left without one was
//! never answered, and goes.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::files::{self, FileError};

/// The open file.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    path: Box<Path>,
    /// Up to where it is whole.
    len: u64,
}

impl Log {
    /// Opens the file, or makes it; the lines that stand there, which hold no line breaks themselves.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<String>), FileError> {
        let text = files::read_bytes(path)?.unwrap_or_default();
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let file = files::open_private(path)?;
        let mut log = Self { file, path: path.into(), len: u64::try_from(whole).unwrap_or(u64::MAX) };
        log.cut()?;
        let lines = text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok((log, lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()))
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Adds a line, all of it or nothing. It outlasts the process; a crash of the machine may lose it: this is
    /// a sandbox.
    pub(super) fn append(&mut self, line: &str) -> Result<(), FileError> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        if let Err(error) = self.file.write_all(&bytes) {
            // What was written of it must not stand before the next line.
            self.cut()?;
            return Err(FileError::new(&self.path, error));
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn cut(&mut self) -> Result<(), FileError> {
        let cut = self.file.set_len(self.len).and_then(|()| self.file.seek(SeekFrom::Start(self.len)));
        cut.map(drop).map_err(|error| FileError::new(&self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_goes_and_the_next_one_stands_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let (mut log, lines) = Log::open(&path).unwrap();
        assert!(lines.is_empty());
        log.append("one").unwrap();
        log.append("two").unwrap();
        drop(log);
        for torn in [9, 5, 1] {
            let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.set_len(torn).unwrap();
            let (mut log, lines) = Log::open(&path).unwrap();
            let whole = if torn >= 8 { 2 } else { usize::from(torn >= 4) };
            assert_eq!(lines.len(), whole, "{torn}");
            log.append("next").unwrap();
            drop(log);
            assert_eq!(Log::open(&path).unwrap().1.last().unwrap(), "next");
            std::fs::write(&path, "one\ntwo\n").unwrap();
        }
    }
}
