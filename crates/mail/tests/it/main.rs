//! Mail that is really sent: through Graph, to mailboxes of a sandbox tenant.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod failing;
mod sending;
mod world;
