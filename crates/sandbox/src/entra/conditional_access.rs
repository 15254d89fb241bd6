//! Conditional access: the tenant's policies, and what they say about one sign-in (Entra reference §13).
//!
//! People can be asked for more (50076, 53000, 53001, 70043) or blocked (53003); agents can only be blocked: an
//! agent identity when it asks for its own token, an agent user at hop 3. Exchange tokens are not evaluated.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::directory::{ServicePrincipal, User};

use super::error::EntraError;

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
    pub(crate) platforms: Option<Value>,
    pub(crate) locations: Option<Value>,
    pub(crate) devices: Option<Value>,
    pub(crate) client_applications: Option<ClientApplications>,
    pub(crate) applications: Applications,
    pub(crate) users: Option<Users>,
    pub(crate) authentication_flows: Option<AuthenticationFlows>,
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
    pub(crate) include_guests_or_external_users: Option<Value>,
    pub(crate) exclude_guests_or_external_users: Option<Value>,
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
    pub(crate) authentication_strength: Option<Value>,
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
    fn limit(&self) -> Option<SignedDuration> {
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

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    User(&'a User),
    Workload(&'a ServicePrincipal),
}

/// One sign-in, as far as policies look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation<'a> {
    pub(crate) subject: Subject<'a>,
    pub(crate) resource_app_id: &'a str,
    pub(crate) flow: Flow,
    /// The factors that the user has given.
    pub(crate) methods: &'a [String],
    /// When the user gave them.
    pub(crate) authenticated: Timestamp,
    pub(crate) now: Timestamp,
}

/// By which way a sign-in came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Browser,
    Client,
    DeviceCode,
}

/// What a policy did to one sign-in, as the log shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Applied {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) enforced_grant_controls: Vec<String>,
    pub(crate) enforced_session_controls: Vec<String>,
    pub(crate) result: String,
}

/// What is wanted before the sign-in goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Mfa,
    /// Nothing helps.
    Blocked,
    CompliantDevice,
    DomainJoinedDevice,
    /// To sign in again.
    Again(SignedDuration),
}

/// A refusal and the policy that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) wanted: Wanted,
    policy_id: String,
    authenticated: Timestamp,
}

impl Refusal {
    /// The token endpoint's error; `claims` names the policy, for the client to send to `/authorize`.
    pub(crate) fn to_error(&self) -> EntraError {
        let error = match self.wanted {
            Wanted::Mfa => EntraError::mfa_required(),
            Wanted::Blocked => EntraError::blocked_by_policy(),
            Wanted::CompliantDevice => EntraError::device_not_compliant(),
            Wanted::DomainJoinedDevice => EntraError::device_not_joined(),
            Wanted::Again(limit) => return EntraError::sign_in_frequency(self.authenticated, limit),
        };
        error.with_claims(&json!({
            "access_token": { "capolids": { "essential": true, "values": [self.policy_id] } }
        }))
    }
}

/// Asks every policy: what applied, and the refusal that weighs most. A block comes before all else.
pub(crate) fn evaluate(policies: &[Policy], situation: &Situation<'_>) -> (Vec<Applied>, Option<Refusal>) {
    let mut refusals = Vec::new();
    let mut applied = Vec::new();
    for policy in policies.iter().filter(|policy| policy.state != PolicyState::Disabled) {
        let reports = policy.state == PolicyState::EnabledForReportingButNotEnforced;
        let result = if policy.conditions.cover(situation) {
            match policy.wanted(situation) {
                None if reports => "reportOnlySuccess",
                None => "success",
                Some(Wanted::Mfa) if reports => "reportOnlyInterrupted",
                Some(_) if reports => "reportOnlyFailure",
                Some(wanted) => {
                    refusals.push(Refusal {
                        wanted,
                        policy_id: policy.id.clone(),
                        authenticated: situation.authenticated,
                    });
                    "failure"
                }
            }
        } else if reports {
            "reportOnlyNotApplied"
        } else {
            "notApplied"
        };
        applied.push(policy.applied(result));
    }
    let weight = |refusal: &Refusal| match refusal.wanted {
        Wanted::Blocked => 0,
        Wanted::Again(_) => 1,
        Wanted::Mfa => 2,
        Wanted::CompliantDevice => 3,
        Wanted::DomainJoinedDevice => 4,
    };
    (applied, refusals.into_iter().min_by_key(weight))
}

/// `conditionalAccessStatus` of a sign-in to which these applied.
pub(crate) fn status(applied: &[Applied]) -> &'static str {
    let any = |result: &str| applied.iter().any(|one| one.result == result);
    match (any("failure"), any("success")) {
        (true, _) => "failure",
        (false, true) => "success",
        (false, false) => "notApplied",
    }
}

