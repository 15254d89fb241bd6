//! Whether an identity that can act is still as it was made: what its tenant shows of its blueprint's principal and of
//! the consent on it, of its agent identity, its user and the user's licences, and what is amiss. Five reads at most.

use attache_graph::{Cause, ConsentType, Graph, GraphError, LicenceDetails, ServicePlan};
use attache_ledger::Code;
use attache_provision::{Record as Steps, Step};
use attache_terms::SkuId;

use super::{Identity, Method, Trouble};

/// What is amiss with an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amiss {
    BlueprintGone,
    BlueprintDisabled,
    NoConsent,
    AgentGone,
    AgentDisabled,
    UserGone,
    UserDisabled,
    NoLicence,
    NoMailbox,
}

/// One of its objects, as the tenant shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    /// The identity has none.
    None,
    Gone,
    Disabled,
    Well,
}

/// What the tenant shows.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// The blueprint's principal.
    blueprint: Object,
    /// Whether that may do for its agents what it was made for.
    consented: bool,
    agent: Object,
    user: Object,
    /// Whether one of the licences of its user has a mailbox that was not switched off.
    mailbox: bool,
    /// The licences of its user; those that were seen last where there is no user any more.
    pub(super) licences: Vec<SkuId>,
}

impl Object {
    fn of(enabled: Option<bool>) -> Self {
        if enabled == Some(false) { Self::Disabled } else { Self::Well }
    }
}

/// Looks. `steps` is how it was made, where it was made by us.
pub(super) async fn look(
    graph: &Graph,
    identity: &Identity,
    steps: Option<&Steps>,
) -> Result<Seen, GraphError> {
    let agent = match identity.agent {
        None => Object::None,
        Some(agent) => match graph.agent_identity(agent).await?.value {
            None => Object::Gone,
            Some(found) => Object::of(found.account_enabled),
        },
    };
    let (blueprint, consented) = match steps.filter(|_| identity.agent.is_some()) {
        None => (Object::None, true),
        Some(steps) => blueprint(graph, steps).await?,
    };
    let seen = Seen {
        blueprint,
        consented,
        agent,
        user: Object::None,
        mailbox: true,
        licences: identity.licences.clone(),
    };
    let Some(user) = identity.user else { return Ok(seen) };
    match graph.user(user).await {
        Ok(found) => {
            let licences: Vec<SkuId> =
                found.value.assigned_licences.iter().map(|licence| licence.sku_id).collect();
            let mailbox = !licences.is_empty() && has_mailbox(&graph.licence_details(user).await?.value);
            Ok(Seen { user: Object::of(found.value.account_enabled), mailbox, licences, ..seen })
        }
        Err(error) if error.is_not_found() => Ok(Seen { user: Object::Gone, ..seen }),
        Err(error) => Err(error),
    }
}

/// The principal of the blueprint, and whether there is consent on it for all that the agent was made for.
async fn blueprint(graph: &Graph, steps: &Steps) -> Result<(Object, bool), GraphError> {
    let Some(blueprint) = steps.objects().blueprint else { return Ok((Object::None, true)) };
    let Some(principal) = graph.principal_of(blueprint).await?.value else {
        return Ok((Object::Gone, true));
    };
    let consented = match graph.grants_of(principal.id).await {
        Ok(grants) => {
            let for_all =
                grants.value.iter().filter(|grant| grant.consent_type == Some(ConsentType::AllPrincipals));
            let granted: Vec<&str> = for_all.flat_map(|grant| grant.scope.split_whitespace()).collect();
            let has = |scope: &String| granted.iter().any(|own| own.eq_ignore_ascii_case(scope));
            steps.wish().scopes.iter().all(has)
        }
        // Who may not read it cannot say that it is missing.
        Err(error) if matches!(error.cause(), Cause::Forbidden { .. }) => true,
        Err(error) => return Err(error),
    };
    Ok((Object::of(principal.account_enabled), consented))
}

/// The plans of these licences that make a mailbox.
pub(super) fn mailbox_plans(licences: &[LicenceDetails]) -> impl Iterator<Item = &ServicePlan> {
    licences.iter().flat_map(|licence| &licence.service_plans).filter(|plan| {
        plan.service_plan_name
            .as_deref()
            .is_some_and(|name| name.starts_with("EXCHANGE_S_") && name != "EXCHANGE_S_FOUNDATION")
    })
}

fn has_mailbox(licences: &[LicenceDetails]) -> bool {
    mailbox_plans(licences).any(|plan| plan.provisioning_status.as_deref() != Some("Disabled"))
}

