//! What things are kept by, and how that is written as the name in a JSON object.

use std::borrow::Cow;
use std::sync::Arc;

/// A key of a map.
pub(crate) trait Key: Ord + Clone {
    /// As text.
    fn text(&self) -> Cow<'_, str>;

    /// From text.
    fn parse(text: String) -> Option<Self>;
}

impl Key for String {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }

    fn parse(text: String) -> Option<Self> {
        Some(text)
    }
}

impl Key for Arc<str> {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }

    fn parse(text: String) -> Option<Self> {
        Some(text.into())
    }
}

impl Key for u64 {
    fn text(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn parse(text: String) -> Option<Self> {
        text.parse().ok()
    }
}

impl Key for i64 {
    fn text(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn parse(text: String) -> Option<Self> {
        text.parse().ok()
    }
}
