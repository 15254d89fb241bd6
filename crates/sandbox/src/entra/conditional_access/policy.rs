//! A policy, as Graph shows it and sign-in evaluates it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::strength::StrengthReference;

/// A policy. It serialises as Graph shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Policy {
    pub(crate) id: String,
    pub(crate) template_id: Option<String>,
    pub(crate) display_name: String,
    pub(crate) created_date_time: Timestamp,
    pub(crate) modified_date_time: Option<Timestamp>,
    pub(crate) state: PolicyState,
    pub(crate) session_controls: Option<SessionControls>,
    pub(crate) conditions: Conditions,
    pub(crate) grant_controls: Option<GrantControls>,
}

/// Whether a policy decides, only reports, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum PolicyState {
    Enabled,
    Disabled,
    EnabledForReportingButNotEnforced,
}

/// To which sign-ins a policy applies. What is kept as JSON is not evaluated; Graph's side refuses to set it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Conditions {
    pub(crate) user_risk_levels: Vec<String>,
    pub(crate) sign_in_risk_levels: Vec<String>,
    pub(crate) client_app_types: Vec<String>,
    pub(crate) service_principal_risk_levels: Vec<String>,
    pub(crate) insider_risk_levels: Option<Value>,
    pub(crate) platforms: Option<Platforms>,
    pub(crate) locations: Option<Locations>,
    pub(crate) devices: Option<Devices>,
    pub(crate) client_applications: Option<ClientApplications>,
    pub(crate) applications: Applications,
    pub(crate) users: Option<Users>,
    pub(crate) authentication_flows: Option<AuthenticationFlows>,
}

/// Which platforms, as the client names its own: `all`, `android`, `iOS`, `windows`, `windowsPhone`, `macOS`,
/// `linux`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Platforms {
    pub(crate) include_platforms: Vec<String>,
    pub(crate) exclude_platforms: Vec<String>,
}

/// Which named locations, by id; or `All`, or `AllTrusted`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Locations {
    pub(crate) include_locations: Vec<String>,
    pub(crate) exclude_locations: Vec<String>,
}

/// Which resources.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Applications {
    pub(crate) include_applications: Vec<String>,
    pub(crate) exclude_applications: Vec<String>,
    pub(crate) include_user_actions: Vec<String>,
    pub(crate) include_authentication_context_class_references: Vec<String>,
    pub(crate) application_filter: Option<Value>,
}

/// Which users.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Users {
    pub(crate) include_users: Vec<String>,
    pub(crate) exclude_users: Vec<String>,
    pub(crate) include_groups: Vec<String>,
    pub(crate) exclude_groups: Vec<String>,
    pub(crate) include_roles: Vec<String>,
    pub(crate) exclude_roles: Vec<String>,
    pub(crate) include_guests_or_external_users: Option<Externals>,
    pub(crate) exclude_guests_or_external_users: Option<Externals>,
}

/// Which guests and people of other tenants.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Externals {
    /// Of `internalGuest`, `b2bCollaborationGuest`, `b2bCollaborationMember`, `b2bDirectConnectUser`,
    /// `otherExternalUser` and `serviceProvider`, with commas.
    pub(crate) guest_or_external_user_types: String,
    /// From which tenants those come that have a home elsewhere; from any if it is not said.
    pub(crate) external_tenants: Option<ExternalTenants>,
}

/// All tenants, or some.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "membershipKind", rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum ExternalTenants {
    /// Every other tenant.
    All {
        #[serde(rename = "@odata.type", default = "all_tenants")]
        odata_type: String,
    },
    /// Those, by id.
    Enumerated {
        #[serde(rename = "@odata.type", default = "some_tenants")]
        odata_type: String,
        members: Vec<String>,
    },
}

fn all_tenants() -> String {
    "#microsoft.graph.conditionalAccessAllExternalTenants".to_owned()
}

fn some_tenants() -> String {
    "#microsoft.graph.conditionalAccessEnumeratedExternalTenants".to_owned()
}

/// From which devices.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Devices {
    pub(crate) device_filter: Option<DeviceFilter>,
}

/// The devices for which a rule holds, or those for which it does not.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DeviceFilter {
    pub(crate) mode: FilterMode,
    pub(crate) rule: String,
}

/// How a filter is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum FilterMode {
    Include,
    Exclude,
}

/// Which workload identities; agent identities have lists of their own, which only beta shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct ClientApplications {
    pub(crate) include_service_principals: Vec<String>,
    pub(crate) exclude_service_principals: Vec<String>,
    pub(crate) service_principal_filter: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) include_agent_id_service_principals: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) exclude_agent_id_service_principals: Vec<String>,
}

/// Which flows: `deviceCodeFlow`, `authenticationTransfer`, or both with a comma.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct AuthenticationFlows {
    pub(crate) transfer_methods: String,
}

/// What a policy asks for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct GrantControls {
    pub(crate) operator: Option<String>,
    pub(crate) built_in_controls: Vec<String>,
    pub(crate) custom_authentication_factors: Vec<String>,
    pub(crate) terms_of_use: Vec<String>,
    pub(crate) authentication_strength: Option<StrengthReference>,
}

/// What a policy does to the session; only the sign-in frequency is evaluated.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct SessionControls {
    pub(crate) disable_resilience_defaults: Option<bool>,
    pub(crate) application_enforced_restrictions: Option<Value>,
    pub(crate) cloud_app_security: Option<Value>,
    pub(crate) persistent_browser: Option<Value>,
    pub(crate) secure_sign_in_session: Option<Value>,
    pub(crate) sign_in_frequency: Option<SignInFrequency>,
}

/// How long a sign-in lasts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct SignInFrequency {
    pub(crate) value: Option<i32>,
    /// `days` or `hours`.
    #[serde(rename = "type")]
    pub(crate) unit: Option<String>,
    pub(crate) authentication_type: Option<String>,
    /// `timeBased` or `everyTime`.
    pub(crate) frequency_interval: Option<String>,
    pub(crate) is_enabled: Option<bool>,
}

impl SignInFrequency {
    /// After how long one has to sign in again.
    pub(super) fn limit(&self) -> Option<SignedDuration> {
        if self.is_enabled == Some(false) {
            return None;
        }
        if self.frequency_interval.as_deref() == Some("everyTime") {
            // Microsoft gives five minutes of grace.
            return Some(SignedDuration::from_mins(5));
        }
        let value = i64::from(self.value?);
        let hours = if self.unit.as_deref() == Some("days") { value * 24 } else { value };
        Some(SignedDuration::from_hours(hours))
    }
}
