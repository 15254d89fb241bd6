//! Token requests over real TLS, against an authority that these tests script.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod authority;
mod delegated;
mod device_code;
mod failures;
mod hops;
mod proxy;
mod sharing;
mod sign_in;
mod signer;
mod web_sign_in;
