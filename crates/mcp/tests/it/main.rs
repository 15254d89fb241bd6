//! The server as a host sees it: lines of JSON on a pipe.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod channel;
mod failure;
mod host;
mod initialize;
mod listing;
