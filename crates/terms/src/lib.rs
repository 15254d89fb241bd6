//! The types that rooms exchange, so that the wrong thing cannot be written: identifiers that encode
//! themselves into URLs, secrets that cannot be printed, text of others that only the envelope opens,
//! time and randomness as parameters, and errors that say who must act. Nothing here does I/O, and
//! nothing here knows a protocol beyond the spelling of its names.

mod check;
mod clock;
mod cloud;
#[cfg(test)]
mod corpus;
mod envelope;
mod ids;
mod remedy;
mod rng;
mod secret;

pub use check::{Check, Verdict, when};
pub use clock::{Boot, Clock, ManualClock, Sleep, SystemClock};
pub use cloud::{Cloud, CloudError, Origin};
pub use envelope::{Envelope, Source, Untrusted};
pub use ids::{AppId, ChatId, IdError, MessageId, ObjectId, SkuId, TenantId, UserId};
pub use remedy::{Explain, Remedy, Who};
pub use rng::{Rng, SeededRng, SystemRng};
pub use secret::{Secret, SecretBytes};
