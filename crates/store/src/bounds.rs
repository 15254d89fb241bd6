//! How much of a list, and in which order.

use crate::{Place, Versioned};

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By key, upwards; for keys of version 7, the oldest first.
    #[default]
    Ascending,
    /// By key, downwards; the newest first.
    Descending,
}

/// Where a part of a list ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Where the last row stands. Lists of one place do not look at it.
    pub place: Place,
    /// The last row's key.
    pub key: String,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Only what comes after this in the order.
    pub after: Option<Cursor>,
    /// At most so many.
    pub limit: usize,
    /// Which way.
    pub order: Order,
}

impl Page {
    /// The first so many, the oldest first.
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit, order: Order::Ascending }
    }

    /// The first so many, the newest first.
    pub fn newest(limit: usize) -> Self {
        Self { after: None, limit, order: Order::Descending }
    }

    /// What comes after this key, in a list of one place.
    pub fn after(self, key: Option<String>) -> Self {
        Self { after: key.map(|key| Cursor { place: Place::Gateway, key }), ..self }
    }

    /// What comes after this record, in any list.
    pub fn beyond<R: crate::Record>(self, last: &Versioned<R>) -> Self {
        Self { after: Some(Cursor { place: last.place, key: last.record.key() }), ..self }
    }
}