impl Policy {
    /// What the policy still wants of a sign-in that it covers.
    fn wanted(&self, situation: &Situation<'_>) -> Option<Wanted> {
        let frequency = self
            .session_controls
            .as_ref()
            .and_then(|controls| controls.sign_in_frequency.as_ref()?.limit())
            .filter(|limit| situation.now.duration_since(situation.authenticated) > *limit);
        if let (Some(limit), Subject::User(_)) = (frequency, situation.subject) {
            return Some(Wanted::Again(limit));
        }
        let controls = self.grant_controls.as_ref()?;
        let is_met = |control: &str| control == "mfa" && situation.methods.iter().any(|one| one == "mfa");
        let unmet = controls.built_in_controls.iter().map(String::as_str).filter(|control| !is_met(control));
        let unmet: Vec<&str> = unmet.collect();
        let is_or = controls.operator.as_deref() != Some("AND");
        if unmet.is_empty() || (is_or && unmet.len() < controls.built_in_controls.len()) {
            return None;
        }
        Some(match () {
            () if unmet.contains(&"block") => Wanted::Blocked,
            () if unmet.contains(&"mfa") => Wanted::Mfa,
            () if unmet.contains(&"compliantDevice") => Wanted::CompliantDevice,
            () if unmet.contains(&"domainJoinedDevice") => Wanted::DomainJoinedDevice,
            () => Wanted::Blocked,
        })
    }

    fn applied(&self, result: &str) -> Applied {
        let controls = self.grant_controls.as_ref().map(|grant| &grant.built_in_controls);
        let frequency = self.session_controls.as_ref().and_then(|session| session.sign_in_frequency.as_ref());
        Applied {
            id: self.id.clone(),
            display_name: self.display_name.clone(),
            enforced_grant_controls: controls.into_iter().flatten().map(|one| shown_control(one)).collect(),
            enforced_session_controls: frequency.iter().map(|_| "SignInFrequency".to_owned()).collect(),
            result: result.to_owned(),
        }
    }
}

/// The log spells controls with a capital.
fn shown_control(control: &str) -> String {
    let mut shown = control.to_owned();
    if let Some(first) = shown.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    shown
}

/// The template id of the role of global administrators, the one role that people here have or have not.
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

impl Conditions {
    fn cover(&self, situation: &Situation<'_>) -> bool {
        // No sign-in here is risky.
        let has_no_risk =
            [&self.user_risk_levels, &self.sign_in_risk_levels, &self.service_principal_risk_levels]
                .iter()
                .all(|levels| levels.is_empty() || levels.iter().any(|level| level == "none"));
        let subject = match situation.subject {
            Subject::User(user) => {
                self.users.as_ref().is_some_and(|users| users.cover(user)) && self.covers_client(situation)
            }
            Subject::Workload(principal) => {
                self.client_applications.as_ref().is_some_and(|clients| clients.cover(principal))
            }
        };
        has_no_risk && subject && self.applications.cover(situation) && self.covers_flow(situation)
    }

    fn covers_client(&self, situation: &Situation<'_>) -> bool {
        let kind = if situation.flow == Flow::Browser { "browser" } else { "mobileAppsAndDesktopClients" };
        self.client_app_types.is_empty()
            || self.client_app_types.iter().any(|known| known == "all" || known == kind)
    }

    fn covers_flow(&self, situation: &Situation<'_>) -> bool {
        let methods = self.authentication_flows.as_ref().map_or("", |flows| &flows.transfer_methods);
        let mut wanted = methods.split(',').map(str::trim).filter(|one| !one.is_empty() && *one != "none");
        match wanted.next() {
            None => true,
            Some(first) => {
                situation.flow == Flow::DeviceCode
                    && std::iter::once(first).chain(wanted).any(|one| one == "deviceCodeFlow")
            }
        }
    }
}

fn names(list: &[String], name: &str) -> bool {
    list.iter().any(|one| one.eq_ignore_ascii_case(name))
}

impl Users {
    fn cover(&self, user: &User) -> bool {
        let is_agent = user.identity_parent_id().is_some();
        let is = |users: &[String], roles: &[String]| {
            let everybody = if is_agent { "AllAgentIdUsers" } else { "All" };
            names(users, everybody)
                || names(users, &user.id)
                || (user.is_admin && !is_agent && names(roles, GLOBAL_ADMINISTRATOR))
        };
        // Agent users are targeted by one scope, all of them together (§13).
        if is_agent && !names(&self.include_users, "AllAgentIdUsers") {
            return false;
        }
        is(&self.include_users, &self.include_roles) && !is(&self.exclude_users, &self.exclude_roles)
    }
}

impl ClientApplications {
    fn cover(&self, principal: &ServicePrincipal) -> bool {
        let (include, exclude, everybody) = match principal.blueprint_id() {
            Some(_) => {
                (&self.include_agent_id_service_principals, &self.exclude_agent_id_service_principals, "All")
            }
            None => (
                &self.include_service_principals,
                &self.exclude_service_principals,
                "ServicePrincipalsInMyTenant",
            ),
        };
        let is = |list: &[String]| names(list, everybody) || names(list, &principal.id);
        is(include) && !is(exclude)
    }
}

impl Applications {
    fn cover(&self, situation: &Situation<'_>) -> bool {
        let is = |list: &[String]| names(list, "All") || names(list, situation.resource_app_id);
        is(&self.include_applications) && !is(&self.exclude_applications)
    }
}
