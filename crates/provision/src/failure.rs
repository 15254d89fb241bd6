//! Why provisioning stopped, and who must act. A failure is kept in the record; once someone has acted,
//! `Record::retry` goes on where it stopped.

use std::fmt;

use attache_terms::{Explain, Remedy, Who};
use serde::{Deserialize, Serialize};

use crate::Reason;
use crate::permissions::{CREATE_AS_MANAGER, MANAGE_AGENT_USERS};

/// A stop that waiting does not end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What was being done, for people.
    pub during: String,
    /// Why it stopped.
    #[serde(flatten)]
    pub cause: FailureCause,
    /// What the platform said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

/// An error of the platform, kept as text so that a record can hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its code: `certificate_unknown`.
    pub code: String,
    /// What it said.
    pub message: String,
    /// What it advises.
    pub remedy: String,
    /// Whether the operator, rather than the platform or we, must act.
    pub operator: bool,
}

impl Told {
    /// What an error says.
    pub fn of(error: &(impl Explain + ?Sized)) -> Self {
        let remedy = error.remedy();
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            operator: matches!(remedy.who, Who::Operator | Who::Caller),
            remedy: remedy.to_string(),
        }
    }
}

/// The causes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "cause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureCause {
    /// No seat of the licence is free.
    #[error("every seat of the licence {licence} is taken")]
    LicenceUsedUp {
        /// The licence.
        licence: String,
    },
    /// The tenant has not bought the licence.
    #[error("the tenant has no licence {licence}")]
    LicenceUnknown {
        /// The licence.
        licence: String,
    },
    /// The tenant has no licence with a mailbox and Teams and a free seat.
    #[error("the tenant has no licence with a mailbox, Teams and a free seat")]
    NoLicence,
    /// The sponsor does not exist.
    #[error("the tenant has no user {sponsor} who could be the sponsor")]
    SponsorUnknown {
        /// The sponsor.
        sponsor: String,
    },
    /// The agent user's domain is not the tenant's.
    #[error("{domain:?} is no verified domain of the tenant")]
    DomainNotVerified {
        /// The domain.
        domain: String,
        /// Those that are.
        verified: Vec<String>,
    },
    /// Another account has the name.
    #[error("the name {name} belongs to another account ({owner})")]
    NameTaken {
        /// The sign-in name.
        name: String,
        /// Whose it is.
        owner: String,
    },
    /// More than one object could be ours.
    #[error("{what} exists more than once: {}", .ids.join(", "))]
    Ambiguous {
        /// What.
        what: String,
        /// The objects.
        ids: Vec<String>,
    },
    /// The provisioner may not do something.
    #[error("the provisioner has no permission {permission}")]
    ProvisionerLacks {
        /// The permission, or those of which one suffices.
        permission: String,
    },
    /// The blueprint may not do something.
    #[error("the blueprint has no permission {permission}")]
    BlueprintLacks {
        /// The permission.
        permission: String,
    },
    /// There is no consent for the agent user.
    #[error("the consent for the agent user is missing or was withdrawn")]
    ConsentMissing,
    /// Entra does not know the certificate.
    #[error("the blueprint does not have our certificate")]
    CertificateUnknown,
    /// Waiting took longer than patience.
    #[error("waited too long: {reason}")]
    TooLong {
        /// For what.
        reason: Reason,
    },
    /// The tenant does not know a blueprint that somebody else owns.
    #[error("the tenant has no principal of the blueprint {blueprint}")]
    GivenUnknown {
        /// Its client id.
        blueprint: String,
    },
    /// A blueprint that somebody else owns is not as an agent needs it.
    #[error("the blueprint {blueprint}, which is its owner's, lacks {lacks}")]
    GivenLacks {
        /// Its client id.
        blueprint: String,
        /// What is missing.
        lacks: String,
    },
    /// Entra gave no token, for a reason that does not pass.
    #[error("Entra gives no token")]
    NoToken,
    /// Graph refused, for a reason that does not pass.
    #[error("Microsoft Graph refused")]
    Refused,
}

impl Failure {
    pub(crate) fn new(during: impl fmt::Display, cause: FailureCause) -> Self {
        Self { during: during.to_string(), cause, told: None }
    }

    pub(crate) fn told(mut self, told: Option<Told>) -> Self {
        self.told = told;
        self
    }

