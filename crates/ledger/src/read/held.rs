//! Checkpoints from elsewhere that a log has to agree with.

use super::error::VerifyError;
use super::report::CheckpointFile;
use crate::log::GapLine;
use crate::note::{Checkpoint, CheckpointError, VerifierKey};
use crate::tree::{Frontier, perfect_ranges};

/// What is held against the log.
#[derive(Default)]
pub(super) struct Held(Vec<Checkpoint>);

impl Held {
    pub(super) fn push(&mut self, checkpoint: Checkpoint) {
        self.0.push(checkpoint);
    }

    pub(super) fn push_file(&mut self, text: Option<Vec<u8>>, key: &VerifierKey) -> CheckpointFile {
        let Some(text) = text else { return CheckpointFile::Absent };
        let note = String::from_utf8(text).map_err(|_| CheckpointError::Malformed);
        match note.and_then(|note| Checkpoint::open(&note, key)) {
            Ok(checkpoint) => {
                self.push(checkpoint);
                CheckpointFile::Agrees
            }
            Err(_) => CheckpointFile::Unreadable,
        }
    }

    /// Compares when the log has just the size of a checkpoint.
    pub(super) fn compare(&self, log: &Frontier) -> Result<(), VerifyError> {
        for checkpoint in self.0.iter().filter(|checkpoint| checkpoint.size == log.size()) {
            let (size, signed, actual) = (checkpoint.size, checkpoint.root, log.root());
            if signed != actual {
                return Err(VerifyError::Rewritten { size, signed, actual });
            }
        }
        Ok(())
    }

    /// How many entries a checkpoint covers that ends inside of a gap, where there is no root to compare.
    pub(super) fn hidden_in(&self, gap: &GapLine) -> Option<u64> {
        let inside = |size: &u64| gap.range.start < *size && *size < gap.range.end;
        let ends = perfect_ranges(gap.range.start, gap.range.end);
        let mut sizes = self.0.iter().map(|checkpoint| checkpoint.size);
        sizes.find(|size| inside(size) && ends.iter().all(|range| range.end != *size))
    }

    pub(super) fn finish(&self, log: &Frontier) -> Result<(), VerifyError> {
        let found = log.size();
        match self.0.iter().map(|checkpoint| checkpoint.size).max() {
            Some(signed) if signed > found => Err(VerifyError::Shrunk { found, signed }),
            _ => Ok(()),
        }
    }
}
