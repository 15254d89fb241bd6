//! What objects are found by and counted by, shared by copies as the objects are.

use std::sync::Arc;

use super::objects::Named;
use crate::sharing::{SnapshotMap, SnapshotSet};

/// The index of some objects.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    names: SnapshotSet<Entry>,
    parents: SnapshotSet<Entry>,
    /// Of how many objects something is counted; what is counted of none is not in it.
    counts: SnapshotMap<Arc<str>, usize>,
}

/// A name or a parent of an object: not the text, which the object has, but enough to find it by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: u64,
    id: Arc<str>,
}

impl Index {
    /// Takes up an object.
    pub(super) fn learn<T: Named>(&mut self, id: &Arc<str>, object: &T) {
        object.names().for_each(|name| self.names.insert(Entry::new(name, id)));
        object.parents().for_each(|parent| self.parents.insert(Entry::new(parent, id)));
        object.counted().for_each(|counted| self.tally(counted));
    }

    fn tally(&mut self, counted: &str) {
        match self.counts.get_mut(counted) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(counted.into(), 1)),
        }
    }

    /// Lets go of an object as it was when it was taken up.
    pub(super) fn forget<T: Named>(&mut self, id: &Arc<str>, object: &T) {
        object.names().for_each(|name| self.names.remove(&Entry::new(name, id)));
        object.parents().for_each(|parent| self.parents.remove(&Entry::new(parent, id)));
        for counted in object.counted() {
            match self.counts.get_mut(counted) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(self.counts.remove(counted)),
            }
        }
    }

    /// The ids of those that may have that name, in order.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = &Arc<str>> {
        found(&self.names, name)
    }

    /// The ids of those that may be children of that parent, in order.
    pub(super) fn children(&self, parent: &str) -> impl Iterator<Item = &Arc<str>> {
        found(&self.parents, parent)
    }

    /// Of how many objects that is counted.
    pub(super) fn count(&self, counted: &str) -> usize {
        self.counts.get(counted).copied().unwrap_or_default()
    }
}

impl<'o, T: Named + 'o> FromIterator<(&'o Arc<str>, &'o T)> for Index {
    /// In order it takes half the memory that entries one after the other would take.
    fn from_iter<I: IntoIterator<Item = (&'o Arc<str>, &'o T)>>(objects: I) -> Self {
        let (mut index, mut names, mut parents) = (Self::default(), Vec::new(), Vec::new());
        for (id, object) in objects {
            names.extend(object.names().map(|name| Entry::new(name, id)));
            parents.extend(object.parents().map(|parent| Entry::new(parent, id)));
            for counted in object.counted() {
                index.tally(counted);
            }
        }
        names.sort_unstable();
        parents.sort_unstable();
        Self { names: names.into_iter().collect(), parents: parents.into_iter().collect(), ..index }
    }
}

impl Entry {
    fn new(text: &str, id: &Arc<str>) -> Self {
        Self { hash: hash_of(text), id: Arc::clone(id) }
    }
}

fn found<'s>(entries: &'s SnapshotSet<Entry>, text: &str) -> impl Iterator<Item = &'s Arc<str>> + use<'s> {
    let hash = hash_of(text);
    let known = entries.iter_from(&Entry { hash, id: Arc::default() });
    known.take_while(move |one| one.hash == hash).map(|one| &one.id)
}

/// The same for the same text in any case (FNV-1a).
fn hash_of(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01B3)
    })
}
