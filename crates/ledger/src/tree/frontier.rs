//! What must be remembered of a tree to go on: the roots of its perfect subtrees, at most 64 hashes for
//! any size.

use super::hash::{Hash, node_hash};

/// A tree that can grow but not be looked into: one hash for each bit that is set in its size, the largest
/// subtree first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree of this size, when there are as many hashes as such a tree has.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, the largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// The frontier as it is stored: the size, eight bytes, the most significant first, and then the peaks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend(self.peaks.iter().flat_map(|peak| peak.0));
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (size, peaks) = bytes.split_first_chunk::<8>()?;
        let (peaks, []) = peaks.as_chunks::<32>() else { return None };
        Self::from_parts(u64::from_be_bytes(*size), peaks.iter().copied().map(Hash).collect())
    }

    /// Adds a leaf; amortised O(1), O(log n) at most.
    pub fn push(&mut self, leaf: Hash) {
        let _always_fits = self.push_perfect(1, leaf);
    }

    /// Adds a perfect subtree of so many leaves, of which only the root is known. It fits when their number
    /// is a power of two that divides the tree's size; nothing changes otherwise.
    pub fn push_perfect(&mut self, leaves: u64, root: Hash) -> Result<(), Misfit> {
        if !leaves.is_power_of_two() || !self.size.is_multiple_of(leaves) {
            return Err(Misfit);
        }
        let size = self.size.checked_add(leaves).ok_or(Misfit)?;
        let mut node = root;
        // Each one of the size from that height on is a subtree as high as `node`: they pair up.
        for _ in 0..(self.size / leaves).trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(left, node);
            }
        }
        self.peaks.push(node);
        self.size = size;
        Ok(())
    }

    /// The root (`MTH` of RFC 6962 §2.1).
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        match peaks.next() {
            None => Hash::of_nothing(),
            Some(last) => peaks.fold(last, |right, left| node_hash(left, right)),
        }
    }
}

/// A perfect subtree that does not fit where the tree ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no perfect subtree of that size fits where the tree ends")]
pub struct Misfit;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::naive;
    use super::*;
    use crate::tree::{leaf_hash, perfect_ranges};

    #[test]
    fn the_roots_are_those_that_certificate_transparency_publishes() {
        // The reference vectors of the certificate-transparency project (tests of its Merkle tree).
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::default();
        for (size, root) in roots.iter().enumerate() {
            let hex: String = frontier.root().0.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(&hex, root, "size {size}");
            if let Some(leaf) = leaves.get(size) {
                frontier.push(leaf_hash(leaf));
            }
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_recursive_definition(size in 0usize..300) {
            let leaves = naive::leaves(size);
            let mut frontier = Frontier::default();
            for leaf in &leaves {
                frontier.push(*leaf);
            }
            prop_assert_eq!(frontier.size(), size as u64);
            prop_assert_eq!(frontier.root(), naive::root(&leaves));
            let again = Frontier::from_parts(frontier.size(), frontier.peaks().to_vec());
            prop_assert_eq!(again.as_ref(), Some(&frontier));
            let bytes = frontier.to_bytes();
            prop_assert_eq!(Frontier::from_bytes(&bytes[1..]), None);
            prop_assert_eq!(Frontier::from_bytes(&bytes), Some(frontier));
        }

        #[test]
        fn the_middle_may_be_known_by_its_perfect_subtrees_alone(
            (from, to, size) in (0u64..200, 0u64..200, 0u64..200)
        ) {
            let (from, to) = (from.min(to), from.max(to));
            let leaves = naive::leaves((to + size) as usize);
            let mut frontier = Frontier::default();
            for leaf in &leaves[..from as usize] {
                frontier.push(*leaf);
            }
            for range in perfect_ranges(from, to) {
                let inside = &leaves[range.start as usize..range.end as usize];
                prop_assert_eq!(frontier.push_perfect(inside.len() as u64, naive::root(inside)), Ok(()));
            }
            prop_assert_eq!(frontier.root(), naive::root(&leaves[..to as usize]));
            for leaf in &leaves[to as usize..] {
                frontier.push(*leaf);
            }
            prop_assert_eq!(frontier.root(), naive::root(&leaves));
        }

        #[test]
        fn what_does_not_fit_changes_nothing(size in any::<u64>(), leaves in any::<u64>()) {
            let peaks = vec![Hash([7; 32]); size.count_ones() as usize];
            let mut frontier = Frontier::from_parts(size, peaks).unwrap();
            let before = frontier.clone();
            match frontier.push_perfect(leaves, Hash([8; 32])) {
                Ok(()) => prop_assert_eq!(frontier.peaks().len(), frontier.size().count_ones() as usize),
                Err(Misfit) => prop_assert_eq!(frontier, before),
            }
        }
    }
}
