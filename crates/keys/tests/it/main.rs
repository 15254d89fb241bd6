//! The stores on a real disk, between real processes, and on a real keyring.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod sealed_file;
mod secret_service;
