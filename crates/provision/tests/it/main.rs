//! Provisioning against a tenant in memory that lags, fails and outlives crashes, and against the sandbox.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod forward;
mod model;
mod remedies;
mod sandbox;
mod way_back;
