//! A value that many copies of the state share until one of them changes it: snapshots cost a count, not a copy.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::part::Part;

/// A shared value, copied when it is written to while others hold it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Held<T>(Arc<T>);

impl<T> Held<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T: Clone> Held<T> {
    /// The value, this holder's own from now on.
    pub(crate) fn edit(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Serialize> Serialize for Held<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Held<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

impl<T: Part + Clone> Part for Held<T> {
    fn since(&self, earlier: &Self) -> Option<Value> {
        if Arc::ptr_eq(&self.0, &earlier.0) { None } else { self.0.since(&earlier.0) }
    }

    fn take_up(&mut self, change: Value) -> Result<(), serde_json::Error> {
        self.edit().take_up(change)
    }
}
