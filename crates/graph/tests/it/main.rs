//! What the Graph client does with answers: over a Graph in memory, and over real sockets.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod challenge;
mod failures;
mod pages;
mod scripted;
mod sockets;
