//! The gateway in this process, on SQLite, against a sandbox tenant: through its HTTP interface, as programs and
//! browsers use it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod access;
mod acts;
mod addresses;
mod at_once;
mod audit;
mod blueprints;
mod connections;
mod corrections;
mod degraded;
mod entra;
mod fallback;
mod faults;
mod forged_tokens;
mod forms;
#[cfg(target_os = "linux")]
mod go;
mod halfway;
mod health;
mod hosting;
mod idempotency;
mod identities;
mod import;
mod inside;
mod isolation;
mod jobs;
mod keeping;
mod keys;
mod licences;
mod limits;
mod live;
mod members;
mod names;
mod operator_keys;
mod operators;
mod own_tenant;
mod pages;
mod reviews;
mod rsyslog;
mod seats;
mod sending;
mod setbacks;
mod shared_sender;
mod siem;
mod sign_in;
mod sponsors;
mod suspension;
mod takeover;
mod versions;
mod world;