/// Decides what is amiss: what must be put right first.
pub(super) fn judge(seen: &Seen) -> Option<Amiss> {
    let order = [
        (seen.blueprint == Object::Gone, Amiss::BlueprintGone),
        (seen.agent == Object::Gone, Amiss::AgentGone),
        (seen.user == Object::Gone, Amiss::UserGone),
        (seen.blueprint == Object::Disabled, Amiss::BlueprintDisabled),
        (seen.agent == Object::Disabled, Amiss::AgentDisabled),
        (seen.user == Object::Disabled, Amiss::UserDisabled),
        (!seen.consented, Amiss::NoConsent),
        (seen.user == Object::Well && seen.licences.is_empty(), Amiss::NoLicence),
        (seen.user == Object::Well && !seen.mailbox, Amiss::NoMailbox),
    ];
    order.into_iter().find_map(|(is_so, amiss)| is_so.then_some(amiss))
}

impl Amiss {
    const ALL: [Self; 9] = [
        Self::BlueprintGone,
        Self::BlueprintDisabled,
        Self::NoConsent,
        Self::AgentGone,
        Self::AgentDisabled,
        Self::UserGone,
        Self::UserDisabled,
        Self::NoLicence,
        Self::NoMailbox,
    ];

    /// What is amiss with an identity in this trouble.
    pub(super) fn of(trouble: Option<&Trouble>) -> Option<Self> {
        let code = trouble?.code.as_str();
        Self::ALL.into_iter().find(|amiss| amiss.word() == code)
    }

    /// Whether provisioning makes what is missing. What somebody disabled is theirs to enable: it may be that they
    /// wanted the agent to stop.
    pub(super) fn is_made_again(self) -> bool {
        match self {
            Self::BlueprintGone | Self::NoConsent | Self::AgentGone | Self::UserGone | Self::NoLicence => {
                true
            }
            Self::BlueprintDisabled | Self::AgentDisabled | Self::UserDisabled | Self::NoMailbox => false,
        }
    }

    /// The step that makes what it concerns.
    pub(super) fn step(self) -> Step {
        match self {
            Self::BlueprintGone => Step::Blueprint,
            Self::BlueprintDisabled => Step::Principal,
            Self::NoConsent => Step::Consent,
            Self::AgentGone | Self::AgentDisabled => Step::Agent,
            Self::UserGone | Self::UserDisabled => Step::User,
            Self::NoLicence => Step::Licence,
            Self::NoMailbox => Step::Mailbox,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::BlueprintGone => "blueprint_not_found",
            Self::BlueprintDisabled => "blueprint_disabled",
            Self::NoConsent => "consent_missing",
            Self::AgentGone => "agent_identity_not_found",
            Self::AgentDisabled => "agent_identity_disabled",
            Self::UserGone => "user_not_found",
            Self::UserDisabled => "user_disabled",
            Self::NoLicence => "licence_missing",
            Self::NoMailbox => "mailbox_missing",
        }
    }

    /// What an entry has.
    pub(super) fn code(self) -> Code {
        Code::new(self.word())
    }

