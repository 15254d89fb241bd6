//! Numbers for the entries of a unit, given in the transaction that applies it.

use attache_ledger::{Correlation, Draft, EntryId, Event, Frontier, Hash, Numbered, Thing, Verdict};
use jiff::Timestamp;

use crate::actor::digest_of;
use crate::{BLOCK, EntryRow};

/// Gives numbers to the entries of one log.
#[derive(Debug, Clone)]
pub struct Numberer {
    frontier: Frontier,
}

/// An entry that has its number now, and what is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The entry.
    pub row: EntryRow,
    /// What finds it besides its number: its id, the ids of what it is about, the request ids.
    pub terms: Vec<String>,
    /// The digest of who asked for it.
    pub actor: Option<Hash>,
    /// A block that it filled: the block's number and root.
    pub block: Option<(u64, Hash)>,
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

    /// Numbers an entry.
    pub fn number(&mut self, draft: Draft) -> NewEntry {
        let sequence = self.frontier.size();
        let (id, time, failed) = (draft.id(), to_microsecond(draft.time()), is_failure(draft.event()));
        let act = draft.act().map_or_else(String::new, ToString::to_string);
        let terms = terms(id, draft.event(), draft.things(), draft.correlation());
        let actor = draft.actor().by.as_ref().and_then(digest_of);
        let Numbered { leaf, column, hash } = draft.number(sequence);
        let block = self.push(hash);
        let text = Some((leaf, column));
        NewEntry { row: EntryRow { sequence, id, time, act, failed, text, hash }, terms, actor, block }
    }

    /// Adds a leaf. When it fills a block: the block's number and root.
    fn push(&mut self, leaf: Hash) -> Option<(u64, Hash)> {
        let block = self.full_block(leaf);
        self.frontier.push(leaf);
        block
    }

    /// The frontier's smallest peaks are those of the block begun.
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

/// What finds an entry with these parts.
pub(crate) fn terms(id: EntryId, event: &Event, things: &[Thing], correlation: &Correlation) -> Vec<String> {
    let intent = match event {
        Event::Outcome { intent, .. } => Some(intent.to_string()),
        _ => None,
    };
    let requests = [correlation.request, correlation.client_request_id].into_iter().flatten();
    let mut terms = vec![id.to_string()];
    terms.extend(intent);
    terms.extend(things.iter().map(|thing| thing.id.to_string()));
    terms.extend(requests.map(|id| id.to_string()));
    terms.extend(correlation.request_id.as_ref().map(ToString::to_string));
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// As precise as both engines keep it.
fn to_microsecond(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use attache_ledger::{leaf_hash, subtree_root};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_block_is_told_when_its_last_leaf_comes_and_has_the_root_of_its_leaves(size in 0u64..1100) {
            let mut numberer = Numberer::from(Frontier::default());
            let (mut leaves, mut blocks) = (Vec::new(), Vec::new());
            for number in 0..size {
                let leaf = leaf_hash(&number.to_be_bytes());
                leaves.push(leaf);
                blocks.extend(numberer.push(leaf));
            }
            let roots = leaves.chunks_exact(BLOCK as usize).map(|leaves| subtree_root(leaves.iter().copied()));
            prop_assert_eq!(blocks, (0..).zip(roots).collect::<Vec<_>>());
            prop_assert_eq!(numberer.frontier().root(), subtree_root(leaves));
        }
    }
}
