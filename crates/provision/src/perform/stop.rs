//! Why a step is not done: what waiting cures and what someone must cure. Retry rules: Entra reference
//! §1.14, §2.10.

use std::fmt;

use attache_entra::{TokenError, TokenFault};
use attache_graph::{Cause, Correlation, GraphError};
use attache_terms::{Explain, Who};

use crate::permissions::any_of;
use crate::{Ended, Failure, FailureCause, Reason, Told};

/// A step that is not done.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) ended: Box<Ended>,
    pub(crate) correlation: Option<Correlation>,
}

/// As whom a call was made, and with which permissions it succeeds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum As {
    /// As the provisioner, which has its permissions from an administrator, since before.
    Provisioner(&'static [&'static str]),
    /// As the blueprint, which was given its permission a moment ago.
    Blueprint,
    /// As the agent user, which inherits consent that was given a moment ago.
    AgentUser,
}

impl Stop {
    pub(crate) fn new(ended: Ended, correlation: Option<Correlation>) -> Self {
        Self { ended: Box::new(ended), correlation }
    }

    pub(crate) fn failed(failure: Failure) -> Self {
        Self::new(Ended::Failed(failure), None)
    }

    pub(crate) fn waits(reason: Reason, told: Option<Told>) -> Self {
        Self::new(Ended::Waits { reason, at_least: None, told }, None)
    }

    pub(crate) fn at(mut self, correlation: &Correlation) -> Self {
        self.correlation = Some(correlation.clone());
        self
    }

    /// What an error of Graph means for this step.
    pub(crate) fn of(during: impl fmt::Display, by: As, error: &GraphError) -> Self {
        Self::new(ended(&during, by, error), Some(error.correlation().clone()))
    }

    /// Whether a fresh token may cure it.
    pub(crate) fn wants_new_token(&self) -> bool {
        matches!(*self.ended, Ended::Waits { reason: Reason::Permission | Reason::Consent, .. })
    }
}

fn ended(during: &impl fmt::Display, by: As, error: &GraphError) -> Ended {
    let told = Told::of(error);
    let wait = |reason, at_least| Ended::Waits { reason, at_least, told: Some(told.clone()) };
    let fail = |cause| Ended::Failed(Failure::new(during, cause).told(Some(told.clone())));
    match error.cause() {
        Cause::Token(fault) => no_token(during, by, fault),
        Cause::Throttled { retry_after } => wait(Reason::Throttled, *retry_after),
        Cause::Unavailable { retry_after, .. } => wait(Reason::Outage, *retry_after),
        Cause::Unreachable { .. } => wait(Reason::Outage, None),
        Cause::OutcomeUnknown { .. } | Cause::Malformed { .. } | Cause::TooLarge { .. } => {
            Ended::Unknown { told }
        }
        Cause::NotFound { .. } | Cause::Conflict { .. } => wait(Reason::Replication, None),
        Cause::Unauthorised { .. } => wait(Reason::Permission, None),
        Cause::Forbidden { .. } => match by {
            As::Provisioner(permissions) => {
                fail(FailureCause::ProvisionerLacks { permission: any_of(permissions) })
            }
            As::Blueprint => wait(Reason::Permission, None),
            As::AgentUser => wait(Reason::Consent, None),
        },
        Cause::Rejected { .. } if hides(error) => wait(Reason::Replication, None),
        _ => fail(FailureCause::Refused),
    }
}

/// Whether a rejection only says that something is not known everywhere yet (reference §2.2 to §2.10).
fn hides(error: &GraphError) -> bool {
    let Cause::Rejected { message, .. } = error.cause() else { return false };
    let message = message.to_ascii_lowercase();
    matches!(
        error.code(),
        "blueprint_principal_missing" | "agent_identity_missing" | "usage_location_missing"
    ) || ["not found", "does not exist", "do not exist"].iter().any(|text| message.contains(text))
}

fn no_token(during: &impl fmt::Display, by: As, fault: &TokenFault) -> Ended {
    let told = Told::of(fault.as_ref());
    let replicating = TokenError::of(fault).is_some_and(TokenError::is_replication);
    // The provisioner is as old as the administrator's consent; what it lacks does not come by waiting.
    if replicating && !matches!(by, As::Provisioner(_)) {
        let reason = match fault.code() {
            "consent_required" => Reason::Consent,
            "certificate_unknown" => Reason::Credential,
            _ => Reason::Replication,
        };
        return Ended::Waits { reason, at_least: None, told: Some(told) };
    }
    match fault.remedy().who {
        Who::Platform { retry_after } => {
            Ended::Waits { reason: Reason::Outage, at_least: retry_after, told: Some(told) }
        }
        _ if fault.code() == "authority_unreachable" => {
            Ended::Waits { reason: Reason::Outage, at_least: None, told: Some(told) }
        }
        _ => Ended::Failed(Failure::new(during, FailureCause::NoToken).told(Some(told))),
    }
}