    /// What people and programs are told.
    pub(super) fn trouble(self, method: Method) -> Trouble {
        let made = matches!(method, Method::Create | Method::OrdinaryUser);
        let (message, remedy) = match self {
            Self::BlueprintGone => (
                "the blueprint that the agent identity comes from, or its principal, is no longer in the directory",
                "restore it there within 30 days, or provision the identity again when Entra has deleted what came of it, which takes a day at most: it is made anew, of another blueprint",
            ),
            Self::BlueprintDisabled => (
                "the principal of the agent identity's blueprint is disabled in Entra, so that none of its agents acts",
                "enable it in the Entra admin centre (Enterprise applications > the blueprint > Properties), unless they are to be stopped: then suspend the blueprint",
            ),
            Self::NoConsent => (
                "the consent for what the agent does was taken, in whole or in part",
                "provision the identity again: it is given anew, or you are told who must give it",
            ),
            Self::AgentGone => (
                "the agent identity is no longer in the directory",
                "restore it there within 30 days, or provision the identity again: what is missing is made anew",
            ),
            Self::AgentDisabled => (
                "the agent identity is disabled in Entra",
                "enable it in the Entra admin centre (Agent identities), unless it is to be stopped: then suspend it",
            ),
            Self::UserGone if made => (
                "the tenant does not have the identity's user any more",
                "restore it within 30 days (Entra admin centre > Users > Deleted users), or provision the identity again: it is made anew",
            ),
            Self::UserGone => (
                "the tenant does not have the identity's user any more",
                "restore it within 30 days (Entra admin centre > Users > Deleted users), or provision the identity again with the `user_id` of another",
            ),
            Self::UserDisabled => (
                "the user may not sign in",
                "let the user sign in (Microsoft 365 admin centre > Users > Unblock sign-in), unless it is to be stopped: then suspend the identity",
            ),
            Self::NoLicence if made => (
                "the user has no licence any more",
                "provision the identity again: it is given one; or assign one with Exchange Online and Teams",
            ),
            Self::NoLicence => (
                "the user has no licence any more",
                "assign one with Exchange Online (Microsoft 365 admin centre > Users > Licences)",
            ),
            Self::NoMailbox => (
                "the user's licence has no mailbox any more",
                "switch Exchange Online on again, or assign a licence that has it (Microsoft 365 admin centre > Users > Licences)",
            ),
        };
        Trouble { code: self.word().to_owned(), message: message.to_owned(), remedy: remedy.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(agent: Object, user: Object, licences: usize) -> Option<Amiss> {
        judge(&seen(agent, user, licences))
    }

    fn seen(agent: Object, user: Object, licences: usize) -> Seen {
        let sku = "3b555118-da6a-4418-894f-7df1e2096870".parse().unwrap();
        let (blueprint, consented, mailbox) = (agent, true, licences > 0);
        Seen { blueprint, consented, agent, user, mailbox, licences: vec![sku; licences] }
    }

    #[test]
    fn what_is_gone_comes_before_what_is_disabled_and_that_before_what_it_may_do() {
        let well = || seen(Object::Well, Object::Well, 1);
        let agent = |agent| Seen { agent, ..well() };
        let blueprint = |blueprint, agent| Seen { blueprint, agent, ..well() };
        assert_eq!(judge(&well()), None);
        assert_eq!(judged(Object::None, Object::Well, 1), None);
        assert_eq!(judged(Object::Well, Object::Well, 0), Some(Amiss::NoLicence));
        assert_eq!(judge(&Seen { mailbox: false, ..well() }), Some(Amiss::NoMailbox));
        assert_eq!(judged(Object::Well, Object::Disabled, 0), Some(Amiss::UserDisabled));
        assert_eq!(judge(&agent(Object::Disabled)), Some(Amiss::AgentDisabled));
        assert_eq!(judge(&blueprint(Object::Disabled, Object::Disabled)), Some(Amiss::BlueprintDisabled));
        assert_eq!(judge(&blueprint(Object::Disabled, Object::Gone)), Some(Amiss::AgentGone));
        assert_eq!(judge(&blueprint(Object::Gone, Object::Gone)), Some(Amiss::BlueprintGone));
        assert_eq!(judge(&Seen { user: Object::Gone, ..agent(Object::Disabled) }), Some(Amiss::UserGone));
        assert_eq!(judge(&Seen { consented: false, ..well() }), Some(Amiss::NoConsent));
        assert_eq!(judge(&Seen { consented: false, ..agent(Object::Disabled) }), Some(Amiss::AgentDisabled));
    }

    #[test]
    fn a_mailbox_that_is_switched_off_is_none() {
        let with = |plans: &[(&str, &str)]| {
            let plans = plans.iter().map(|(name, status)| {
                json!({ "servicePlanId": "9aaf7827-d63c-4b61-89c3-182f06f82e5c", "servicePlanName": name,
                        "provisioningStatus": status })
            });
            let details = json!([{
                "skuId": "3b555118-da6a-4418-894f-7df1e2096870", "servicePlans": plans.collect::<Vec<_>>(),
            }]);
            has_mailbox(&serde_json::from_value::<Vec<LicenceDetails>>(details).unwrap())
        };
        assert!(with(&[("EXCHANGE_S_STANDARD", "Success")]));
        assert!(with(&[
            ("EXCHANGE_S_STANDARD", "Disabled"),
            ("EXCHANGE_S_ENTERPRISE", "PendingProvisioning")
        ]));
        assert!(!with(&[("EXCHANGE_S_STANDARD", "Disabled"), ("TEAMS1", "Success")]));
        assert!(!with(&[("EXCHANGE_S_FOUNDATION", "Success")]));
    }

    #[test]
    fn what_is_told_is_known_again() {
        for amiss in Amiss::ALL {
            assert_eq!(Amiss::of(Some(&amiss.trouble(Method::Create))), Some(amiss));
        }
    }
}
