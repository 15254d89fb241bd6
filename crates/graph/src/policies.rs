//! What the tenant allows of applications' secrets (Entra reference §8, "Policy").

use jiff::{Span, Timestamp};
use serde::Deserialize;

use crate::client::Call;
use crate::path::Path;
use crate::{Answered, Graph};

/// The tenant's default app management policy, as far as it is about secrets.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppManagementPolicy {
    /// Whether it is in force.
    #[serde(default)]
    pub is_enabled: bool,
    /// What it restricts.
    #[serde(default)]
    pub application_restrictions: Option<Restrictions>,
}

/// Restrictions by kind of credential.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restrictions {
    /// Those on secrets.
    #[serde(default)]
    pub password_credentials: Vec<Restriction>,
}

/// One restriction.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restriction {
    /// `passwordAddition`, `passwordLifetime`, …
    pub restriction_type: String,
    /// `enabled` or `disabled`.
    pub state: Option<String>,
    /// The longest life of a new secret: `P180D`.
    pub max_lifetime: Option<Span>,
    /// Applications made before are free of it.
    pub restrict_for_apps_created_after_date_time: Option<Timestamp>,
}

impl Restriction {
    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.state.as_deref() != Some("disabled")
    }
}

impl Graph {
    /// The tenant's default app management policy (Policy.Read.All).
    pub async fn default_app_management_policy(&self) -> Answered<AppManagementPolicy> {
        self.send(Call::get(Path::new("/policies/defaultAppManagementPolicy"))).await
    }
}
