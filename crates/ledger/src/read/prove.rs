//! Proofs for somebody who holds a checkpoint but not the ledger. The file is read once for each proof, and
//! of the tree no more than the proof itself is kept in memory.

use std::ops::Range;
use std::path::Path;

use serde::Serialize;

use super::error::VerifyError;
use super::lines::Lines;
use crate::log::{CheckpointLine, Line};
use crate::note::VerifierKey;
use crate::tree::{ConsistencyProof, Frontier, Hash, InclusionProof, consistency_ranges, inclusion_ranges};

/// Shows that an entry is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inclusion {
    /// The hash of the entry's leaf.
    pub leaf: Hash,
    /// From the leaf to the root.
    pub proof: InclusionProof,
    /// The root that the checkpoint signs.
    pub root: Hash,
    /// The ledger's last checkpoint, a signed note.
    pub checkpoint: String,
}

/// Shows that the ledger only grew since an earlier size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consistency {
    /// From the earlier root to the later.
    pub proof: ConsistencyProof,
    /// The root that the checkpoint signs.
    pub root: Hash,
    /// The ledger's last checkpoint, a signed note.
    pub checkpoint: String,
}

/// Proves that the entry of this number is covered by the last checkpoint.
pub fn prove_inclusion(path: &Path, sequence: u64) -> Result<Inclusion, VerifyError> {
    let (last, key) = last_checkpoint(path)?;
    let size = last.frontier.size();
    if sequence >= size {
        return Err(VerifyError::Beyond { covered: size, asked: sequence });
    }
    let mut ranges = inclusion_ranges(sequence, size);
    ranges.push(sequence..sequence + 1);
    let mut path = roots(path, ranges)?;
    let leaf = path.pop().unwrap_or_else(Hash::of_nothing);
    let proof = InclusionProof { index: sequence, size, path };
    Ok(Inclusion { leaf, proof, root: last.root, checkpoint: last.note(&key).encode() })
}

/// Proves that the last checkpoint extends the tree of the first `old_size` entries.
pub fn prove_consistency(path: &Path, old_size: u64) -> Result<Consistency, VerifyError> {
    let (last, key) = last_checkpoint(path)?;
    let new_size = last.frontier.size();
    if old_size > new_size {
        return Err(VerifyError::Beyond { covered: new_size, asked: old_size });
    }
    let path = roots(path, consistency_ranges(old_size, new_size))?;
    let proof = ConsistencyProof { old_size, new_size, path };
    Ok(Consistency { proof, root: last.root, checkpoint: last.note(&key).encode() })
}

fn last_checkpoint(path: &Path) -> Result<(CheckpointLine, VerifierKey), VerifyError> {
    let mut lines = Lines::open_ledger(path)?;
    let mut last = None;
    while let Some(line) = lines.next()? {
        if let Ok(Line::Checkpoint(checkpoint)) = Line::parse(line.bytes) {
            last = Some(checkpoint);
        }
    }
    match last {
        Some(last) => Ok((last, lines.key)),
        None => Err(VerifyError::Beyond { covered: 0, asked: 0 }),
    }
}

/// The roots over these ranges of leaves, in the same order.
fn roots(path: &Path, ranges: Vec<Range<u64>>) -> Result<Vec<Hash>, VerifyError> {
    let mut lines = Lines::open_ledger(path)?;
    let mut trees: Vec<_> = ranges.into_iter().map(|range| (range, Frontier::default())).collect();
    let mut sequence = 0;
    while let Some(line) = lines.next()? {
        if let Ok(Line::Entry(entry)) = Line::parse(line.bytes) {
            let hash = entry.hash();
            for (_, tree) in trees.iter_mut().filter(|(range, _)| range.contains(&sequence)) {
                tree.push(hash);
            }
            sequence += 1;
        }
    }
    Ok(trees.into_iter().map(|(_, tree)| tree.root()).collect())
}
