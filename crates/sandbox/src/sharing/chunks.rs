//! Sorted entries in chunks that copies share: what the maps and lists are made of.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

/// How many entries a chunk holds at most.
const CHUNK: usize = 128;

type Chunk<K, V> = Arc<Vec<(K, V)>>;

/// The entries. Values are small, or stand behind an `Arc`: a chunk that is changed while it is shared is copied.
#[derive(Debug)]
pub(super) struct Chunks<K, V> {
    /// In order; none is empty.
    chunks: Arc<Vec<Chunk<K, V>>>,
    len: usize,
}

/// An entry that differs from an earlier copy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference<'a, K, V> {
    pub(super) key: &'a K,
    /// What it was; none if it was not there.
    pub(super) before: Option<&'a V>,
    /// What it is; none if it is gone.
    pub(super) now: Option<&'a V>,
}

impl<K, V> Clone for Chunks<K, V> {
    fn clone(&self) -> Self {
        Self { chunks: Arc::clone(&self.chunks), len: self.len }
    }
}

impl<K, V> Default for Chunks<K, V> {
    fn default() -> Self {
        Self { chunks: Arc::default(), len: 0 }
    }
}

impl<K: Ord, V> Chunks<K, V> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn entry<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&(K, V)>
    where
        K: Borrow<Q>,
    {
        let (chunk, place) = self.find(key).ok()?;
        self.chunks.get(chunk)?.get(place)
    }

    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entry(key).map(|(_, value)| value)
    }

    pub(super) fn first(&self) -> Option<&(K, V)> {
        self.chunks.first()?.first()
    }

    pub(super) fn last(&self) -> Option<&(K, V)> {
        self.chunks.last()?.last()
    }

    /// Every entry, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &(K, V)> + Clone {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// Every entry from that key on.
    pub(super) fn iter_from<'c, Q: Ord + ?Sized>(
        &'c self,
        key: &Q,
    ) -> impl DoubleEndedIterator<Item = &'c (K, V)> + use<'c, K, V, Q>
    where
        K: Borrow<Q>,
    {
        let (Ok((chunk, place)) | Err((chunk, place))) = self.find(key);
        let first = self.chunks.get(chunk).and_then(|entries| entries.get(place..)).unwrap_or_default();
        let rest = self.chunks.get(chunk + 1..).unwrap_or_default();
        first.iter().chain(rest.iter().flat_map(|entries| entries.iter()))
    }

    /// Every entry below that key.
    pub(super) fn iter_below<'c, Q: Ord + ?Sized>(
        &'c self,
        key: &Q,
    ) -> impl DoubleEndedIterator<Item = &'c (K, V)> + use<'c, K, V, Q>
    where
        K: Borrow<Q>,
    {
        let (Ok((chunk, place)) | Err((chunk, place))) = self.find(key);
        let full = self.chunks.get(..chunk).unwrap_or_default();
        let last = self.chunks.get(chunk).and_then(|entries| entries.get(..place)).unwrap_or_default();
        full.iter().flat_map(|entries| entries.iter()).chain(last)
    }

    /// Where a key is, or where it would be: the chunk and the place in it.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<(usize, usize), (usize, usize)>
    where
        K: Borrow<Q>,
    {
        let starts_by = |chunk: &Chunk<K, V>| chunk.first().is_some_and(|(first, _)| first.borrow() <= key);
        let at = self.chunks.partition_point(starts_by).saturating_sub(1);
        let Some(chunk) = self.chunks.get(at) else { return Err((0, 0)) };
        match chunk.binary_search_by(|(one, _)| one.borrow().cmp(key)) {
            Ok(place) => Ok((at, place)),
            Err(place) => Err((at, place)),
        }
    }

    /// Where it differs from an earlier copy, in the order of the keys; `is_same` tells values that were not
    /// touched. What both share is not looked at.
    pub(super) fn differences<'a>(
        &'a self,
        earlier: &'a Self,
        is_same: impl Fn(&V, &V) -> bool,
    ) -> Vec<Difference<'a, K, V>> {
        let mut found = Vec::new();
        if Arc::ptr_eq(&self.chunks, &earlier.chunks) {
            return found;
        }
        let (mut ours, mut theirs) = (Cursor::new(self), Cursor::new(earlier));
        loop {
            if ours.skips_with(&mut theirs) {
                continue;
            }
            match (ours.entry(), theirs.entry()) {
                (None, None) => return found,
                (Some((key, now)), None) => {
                    found.push(Difference { key, before: None, now: Some(now) });
                    ours.step();
                }
                (None, Some((key, before))) => {
                    found.push(Difference { key, before: Some(before), now: None });
                    theirs.step();
                }
                (Some((key, now)), Some((old, before))) => match key.cmp(old) {
                    Ordering::Less => {
                        found.push(Difference { key, before: None, now: Some(now) });
                        ours.step();
                    }
                    Ordering::Greater => {
                        found.push(Difference { key: old, before: Some(before), now: None });
                        theirs.step();
                    }
                    Ordering::Equal => {
                        if !is_same(now, before) {
                            found.push(Difference { key, before: Some(before), now: Some(now) });
                        }
                        ours.step();
                        theirs.step();
                    }
                },
            }
        }
    }
}

