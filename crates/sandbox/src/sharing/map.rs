//! A sorted map whose copies share their entries, and a set. Used as a `BTreeMap`.

use std::borrow::Borrow;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::chunks::{Chunks, Difference};
use super::key::Key;
use super::part::{Part, object};

/// The map.
#[derive(Debug)]
pub(crate) struct SnapshotMap<K, T>(Chunks<K, Arc<T>>);

/// The set.
#[derive(Debug)]
pub(crate) struct SnapshotSet<K>(Chunks<K, ()>);

impl<K, T> Clone for SnapshotMap<K, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, T> Default for SnapshotMap<K, T> {
    fn default() -> Self {
        Self(Chunks::default())
    }
}

impl<K: Ord + Clone, T: Clone> SnapshotMap<K, T> {
    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// The value of a key.
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&T>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).map(|value| &**value)
    }

    /// The value of a key, and the key as it is kept.
    pub(crate) fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &T)>
    where
        K: Borrow<Q>,
    {
        self.0.entry(key).map(|(key, value)| (key, &**value))
    }

    /// The value of a key, to change it.
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut T>
    where
        K: Borrow<Q>,
    {
        self.0.get_mut(key).map(Arc::make_mut)
    }

    /// The value of a key, to change it; made if it is not there.
    pub(crate) fn get_or_insert_with(&mut self, key: &K, make: impl FnOnce() -> T) -> &mut T {
        Arc::make_mut(self.0.get_or_insert_with(key, || Arc::new(make())))
    }

    /// Whether there is that key.
    pub(crate) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.get(key).is_some()
    }

    /// Puts a value there; the answer is the one that it replaces.
    pub(crate) fn insert(&mut self, key: K, value: T) -> Option<T> {
        self.0.insert(key, Arc::new(value)).map(Arc::unwrap_or_clone)
    }

    /// Takes an entry away.
    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<T>
    where
        K: Borrow<Q>,
    {
        self.0.remove(key).map(|(_, value)| Arc::unwrap_or_clone(value))
    }

    /// Keeps what fits.
    pub(crate) fn retain(&mut self, mut fits: impl FnMut(&K, &T) -> bool) {
        let gone: Vec<K> =
            self.iter().filter(|(key, value)| !fits(key, value)).map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.0.remove(&key);
        }
    }

    /// The first entry.
    pub(crate) fn first(&self) -> Option<(&K, &T)> {
        self.0.first().map(|(key, value)| (key, &**value))
    }

    /// The last entry.
    pub(crate) fn last(&self) -> Option<(&K, &T)> {
        self.0.last().map(|(key, value)| (key, &**value))
    }

    /// Every entry, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &T)> + Clone {
        self.0.iter().map(|(key, value)| (key, &**value))
    }

    /// Every entry from that key on.
    pub(crate) fn iter_from<'m, Q: Ord + ?Sized>(
        &'m self,
        key: &Q,
    ) -> impl DoubleEndedIterator<Item = (&'m K, &'m T)> + use<'m, K, T, Q>
    where
        K: Borrow<Q>,
    {
        self.0.iter_from(key).map(|(key, value)| (key, &**value))
    }

    /// Every entry below that key.
    pub(crate) fn iter_below<'m, Q: Ord + ?Sized>(
        &'m self,
        key: &Q,
    ) -> impl DoubleEndedIterator<Item = (&'m K, &'m T)> + use<'m, K, T, Q>
    where
        K: Borrow<Q>,
    {
        self.0.iter_below(key).map(|(key, value)| (key, &**value))
    }

    /// Every key, in order.
    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// Every value, in the order of the keys.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// What is another than in an earlier copy: the key, what it was and what it is. What both share is not looked at.
    pub(crate) fn differences<'m>(
        &'m self,
        earlier: &'m Self,
    ) -> impl Iterator<Item = (&'m K, Option<&'m T>, Option<&'m T>)>
    where
        T: PartialEq,
    {
        let found =
            self.0.differences(&earlier.0, |one, another| Arc::ptr_eq(one, another) || one == another);
        found
            .into_iter()
            .map(|one| (one.key, one.before.map(|value| &**value), one.now.map(|value| &**value)))
    }
}

impl<K> Clone for SnapshotSet<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> Default for SnapshotSet<K> {
    fn default() -> Self {
        Self(Chunks::default())
    }
}

impl<K: Ord + Clone> SnapshotSet<K> {
    pub(crate) fn insert(&mut self, key: K) {
        self.0.insert(key, ());
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }

    /// Every member from there on.
    pub(crate) fn iter_from<'s, Q: Ord + ?Sized>(
        &'s self,
        key: &Q,
    ) -> impl Iterator<Item = &'s K> + use<'s, K, Q>
    where
        K: Borrow<Q>,
    {
        self.0.iter_from(key).map(|(key, ())| key)
    }
}

impl<K: Ord + Clone> FromIterator<K> for SnapshotSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let mut set = Self::default();
        for key in keys {
            set.insert(key);
        }
        set
    }
}

