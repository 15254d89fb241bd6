//! The ledger as its users meet it: a file, its writers, and those who verify it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod appending;
mod bytes;
mod erasing;
mod exporting;
#[cfg(target_os = "linux")]
mod go;
#[cfg(target_os = "linux")]
mod judge;
mod killed;
mod processes;
mod proving;
mod refusing;
mod room;
mod tampering;
mod tools;
mod torn;
mod world;
