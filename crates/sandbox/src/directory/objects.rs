//! Directory objects by id and by what they are looked for by, so that a user principal name, an app id or the children
//! of a blueprint among hundreds of thousands are found, and seats counted, without looking at all of them.

use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::index::Index;
use crate::sharing::{MapChange, Part, SnapshotMap};

/// An object that is found by something else than its id.
pub(crate) trait Named: Clone {
    /// What it goes by, compared without regard to case. Several objects may have the same name.
    fn names(&self) -> impl Iterator<Item = &str>;

    /// What it is a child of, compared so as well.
    fn parents(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    /// What is counted of it, each at most once: see [`Objects::count`].
    fn counted(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }
}

/// Objects by object id, in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Objects<T> {
    by_id: SnapshotMap<Arc<str>, T>,
    /// Of every object but the touched one.
    index: Index,
    /// The object that was handed out to be changed: what it is found by is not known until the next change.
    touched: Option<Arc<str>>,
}

impl<T: Named> Objects<T> {
    /// No objects.
    pub(crate) fn new() -> Self {
        Self { by_id: SnapshotMap::default(), index: Index::default(), touched: None }
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
        self.index.forget(&id, object);
        self.touched = Some(Arc::clone(&id));
        self.by_id.get_mut(&*id)
    }

    /// Those of that name, in the order of their ids.
    pub(crate) fn named(&self, name: &str) -> Vec<&T> {
        self.entries_named(name).into_iter().map(|(_, object)| object).collect()
    }

    /// The children of that parent, in the order of their ids.
    pub(crate) fn children(&self, parent: &str) -> Vec<&T> {
        let is_child = |object: &T| object.parents().any(|one| one.eq_ignore_ascii_case(parent));
        let found = self.found(self.index.children(parent), is_child);
        found.into_iter().map(|(_, object)| object).collect()
    }

    /// The children where a parent is known, those of that name where one is, else all, in the order of their ids.
    pub(crate) fn candidates(&self, parent: Option<&str>, name: Option<&str>) -> Vec<&T> {
        match (parent, name) {
            (Some(parent), _) => self.children(parent),
            (None, Some(name)) => self.named(name),
            (None, None) => self.values().collect(),
        }
    }

    /// The same as [`Self::named`], with their ids.
    pub(crate) fn entries_named(&self, name: &str) -> Vec<(&str, &T)> {
        let has_it = |object: &T| object.names().any(|one| one.eq_ignore_ascii_case(name));
        self.found(self.index.named(name), has_it)
    }

    /// What of an index's answer is right, and the touched object if it belongs to it.
    fn found<'o>(
        &'o self,
        ids: impl Iterator<Item = &'o Arc<str>>,
        belongs: impl Fn(&T) -> bool,
    ) -> Vec<(&'o str, &'o T)> {
        let mut found: Vec<(&str, &T)> = ids
            .filter_map(|id| Some((&**id, self.by_id.get(&**id)?)))
            .filter(|(_, object)| belongs(object))
            .collect();
        if let Some(id) = &self.touched
            && let Some(object) = self.by_id.get(&**id).filter(|object| belongs(object))
        {
            found.push((id, object));
            found.sort_by_key(|(id, _)| *id);
        }
        found
    }

    /// Of how many objects that is counted.
    pub(crate) fn count(&self, counted: &str) -> usize {
        let touched = self.touched.as_ref().and_then(|id| self.by_id.get(&**id));
        let has_it = touched.is_some_and(|object| object.counted().any(|one| one == counted));
        self.index.count(counted) + usize::from(has_it)
    }

    /// Whether there is that id.
    pub(crate) fn contains_key<K: AsRef<str> + ?Sized>(&self, id: &K) -> bool {
        self.by_id.contains_key(id.as_ref())
    }

    /// Adds or replaces one.
    pub(crate) fn insert(&mut self, id: String, object: T) -> Option<T> {
        self.settle();
        let id: Arc<str> = id.into();
        if let Some(earlier) = self.by_id.get(&*id) {
            self.index.forget(&id, earlier);
        }
        self.index.learn(&id, &object);
        self.by_id.insert(id, object)
    }

    /// Takes one away.
    pub(crate) fn remove<K: AsRef<str> + ?Sized>(&mut self, id: &K) -> Option<T> {
        self.settle();
        let id: Arc<str> = id.as_ref().into();
        let removed = self.by_id.remove(&*id)?;
        self.index.forget(&id, &removed);
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

    /// Learns what the object that was handed out is found by.
    fn settle(&mut self) {
        let Some(id) = self.touched.take() else { return };
        if let Some(object) = self.by_id.get(&*id) {
            self.index.learn(&id, object);
        }
    }

    fn of(by_id: SnapshotMap<Arc<str>, T>) -> Self {
        Self { index: by_id.iter().collect(), by_id, touched: None }
    }
}

impl<T: Named + Default> Objects<T> {
    /// By id, to change it; made if it is not there.
    pub(crate) fn get_or_default(&mut self, id: &str) -> &mut T {
        self.settle();
        let kept = self.by_id.get_key_value(id).map(|(id, _)| Arc::clone(id));
        let id = kept.unwrap_or_else(|| id.into());
        if let Some(object) = self.by_id.get(&*id) {
            self.index.forget(&id, object);
        }
        self.touched = Some(Arc::clone(&id));
        self.by_id.get_or_insert_with(&id, T::default)
    }
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

    /// Two names, of which one may be the same for all; a child of its name, too, and counted by its first letter.
    impl Named for String {
        fn names(&self) -> impl Iterator<Item = &str> {
            [self.as_str(), "everybody"].into_iter()
        }

        fn parents(&self) -> impl Iterator<Item = &str> {
            std::iter::once(self.as_str()).filter(|name| name.starts_with(['g', 'G']))
        }

        fn counted(&self) -> impl Iterator<Item = &str> {
            self.get(..1).into_iter()
        }
    }

    proptest! {
        /// Whatever is done to the objects, a name finds exactly those that have it now, a parent its children, and
        /// what is counted is so.
        #[test]
        fn everything_is_found_by_what_it_has(steps in prop::collection::vec((0..5_u8, 0..12_u8, 0..4_u8), 0..60)) {
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
                    let children: Vec<&String> = objects
                        .values()
                        .filter(|object| object.parents().any(|one| one.eq_ignore_ascii_case(name)))
                        .collect();
                    prop_assert_eq!(objects.children(name), children);
                }
                for letter in ["A", "a", "g", "x"] {
                    let counted = objects.values().filter(|object| object.starts_with(letter)).count();
                    prop_assert_eq!(objects.count(letter), counted);
                }
                let restored = objects.clone();
                let read: Objects<String> = serde_json::from_value(serde_json::to_value(&restored).unwrap()).unwrap();
                prop_assert_eq!(read.count("g"), objects.count("g"));
                prop_assert_eq!(read.children("grace"), objects.children("grace"));
            }
        }
    }
}