impl<K: Ord + Clone, T: Clone> FromIterator<(K, T)> for SnapshotMap<K, T> {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K: Key, T: Serialize + Clone> Serialize for SnapshotMap<K, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (key.text(), value)))
    }
}

impl<'de, K: Key, T: Deserialize<'de> + Clone> Deserialize<'de> for SnapshotMap<K, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<K, T>(PhantomData<(K, T)>);

        impl<'de, K: Key, T: Deserialize<'de> + Clone> Visitor<'de> for Entries<K, T> {
            type Value = SnapshotMap<K, T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut map = SnapshotMap::default();
                while let Some((key, value)) = entries.next_entry()? {
                    map.insert(parsed(key)?, value);
                }
                Ok(map)
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

fn parsed<K: Key, E: serde::de::Error>(text: String) -> Result<K, E> {
    K::parse(text).ok_or_else(|| E::custom("a key is not what it should be"))
}

/// What changed in a map: what is new, what is another, what is gone.
#[derive(Debug)]
pub(crate) struct MapChange<K> {
    pub(crate) set: Vec<(K, Value)>,
    pub(crate) changed: Vec<(K, Value)>,
    pub(crate) gone: Vec<K>,
}

impl<K: Key> MapChange<K> {
    /// Reads what [`SnapshotMap::since`] tells.
    pub(crate) fn read(change: Value) -> Result<Self, serde_json::Error> {
        let mut change = object(change)?;
        let mut entries = |name| -> Result<Vec<(K, Value)>, serde_json::Error> {
            let Some(entries) = change.remove(name) else { return Ok(Vec::new()) };
            object(entries)?.into_iter().map(|(key, value)| Ok((parsed(key)?, value))).collect()
        };
        let (set, changed) = (entries("set")?, entries("changed")?);
        let gone: Vec<String> =
            change.remove("gone").map(serde_json::from_value).transpose()?.unwrap_or_default();
        let gone = gone.into_iter().map(parsed).collect::<Result<_, _>>()?;
        Ok(Self { set, changed, gone })
    }
}

impl<K: Key, T: Part + Serialize + DeserializeOwned + Clone> Part for SnapshotMap<K, T> {
    fn since(&self, earlier: &Self) -> Option<Value> {
        let (mut set, mut changed, mut gone) = (Map::new(), Map::new(), Vec::new());
        for Difference { key, before, now } in self.0.differences(&earlier.0, Arc::ptr_eq) {
            let key = key.text();
            match (before, now) {
                (Some(before), Some(now)) => {
                    if let Some(change) = now.since(before) {
                        changed.insert(key.into_owned(), change);
                    }
                }
                (None, Some(now)) => {
                    // Only maps with keys that are no strings fail to serialise; there are none.
                    set.insert(key.into_owned(), serde_json::to_value(&**now).unwrap_or_default());
                }
                (_, None) => gone.push(key.into_owned()),
            }
        }
        let mut change = Map::new();
        for (name, entries) in [("set", set), ("changed", changed)] {
            if !entries.is_empty() {
                change.insert(name.to_owned(), Value::Object(entries));
            }
        }
        if !gone.is_empty() {
            change.insert("gone".to_owned(), json!(gone));
        }
        (!change.is_empty()).then_some(Value::Object(change))
    }

    fn take_up(&mut self, change: Value) -> Result<(), serde_json::Error> {
        let MapChange { set, changed, gone } = MapChange::<K>::read(change)?;
        for (key, value) in set {
            self.insert(key, serde_json::from_value(value)?);
        }
        for (key, change) in changed {
            let there = self.get_mut(&key);
            let there = there.ok_or_else(|| serde_json::Error::custom("what changed is not there"))?;
            there.take_up(change)?;
        }
        for key in gone {
            self.remove(&key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::sharing::whole;

    whole!(u32);

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
            let mut map = SnapshotMap::<String, u32>::default();
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
            let half = "0300".to_owned();
            prop_assert!(map.iter_from(&half).eq(model.range(half.clone()..)));
            prop_assert!(map.iter_below(&half).rev().eq(model.range(..half.clone()).rev()));
            prop_assert_eq!((map.first(), map.last()), (model.first_key_value(), model.last_key_value()));
            for (map, model) in [(&map, &model)].into_iter().chain(copies.iter().map(|(a, b)| (a, b))) {
                prop_assert!(map.iter().eq(model.iter()));
                prop_assert!(map.values().rev().eq(model.values().rev()));
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(map.is_empty(), model.is_empty());
            }
            if let Some((earlier, model)) = copies {
                for (mut from, to, entries) in [(earlier.clone(), &map, map.len()), (map.clone(), &earlier, model.len())] {
                    if let Some(change) = to.since(&from) {
                        from.take_up(change).unwrap();
                    }
                    prop_assert!(from.iter().eq(to.iter()));
                    prop_assert_eq!(from.len(), entries);
                }
            }
            let text = serde_json::to_string(&map).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&model).unwrap());
            let read: SnapshotMap<String, u32> = serde_json::from_str(&text).unwrap();
            prop_assert!(read.iter().eq(model.iter()));
        }
    }
}