    /// The failure at the end of patience.
    pub(crate) fn too_long(during: impl fmt::Display, reason: Reason, told: Option<Told>) -> Self {
        let cause = match reason {
            Reason::Credential => FailureCause::CertificateUnknown,
            Reason::Consent => FailureCause::ConsentMissing,
            Reason::Permission => {
                let permission = format!("{CREATE_AS_MANAGER} and {MANAGE_AGENT_USERS}");
                FailureCause::BlueprintLacks { permission }
            }
            reason => FailureCause::TooLong { reason },
        };
        Self::new(during, cause).told(told)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.during, self.cause)?;
        match &self.told {
            Some(told) => write!(f, " ({})", told.message),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

impl Explain for Failure {
    fn code(&self) -> &'static str {
        match &self.cause {
            FailureCause::LicenceUsedUp { .. } => "licence_used_up",
            FailureCause::LicenceUnknown { .. } => "licence_unknown",
            FailureCause::NoLicence => "no_licence",
            FailureCause::SponsorUnknown { .. } => "sponsor_unknown",
            FailureCause::DomainNotVerified { .. } => "domain_not_verified",
            FailureCause::NameTaken { .. } => "name_taken",
            FailureCause::Ambiguous { .. } => "ambiguous",
            FailureCause::ProvisionerLacks { .. } => "provisioner_permission_missing",
            FailureCause::BlueprintLacks { .. } => "blueprint_permission_missing",
            FailureCause::ConsentMissing => "consent_missing",
            FailureCause::CertificateUnknown => "certificate_unknown",
            FailureCause::TooLong { reason: Reason::Mailbox } => "mailbox_missing",
            FailureCause::TooLong { reason: Reason::Teams } => "teams_missing",
            FailureCause::TooLong { .. } => "waited_too_long",
            FailureCause::GivenUnknown { .. } => "given_blueprint_unknown",
            FailureCause::GivenLacks { .. } => "given_blueprint_incomplete",
            FailureCause::NoToken => "no_token",
            FailureCause::Refused => "refused",
        }
    }

    fn remedy(&self) -> Remedy {
        let told = |what: &'static str| match &self.told {
            Some(told) if told.operator => Remedy::operator(told.remedy.clone()),
            Some(told) => Remedy::platform(None, told.remedy.clone()),
            None => Remedy::platform(None, what),
        };
        match &self.cause {
            FailureCause::LicenceUsedUp { licence } => Remedy::operator(format!(
                "buy a seat of {licence} or take one back (Microsoft 365 admin centre > Billing > Licences), then run attache provision again"
            )),
            FailureCause::LicenceUnknown { licence } => Remedy::operator(format!(
                "buy {licence}, or name a licence that the tenant has; attache provision --plan lists them"
            )),
            FailureCause::NoLicence => Remedy::operator(
                "buy a seat of a licence with Exchange Online and Teams, such as Microsoft 365 Business Basic, then run attache provision again",
            ),
            FailureCause::SponsorUnknown { .. } => Remedy::operator(
                "name a user of this tenant as sponsor by object id, and check that the tenant is the right one",
            ),
            FailureCause::DomainNotVerified { verified, .. } => Remedy::operator(format!(
                "use a verified domain of the tenant for the agent user: {}",
                verified.join(", ")
            )),
            FailureCause::NameTaken { .. } => Remedy::operator(
                "choose another name for the agent user, or rename or delete the other account",
            ),
            FailureCause::Ambiguous { .. } => Remedy::operator(
                "delete all but one in the Entra admin centre (the one with the agent user stays), then run attache provision again",
            ),
            FailureCause::ProvisionerLacks { permission } => Remedy::operator(format!(
                "grant the provisioner application {permission} with admin consent (Entra admin centre > App registrations > API permissions), then run attache provision again"
            )),
            FailureCause::BlueprintLacks { permission } => Remedy::operator(format!(
                "check in the Entra admin centre that the blueprint principal is enabled and has {permission}, then run attache provision again"
            )),
            FailureCause::ConsentMissing => Remedy::operator(
                "have an administrator consent again for the blueprint (run attache provision with a provisioner that was given DelegatedPermissionGrant.ReadWrite.All and AppRoleAssignment.ReadWrite.All; it gives them up again), or ask who withdrew it",
            ),
            FailureCause::CertificateUnknown => Remedy::operator(
                "check in the Entra admin centre whether the certificate was removed from the blueprint, and that this machine's clock is right; attache provision appends it again",
            ),
            FailureCause::GivenUnknown { .. } => Remedy::operator(
                "check its client id; whoever owns the blueprint creates its principal in this tenant, then provision again",
            ),
            FailureCause::GivenLacks { lacks, .. } => {
                Remedy::operator(format!("have whoever owns the blueprint add {lacks}, then provision again"))
            }
            FailureCause::TooLong { reason: Reason::Mailbox } => Remedy::operator(
                "check that the licence contains Exchange Online; Microsoft documents that some agent users never get a mailbox; attache provision goes on waiting",
            ),
            FailureCause::TooLong { reason: Reason::Teams } => Remedy::operator(
                "check that the licence contains Teams; Teams can take a day; attache provision goes on waiting",
            ),
            FailureCause::TooLong { .. } => {
                told("run attache provision again later; it goes on where it stopped")
            }
            FailureCause::NoToken | FailureCause::Refused => told("run attache provision again later"),
        }
    }
}
