//! Proofs of a log, made of few rows: roots of full blocks as far as they reach, and hashes of leaves.

use std::ops::Range;

use attache_ledger::{
    ConsistencyProof, Frontier, Hash, InclusionProof, consistency_ranges, inclusion_ranges,
};

use crate::{BLOCK, Engine, Log, StoreError};

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

/// The root over a range of a proof. It begins where a subtree of its size begins: one that is longer than a
/// block begins where a block does.
async fn root(engine: &dyn Engine, log: Log, range: Range<u64>) -> Result<Hash, StoreError> {
    let size = range.end - range.start;
    let (blocks, first) = (size / BLOCK, range.start / BLOCK);
    let mut tree = Frontier::default();
    if blocks > 0 {
        for block in engine.blocks(log, first..first + blocks).await? {
            tree.push_perfect(BLOCK, block).map_err(|_| incomplete(log))?;
        }
    }
    let rest = range.start + blocks * BLOCK..range.end;
    if !rest.is_empty() {
        engine.hashes(log, rest).await?.into_iter().for_each(|leaf| tree.push(leaf));
    }
    if tree.size() == size { Ok(tree.root()) } else { Err(incomplete(log)) }
}

fn incomplete(log: Log) -> StoreError {
    StoreError::Altered(format!("the log of {:?} lacks hashes", log.0))
}
