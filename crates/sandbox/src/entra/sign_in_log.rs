//! The sign-in log: one row for every token request and every sign-in on a page, whatever its end, under the
//! request id that the client saw (Entra reference §13).
//!
//! The rows stand beside the tenant's state, not in it: reading a tenant and logging that it was read go together.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::attempt::{ClientKind, ClientNote, Notes, ResourceNote, UserNote};
use super::conditional_access::{self, Applied, Whereabouts};
use super::context::Context;
use super::error::EntraError;
use crate::sharing::{Held, Part, SnapshotList, whole};

/// How many rows are kept.
const KEPT: usize = 10_000;

/// How long rows are kept; so long with a premium licence.
const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The rows, oldest first. Clones are the same log.
#[derive(Debug, Clone, Default)]
pub(crate) struct SignInLog(Arc<Mutex<SnapshotList<Held<SignInRow>>>>);

/// One attempt to sign in or to get a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignInRow {
    /// The trace id of an error, and `x-ms-request-id` of any answer.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) correlation_id: String,
    pub(crate) event: Event,
    /// What the client asked with: `refreshToken`, `none`…
    pub(crate) incoming: String,
    /// `deviceCode`, `ropc`, `none`.
    pub(crate) protocol: String,
    pub(crate) client: Option<ClientNote>,
    pub(crate) user: Option<UserNote>,
    pub(crate) resource: Option<ResourceNote>,
    pub(crate) applied: Vec<Applied>,
    pub(crate) credential: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) user_agent: String,
    #[serde(default = "loopback")]
    pub(crate) address: IpAddr,
    #[serde(default)]
    pub(crate) country: Option<String>,
    #[serde(default)]
    pub(crate) platform: Option<String>,
    /// Nought for a success.
    pub(crate) error_code: u32,
    pub(crate) failure: Option<String>,
}

/// Where rows come from that do not say so.
fn loopback() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

/// The category of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Event {
    InteractiveUser,
    NonInteractiveUser,
    ServicePrincipal,
}

/// How an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) event: Event,
    pub(crate) incoming: &'static str,
    pub(crate) protocol: &'static str,
}

impl Way {
    /// On a page.
    pub(crate) const PAGE: Self = Self::of(Event::InteractiveUser, "none", "none");

    const fn of(event: Event, incoming: &'static str, protocol: &'static str) -> Self {
        Self { event, incoming, protocol }
    }

    /// At the token endpoint.
    pub(crate) fn of_grant(grant_type: &str) -> Self {
        match grant_type {
            "client_credentials" => Self::of(Event::ServicePrincipal, "none", "none"),
            "refresh_token" => Self::of(Event::NonInteractiveUser, "refreshToken", "none"),
            "password" => Self::of(Event::NonInteractiveUser, "none", "ropc"),
            "device_code" | "urn:ietf:params:oauth:grant-type:device_code" => {
                Self::of(Event::InteractiveUser, "none", "deviceCode")
            }
            _ => Self::of(Event::NonInteractiveUser, "none", "none"),
        }
    }
}

impl SignInRow {
    /// The row of an attempt and its end.
    pub(crate) fn new(context: &Context<'_>, way: Way, error: Option<&EntraError>) -> Self {
        let Notes { client, user, resource, applied, credential, session_id, methods, .. } =
            context.attempt.notes();
        let Whereabouts { address, country, platform, .. } = Whereabouts::of(context.request);
        Self {
            id: context.ids.trace.clone(),
            created: context.now,
            correlation_id: context.ids.correlation.clone(),
            event: way.event,
            incoming: way.incoming.to_owned(),
            protocol: way.protocol.to_owned(),
            client,
            user,
            resource,
            applied,
            credential: credential.map(str::to_owned),
            session_id,
            methods,
            user_agent: context.request.header("user-agent").unwrap_or_default().to_owned(),
            address,
            country,
            platform: platform.map(str::to_owned),
            error_code: error.map_or(0, |error| error.code),
            failure: error.map(|error| error.message.clone()),
        }
    }

    /// `conditionalAccessStatus`.
    pub(crate) fn conditional_access(&self) -> &'static str {
        conditional_access::status(&self.applied)
    }

    /// The kind of the client; an unknown client is an ordinary one.
    pub(crate) fn client_kind(&self) -> ClientKind {
        self.client.as_ref().map_or(ClientKind::Ordinary, |client| client.kind)
    }
}

impl SignInLog {
    /// Adds a row; rows that are too old or too many go.
    pub(crate) fn add(&self, row: SignInRow) {
        let mut rows = self.rows();
        let horizon = row.created.saturating_sub(RETENTION).unwrap_or(Timestamp::MIN);
        while rows.first().is_some_and(|oldest| oldest.created < horizon) || rows.len() >= KEPT {
            rows.pop_front();
        }
        rows.push(Held::new(row));
    }

    /// The rows, newest first.
    pub(crate) fn newest_first(&self) -> Vec<Held<SignInRow>> {
        self.rows().iter().rev().cloned().collect()
    }

    /// A log of its own that holds what this one holds now.
    pub(crate) fn apart(&self) -> Self {
        Self(Arc::new(Mutex::new(self.rows().clone())))
    }

    fn rows(&self) -> MutexGuard<'_, SnapshotList<Held<SignInRow>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serialize for SignInLog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rows().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SignInLog {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SnapshotList::deserialize(deserializer).map(|rows| Self(Arc::new(Mutex::new(rows))))
    }
}

impl Part for SignInLog {
    fn since(&self, earlier: &Self) -> Option<Value> {
        // One after the other, for it may be the same log.
        let now = self.rows().clone();
        let earlier = earlier.rows().clone();
        now.since(&earlier)
    }

    fn take_up(&mut self, change: Value) -> Result<(), serde_json::Error> {
        self.rows().take_up(change)
    }
}

whole!(SignInRow);
