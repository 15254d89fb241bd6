//! The way to a connection, between its steps: kept for half an hour under the hash of its state, used once, and only
//! by the session that began it.

use std::time::Duration;

use attache_entra::WebAttempt;
use attache_store::{GatewayScope, OrgId, Record, Unit, Versioned};
use attache_terms::{TenantId, UserId};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Gateway;
use crate::access::{Caller, Digest, Grant, Needs, Right as _, Session, grant, right};
use crate::server::{Answer, Problem};

/// How long one step may take.
const TIME: Duration = Duration::from_secs(30 * 60);

/// An attempt as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// The hash of the state that comes back.
    state: Digest,
    /// The session that began it.
    session: Digest,
    /// For which organisation.
    pub(super) org: OrgId,
    /// What is awaited.
    pub(super) awaits: Awaits,
    /// When it is over.
    pub(super) ends: Timestamp,
}

/// What an attempt awaits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Awaits {
    /// The return from the page of consent.
    Consent,
    /// The administrator's sign-in.
    SignIn {
        /// The tenant that the return named; believed no further than that the sign-in must be at it.
        claimed: TenantId,
        /// What the second half of the sign-in needs.
        web: WebAttempt,
    },
    /// That the administrator names the organisation.
    Name(Administrator),
}

/// An administrator whom Entra has named and the directory has confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Administrator {
    /// Their tenant.
    pub(super) tenant: TenantId,
    /// The tenant's name.
    pub(super) tenant_name: String,
    /// Their object id.
    pub(super) user: UserId,
    /// Their sign-in name.
    pub(super) upn: String,
}

impl Record for Attempt {
    const KIND: &'static str = "connection_attempt";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.state.as_str().to_owned()
    }

    fn expires(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}

impl Attempt {
    /// One for this state, which this session has begun.
    pub(super) fn new(
        gateway: &Gateway,
        session: &Session,
        org: OrgId,
        state: Digest,
        awaits: Awaits,
    ) -> Self {
        let now = gateway.clock.now();
        let ends = now.saturating_add(TIME).unwrap_or(now);
        Self { state, session: session.digest.clone(), org, awaits, ends }
    }

    /// The attempt of this state, if the caller's session has begun it. It is there until the unit that uses it up.
    pub(super) async fn find(gateway: &Gateway, caller: &Caller, state: &str) -> Answer<Versioned<Self>> {
        let own = &person(caller)?.digest;
        let found: Option<Versioned<Self>> = gateway.system().get(Digest::of(state).as_str()).await?;
        let now = gateway.clock.now();
        found.filter(|attempt| attempt.ends > now && attempt.session == *own).ok_or_else(unknown)
    }

    /// Uses it up in favour of what comes next.
    pub(super) async fn go_on(gateway: &Gateway, used: &Versioned<Self>, next: Option<&Self>) -> Answer<()> {
        let mut unit = Unit::new();
        unit.delete(used);
        if let Some(next) = next {
            unit.create(GatewayScope::granted(), next);
        }
        match gateway.store.commit(unit).await {
            Ok(_) => Ok(()),
            // It came twice at once: one of the two is not the person.
            Err(attache_store::CommitError::Conflict { .. }) => Err(unknown()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What the caller may do in the organisation of an attempt, still.
pub(super) async fn granted(gateway: &Gateway, caller: Caller, attempt: &Attempt) -> Answer<Grant> {
    // Whoever began has proved who they are; what follows takes its time at Entra.
    let needs = Needs { step_up: false, ..right::ConnectTenant::NEEDS };
    grant(gateway, caller, &attempt.org.to_string(), needs).await
}

/// The session of a person; a program has none to which consent could be bound.
pub(super) fn person(caller: &Caller) -> Answer<&Session> {
    caller.session().ok_or_else(|| {
        Problem::new(
            StatusCode::FORBIDDEN,
            "people_only",
            "a key has no browser session to which an administrator's consent could be bound",
            "have an owner or administrator of the organisation do it at Settings > Agent identity",
        )
    })
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "connection_refused",
        "this session has begun no such connection, or it was used or is too old",
        "begin again at Settings > Agent identity, and go through it in one browser",
    )
}
