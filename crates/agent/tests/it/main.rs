//! The device agent against a sandbox tenant: real HTTPS, real files, real keys.

mod identity;
mod inbox;
mod left_over;
mod provisioning;
mod tools;
mod upgrade;
mod world;
