//! How much of a list, and in which order.

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By key, upwards; for keys of version 7, the oldest first.
    #[default]
    Ascending,
    /// By key, downwards; the newest first.
    Descending,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Only what comes after this key in the order.
    pub after: Option<String>,
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

    /// What comes after this key.
    pub fn after(self, key: Option<String>) -> Self {
        Self { after: key, ..self }
    }
}
