//! A part of the state that can tell what changed since an earlier copy of it, and take that up again: so little
//! has to be written when little changes.

use serde::Serialize;
use serde::de::Error as _;
use serde_json::{Map, Value};

/// A part of the state.
pub(crate) trait Part: Sized {
    /// What changed since `earlier`; `None` if nothing did.
    fn since(&self, earlier: &Self) -> Option<Value>;

    /// Becomes, from what it was at `earlier`, what it was when the change was told.
    fn take_up(&mut self, change: Value) -> Result<(), serde_json::Error>;
}

/// The whole value, if it is another than before: for what is small.
pub(crate) fn whole_since<T: Serialize>(now: &T, earlier: &T) -> Option<Value> {
    // Only maps with keys that are no strings fail to serialise; there are none.
    let [now, earlier] = [now, earlier].map(|value| serde_json::to_value(value).unwrap_or_default());
    (now != earlier).then_some(now)
}

/// The members of a JSON object.
pub(crate) fn object(value: Value) -> Result<Map<String, Value>, serde_json::Error> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(serde_json::Error::custom("a change is a JSON object")),
    }
}

/// Implements [`Part`] for types that are told whole.
macro_rules! whole {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::sharing::Part for $type {
            fn since(&self, earlier: &Self) -> Option<serde_json::Value> {
                $crate::sharing::whole_since(self, earlier)
            }

            fn take_up(&mut self, change: serde_json::Value) -> Result<(), serde_json::Error> {
                *self = serde_json::from_value(change)?;
                Ok(())
            }
        }
    )*};
}

/// Implements [`Part`] for a struct of parts; fields that are small are told `whole`, some are told not at all.
macro_rules! parts {
    (
        $type:ty { $($part:ident),* $(,)? }
        whole { $($whole:ident),* $(,)? }
        $(but { $($left_out:ident),* $(,)? })?
    ) => {
        impl $crate::sharing::Part for $type {
            fn since(&self, earlier: &Self) -> Option<serde_json::Value> {
                // Every field is told of or left out on purpose.
                let Self { $($part: _,)* $($whole: _,)* $($($left_out: _,)*)? } = self;
                let mut changes = serde_json::Map::new();
                let told = [
                    $((stringify!($part), $crate::sharing::Part::since(&self.$part, &earlier.$part)),)*
                    $((stringify!($whole), $crate::sharing::whole_since(&self.$whole, &earlier.$whole)),)*
                ];
                for (name, change) in told {
                    if let Some(change) = change {
                        changes.insert(name.to_owned(), change);
                    }
                }
                (!changes.is_empty()).then_some(serde_json::Value::Object(changes))
            }

            fn take_up(&mut self, change: serde_json::Value) -> Result<(), serde_json::Error> {
                let serde_json::Value::Object(changes) = change else {
                    return Err(serde::de::Error::custom("a change is a JSON object"));
                };
                for (name, change) in changes {
                    match name.as_str() {
                        $(stringify!($part) => $crate::sharing::Part::take_up(&mut self.$part, change)?,)*
                        $(stringify!($whole) => self.$whole = serde_json::from_value(change)?,)*
                        _ => return Err(serde::de::Error::custom(format!("there is no part {name:?}"))),
                    }
                }
                Ok(())
            }
        }
    };
}

pub(crate) use {parts, whole};