impl<K: Ord + Clone, V: Clone> Chunks<K, V> {
    pub(super) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (chunk, place) = self.find(key).ok()?;
        Arc::make_mut(Arc::make_mut(&mut self.chunks).get_mut(chunk)?).get_mut(place).map(|(_, value)| value)
    }

    /// The value of a key, to change it; made if it is not there.
    pub(super) fn get_or_insert_with(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        if self.get(key).is_none() {
            self.insert(key.clone(), make());
        }
        let (Ok((chunk, place)) | Err((chunk, place))) = self.find(key);
        let chunks = Arc::make_mut(&mut self.chunks);
        &mut Arc::make_mut(&mut chunks[chunk])[place].1
    }

    /// Puts a value there; the answer is the one that it replaces.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let found = self.find(&key);
        let chunks = Arc::make_mut(&mut self.chunks);
        let (at, place) = match found {
            Ok((at, place)) => {
                let (_, there) = Arc::make_mut(chunks.get_mut(at)?).get_mut(place)?;
                return Some(std::mem::replace(there, value));
            }
            Err(free) => free,
        };
        self.len += 1;
        let Some(chunk) = chunks.get_mut(at).map(Arc::make_mut) else {
            chunks.push(Arc::new(vec![(key, value)]));
            return None;
        };
        if chunk.len() < CHUNK {
            chunk.insert(place, (key, value));
            return None;
        }
        // What is added in order, as most is, leaves full chunks behind.
        let mut rest = chunk.split_off(if place == CHUNK { CHUNK } else { CHUNK / 2 });
        match place.checked_sub(chunk.len()) {
            Some(place) => rest.insert(place, (key, value)),
            None => chunk.insert(place, (key, value)),
        }
        chunks.insert(at + 1, Arc::new(rest));
        None
    }

    /// Takes an entry away.
    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        let (at, place) = self.find(key).ok()?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let chunk = Arc::make_mut(chunks.get_mut(at)?);
        let removed = chunk.remove(place);
        if chunk.is_empty() {
            chunks.remove(at);
        }
        self.len -= 1;
        Some(removed)
    }
}

/// A walk through the entries that can pass over a chunk that another walk is at as well.
struct Cursor<'a, K, V> {
    chunks: &'a [Chunk<K, V>],
    place: usize,
}

impl<'a, K, V> Cursor<'a, K, V> {
    fn new(chunks: &'a Chunks<K, V>) -> Self {
        Self { chunks: &chunks.chunks, place: 0 }
    }

    fn entry(&self) -> Option<(&'a K, &'a V)> {
        self.chunks.first()?.get(self.place).map(|(key, value)| (key, value))
    }

    fn step(&mut self) {
        self.place += 1;
        if self.chunks.first().is_some_and(|chunk| self.place >= chunk.len()) {
            self.next_chunk();
        }
    }

    fn next_chunk(&mut self) {
        self.chunks = self.chunks.get(1..).unwrap_or_default();
        self.place = 0;
    }

    fn skips_with(&mut self, other: &mut Self) -> bool {
        let is_shared = match (self.chunks.first(), other.chunks.first()) {
            (Some(one), Some(another)) => self.place == 0 && other.place == 0 && Arc::ptr_eq(one, another),
            _ => false,
        };
        if is_shared {
            self.next_chunk();
            other.next_chunk();
        }
        is_shared
    }
}
