//! The store on a real PostgreSQL: the suite that every engine passes, and what only a database that is shared,
//! and reached over a wire, can do to it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conformance;
mod leases;
mod node;
mod nodes;
mod opening;
mod versions;
mod wire;
