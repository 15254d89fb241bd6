//! Directory objects by id and by the names that they go by, so that a user principal name or an app id among
//! hundreds of thousands is found without looking at all of them.

use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::sharing::{MapChange, Part, SnapshotMap, SnapshotSet};

/// An object that goes by something else than its id.
pub(crate) trait Named: Clone {
    /// The names, compared without regard to case. Several objects may have the same.
    fn names(&self) -> impl Iterator<Item = &str>;
}

/// Objects by object id, in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Objects<T> {
    by_id: SnapshotMap<Arc<str>, T>,
    /// The names of every object but the touched one.
    names: SnapshotSet<Name>,
    /// The object that was handed out to be changed: its names are not known until the next change.
    touched: Option<Arc<str>>,
}

/// A name of an object: not the text, which the object has, but enough to find it by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    hash: u64,
    id: Arc<str>,
}

impl<T: Named> Objects<T> {
    /// No objects.
    pub(crate) fn new() -> Self {
        Self { by_id: SnapshotMap::default(), names: SnapshotSet::default(), touched: None }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// By id.
    pub(crate) fn get<K: AsRef<str> + ?Sized>(&self, id: &K) -> Option<&T> {
        self.by_id.get(id.as_ref())
    }

    /// By id, to change it.
    pub(crate) fn get_mut<K: AsRef<str> + ?Sized>(&mut self, id: &K) -> Option<&mut T> {
        self.settle();
        let (id, object) = self.by_id.get_key_value(id.as_ref())?;
        let id = Arc::clone(id);
        for name in names_of(&id, object) {
            self.names.remove(&name);
        }
        self.touched = Some(Arc::clone(&id));
        self.by_id.get_mut(&*id)
    }

    /// Those of that name, in the order of their ids.
    pub(crate) fn named(&self, name: &str) -> Vec<&T> {
        self.entries_named(name).into_iter().map(|(_, object)| object).collect()
    }

    /// Those of that name where one is known, else all, in the order of their ids.
    pub(crate) fn candidates(&self, name: Option<&str>) -> Vec<&T> {
        name.map_or_else(|| self.values().collect(), |name| self.named(name))
    }

    /// The same as [`Self::named`], with their ids.
    pub(crate) fn entries_named(&self, name: &str) -> Vec<(&str, &T)> {
        let has_it = |object: &T| object.names().any(|one| one.eq_ignore_ascii_case(name));
        let hash = hash_of(name);
        let known = self.names.iter_from(&Name { hash, id: Arc::default() });
        let mut found: Vec<(&str, &T)> = known
            .take_while(|one| one.hash == hash)
            .filter_map(|one| Some((&*one.id, self.by_id.get(&*one.id)?)))
            .filter(|(_, object)| has_it(object))
            .collect();
        if let Some(id) = &self.touched
            && let Some(object) = self.by_id.get(&**id).filter(|object| has_it(object))
        {
            found.push((id, object));
            found.sort_by_key(|(id, _)| *id);
        }
        found
    }

    /// Whether there is that id.
    pub(crate) fn contains_key<K: AsRef<str> + ?Sized>(&self, id: &K) -> bool {
        self.by_id.contains_key(id.as_ref())
    }

    /// Adds or replaces one.
    pub(crate) fn insert(&mut self, id: String, object: T) -> Option<T> {
        self.settle();
        let id: Arc<str> = id.into();
        let names: Vec<Name> = names_of(&id, &object).collect();
        let earlier = self.by_id.insert(Arc::clone(&id), object);
        for name in earlier.iter().flat_map(|earlier| names_of(&id, earlier)) {
            self.names.remove(&name);
        }
        for name in names {
            self.names.insert(name);
        }
        earlier
    }

    /// Takes one away.
    pub(crate) fn remove<K: AsRef<str> + ?Sized>(&mut self, id: &K) -> Option<T> {
        self.settle();
        let id: Arc<str> = id.as_ref().into();
        let removed = self.by_id.remove(&*id)?;
        for name in names_of(&id, &removed) {
            self.names.remove(&name);
        }
        Some(removed)
    }

    /// Every id.
    #[cfg(test)]
    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.by_id.keys().map(|id| &**id)
    }

