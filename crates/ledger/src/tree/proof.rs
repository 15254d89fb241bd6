//! Proofs that a leaf is in a tree and that a tree is an extension of an earlier one. The checks follow RFC
//! 9162 §2.1.3.2 and §2.1.4.2, which state them as loops.

use serde::{Deserialize, Serialize};

use super::hash::{Hash, node_hash};

/// Shows that the leaf at `index` is in the tree of `size` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InclusionProof {
    /// The leaf's number, from 0.
    pub index: u64,
    /// The tree's size.
    pub size: u64,
    /// The audit path, from the leaf towards the root.
    pub path: Vec<Hash>,
}

/// Shows that the tree of `new_size` leaves begins with the tree of `old_size` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyProof {
    /// The earlier tree's size.
    pub old_size: u64,
    /// The later tree's size.
    pub new_size: u64,
    /// The nodes of RFC 6962 §2.1.2.
    pub path: Vec<Hash>,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Sizes and index do not fit one another, or the number of hashes does not fit them.
    #[error("the proof is malformed: its sizes, index and number of hashes do not fit together")]
    Malformed,
    /// The hashes do not lead to the earlier root.
    #[error("the proof does not lead to the earlier root: the log was altered before that checkpoint")]
    OldRootDiffers,
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root: the entry or the log is not the one that was signed")]
    RootDiffers,
}

