//! Which subtrees a proof, or a stretch of leaves, consists of (RFC 6962 §2.1.1 and §2.1.2). Whoever stores the
//! leaves' hashes, or the roots of perfect subtrees, makes proofs of them.

use std::ops::Range;

use super::frontier::Frontier;
use super::hash::Hash;

/// The ranges of leaves whose roots make up the audit path (`PATH` of RFC 6962 §2.1.1), in its order.
/// `index` is below `size`.
///
/// Each range begins at a multiple of the greatest power of two that is not above its length: its root comes
/// from its leaves by [`super::subtree_root`], or from the roots of perfect subtrees in it.
pub fn inclusion_ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut tree = 0..size;
    while tree.end - tree.start > 1 {
        let middle = tree.start + split(tree.end - tree.start);
        if index < middle {
            ranges.push(middle..tree.end);
            tree.end = middle;
        } else {
            ranges.push(tree.start..middle);
            tree.start = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// The ranges of leaves whose roots make up a consistency proof (`PROOF` of RFC 6962 §2.1.2), in its order.
/// `old` is at most `size`. As to the ranges, see [`inclusion_ranges`].
pub fn consistency_ranges(old: u64, size: u64) -> Vec<Range<u64>> {
    if old == 0 || old >= size {
        return Vec::new();
    }
    let mut ranges = Vec::new();
    let mut tree = 0..size;
    // INVARIANT: tree.start < old <= tree.end.
    while old != tree.end {
        let middle = tree.start + split(tree.end - tree.start);
        if old <= middle {
            ranges.push(middle..tree.end);
            tree.end = middle;
        } else {
            ranges.push(tree.start..middle);
            tree.start = middle;
        }
    }
    if tree.start != 0 {
        ranges.push(tree);
    }
    ranges.reverse();
    ranges
}

/// The largest power of two below `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// The perfect subtrees that cover the leaves `from..to` and no others, as few as there can be, in order:
/// what [`Frontier::push_perfect`] takes. They are at most 128.
pub fn perfect_ranges(from: u64, to: u64) -> Vec<Range<u64>> {
    let (mut ranges, mut at) = (Vec::new(), from);
    while at < to {
        let fits = 1 << (63 - (to - at).leading_zeros());
        let aligned = if at == 0 { fits } else { 1 << at.trailing_zeros() };
        let end = at + fits.min(aligned);
        ranges.push(at..end);
        at = end;
    }
    ranges
}

/// The root over leaves with these hashes, which are all of a tree, or of one of the ranges above.
pub fn subtree_root(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut tree = Frontier::default();
    leaves.into_iter().for_each(|leaf| tree.push(leaf));
    tree.root()
}
