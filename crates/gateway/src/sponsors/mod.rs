//! Sponsors: who answers for an identity. A job looks at each one's sponsor again and again; when they have left, are
//! disabled, or stand in Entra no longer, the identity pauses. An owner names a successor, the successor accepts,
//! Entra is told on both objects, and the identity goes on, which is proved.

mod handover;
mod http;
mod look;
mod page;
mod sponsorship;
mod watch;

pub(crate) use handover::HAND_OVER;
pub(crate) use http::api;
pub(crate) use page::pages;
pub(crate) use watch::{WATCH, look_now, watching};
