//! A list whose copies share their entries. Entries have numbers that they keep while others come and go.

use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use super::map::SnapshotMap;
use super::part::Part;

/// The list.
#[derive(Debug)]
pub(crate) struct SnapshotList<T>(SnapshotMap<u64, T>);

impl<T> Clone for SnapshotList<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for SnapshotList<T> {
    fn default() -> Self {
        Self(SnapshotMap::default())
    }
}

impl<T: Clone> SnapshotList<T> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds one at the end.
    pub(crate) fn push(&mut self, value: T) {
        let next = self.0.last().map_or(0, |(last, _)| last + 1);
        self.0.insert(next, value);
    }

    /// Takes the first one away.
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let first = *self.0.first()?.0;
        self.0.remove(&first)
    }

    /// The first one.
    pub(crate) fn first(&self) -> Option<&T> {
        self.0.first().map(|(_, value)| value)
    }

    /// All of them, in the order in which they were added.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.0.values()
    }

    /// The first that fits, to change it.
    pub(crate) fn find_mut(&mut self, fits: impl Fn(&T) -> bool) -> Option<&mut T> {
        let number = self.0.iter().find(|(_, value)| fits(value)).map(|(number, _)| *number)?;
        self.0.get_mut(&number)
    }

    /// Keeps what fits.
    pub(crate) fn retain(&mut self, mut fits: impl FnMut(&T) -> bool) {
        self.0.retain(|_, value| fits(value));
    }
}

impl<T: Clone> FromIterator<T> for SnapshotList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self((0..).zip(values).collect())
    }
}

impl<T: Serialize + Clone> Serialize for SnapshotList<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de> + Clone> Deserialize<'de> for SnapshotList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Clone> Visitor<'de> for Entries<T> {
            type Value = SnapshotList<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list, or a map by number")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut list = SnapshotMap::default();
                while let Some((number, value)) = entries.next_entry::<String, T>()? {
                    let number = number.parse().map_err(A::Error::custom)?;
                    list.insert(number, value);
                }
                Ok(SnapshotList(list))
            }

            /// As older formats have it.
            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
                let mut list = SnapshotList::default();
                while let Some(value) = values.next_element()? {
                    list.push(value);
                }
                Ok(list)
            }
        }

        deserializer.deserialize_any(Entries(PhantomData))
    }
}

impl<T: Part + Serialize + DeserializeOwned + Clone> Part for SnapshotList<T> {
    fn since(&self, earlier: &Self) -> Option<Value> {
        self.0.since(&earlier.0)
    }

    fn take_up(&mut self, change: Value) -> Result<(), serde_json::Error> {
        self.0.take_up(change)
    }
}
