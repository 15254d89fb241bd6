//! The device agent against a sandbox tenant: real HTTPS, real files, real keys.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod again;
mod identity;
mod inbox;
mod killed;
mod left_over;
mod provisioning;
mod tools;
mod upgrade;
mod world;
