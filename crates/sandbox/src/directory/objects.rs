//! Directory objects by id and by the names that they go by, so that a user principal name or an app id among
//! hundreds of thousands is found without looking at all of them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::snapshot_map::SnapshotMap;

/// An object that goes by something else than its id.
pub(crate) trait Named: Clone {
    /// The name, compared without regard to case. Several objects may have the same.
    fn name(&self) -> &str;
}

/// Objects by object id, in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Objects<T> {
    by_id: SnapshotMap<T>,
    /// `name NUL id` of every object but the touched.
    names: SnapshotMap<()>,
    touched: Touched,
}

/// Which objects were handed out to be changed, so that their names are not known until the next change.
#[derive(Debug, Clone)]
enum Touched {
    Nothing,
    One(String),
    Everything,
}

impl<T: Named> Objects<T> {
    /// No objects.
    pub(crate) fn new() -> Self {
        Self { by_id: SnapshotMap::new(), names: SnapshotMap::new(), touched: Touched::Nothing }
    }

    /// By id.
    pub(crate) fn get<K: AsRef<str> + ?Sized>(&self, id: &K) -> Option<&T> {
        self.by_id.get(id)
    }

    /// By id, to change it.
    pub(crate) fn get_mut<K: AsRef<str> + ?Sized>(&mut self, id: &K) -> Option<&mut T> {
        self.settle();
        let id = id.as_ref();
        let name = self.by_id.get(id).map(key_of(id))?;
        self.names.remove(&name);
        self.touched = Touched::One(id.to_owned());
        self.by_id.get_mut(id)
    }

    /// Those of that name, in the order of their ids.
    pub(crate) fn named(&self, name: &str) -> Vec<&T> {
        let name = name.to_ascii_lowercase();
        if matches!(self.touched, Touched::Everything) {
            return self.by_id.values().filter(|object| object.name().eq_ignore_ascii_case(&name)).collect();
        }
        let start = format!("{name}\0");
        let known = self.names.iter_from(&start);
        let mut found: Vec<(&str, &T)> = known
            .map_while(|(key, ())| key.strip_prefix(&start))
            .filter_map(|id| Some((id, self.by_id.get(id)?)))
            .collect();
        if let Touched::One(id) = &self.touched
            && let Some(object) =
                self.by_id.get(id).filter(|object| object.name().eq_ignore_ascii_case(&name))
        {
            found.push((id, object));
            found.sort_by_key(|(id, _)| *id);
        }
        found.into_iter().map(|(_, object)| object).collect()
    }

    /// Whether there is that id.
    pub(crate) fn contains_key<K: AsRef<str> + ?Sized>(&self, id: &K) -> bool {
        self.by_id.contains_key(id)
    }

    /// Adds or replaces one.
    pub(crate) fn insert(&mut self, id: String, object: T) -> Option<T> {
        self.settle();
        let name = key_of(&id)(&object);
        let earlier = self.by_id.insert(id.clone(), object);
        if let Some(earlier) = &earlier {
            self.names.remove(&key_of(&id)(earlier));
        }
        self.names.insert(name, ());
        earlier
    }

    /// Takes one away.
    pub(crate) fn remove<K: AsRef<str> + ?Sized>(&mut self, id: &K) -> Option<T> {
        self.settle();
        let removed = self.by_id.remove(id.as_ref())?;
        self.names.remove(&key_of(id.as_ref())(&removed));
        Some(removed)
    }

    /// Every id.
    #[cfg(test)]
    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &String> + Clone {
        self.by_id.keys()
    }

    /// Every object, by id.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.by_id.values()
    }

    /// Every object, to change it; [`Self::get_mut`] is cheaper for one.
    pub(crate) fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.touched = Touched::Everything;
        self.by_id.values_mut()
    }

    /// Learns the names of what was handed out.
    fn settle(&mut self) {
        match std::mem::replace(&mut self.touched, Touched::Nothing) {
            Touched::Nothing => {}
            Touched::One(id) => {
                if let Some(name) = self.by_id.get(&id).map(key_of(&id)) {
                    self.names.insert(name, ());
                }
            }
            Touched::Everything => {
                let mut names: Vec<String> =
                    self.by_id.iter().map(|(id, object)| key_of(id)(object)).collect();
                names.sort_unstable();
                self.names = names.into_iter().map(|name| (name, ())).collect();
            }
        }
    }
}

fn key_of<T: Named>(id: &str) -> impl Fn(&T) -> String {
    move |object| format!("{}\0{id}", object.name().to_ascii_lowercase())
}

impl<T: Named> Default for Objects<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Named> FromIterator<(String, T)> for Objects<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(objects: I) -> Self {
        let by_id = objects.into_iter().collect();
        let mut objects = Self { by_id, names: SnapshotMap::new(), touched: Touched::Everything };
        objects.settle();
        objects
    }
}

impl<T: Named + Serialize> Serialize for Objects<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_id.serialize(serializer)
    }
}

impl<'de, T: Named + Deserialize<'de>> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let by_id = SnapshotMap::deserialize(deserializer)?;
        let mut objects = Self { by_id, names: SnapshotMap::new(), touched: Touched::Everything };
        objects.settle();
        Ok(objects)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Named for String {
        fn name(&self) -> &str {
            self
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
                    _ => objects.values_mut().take(1).for_each(|object| *object = name.to_owned()),
                }
                for name in ["ADA", "grace", "gra", "nobody"] {
                    let having: Vec<&String> =
                        objects.values().filter(|object| object.eq_ignore_ascii_case(name)).collect();
                    prop_assert_eq!(objects.named(name), having);
                }
            }
        }
    }
}
