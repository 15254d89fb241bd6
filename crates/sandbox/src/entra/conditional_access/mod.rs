//! Conditional access: the tenant's policies, and what they say about one sign-in (Entra reference §13).
//!
//! People can be asked for more (50076, 53000, 53001, 70043) or blocked (53003); agents can only be blocked: an
//! agent identity when it asks for its own token, an agent user at hop 3. Exchange tokens are not evaluated.

mod cover;
mod device_filter;
mod named_location;
mod policy;
mod strength;
mod whereabouts;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::directory::{AuthenticationMethod, Factor, ServicePrincipal, User};
use crate::tenant::Tenant;

use super::error::EntraError;
use super::issue::SignIn;

pub(crate) use device_filter::DeviceRule;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use device_filter::withstand_device_rule;
pub(crate) use named_location::{IpRange, NamedLocation, Place};
pub(crate) use policy::{Conditions, Externals, GrantControls, Policy, PolicyState, SessionControls};
pub(crate) use strength::{Strength, built_in as built_in_strengths, combinations};
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
    /// How and when the user signed in.
    pub(crate) sign_in: &'a SignIn,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wanted {
    /// One of these, all of which the person has.
    Mfa(Vec<Factor>),
    /// One of these, of a person who has none of them.
    Enrolment(Vec<Factor>),
    /// Nothing helps.
    Blocked,
    CompliantDevice,
    DomainJoinedDevice,
    /// To accept the agreement of that id.
    Terms(String),
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
            Wanted::Mfa(_) => EntraError::mfa_required(&self.resource_app_id),
            Wanted::Enrolment(_) => EntraError::enrolment_required(&self.resource_app_id),
            Wanted::Blocked => EntraError::blocked_by_policy(),
            Wanted::CompliantDevice => EntraError::device_not_compliant(),
            Wanted::DomainJoinedDevice => EntraError::device_not_joined(),
            Wanted::Terms(_) => EntraError::challenge_unsatisfied(),
            Wanted::Again(limit) => return EntraError::sign_in_frequency(self.authenticated, limit),
        };
        error.with_claims(&self.claims())
    }

    /// The error while a person is asked on a page, for the log, and for the client if nothing comes of it.
    pub(crate) fn to_interruption(&self) -> EntraError {
        let error = match self.wanted {
            Wanted::Enrolment(_) => EntraError::enrolment_interrupted(&self.resource_app_id),
            Wanted::Terms(_) => {
                EntraError { error: "interaction_required", ..EntraError::challenge_unsatisfied() }
            }
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
                Some(Wanted::Mfa(_) | Wanted::Enrolment(_) | Wanted::Terms(_)) if reports => {
                    "reportOnlyInterrupted"
                }
                Some(_) if reports => "reportOnlyFailure",
                Some(wanted) => {
                    refusals.push(Refusal {
                        wanted,
                        policy_id: policy.id.clone(),
                        resource_app_id: situation.resource_app_id.to_owned(),
                        authenticated: situation.sign_in.at,
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
        Wanted::Mfa(_) | Wanted::Enrolment(_) => 2,
        Wanted::CompliantDevice => 3,
        Wanted::DomainJoinedDevice => 4,
        Wanted::Terms(_) => 5,
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

/// The authentication strength among the controls of a policy.
const STRENGTH: &str = "authenticationStrength";

/// What people can register on a page of sign-in.
const REGISTERED_AT_SIGN_IN: [Factor; 2] = [Factor::MicrosoftAuthenticator, Factor::Fido2];

/// Which of the methods that help a person is to use or, having none of them, to register.
fn second_factor(subject: Subject<'_>, helps: &dyn Fn(Factor) -> bool) -> Wanted {
    let Subject::User(user) = subject else { return Wanted::Blocked };
    let mut has: Vec<Factor> = Vec::new();
    for factor in user.methods().iter().map(AuthenticationMethod::factor) {
        if helps(factor) && !has.contains(&factor) {
            has.push(factor);
        }
    }
    if !has.is_empty() {
        return Wanted::Mfa(has);
    }
    let new: Vec<Factor> = REGISTERED_AT_SIGN_IN.into_iter().filter(|factor| helps(*factor)).collect();
    if new.is_empty() { Wanted::Blocked } else { Wanted::Enrolment(new) }
}

impl Policy {
    /// What the policy still wants of a sign-in that it covers.
    fn wanted(&self, situation: &Situation<'_>) -> Option<Wanted> {
        let frequency = self
            .session_controls
            .as_ref()
            .and_then(|controls| controls.sign_in_frequency.as_ref()?.limit())
            .filter(|limit| situation.now.duration_since(situation.sign_in.at) > *limit);
        if let (Some(limit), Subject::User(_)) = (frequency, situation.subject) {
            return Some(Wanted::Again(limit));
        }
        let controls = self.grant_controls.as_ref()?;
        let strength = controls.authentication_strength.as_ref();
        // What is asked for cannot be deleted.
        let strength = strength.and_then(|one| situation.tenant.strength(&one.id));
        let device = situation.whereabouts.device.as_ref();
        let modes = situation.sign_in.modes();
        let is_met = |control: &str| match control {
            "mfa" => situation.sign_in.is_strong(),
            "compliantDevice" => device.is_some_and(Device::is_compliant),
            "domainJoinedDevice" => device.is_some_and(Device::is_domain_joined),
            STRENGTH => strength.as_ref().is_some_and(|one| one.is_satisfied(&modes)),
            _ => false,
        };
        let has_accepted = |id: &str| match situation.subject {
            Subject::User(user) => {
                situation.tenant.agreement(id).is_some_and(|one| one.is_accepted_by(&user.id))
            }
            Subject::Workload(_) => false,
        };
        let is_met = |control: &str| is_met(control) || has_accepted(control);
        let named = controls.built_in_controls.iter().chain(&controls.terms_of_use).map(String::as_str);
        let all: Vec<&str> = named.chain(controls.authentication_strength.iter().map(|_| STRENGTH)).collect();
        let unmet: Vec<&str> = all.iter().copied().filter(|control| !is_met(control)).collect();
        let is_or = controls.operator.as_deref() != Some("AND");
        if unmet.is_empty() || (is_or && unmet.len() < all.len()) {
            return None;
        }
        let second_factor = |helps: &dyn Fn(Factor) -> bool| second_factor(situation.subject, helps);
        Some(match () {
            () if unmet.contains(&"block") => Wanted::Blocked,
            () if unmet.contains(&"mfa") => second_factor(&|_| true),
            () if unmet.contains(&STRENGTH) => {
                second_factor(&|factor| strength.as_ref().is_some_and(|one| one.would_take(factor, &modes)))
            }
            () if unmet.contains(&"compliantDevice") => Wanted::CompliantDevice,
            () if unmet.contains(&"domainJoinedDevice") => Wanted::DomainJoinedDevice,
            () => match controls.terms_of_use.iter().find(|id| unmet.contains(&id.as_str())) {
                Some(id) => Wanted::Terms(id.clone()),
                None => Wanted::Blocked,
            },
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
