//! The powers that tests have over a sandbox: tenants, snapshots, the clock, lag, faults, held requests, the log
//! of requests, the state, and waiting for what arrives. In this process through [`Control`], from elsewhere
//! through `/_sandbox/…` with a control token. Every operation stands once in [`table`]; the OpenAPI document
//! is made from it.

mod answer;
mod changes;
mod chats;
mod clock;
mod faults;
mod handle;
mod held;
mod lag;
mod mail;
mod notifications;
mod openapi;
mod readiness;
mod requests;
mod seed;
mod signing;
mod snapshots;
mod state;
mod steer;
mod table;
mod tenants;
mod throttling;

pub(crate) use answer::answer;
pub use handle::Control;
