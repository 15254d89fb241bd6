//! Identifiers of what the gateway itself makes: UUIDs of version 7, so that they sort by age.

#[doc(hidden)]
pub use attache_terms::{Clock, Rng};
#[doc(hidden)]
pub use serde::{Deserialize, Serialize};
#[doc(hidden)]
pub use uuid::Uuid;

/// Why a text is not the identifier that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {0}: expected a UUID such as 0197a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b")]
pub struct NotAnId(&'static str);

impl NotAnId {
    /// With what it should have been: `an organisation's id`.
    pub const fn new(what: &'static str) -> Self {
        Self(what)
    }
}

/// A new UUID of version 7: the time in milliseconds, then random bits.
pub fn uuid_v7(clock: &dyn Clock, rng: &dyn Rng) -> Uuid {
    let millis = u64::try_from(clock.now().as_millisecond()).unwrap_or(0);
    let mut random = [0; 10];
    rng.fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// Declares identifier types: `id! { /// An organisation. OrgId = "an organisation's id"; }`.
#[macro_export]
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, $crate::ids::Serialize, $crate::ids::Deserialize)]
        #[serde(transparent, crate = "::serde")]
        pub struct $name($crate::ids::Uuid);

        impl $name {
            /// A new one.
            pub fn make(clock: &dyn $crate::ids::Clock, rng: &dyn $crate::ids::Rng) -> Self {
                Self($crate::ids::uuid_v7(clock, rng))
            }

            /// The identifier with this value.
            pub const fn new(value: $crate::ids::Uuid) -> Self {
                Self(value)
            }

            /// The value.
            pub const fn uuid(self) -> $crate::ids::Uuid {
                self.0
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::ids::NotAnId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match $crate::ids::Uuid::try_parse(text) {
                    Ok(value) if text.len() == 36 => Ok(Self(value)),
                    _ => Err($crate::ids::NotAnId::new($what)),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

id! {
    /// An organisation: a customer of the gateway.
    OrgId = "an organisation's id";
    /// A job.
    JobId = "a job's id";
    /// A running gateway.
    NodeId = "a gateway node's id";
}
