//! One line of an export, without its line end. An export is a log that was kept elsewhere, written down for
//! whoever checks it: like the file of a ledger, but that it may leave entries out.
//!
//! ```text
//! attache-export  1     <verifier key of the log; its name is the log's origin>
//! entry           <leaf, JSON>  <withheld fields, JSON>  <hash of the leaf>
//! gap             <from>  <to>  <roots of the perfect subtrees that cover the entries left out>
//! checkpoint      <size>  <root>  <key id and signature>
//! ```

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memchr;

use super::line::{EntryLine, LineError, columns, header};
use crate::note::{Checkpoint, CheckpointError, SignedNote, VerifierKey, decimal};
use crate::tree::{Hash, perfect_ranges};

/// The version of exports that this program writes, and the newest that it reads.
const EXPORT_VERSION: u64 = 1;

const EXPORT: &str = "attache-export";
const ENTRY: &str = "entry";
const GAP: &str = "gap";
const CHECKPOINT: &str = "checkpoint";

/// A log as a file for somebody else, made line by line: what was written so far is taken with
/// [`Self::take`]. It says what is stored, be it right or wrong; [`crate::verify`] judges.
#[derive(Debug)]
pub struct Export {
    key: VerifierKey,
    text: String,
}

/// Why something cannot be part of an export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The roots are not those of the perfect subtrees that cover the gap.
    #[error("a gap over the entries {from} to {to} has {expected} subtrees, not {given}")]
    Roots {
        /// The first entry that is left out.
        from: u64,
        /// The first entry after those.
        to: u64,
        /// How many roots there must be.
        expected: usize,
        /// How many were given.
        given: usize,
    },
    /// The note is not a checkpoint of this log.
    #[error("the checkpoint is not of this log: {0}")]
    Checkpoint(#[from] CheckpointError),
}

impl Export {
    /// The export of the log with this key.
    pub fn begin(key: VerifierKey) -> Self {
        let text = format!("{EXPORT}\t{EXPORT_VERSION}\t{key}\n");
        Self { key, text }
    }

    /// The next entry, as it is stored. Its hash says which entry it must be, when another was put in its
    /// place.
    pub fn entry(&mut self, leaf: &str, column: &str, hash: Hash) {
        let hash = hash.to_string();
        // Spaces are what an erasure leaves at the end of a column.
        for part in [ENTRY, "\t", leaf, "\t", column.trim_end_matches(' '), "\t", &hash, "\n"] {
            self.text.push_str(part);
        }
    }

    /// Entries that are left out, and the roots of [`perfect_ranges`] over them.
    pub fn gap(&mut self, range: Range<u64>, roots: &[Hash]) -> Result<(), ExportError> {
        let Range { start: from, end: to } = range;
        let expected = perfect_ranges(from, to).len();
        if roots.len() != expected || from >= to {
            return Err(ExportError::Roots { from, to, expected, given: roots.len() });
        }
        let roots: Vec<u8> = roots.iter().flat_map(|root| root.0).collect();
        self.text.push_str(&format!("{GAP}\t{from}\t{to}\t{}\n", STANDARD.encode(roots)));
        Ok(())
    }

    /// A signed checkpoint over all entries so far. The last line must be one.
    pub fn checkpoint(&mut self, note: &str) -> Result<(), ExportError> {
        let signed = SignedNote::parse(note).map_err(CheckpointError::from)?;
        let Checkpoint { size, root, .. } = Checkpoint::open(note, &self.key)?;
        let signature = signed.signature_of(&self.key).ok_or(CheckpointError::Malformed)?;
        let signature = STANDARD.encode([&self.key.id()[..], signature].concat());
        self.text.push_str(&format!("{CHECKPOINT}\t{size}\t{root}\t{signature}\n"));
        Ok(())
    }

    /// What was written since it was last taken.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

/// The key in the first line of an export.
pub(crate) fn export_header(line: &[u8]) -> Result<VerifierKey, LineError> {
    header(line, EXPORT, EXPORT_VERSION)
}

/// Any line but the first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ExportLine<'a> {
    Entry(EntryLine<'a>, Hash),
    Gap(GapLine),
    Checkpoint(SealLine),
}

/// Entries that are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GapLine {
    pub(crate) range: Range<u64>,
    pub(crate) roots: Vec<Hash>,
}

impl GapLine {
    /// The perfect subtrees that cover the gap: how many leaves each has, and its root.
    pub(crate) fn subtrees(&self) -> impl Iterator<Item = (u64, Hash)> {
        let ranges = perfect_ranges(self.range.start, self.range.end);
        ranges.into_iter().map(|range| range.end - range.start).zip(self.roots.iter().copied())
    }
}

/// A checkpoint as it stands in an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealLine {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    key_id: [u8; 4],
    signature: [u8; 64],
}

impl SealLine {
    /// Whether it was signed with this key.
    pub(crate) fn is_signed_by(&self, key: &VerifierKey) -> bool {
        let checkpoint = Checkpoint { origin: key.name().to_owned(), size: self.size, root: self.root };
        self.key_id == key.id() && key.verifies(checkpoint.text().as_bytes(), &self.signature)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut columns = text.split('\t');
        let size = decimal(columns.next()?)?;
        let root = columns.next()?.parse().ok()?;
        let signature = STANDARD.decode(columns.next()?).ok()?;
        let (key_id, signature) = signature.split_first_chunk::<4>()?;
        let signature = signature.try_into().ok()?;
        columns.next().is_none().then_some(Self { size, root, key_id: *key_id, signature })
    }
}

impl GapLine {
    fn parse(text: &str) -> Option<Self> {
        let mut columns = text.split('\t');
        let (from, to) = (decimal(columns.next()?)?, decimal(columns.next()?)?);
        let roots = STANDARD.decode(columns.next()?).ok()?;
        let (roots, []) = roots.as_chunks::<32>() else { return None };
        let fits = from < to && perfect_ranges(from, to).len() == roots.len();
        (fits && columns.next().is_none())
            .then(|| Self { range: from..to, roots: roots.iter().copied().map(Hash).collect() })
    }
}

impl<'a> ExportLine<'a> {
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, LineError> {
        let text = std::str::from_utf8(line).map_err(|_| LineError::Malformed)?;
        if let Ok(rest) = columns(text, ENTRY) {
            return entry(rest).ok_or(LineError::Malformed);
        }
        if let Ok(rest) = columns(text, GAP) {
            return GapLine::parse(rest).map(Self::Gap).ok_or(LineError::Malformed);
        }
        let seal = SealLine::parse(columns(text, CHECKPOINT)?);
        seal.map(Self::Checkpoint).ok_or(LineError::Malformed)
    }
}

fn entry(text: &str) -> Option<ExportLine<'_>> {
    let (leaf, rest) = text.split_at(memchr(b'\t', text.as_bytes())?);
    let (column, hash) = rest[1..].split_once('\t')?;
    // An erasure leaves spaces where columns are overwritten. None are written here.
    let is_trimmed = !column.ends_with(' ');
    is_trimmed.then_some(ExportLine::Entry(EntryLine { leaf, column }, hash.parse().ok()?))
}
