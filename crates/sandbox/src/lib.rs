//! Be a tenant: Entra ID and Microsoft Graph, emulated in one process, behind one TLS listener.
//!
//! [`Sandbox::start`] answers sign-in and Graph requests by path at `https://localhost:PORT`, and by host name
//! as `login.microsoftonline.com` and `graph.microsoft.com`. It is written from the protocol reference and
//! shares no code and no types with the clients, so that a mistake cannot hide by being made twice.
//!
//! The whole tenant is a value in memory; a handler is a synchronous function of it and a request. Each Graph
//! operation is declared once, with the permissions that it needs; authorisation, lag, faults and time have
//! one place each.

mod authorize;
mod body;
mod changes;
mod clock;
mod compression;
mod config;
mod control;
#[cfg(test)]
mod corpus;
mod directory;
mod entra;
mod exchange;
mod faults;
mod files;
mod first_party;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod graph;
mod host;
mod in_process;
mod lag;
mod mail;
mod manners;
mod names;
mod notifications;
mod portal;
mod published;
mod raw_target;
mod ready;
mod realm;
mod requests;
mod sandbox;
mod scope;
mod seed;
mod server;
mod sharing;
mod start_error;
mod store;
mod tenant;
mod throttling;
mod tls;

pub use clock::Clock;
pub use config::{Config, Seed};
pub use control::Control;
pub use faults::{Effect, Fault, FaultRule, HeldRequest};
pub use files::FileError;
pub use in_process::Tenant;
pub use lag::{Delays, Lag, LagProfile};
pub use ready::{Ready, ReadyApps, ReadyClient, ReadyProvisioner, ReadyUser};
pub use requests::{Decision, LoggedCaller, LoggedRequest, Permissions};
pub use sandbox::Sandbox;
pub use seed::{Made, MadeKind, constants};
pub use start_error::StartError;
pub use throttling::{Limits, RetryAfter, Throttling};
