//! Proofs that are made of what an engine keeps.

use attache_ledger::{Frontier, Hash, subtree_root};

use super::World;
use crate::{BLOCK, Log, Scope, prove_consistency, prove_inclusion};

/// A log that is some blocks long, and not quite.
const SIZE: u64 = 3 * BLOCK + 77;

async fn written(world: &World) -> (Log, Vec<Hash>) {
    let org = world.org();
    world.write(org, SIZE as usize).await;
    let log = Log(org.place());
    (log, world.engine.hashes(log, 0..SIZE).await.unwrap())
}

/// Sizes at which a tree changes its shape.
fn sizes() -> impl Iterator<Item = u64> {
    let around = |size: u64| [size - 1, size, size + 1];
    let edges = [2, 4, 64, BLOCK, 2 * BLOCK, 3 * BLOCK].into_iter().flat_map(around);
    edges.chain([3, 300, SIZE - 1, SIZE])
}

async fn check(world: &World, log: Log, hashes: &[Hash]) {
    let engine = world.engine.as_ref();
    for size in sizes() {
        let root = subtree_root(hashes[..size as usize].iter().copied());
        for index in
            [0, 1, size / 2, size.saturating_sub(2), size - 1].into_iter().filter(|index| *index < size)
        {
            let proof = prove_inclusion(engine, log, index, size).await.unwrap();
            proof.verify(hashes[index as usize], root).unwrap();
        }
        for old in sizes().chain([0, 1]).filter(|old| *old <= size) {
            let proof = prove_consistency(engine, log, old, size).await.unwrap();
            proof.verify(subtree_root(hashes[..old as usize].iter().copied()), root).unwrap();
        }
    }
}

pub async fn every_proof_of_a_log_verifies(world: World) {
    let (log, hashes) = written(&world).await;
    let blocks = world.engine.blocks(log, 0..9).await.unwrap();
    let roots = hashes.chunks_exact(BLOCK as usize).map(|leaves| subtree_root(leaves.iter().copied()));
    assert_eq!(blocks, roots.collect::<Vec<_>>());
    assert_eq!(world.engine.blocks(log, 1..2).await.unwrap(), blocks[1..2]);
    let mut tree = Frontier::default();
    hashes.iter().for_each(|hash| tree.push(*hash));
    assert_eq!(world.engine.log(log).await.unwrap().unwrap().frontier, tree);
    check(&world, log, &hashes).await;
    assert!(
        prove_inclusion(world.engine.as_ref(), log, SIZE, SIZE + 9).await.is_err(),
        "there is no such entry"
    );
}

pub async fn proofs_verify_when_texts_are_gone(world: World) {
    let (log, hashes) = written(&world).await;
    assert_eq!(world.engine.retain(log, 0..BLOCK + 9).await.unwrap(), BLOCK + 9);
    check(&world, log, &hashes).await;
}
