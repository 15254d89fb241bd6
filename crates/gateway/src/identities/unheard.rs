//! What may be in the tenant of an identity without anybody having heard of it: its provisioning is in the middle of
//! making it, or died there, or got no answer. Whoever stops the identity or takes it back looks for that first, for
//! as long as replication may hide it (Entra reference §2.10), so that nothing of it goes on unseen.

use std::sync::Arc;
use std::time::Duration;

use attache_provision::Step;
use attache_store::{JobEnd, JobQuery, JobState, OrgScope, Unit, Versioned};
use attache_terms::{AppId, UserId};
use jiff::Timestamp;

use super::drive::PROVISION;
use super::provisioning::Provisioning;
use super::{Identity, State, ordinary, wish};
use crate::Gateway;
use crate::cells;
use crate::jobs::{Ending, JobError};

/// How long to wait for a request that is under way.
const SOON: Duration = Duration::from_secs(1);
/// How often it is looked for while replication may hide it.
const LOOKS: u32 = 10;

/// What was seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unheard {
    /// A worker has the provisioning, and a request of its may be under way.
    UnderWay,
    /// It is not to be seen, and replication may hide it yet.
    Hidden,
    /// It is there.
    Found {
        /// The agent identity.
        agent: Option<AppId>,
        /// The user.
        user: Option<UserId>,
    },
}

/// Looks; `None` when all that there is of the identity is known. `since` is when it was stopped.
pub(super) async fn look(
    gateway: &Arc<Gateway>,
    scope: OrgScope,
    identity: &Identity,
    since: Timestamp,
) -> Result<Option<Unheard>, JobError> {
    let store = gateway.store.org(scope);
    let key = identity.id.to_string();
    let running = JobQuery {
        state: Some(JobState::Running),
        kind: Some(PROVISION.name),
        key: Some(&key),
        limit: 1,
        ..JobQuery::default()
    };
    if !store.jobs(running).await?.is_empty() {
        return Ok(Some(Unheard::UnderWay));
    }
    let provisioning = store.get::<Provisioning>(identity.id).await?;
    if let Some(objects) = provisioning.as_ref().map(|provisioning| provisioning.steps.objects()) {
        let (agent, user) = (identity.agent.or(objects.agent), identity.user.or(objects.user));
        if (agent, user) != (identity.agent, identity.user) {
            // Whoever stopped the identity changed it before its provisioning could say so.
            return Ok(Some(Unheard::Found { agent, user }));
        }
    }
    let awaited = match provisioning.as_ref().and_then(|provisioning| provisioning.steps.unsettled()) {
        Some(Step::Agent) => identity.agent.is_none(),
        Some(Step::User) => identity.user.is_none(),
        _ => false,
    };
    let (since, found) = match &provisioning {
        Some(provisioning) if awaited => (since, of_agent(gateway, scope, identity, provisioning).await?),
        _ => match ordinary::asked(gateway, scope, identity).await? {
            Some(asked) => (asked, (None, ordinary::asked_for(gateway, scope, identity).await?)),
            None => return Ok(None),
        },
    };
    let (agent, user) = (found.0.or(identity.agent), found.1.or(identity.user));
    if (agent, user) != (identity.agent, identity.user) {
        return Ok(Some(Unheard::Found { agent, user }));
    }
    let until = since.saturating_add(hidden(gateway)).unwrap_or(Timestamp::MAX);
    Ok((gateway.clock.now() < until).then_some(Unheard::Hidden))
}

/// How long replication may hide something new.
pub(super) fn hidden(gateway: &Gateway) -> Duration {
    wish::patience(gateway.config.provision_scale).hidden
}

/// The agent identity with this identity's tag, and its agent user.
async fn of_agent(
    gateway: &Arc<Gateway>,
    scope: OrgScope,
    identity: &Identity,
    provisioning: &Provisioning,
) -> Result<(Option<AppId>, Option<UserId>), JobError> {
    let graph = gateway.provisioner(&gateway.home_needed(scope, identity).await?);
    let agent = match identity.agent {
        Some(agent) => Some(agent),
        None => {
            let blueprint = provisioning.steps.objects().blueprint;
            let tag = cells::tag("identity", &identity.id.to_string());
            let tagged = graph.agent_identities_tagged(tag.as_str()).await?.value;
            let ours = tagged.into_iter().find(|one| Some(one.agent_identity_blueprint_id) == blueprint);
            ours.map(|agent| agent.id)
        }
    };
    let user = match agent {
        Some(agent) => graph.agent_users_of(agent).await?.value.first().map(|user| user.id),
        None => None,
    };
    Ok((agent, user))
}

impl Unheard {
    /// How a turn ends that has come upon it: what was found is known from now on, and the next turn deals with it.
    pub(super) fn ending(self, gateway: &Gateway, identity: &Versioned<Identity>) -> Ending {
        let mut unit = Unit::new();
        let (span, reason) = match self {
            Self::UnderWay => (SOON, "a request of its provisioning may be under way"),
            Self::Hidden => (
                hidden(gateway) / LOOKS,
                "its provisioning may have made something that the directory does not show yet",
            ),
            Self::Found { agent, user } => {
                unit.update(identity, &Identity { agent, user, ..identity.record.clone() });
                (Duration::ZERO, "its provisioning had made something")
            }
        };
        let now = gateway.clock.now();
        let due = now.saturating_add(span).unwrap_or(now);
        if identity.state == State::Deprovisioning && !matches!(self, Self::Found { .. }) {
            unit.update(identity, &identity.waits(now, reason, due, None));
        }
        Ending { end: JobEnd::Wait { due, reason: reason.to_owned() }, unit }
    }
}
