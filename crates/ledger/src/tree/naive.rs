//! RFC 6962 §2.1 written down as it stands there, slow and recursive, to test the rest against.

use super::hash::{Hash, leaf_hash, node_hash};

pub(crate) fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(format!("leaf {n}").as_bytes())).collect()
}

fn split(size: usize) -> usize {
    let mut k = 1;
    while k * 2 < size {
        k *= 2;
    }
    k
}

pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of_nothing(),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(root(left), root(right))
        }
    }
}

pub(crate) fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    if index < k {
        let mut path = path(index, left);
        path.push(root(right));
        path
    } else {
        let mut path = path(index - k, right);
        path.push(root(left));
        path
    }
}

pub(crate) fn consistency(old: usize, leaves: &[Hash]) -> Vec<Hash> {
    subproof(old, leaves, true)
}

fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    if old <= k {
        let mut proof = subproof(old, left, whole);
        proof.push(root(right));
        proof
    } else {
        let mut proof = subproof(old - k, right, false);
        proof.push(root(left));
        proof
    }
}