impl InclusionProof {
    /// Checks that `leaf` is at `index` in the tree with this root.
    pub fn verify(&self, leaf: Hash, root: Hash) -> Result<(), ProofError> {
        if self.index >= self.size {
            return Err(ProofError::Malformed);
        }
        let (mut node, mut last) = (self.index, self.size - 1);
        let mut hash = leaf;
        for &sibling in &self.path {
            if last == 0 {
                return Err(ProofError::Malformed);
            }
            if node & 1 == 1 || node == last {
                hash = node_hash(sibling, hash);
                while node & 1 == 0 && node != 0 {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                hash = node_hash(hash, sibling);
            }
            node >>= 1;
            last >>= 1;
        }
        if last != 0 {
            return Err(ProofError::Malformed);
        }
        if hash == root { Ok(()) } else { Err(ProofError::RootDiffers) }
    }
}

impl ConsistencyProof {
    /// Checks that the tree with `new_root` begins with the tree that had `old_root`.
    pub fn verify(&self, old_root: Hash, new_root: Hash) -> Result<(), ProofError> {
        if self.old_size > self.new_size {
            return Err(ProofError::Malformed);
        }
        if self.old_size == self.new_size || self.old_size == 0 {
            return self.verify_trivial(old_root, new_root);
        }
        let (mut node, mut last) = (self.old_size - 1, self.new_size - 1);
        while node & 1 == 1 {
            node >>= 1;
            last >>= 1;
        }
        let mut path = self.path.iter().copied();
        // When the earlier tree is perfect its root is the first node, and is not repeated in the proof.
        let first = if self.old_size.is_power_of_two() { Some(old_root) } else { path.next() };
        let first = first.ok_or(ProofError::Malformed)?;
        let (mut old, mut new) = (first, first);
        for sibling in path {
            if last == 0 {
                return Err(ProofError::Malformed);
            }
            if node & 1 == 1 || node == last {
                old = node_hash(sibling, old);
                new = node_hash(sibling, new);
                while node & 1 == 0 && node != 0 {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                new = node_hash(new, sibling);
            }
            node >>= 1;
            last >>= 1;
        }
        if last != 0 {
            return Err(ProofError::Malformed);
        }
        if old != old_root {
            return Err(ProofError::OldRootDiffers);
        }
        if new == new_root { Ok(()) } else { Err(ProofError::RootDiffers) }
    }

    /// Every tree extends the empty one and itself; such a proof is empty.
    fn verify_trivial(&self, old_root: Hash, new_root: Hash) -> Result<(), ProofError> {
        if !self.path.is_empty() {
            return Err(ProofError::Malformed);
        }
        let expected = if self.old_size == 0 { Hash::of_nothing() } else { new_root };
        if old_root == expected { Ok(()) } else { Err(ProofError::OldRootDiffers) }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;

    use super::super::{consistency_ranges, inclusion_ranges, naive};
    use super::*;

    fn roots(ranges: Vec<Range<u64>>, leaves: &[Hash]) -> Vec<Hash> {
        ranges.into_iter().map(|r| naive::root(&leaves[r.start as usize..r.end as usize])).collect()
    }

    fn inclusion(index: usize, leaves: &[Hash]) -> InclusionProof {
        let (index, size) = (index as u64, leaves.len() as u64);
        InclusionProof { index, size, path: roots(inclusion_ranges(index, size), leaves) }
    }

    fn consistency(old: usize, leaves: &[Hash]) -> ConsistencyProof {
        let (old_size, new_size) = (old as u64, leaves.len() as u64);
        ConsistencyProof { old_size, new_size, path: roots(consistency_ranges(old_size, new_size), leaves) }
    }

    #[test]
    fn every_proof_of_every_small_tree_is_the_rfcs_and_verifies() {
        for size in 1..=33 {
            let leaves = naive::leaves(size);
            let root = naive::root(&leaves);
            for index in 0..size {
                let proof = inclusion(index, &leaves);
                assert_eq!(proof.path, naive::path(index, &leaves), "path of {index} in {size}");
                assert_eq!(proof.verify(leaves[index], root), Ok(()));
            }
            for old in 0..=size {
                let proof = consistency(old, &leaves);
                if old > 0 {
                    assert_eq!(proof.path, naive::consistency(old, &leaves), "{old} to {size}");
                }
                assert_eq!(proof.verify(naive::root(&leaves[..old]), root), Ok(()), "{old} to {size}");
            }
        }
    }

    proptest! {
        #[test]
        fn large_trees_too(size in 1usize..600, index in any::<prop::sample::Index>()) {
            let leaves = naive::leaves(size);
            let index = index.index(size);
            let root = naive::root(&leaves);
            let proof = inclusion(index, &leaves);
            prop_assert_eq!(&proof.path, &naive::path(index, &leaves));
            prop_assert_eq!(proof.verify(leaves[index], root), Ok(()));
            let proof = consistency(index + 1, &leaves);
            prop_assert_eq!(&proof.path, &naive::consistency(index + 1, &leaves));
            prop_assert_eq!(proof.verify(naive::root(&leaves[..=index]), root), Ok(()));
        }

        #[test]
        fn a_proof_of_anything_else_is_refused(
            size in 2usize..200,
            index in any::<prop::sample::Index>(),
            other in any::<prop::sample::Index>(),
            bit in 0usize..256,
        ) {
            let leaves = naive::leaves(size);
            let (index, other) = (index.index(size), other.index(size));
            let root = naive::root(&leaves);
            let proof = inclusion(index, &leaves);
            if index != other {
                prop_assert!(proof.verify(leaves[other], root).is_err());
                let moved = InclusionProof { index: other as u64, ..proof.clone() };
                prop_assert!(moved.verify(leaves[index], root).is_err());
            }
            let mut bent = proof;
            let at = bit % bent.path.len();
            bent.path[at].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(bent.verify(leaves[index], root).is_err());

            let (old, old_root) = (index + 1, naive::root(&leaves[..=index]));
            let mut altered = leaves;
            altered[other % old] = Hash([7; 32]);
            let proof = consistency(old, &altered);
            prop_assert!(proof.verify(old_root, naive::root(&altered)).is_err());
        }

        #[test]
        fn no_numbers_make_a_check_panic(
            (index, size, old) in any::<(u64, u64, u64)>(),
            path in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        ) {
            let path: Vec<Hash> = path.into_iter().map(Hash).collect();
            let (leaf, root) = (Hash([1; 32]), Hash([2; 32]));
            let inclusion = InclusionProof { index, size, path: path.clone() };
            prop_assert!(inclusion.verify(leaf, root).is_err());
            let consistency = ConsistencyProof { old_size: old, new_size: size, path };
            prop_assert!(consistency.verify(leaf, root).is_err());
        }
    }
}
