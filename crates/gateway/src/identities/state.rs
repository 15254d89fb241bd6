//! How an identity stands, as a function of how far its provisioning is.

use attache_provision::{Action, Failure, Reason, Step};
use attache_terms::Explain as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How an identity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Asked for; nothing is in its way.
    Pending,
    /// The directory does not show something yet.
    WaitingForDirectory,
    /// Its licence is not there yet.
    WaitingForLicence,
    /// Exchange is making its mailbox.
    WaitingForMailbox,
    /// Teams does not know it yet.
    WaitingForTeams,
    /// It can act.
    Active,
    /// It can act, and something is not as it should be.
    Degraded,
    /// Somebody must do something.
    Error,
    /// It is being taken back.
    Deprovisioning,
    /// It is gone; the record and its audit stay.
    Deprovisioned,
}

impl State {
    /// The word, as in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::WaitingForDirectory => "waiting_for_directory",
            Self::WaitingForLicence => "waiting_for_licence",
            Self::WaitingForMailbox => "waiting_for_mailbox",
            Self::WaitingForTeams => "waiting_for_teams",
            Self::Active => "active",
            Self::Degraded => "degraded",
            Self::Error => "error",
            Self::Deprovisioning => "deprovisioning",
            Self::Deprovisioned => "deprovisioned",
        }
    }

    /// Whether it can act.
    pub(crate) fn acts(self) -> bool {
        matches!(self, Self::Active | Self::Degraded)
    }

    /// Whether it is being made, and nobody need do anything for that to go on.
    pub(crate) fn is_under_way(self) -> bool {
        match self {
            Self::Pending
            | Self::WaitingForDirectory
            | Self::WaitingForLicence
            | Self::WaitingForMailbox
            | Self::WaitingForTeams => true,
            Self::Active | Self::Degraded | Self::Error | Self::Deprovisioning | Self::Deprovisioned => false,
        }
    }

    /// The state of an identity whose provisioning has come to this.
    pub(crate) fn of(action: &Action, current: Option<Step>) -> Self {
        match (action, current) {
            (Action::Ready, _) => Self::Active,
            (Action::Failed(_), _) => Self::Error,
            (Action::WaitUntil { reason: Reason::Mailbox, .. }, _) => Self::WaitingForMailbox,
            (Action::WaitUntil { reason: Reason::Teams, .. }, _) => Self::WaitingForTeams,
            (Action::WaitUntil { .. }, Some(Step::UsageLocation | Step::Licence)) => Self::WaitingForLicence,
            (Action::WaitUntil { .. }, _) => Self::WaitingForDirectory,
            (Action::Do(Step::Mailbox), _) => Self::WaitingForMailbox,
            (Action::Do(Step::Teams), _) => Self::WaitingForTeams,
            (Action::Do(_), _) => Self::Pending,
        }
    }
}

/// What an identity waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Waiting {
    /// For what, for people.
    pub(crate) reason: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
    /// Until when we have patience.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) deadline: Option<Timestamp>,
    /// When we look next.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) next_attempt: Timestamp,
}

/// Why an identity cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Trouble {
    /// The code, for programs.
    pub(crate) code: String,
    /// What happened.
    pub(crate) message: String,
    /// What to do.
    pub(crate) remedy: String,
}

impl From<&Failure> for Trouble {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code().to_owned(),
            message: failure.to_string(),
            remedy: failure.remedy().to_string(),
        }
    }
}
