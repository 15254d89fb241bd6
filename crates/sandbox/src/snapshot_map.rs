//! A sorted map whose copy costs next to nothing: entries stand in chunks that copies share until one of them
//! changes. So a tenant of many objects can be looked at, kept as a snapshot and restored while others write.
//! Used as a `BTreeMap` with text as keys.

use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// How many entries a chunk holds at most.
const CHUNK: usize = 128;

type Entry<T> = Arc<(String, T)>;

/// The map.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotMap<T> {
    /// In order; none is empty.
    chunks: Vec<Arc<Vec<Entry<T>>>>,
    len: usize,
}

impl<T: Clone> SnapshotMap<T> {
    /// An empty map.
    pub(crate) fn new() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a key.
    pub(crate) fn get<K: AsRef<str> + ?Sized>(&self, key: &K) -> Option<&T> {
        let (chunk, place) = self.find(key.as_ref()).ok()?;
        self.chunks.get(chunk)?.get(place).map(|entry| &entry.1)
    }

    /// The value of a key, to change it.
    pub(crate) fn get_mut<K: AsRef<str> + ?Sized>(&mut self, key: &K) -> Option<&mut T> {
        let (chunk, place) = self.find(key.as_ref()).ok()?;
        let entry = Arc::make_mut(self.chunks.get_mut(chunk)?).get_mut(place)?;
        Some(&mut Arc::make_mut(entry).1)
    }

    /// Whether there is that key.
    pub(crate) fn contains_key<K: AsRef<str> + ?Sized>(&self, key: &K) -> bool {
        self.find(key.as_ref()).is_ok()
    }

    /// Puts a value there; the answer is the one that it replaces.
    pub(crate) fn insert(&mut self, key: String, value: T) -> Option<T> {
        match self.find(&key) {
            Ok((chunk, place)) => {
                let entries = Arc::make_mut(self.chunks.get_mut(chunk)?);
                let earlier = std::mem::replace(entries.get_mut(place)?, Arc::new((key, value)));
                Some(value_of(earlier))
            }
            Err((chunk, place)) => {
                self.len += 1;
                let entry = Arc::new((key, value));
                let Some(entries) = self.chunks.get_mut(chunk).map(Arc::make_mut) else {
                    self.chunks.push(Arc::new(vec![entry]));
                    return None;
                };
                entries.insert(place, entry);
                if entries.len() > CHUNK {
                    // What is added in order, as most is, leaves full chunks behind.
                    let half = if place == CHUNK { CHUNK } else { CHUNK / 2 };
                    let rest = entries.split_off(half);
                    self.chunks.insert(chunk + 1, Arc::new(rest));
                }
                None
            }
        }
    }

    /// Takes an entry away.
    pub(crate) fn remove<K: AsRef<str> + ?Sized>(&mut self, key: &K) -> Option<T> {
        let (chunk, place) = self.find(key.as_ref()).ok()?;
        let entries = Arc::make_mut(self.chunks.get_mut(chunk)?);
        let removed = entries.remove(place);
        if entries.is_empty() {
            self.chunks.remove(chunk);
        }
        self.len -= 1;
        Some(value_of(removed))
    }

    /// Keeps what fits.
    #[cfg(test)]
    pub(crate) fn retain(&mut self, mut fits: impl FnMut(&String, &mut T) -> bool) {
        for chunk in &mut self.chunks {
            Arc::make_mut(chunk).retain_mut(|entry| {
                let entry = Arc::make_mut(entry);
                fits(&entry.0, &mut entry.1)
            });
        }
        self.chunks.retain(|chunk| !chunk.is_empty());
        self.len = self.chunks.iter().map(|chunk| chunk.len()).sum();
    }

