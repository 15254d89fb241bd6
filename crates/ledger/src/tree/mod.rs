//! The Merkle tree of RFC 6962 §2 over SHA-256: hashing, a frontier that grows by one leaf in O(log n),
//! and the proofs.

mod frontier;
mod hash;
mod proof;
mod ranges;

pub use frontier::{Frontier, Misfit};
pub use hash::{Hash, NotAHash, leaf_hash};
pub use proof::{ConsistencyProof, InclusionProof, ProofError};
pub use ranges::{consistency_ranges, inclusion_ranges, perfect_ranges, subtree_root};

#[cfg(test)]
pub(crate) mod naive;
