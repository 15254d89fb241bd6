//! The Merkle log of an organisation, and of the gateway itself, as an engine keeps it: entries with the hashes
//! of their leaves, the root of each full block of leaves, the frontier, and the last signed checkpoint.

use std::ops::Range;

use attache_ledger::{
    ConsistencyProof, Draft, Entry, EntryError, EntryId, Event, Frontier, Hash, InclusionProof, Numbered,
    Verdict, consistency_ranges, inclusion_ranges,
};
use jiff::Timestamp;

use crate::{Engine, Place, StoreError};

/// How many leaves make a block: its root is kept, so that a proof reads few rows.
pub const BLOCK: u64 = 256;

/// One log: an organisation's, or the gateway's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Log(pub Place);

/// How a log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// Which.
    pub log: Log,
    /// What it has grown to.
    pub frontier: Frontier,
    /// The last checkpoint that was signed.
    pub checkpoint: Option<Checkpointed>,
}

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpointed {
    /// How many entries it covers.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Its number in its log, from 0.
    pub sequence: u64,
    /// Its id.
    pub id: EntryId,
    /// When it was made.
    pub time: Timestamp,
    /// The act's name; empty for what the log itself does.
    pub act: String,
    /// Whether the act failed or was refused.
    pub failed: bool,
    /// What finds it besides its number: its id, the ids of what it is about, the request ids.
    pub terms: Vec<String>,
    /// The leaf, and the column of withheld fields; `None` when retention has removed them.
    pub text: Option<(String, String)>,
    /// The hash of its leaf.
    pub hash: Hash,
}

impl EntryRow {
    /// The entry, checked against itself; `None` when retention has removed it.
    pub fn entry(&self) -> Option<Result<Entry, EntryError>> {
        self.text.as_ref().map(|(leaf, column)| Entry::decode(leaf, column))
    }
}

/// Gives numbers to the entries of one unit, in the transaction that applies it.
#[derive(Debug, Clone)]
pub struct Numberer {
    frontier: Frontier,
}

impl Numberer {
    /// Goes on from what the log has grown to.
    pub fn from(frontier: Frontier) -> Self {
        Self { frontier }
    }

    /// What the log has grown to.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Numbers an entry. The second value is a block that became full by it: its number and root.
    pub fn number(&mut self, draft: Draft) -> (EntryRow, Option<(u64, Hash)>) {
        let sequence = self.frontier.size();
        let (id, time, failed) = (draft.id(), draft.time(), is_failure(draft.event()));
        let act = draft.act().map_or_else(String::new, ToString::to_string);
        let terms = terms(&draft);
        let Numbered { leaf, column, hash } = draft.number(sequence);
        let block = self.full_block(hash);
        self.frontier.push(hash);
        let text = Some((leaf, column));
        (EntryRow { sequence, id, time, act, failed, terms, text, hash }, block)
    }

    /// The block that this leaf completes. The frontier's smallest peaks are those of the block begun.
    fn full_block(&self, leaf: Hash) -> Option<(u64, Hash)> {
        let size = self.frontier.size();
        let begun = size % BLOCK;
        if begun + 1 != BLOCK {
            return None;
        }
        let peaks = self.frontier.peaks();
        let own = peaks.len() - begun.count_ones() as usize;
        let mut block = Frontier::from_parts(begun, peaks[own..].to_vec())?;
        block.push(leaf);
        Some((size / BLOCK, block.root()))
    }
}

fn is_failure(event: &Event) -> bool {
    match event {
        Event::Change { verdict, .. } | Event::Outcome { verdict, .. } => *verdict != Verdict::Done,
        Event::Refusal { .. } => true,
        _ => false,
    }
}

/// What finds an entry.
fn terms(draft: &Draft) -> Vec<String> {
    let correlation = draft.correlation();
    let intent = match draft.event() {
        Event::Outcome { intent, .. } => Some(intent.to_string()),
        _ => None,
    };
    let requests = [correlation.request, correlation.client_request_id].into_iter().flatten();
    let mut terms = vec![draft.id().to_string()];
    terms.extend(intent);
    terms.extend(draft.things().iter().map(|thing| thing.id.to_string()));
    terms.extend(requests.map(|id| id.to_string()));
    terms.extend(correlation.request_id.as_ref().map(ToString::to_string));
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// Proves that the entry of this number is in the first `size` entries of the log.
pub async fn prove_inclusion(
    engine: &dyn Engine,
    log: Log,
    index: u64,
    size: u64,
) -> Result<InclusionProof, StoreError> {
    let path = roots(engine, log, inclusion_ranges(index, size)).await?;
    Ok(InclusionProof { index, size, path })
}

/// Proves that the first `new_size` entries of the log begin with its first `old_size`.
pub async fn prove_consistency(
    engine: &dyn Engine,
    log: Log,
    old_size: u64,
    new_size: u64,
) -> Result<ConsistencyProof, StoreError> {
    let path = roots(engine, log, consistency_ranges(old_size, new_size)).await?;
    Ok(ConsistencyProof { old_size, new_size, path })
}

async fn roots(engine: &dyn Engine, log: Log, ranges: Vec<Range<u64>>) -> Result<Vec<Hash>, StoreError> {
    let mut roots = Vec::with_capacity(ranges.len());
    for range in ranges {
        roots.push(root(engine, log, range).await?);
    }
    Ok(roots)
}

/// The root over a range that begins where a subtree of its size begins: from blocks as far as they reach.
async fn root(engine: &dyn Engine, log: Log, range: Range<u64>) -> Result<Hash, StoreError> {
    let size = range.end - range.start;
    let blocks = if range.start.is_multiple_of(BLOCK) { size / BLOCK } else { 0 };
    let first = range.start / BLOCK;
    let mut peaks = frontier(engine.blocks(log, first..first + blocks).await?, blocks)?.peaks().to_vec();
    let leaves = range.start + blocks * BLOCK..range.end;
    let count = leaves.end - leaves.start;
    peaks.extend(frontier(engine.hashes(log, leaves).await?, count)?.peaks());
    let whole = Frontier::from_parts(size, peaks).ok_or_else(|| incomplete(log))?;
    Ok(whole.root())
}

fn frontier(hashes: Vec<Hash>, expected: u64) -> Result<Frontier, StoreError> {
    let mut frontier = Frontier::default();
    for hash in hashes {
        frontier.push(hash);
    }
    if frontier.size() == expected {
        Ok(frontier)
    } else {
        Err(StoreError::Altered(format!("a log lacks {} hashes", expected.abs_diff(frontier.size()))))
    }
}

fn incomplete(log: Log) -> StoreError {
    StoreError::Altered(format!("the log of {log:?} lacks hashes"))
}