    /// Every object, by id.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.by_id.values()
    }

    /// Learns the names of what was handed out.
    fn settle(&mut self) {
        let Some(id) = self.touched.take() else { return };
        for name in self.by_id.get(&*id).into_iter().flat_map(|object| names_of(&id, object)) {
            self.names.insert(name);
        }
    }

    fn of(by_id: SnapshotMap<Arc<str>, T>) -> Self {
        let mut names: Vec<Name> = by_id.iter().flat_map(|(id, object)| names_of(id, object)).collect();
        names.sort_unstable();
        Self { names: names.into_iter().collect(), by_id, touched: None }
    }
}

impl<T: Named + Default> Objects<T> {
    /// By id, to change it; made if it is not there.
    pub(crate) fn get_or_default(&mut self, id: &str) -> &mut T {
        self.settle();
        let kept = self.by_id.get_key_value(id).map(|(id, _)| Arc::clone(id));
        let id = kept.unwrap_or_else(|| id.into());
        for name in self.by_id.get(&*id).into_iter().flat_map(|object| names_of(&id, object)) {
            self.names.remove(&name);
        }
        self.touched = Some(Arc::clone(&id));
        self.by_id.get_or_insert_with(&id, T::default)
    }
}

fn names_of<T: Named>(id: &Arc<str>, object: &T) -> impl Iterator<Item = Name> {
    object.names().map(|name| Name { hash: hash_of(name), id: Arc::clone(id) })
}

/// The same for the same name in any case (FNV-1a).
fn hash_of(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01B3)
    })
}

impl<T: Named> Default for Objects<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Named> FromIterator<(String, T)> for Objects<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(objects: I) -> Self {
        Self::of(objects.into_iter().map(|(id, object)| (id.into(), object)).collect())
    }
}

impl<T: Named + Serialize> Serialize for Objects<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_id.serialize(serializer)
    }
}

impl<'de, T: Named + Deserialize<'de>> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SnapshotMap::deserialize(deserializer).map(Self::of)
    }
}

impl<T: Named + Part + Serialize + DeserializeOwned> Part for Objects<T> {
    fn since(&self, earlier: &Self) -> Option<Value> {
        self.by_id.since(&earlier.by_id)
    }

    fn take_up(&mut self, change: Value) -> Result<(), serde_json::Error> {
        let MapChange { set, changed, gone } = MapChange::<String>::read(change)?;
        for (id, object) in set {
            self.insert(id, serde_json::from_value(object)?);
        }
        for (id, change) in changed {
            let there = self.get_mut(&id);
            let there = there.ok_or_else(|| serde_json::Error::custom("what changed is not there"))?;
            there.take_up(change)?;
        }
        for id in gone {
            self.remove(&id);
        }
        // Whoever reads next finds every name.
        self.settle();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two names, of which one may be the same for all.
    impl Named for String {
        fn names(&self) -> impl Iterator<Item = &str> {
            [self.as_str(), "everybody"].into_iter()
        }
    }

    proptest! {
        /// Whatever is done to the objects, a name finds exactly those that have it now.
        #[test]
        fn a_name_finds_whoever_has_it(steps in prop::collection::vec((0..5_u8, 0..12_u8, 0..4_u8), 0..60)) {
            let mut objects: Objects<String> = Objects::new();
            for (step, id, name) in steps {
                let (id, name) = (format!("id{id}"), ["Ada", "ada", "grace", "gracE"][usize::from(name)]);
                match step {
                    0 | 1 => drop(objects.insert(id, name.to_owned())),
                    2 => drop(objects.remove(&id)),
                    3 => objects.get_mut(&id).into_iter().for_each(|object| *object = name.to_owned()),
                    _ => *objects.get_or_default(&id) = name.to_owned(),
                }
                for name in ["ADA", "grace", "gra", "nobody", "Everybody"] {
                    let having: Vec<&String> = objects
                        .values()
                        .filter(|object| object.names().any(|one| one.eq_ignore_ascii_case(name)))
                        .collect();
                    prop_assert_eq!(objects.named(name), having);
                }
            }
        }
    }
}
