//! The Merkle tree of RFC 6962 §2 over SHA-256: hashing, a frontier that grows by one leaf in O(log n),
//! and the proofs.

mod frontier;
mod hash;
mod proof;

pub use frontier::Frontier;
pub use hash::{Hash, leaf_hash};
pub use proof::{ConsistencyProof, InclusionProof, ProofError};

pub(crate) use proof::{consistency_ranges, inclusion_ranges};

#[cfg(test)]
pub(crate) mod naive;
