//! Conditional access: the tenant's policies, and what they say about one sign-in (Entra reference §13).
//!
//! People can be asked for more (50076, 53000, 53001, 70043) or blocked (53003); agents can only be blocked: an
//! agent identity when it asks for its own token, an agent user at hop 3. Exchange tokens are not evaluated.

mod cover;
mod device_filter;
mod named_location;
mod policy;
mod whereabouts;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::directory::{ServicePrincipal, User};
use crate::tenant::Tenant;

use super::error::EntraError;

pub(crate) use device_filter::DeviceRule;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use device_filter::withstand_device_rule;
pub(crate) use named_location::{IpRange, NamedLocation, Place};
pub(crate) use policy::{Conditions, Externals, GrantControls, Policy, PolicyState, SessionControls};
use whereabouts::Device;
pub(crate) use whereabouts::Whereabouts;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    User(&'a User),
    Workload(&'a ServicePrincipal),
}

/// One sign-in, as far as policies look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) subject: Subject<'a>,
    pub(crate) whereabouts: &'a Whereabouts,
    pub(crate) resource_app_id: &'a str,
    pub(crate) flow: Flow,
    /// The factors that the user has given.
    pub(crate) methods: &'a [String],
    /// When the user gave them.
    pub(crate) authenticated: Timestamp,
    pub(crate) now: Timestamp,
}

impl Situation<'_> {
    fn has_no_second_factor(&self) -> bool {
        matches!(self.subject, Subject::User(user) if user.methods().is_empty())
    }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wanted {
    Mfa,
    /// A second factor, of a person who has none.
    Enrolment,
    /// Nothing helps.
    Blocked,
    CompliantDevice,
    DomainJoinedDevice,
    /// To sign in again.
    Again(SignedDuration),
}

/// A refusal and the policy that it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) wanted: Wanted,
    policy_id: String,
    resource_app_id: String,
    authenticated: Timestamp,
}

impl Refusal {
    /// The token endpoint's error; `claims` names the policy, for the client to send to `/authorize`.
    pub(crate) fn to_error(&self) -> EntraError {
        let error = match self.wanted {
            Wanted::Mfa => EntraError::mfa_required(&self.resource_app_id),
            Wanted::Enrolment => EntraError::enrolment_required(&self.resource_app_id),
            Wanted::Blocked => EntraError::blocked_by_policy(),
            Wanted::CompliantDevice => EntraError::device_not_compliant(),
            Wanted::DomainJoinedDevice => EntraError::device_not_joined(),
            Wanted::Again(limit) => return EntraError::sign_in_frequency(self.authenticated, limit),
        };
        error.with_claims(&self.claims())
    }

    /// The error while a person is asked on a page, for the log, and for the client if nothing comes of it.
    pub(crate) fn to_interruption(&self) -> EntraError {
        let error = match self.wanted {
            Wanted::Enrolment => EntraError::enrolment_interrupted(&self.resource_app_id),
            _ => EntraError::strong_authentication(),
        };
        error.with_claims(&self.claims())
    }

    fn claims(&self) -> Value {
        json!({ "access_token": { "capolids": { "essential": true, "values": [self.policy_id] } } })
    }
}

/// Asks every policy: what applied, and the refusal that weighs most. A block comes before all else.
pub(crate) fn evaluate(situation: &Situation<'_>) -> (Vec<Applied>, Option<Refusal>) {
    let mut refusals = Vec::new();
    let mut applied = Vec::new();
    for policy in
        situation.tenant.entra.policies.iter().filter(|policy| policy.state != PolicyState::Disabled)
    {
        let reports = policy.state == PolicyState::EnabledForReportingButNotEnforced;
        let result = if policy.conditions.cover(situation) {
            match policy.wanted(situation) {
                None if reports => "reportOnlySuccess",
                None => "success",
                Some(Wanted::Mfa | Wanted::Enrolment) if reports => "reportOnlyInterrupted",
                Some(_) if reports => "reportOnlyFailure",
                Some(wanted) => {
                    refusals.push(Refusal {
                        wanted,
                        policy_id: policy.id.clone(),
                        resource_app_id: situation.resource_app_id.to_owned(),
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
        Wanted::Mfa | Wanted::Enrolment => 2,
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
        let device = situation.whereabouts.device.as_ref();
        let is_met = |control: &str| match control {
            "mfa" => situation.methods.iter().any(|one| one == "mfa"),
            "compliantDevice" => device.is_some_and(Device::is_compliant),
            "domainJoinedDevice" => device.is_some_and(Device::is_domain_joined),
            _ => false,
        };
        let unmet = controls.built_in_controls.iter().map(String::as_str).filter(|control| !is_met(control));
        let unmet: Vec<&str> = unmet.collect();
        let is_or = controls.operator.as_deref() != Some("AND");
        if unmet.is_empty() || (is_or && unmet.len() < controls.built_in_controls.len()) {
            return None;
        }
        Some(match () {
            () if unmet.contains(&"block") => Wanted::Blocked,
            () if unmet.contains(&"mfa") && situation.has_no_second_factor() => Wanted::Enrolment,
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