    /// Every entry, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&String, &T)> + Clone {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).map(|entry| (&entry.0, &entry.1))
    }

    /// Every entry from that key on.
    pub(crate) fn iter_from(&self, key: &str) -> impl Iterator<Item = (&String, &T)> {
        let (chunk, place) = match self.find(key) {
            Ok(found) | Err(found) => found,
        };
        let first = self.chunks.get(chunk).and_then(|entries| entries.get(place..)).unwrap_or_default();
        let rest = self.chunks.get(chunk + 1..).unwrap_or_default();
        first.iter().chain(rest.iter().flat_map(|entries| entries.iter())).map(|entry| (&entry.0, &entry.1))
    }

    /// Every key, in order.
    #[cfg(test)]
    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &String> + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// Every value, in the order of the keys.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// Every value, to change it. Copies that share it are left alone, which costs a copy of each.
    pub(crate) fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        let chunks = self.chunks.iter_mut().flat_map(|chunk| Arc::make_mut(chunk).iter_mut());
        chunks.map(|entry| &mut Arc::make_mut(entry).1)
    }

    /// Where a key is, or where it would be: the chunk and the place in it.
    fn find(&self, key: &str) -> Result<(usize, usize), (usize, usize)> {
        let after = self.chunks.partition_point(|chunk| chunk.first().is_some_and(|entry| *entry.0 <= *key));
        let at = after.saturating_sub(1);
        let Some(chunk) = self.chunks.get(at) else { return Err((0, 0)) };
        match chunk.binary_search_by(|entry| entry.0.as_str().cmp(key)) {
            Ok(place) => Ok((at, place)),
            Err(place) => Err((at, place)),
        }
    }
}

fn value_of<T: Clone>(entry: Entry<T>) -> T {
    Arc::try_unwrap(entry).map_or_else(|shared| shared.1.clone(), |owned| owned.1)
}

impl<T: Clone> Default for SnapshotMap<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone> FromIterator<(String, T)> for SnapshotMap<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<T: Clone> Extend<(String, T)> for SnapshotMap<T> {
    fn extend<I: IntoIterator<Item = (String, T)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<T: Serialize + Clone> Serialize for SnapshotMap<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, T: Deserialize<'de> + Clone> Deserialize<'de> for SnapshotMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Clone> Visitor<'de> for Entries<T> {
            type Value = SnapshotMap<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut map = SnapshotMap::new();
                while let Some((key, value)) = entries.next_entry()? {
                    map.insert(key, value);
                }
                Ok(map)
            }
        }

        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u16, u32),
        Remove(u16),
        Change(u16),
        Retain(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0..600_u16, any::<u32>()).prop_map(|(key, value)| Step::Insert(key, value)),
            3 => (0..600_u16).prop_map(Step::Remove),
            2 => (0..600_u16).prop_map(Step::Change),
            1 => (2..9_u32).prop_map(Step::Retain),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_map_and_a_copy_stays_as_it_was(steps in prop::collection::vec(step(), 0..900)) {
            let mut map = SnapshotMap::new();
            let mut model = BTreeMap::new();
            let half = steps.len() / 2;
            let mut copies = None;
            for (index, step) in steps.into_iter().enumerate() {
                if index == half {
                    copies = Some((map.clone(), model.clone()));
                }
                match step {
                    Step::Insert(key, value) => {
                        let key = format!("{key:04}");
                        prop_assert_eq!(map.insert(key.clone(), value), model.insert(key, value));
                    }
                    Step::Remove(key) => {
                        let key = format!("{key:04}");
                        prop_assert_eq!(map.remove(&key), model.remove(&key));
                    }
                    Step::Change(key) => {
                        let key = format!("{key:04}");
                        if let Some(value) = map.get_mut(&key) {
                            *value = value.wrapping_add(1);
                        }
                        if let Some(value) = model.get_mut(&key) {
                            *value = value.wrapping_add(1);
                        }
                        prop_assert_eq!(map.get(&key), model.get(&key));
                    }
                    Step::Retain(divisor) => {
                        map.retain(|_, value| *value % divisor != 0);
                        model.retain(|_, value| *value % divisor != 0);
                    }
                }
            }
            let from: Vec<_> = map.iter_from("0300").collect();
            prop_assert_eq!(from, model.range("0300".to_owned()..).collect::<Vec<_>>());
            for (map, model) in [(&map, &model)].into_iter().chain(copies.iter().map(|(a, b)| (a, b))) {
                prop_assert!(map.iter().eq(model.iter()));
                prop_assert!(map.values().rev().eq(model.values().rev()));
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(map.is_empty(), model.is_empty());
            }
            let text = serde_json::to_string(&map).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&model).unwrap());
            let read: SnapshotMap<u32> = serde_json::from_str(&text).unwrap();
            prop_assert!(read.iter().eq(model.iter()));
        }
    }
}
