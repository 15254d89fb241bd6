//! Export to a SIEM: an organisation's audit entries as JSON lines that a program follows, and as syslog messages
//! that a job sends to where an owner says. Each entry arrives at least once and in order; how far the receiver is
//! behind can be seen.

mod behind;
mod deliver;
mod follow;
mod http;
mod page;
mod send;
mod service;
mod syslog;

use attache_store::{OrgId, OrgScope, Record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use behind::{Behind, behind};
pub(crate) use deliver::DELIVER;
pub(crate) use http::{DestinationView, api, destination};
pub(crate) use page::pages;

/// An organisation has one destination.
pub(crate) const ONLY: &str = "syslog";

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Transport {
    /// In TLS (RFC 5425).
    Tls,
    /// In plain TCP (RFC 6587): whoever is on the way reads along.
    Tcp,
}

/// Where an organisation's entries are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Destination {
    /// Whose they are.
    pub(crate) org: OrgId,
    /// The host, a name or an address.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// How.
    pub(crate) transport: Transport,
    /// The authorities that may have signed the receiver's certificate, in PEM; the machine's when `None`.
    pub(crate) ca: Option<String>,
    /// Since when.
    pub(crate) since: Timestamp,
}

impl Record for Destination {
    const KIND: &'static str = "siem_destination";
    type Scope = OrgScope;

    fn key(&self) -> String {
        ONLY.to_owned()
    }
}

/// How far the receiver is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The number of the next entry to be sent.
    pub(crate) next: u64,
    /// When something arrived last.
    pub(crate) arrived: Option<Timestamp>,
    /// Why nothing arrives.
    pub(crate) trouble: Option<Trouble>,
}

/// Why nothing arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Trouble {
    /// The code, for programs.
    pub(crate) code: String,
    /// What happened.
    pub(crate) detail: String,
    /// What to do.
    pub(crate) remedy: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
    /// How often it was tried since.
    pub(crate) tries: u32,
}

impl Record for Progress {
    const KIND: &'static str = "siem_progress";
    type Scope = OrgScope;

    fn key(&self) -> String {
        ONLY.to_owned()
    }
}
