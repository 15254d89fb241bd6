//! One line of the file, without its line end. Columns are separated by tabs, which JSON and base64 never
//! contain, so that `cut` and `awk` read them:
//!
//! ```text
//! attache-ledger  1     <verifier key of the log; its name is the log's origin>
//! entry           <leaf, JSON>  <withheld fields, JSON>
//! checkpoint      <size>  <root>  <key id and signature>  <frontier>  <offset of the oldest open intent>
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::note::{Checkpoint, NoteSigner, SignedNote, VerifierKey, decimal};
use crate::tree::{Frontier, Hash};
use crate::{KeyError, leaf_hash};

/// The version of the file that this program writes, and the newest that it reads.
pub(crate) const FILE_VERSION: u64 = 1;

/// The longest line that is read: far more than an entry or a checkpoint can have.
pub(crate) const LONGEST_LINE: usize = 1 << 16;

const HEADER: &str = "attache-ledger";
const ENTRY: &str = "entry";
const CHECKPOINT: &str = "checkpoint";

/// Why a line cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineError {
    /// It is none that this program writes.
    Malformed,
    /// It is the header of a newer file.
    Newer(u64),
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) key: VerifierKey,
}

impl Header {
    /// What every header of this version begins with.
    pub(crate) const BEGINS: &str = "attache-ledger\t1\t";

    pub(crate) fn encode(&self) -> String {
        format!("{}{}\n", Self::BEGINS, self.key)
    }

    pub(crate) fn parse(line: &[u8]) -> Result<Self, LineError> {
        header(line, HEADER, FILE_VERSION).map(|key| Self { key })
    }
}

/// The key in the first line of such a file, which is of no newer version.
pub(super) fn header(line: &[u8], name: &str, newest: u64) -> Result<VerifierKey, LineError> {
    let text = std::str::from_utf8(line).map_err(|_| LineError::Malformed)?;
    let rest = columns(text, name)?;
    let (version, key) = rest.split_once('\t').unwrap_or((rest, ""));
    match decimal(version) {
        Some(newer) if newer > newest => Err(LineError::Newer(newer)),
        Some(1..) => key.parse().map_err(|_| LineError::Malformed),
        _ => Err(LineError::Malformed),
    }
}

/// Any line but the first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Entry(EntryLine<'a>),
    Checkpoint(CheckpointLine),
}

/// An entry as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryLine<'a> {
    pub(crate) leaf: &'a str,
    pub(crate) column: &'a str,
}

impl EntryLine<'_> {
    pub(crate) fn hash(&self) -> Hash {
        leaf_hash(self.leaf.as_bytes())
    }

    /// Where the column begins, in bytes from the start of the line.
    pub(crate) fn column_offset(&self) -> usize {
        ENTRY.len() + 1 + self.leaf.len() + 1
    }
}

/// Writes an entry's line.
pub(crate) fn push_entry(batch: &mut String, leaf: &str, column: &str) {
    for part in [ENTRY, "\t", leaf, "\t", column, "\n"] {
        batch.push_str(part);
    }
}

/// A checkpoint as it stands in the file: what was signed, and what the next batch goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckpointLine {
    pub(crate) frontier: Frontier,
    pub(crate) root: Hash,
    signature: [u8; 64],
    key_id: [u8; 4],
    /// Where the oldest intent without outcome stands, in bytes; the end of the entries when there is none.
    pub(crate) open_from: u64,
}

impl CheckpointLine {
    pub(crate) fn sign(
        frontier: Frontier,
        open_from: u64,
        key: &VerifierKey,
        signer: &dyn NoteSigner,
    ) -> Result<Self, KeyError> {
        let root = frontier.root();
        let checkpoint = Checkpoint { origin: key.name().to_owned(), size: frontier.size(), root };
        Ok(Self { signature: checkpoint.sign(signer)?, key_id: key.id(), frontier, root, open_from })
    }

    /// How long such a line is, in bytes: what is signed does not change it.
    pub(crate) fn length(frontier: &Frontier, open_from: u64) -> usize {
        let root = Hash([0; 32]);
        let (signature, key_id) = ([0; 64], [0; 4]);
        Self { frontier: frontier.clone(), root, signature, key_id, open_from }.encode().len()
    }

    /// The checkpoint as a signed note.
    pub(crate) fn note(&self, key: &VerifierKey) -> SignedNote {
        self.checkpoint(key).note(key, &self.signature)
    }

    fn checkpoint(&self, key: &VerifierKey) -> Checkpoint {
        Checkpoint { origin: key.name().to_owned(), size: self.frontier.size(), root: self.root }
    }

    /// Whether it was signed with this key.
    pub(crate) fn is_signed_by(&self, key: &VerifierKey) -> bool {
        self.key_id == key.id() && key.verifies(self.checkpoint(key).text().as_bytes(), &self.signature)
    }

    pub(crate) fn encode(&self) -> String {
        let mut signature = self.key_id.to_vec();
        signature.extend(self.signature);
        let peaks: Vec<u8> = self.frontier.peaks().iter().flat_map(|peak| peak.0).collect();
        format!(
            "{CHECKPOINT}\t{}\t{}\t{}\t{}\t{}\n",
            self.frontier.size(),
            self.root,
            STANDARD.encode(signature),
            STANDARD.encode(peaks),
            self.open_from,
        )
    }

    /// Reads the columns after the first. The frontier must lead to the root.
    fn parse(text: &str) -> Option<Self> {
        let mut columns = text.split('\t');
        let size = decimal(columns.next()?)?;
        let root: Hash = columns.next()?.parse().ok()?;
        let signature = STANDARD.decode(columns.next()?).ok()?;
        let peaks = STANDARD.decode(columns.next()?).ok()?;
        let open_from = decimal(columns.next()?)?;
        if columns.next().is_some() {
            return None;
        }
        let (key_id, signature) = signature.split_first_chunk::<4>()?;
        let (peaks, rest) = peaks.as_chunks::<32>();
        let frontier = Frontier::from_parts(size, peaks.iter().copied().map(Hash).collect())?;
        (rest.is_empty() && frontier.root() == root).then_some(Self {
            frontier,
            root,
            signature: signature.try_into().ok()?,
            key_id: *key_id,
            open_from,
        })
    }
}

impl<'a> Line<'a> {
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, LineError> {
        let text = std::str::from_utf8(line).map_err(|_| LineError::Malformed)?;
        if let Ok(rest) = columns(text, CHECKPOINT) {
            return CheckpointLine::parse(rest).map(Self::Checkpoint).ok_or(LineError::Malformed);
        }
        let (leaf, column) = columns(text, ENTRY)?.split_once('\t').ok_or(LineError::Malformed)?;
        Ok(Self::Entry(EntryLine { leaf, column }))
    }
}

/// What follows the first column, when that is this.
pub(super) fn columns<'a>(text: &'a str, name: &str) -> Result<&'a str, LineError> {
    text.strip_prefix(name).and_then(|rest| rest.strip_prefix('\t')).ok_or(LineError::Malformed)
}
