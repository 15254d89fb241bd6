//! The control plane: organisations with their members and keys, agent identities and the jobs that bring them
//! from nothing to ready, the audit log, and the dashboard.
//!
//! One feature is one folder: its records, what it decides, its HTTP handlers, its jobs and its pages stand side
//! by side. What features share: `access` (who asks, and what they may), `record` (audit entries), `jobs`
//! (the runner), `server` (how requests come in and answers leave), `dashboard` (how pages look).
//!
//! [`Gateway::start`] takes a [`Config`] and a store; the engine is chosen by whoever starts it.

mod access;
mod api_keys;
mod audit;
mod cells;
mod config;
mod connection;
mod dashboard;
mod gateway;
mod health;
mod hosting;
mod idempotency;
mod identities;
mod jobs;
mod licences;
mod limits;
mod line;
mod live;
mod members;
mod nature;
mod organisations;
mod outbound;
mod problems;
mod record;
mod reviews;
mod sealing;
mod sending;
mod server;
mod siem;
mod sign_in;
mod sponsors;
mod sweep;
mod tenants;

pub use access::{Prefix, PrefixError, operator_key};
pub use config::{ClientApp, Config, Governance, HostedTenant, Operator, Tls};
pub use connection::{Needed, OWN_TENANT, Permission, hosted_permissions};
pub use gateway::{Gateway, Parts, Running, StartError};
pub use identities::{Import, ImportError, Taken, What, import_identities};
pub use licences::{Money, Prices, PricesError};
pub use limits::Limits;
pub use nature::{NatureError, check_nature};
pub use sealing::{KeysError, MasterKeyError, MasterKeyRotation, Rewrapped, rotate_master_key};
pub use server::{TlsError, page_paths};
pub use sign_in::{SignInLink, sign_in_link};
