//! Mail as an agent's identity sends it. A [`Draft`] becomes a [`Message`], which says to its reader why it came
//! and where the act is on record; a [`Transport`] takes it on its way and answers with what finds it again.
//!
//! A message is plain text; its HTML is made from that, so that both say the same and nothing in it is markup
//! of somebody else's.

mod address;
mod draft;
mod mime;
mod signature;
mod transport;

pub use address::Address;
pub use draft::{Draft, Message, Unfit};
pub use signature::Signature;
pub use transport::graph::GraphMail;
pub use transport::{Outcome, SendError, Sent, Transport};
