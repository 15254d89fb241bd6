//! Suspend and resume: we stop acting for the identity at once, then the tenant is told: the agent user may not sign
//! in, its sessions end, the agent identity gets no tokens; and at the end it is tried whether the hops still work.

use std::sync::Arc;
use std::time::Duration;

use attache_graph::{Answered, Cause, Graph, GraphError};
use attache_ledger::{Act, ActName, Actor, Code, Mode as As, Verdict};
use attache_store::{NewJob, OrgId, OrgScope, Unit, Versioned};
use attache_terms::Explain as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::http::accepted;
use super::provisioning::Provisioning;
use super::{Cause as Why, Identity, IdentityId, State, Suspension, job_for, subject, unheard};
use crate::Gateway;
use crate::access::{Grant, operators_only};
use crate::cells::{self, Cell};
use crate::jobs::{Ending, JobError, Kind, Turn, outside, take_up};
use crate::organisations::plain;
use crate::record::{on, system, thing};
use crate::server::{Answer, Problem};
use crate::sponsors;

/// How long Entra's tokens live at most where nothing revokes them (Entra reference §1.11).
const LONGEST_TOKEN: Duration = Duration::from_secs(90 * 60);

pub(super) const SUSPENDED: ActName = ActName::new("identity.suspended");
pub(super) const RESUMED: ActName = ActName::new("identity.resumed");
const PROVED: ActName = ActName::new("identity.suspension_proved");
const ENFORCED: ActName = ActName::new("identity.suspension_enforced");
const USER: ActName = ActName::new("agent_user.enable");
const SESSIONS: ActName = ActName::new("agent_user.sessions.revoke");
const AGENT: ActName = ActName::new("agent_identity.enable");

/// The kind of job that tells the tenant.
pub(crate) const ENFORCE: Kind = Kind {
    name: "identity.enforce",
    tries: 50,
    recurring: false,
    work: |gateway, turn| Box::pin(enforce(gateway, turn)),
};

/// How far a suspension is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct Proof {
    /// Whether the tenant was told.
    pub(crate) enforced: bool,
    /// Whether it was tried and the hops failed, with Entra's word for it.
    pub(crate) hops_fail: Option<String>,
    /// Until when a token that was issued before may still work.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) tokens_end: Option<jiff::Timestamp>,
}

/// Suspends an identity: from now on we do nothing for it. Asked for again, the tenant is told again where it was not
/// yet: what gave that up goes on so.
pub(crate) async fn suspend(
    gateway: &Gateway,
    grant: &Grant,
    identity: &Versioned<Identity>,
    reason: &str,
) -> Answer<Identity> {
    let by_operator = grant.is_operators();
    let fresh = Suspension { by_operator, ..Suspension::new(gateway.clock.now(), plain(reason), Why::Asked) };
    let suspension = match &identity.suspended {
        // Who asks for it also wants it to last when a sponsor is found again.
        Some(own) if own.cause == Why::Sponsor => fresh,
        // It stays so when its organisation is resumed, and an operator's word comes before its members'.
        Some(own) if own.with.is_some() || (by_operator && !own.by_operator) => {
            Suspension { reason: fresh.reason, with: None, by_operator, ..own.clone() }
        }
        Some(own) => {
            if !own.proof.enforced {
                let mut unit = Unit::new();
                unit.expect(identity);
                unit.enqueue(enforcement(gateway, identity.org, identity.id));
                let now = || accepted(identity.record.clone());
                gateway.commit_answered(&grant.caller, unit, now).await?;
            }
            return Ok(identity.record.clone());
        }
        None => fresh,
    };
    change(gateway, grant, identity, stopped(gateway, identity, suspension), SUSPENDED).await
}

/// Suspends an identity by itself, since nobody answers for it; who reads this is told why.
pub(crate) fn pause(
    gateway: &Gateway,
    scope: OrgScope,
    unit: &mut Unit,
    identity: &Versioned<Identity>,
    reason: &str,
) {
    let suspension = Suspension::new(gateway.clock.now(), reason.to_owned(), Why::Sponsor);
    unit.update(identity, &stopped(gateway, identity, suspension));
    unit.record(scope, gateway.changed_by_itself(SUSPENDED, on([thing("identity", identity.id)])));
    unit.enqueue(enforcement(gateway, identity.org, identity.id));
}

fn stopped(gateway: &Gateway, identity: &Identity, suspension: Suspension) -> Identity {
    Identity { suspended: Some(suspension), changed: gateway.clock.now(), ..identity.clone() }
}

/// Lets an identity act again. What an operator stopped, an operator lets go on. Asked for again, the tenant is told
/// again if that was given up.
pub(crate) async fn resume(
    gateway: &Gateway,
    grant: &Grant,
    identity: &Versioned<Identity>,
) -> Answer<Identity> {
    grant.organisation.goes_on()?;
    match &identity.suspended {
        None => {
            take_up(gateway, &grant.caller, grant.scope, &ENFORCE, &identity.id.to_string()).await?;
            return Ok(identity.record.clone());
        }
        Some(suspension) if suspension.cause == Why::Sponsor => return Err(nobody_answers(suspension)),
        Some(suspension) if suspension.by_operator && !grant.caller.is_operator() => {
            return Err(operators_only(
                "an operator of this gateway suspended the identity, and only one resumes it",
            ));
        }
        Some(_) => {}
    }
    let resumed = Identity { suspended: None, changed: gateway.clock.now(), ..identity.record.clone() };
    change(gateway, grant, identity, resumed, RESUMED).await
}

async fn change(
    gateway: &Gateway,
    grant: &Grant,
    before: &Versioned<Identity>,
    after: Identity,
    act: ActName,
) -> Answer<Identity> {
    let mut unit = Unit::new();
    unit.update(before, &after);
    // An organisation that is suspended meanwhile stays so with all that it has.
    unit.expect(&grant.organisation);
    if after.suspended.is_none() {
        // Whether somebody answers for it was of no concern meanwhile.
        unit.enqueue(sponsors::look_now(gateway, &after));
    }
    unit.record(grant.scope, gateway.changed(&grant.caller, act, on([thing("identity", after.id)])));
    unit.enqueue(enforcement(gateway, after.org, after.id));
    gateway.commit_answered(&grant.caller, unit, || accepted(after.clone())).await?;
    Ok(after)
}

/// The job that makes the tenant what the identity says.
pub(crate) fn enforcement(gateway: &Gateway, org: OrgId, identity: IdentityId) -> NewJob {
    job_for(gateway, &ENFORCE, org, identity)
}

fn nobody_answers(suspension: &Suspension) -> Problem {
    Problem::new(
        http::StatusCode::CONFLICT,
        "sponsor_needed",
        format!(
            "the identity is suspended since {}, and nobody answers for it: {}",
            suspension.since, suspension.reason
        ),
        "name a successor of its sponsor; when they have accepted, it goes on by itself",
    )
}

impl Suspension {
    /// From now on, for this; nothing is proved yet.
    pub(super) fn new(now: jiff::Timestamp, reason: String, cause: Why) -> Self {
        let proof = Proof { tokens_end: now.saturating_add(LONGEST_TOKEN).ok(), ..Proof::default() };
        Self { since: now, reason, cause, with: None, by_operator: false, proof }
    }
}

/// That somebody may not act for now, as a problem.
pub(crate) fn refused(suspension: &Suspension) -> Problem {
    Problem::new(
        http::StatusCode::CONFLICT,
        "suspended",
        format!("the identity is suspended since {}: {}", suspension.since, suspension.reason),
        if suspension.with.is_some() { "resume its organisation first" } else { "resume it first" },
    )
}

/// Makes the tenant what the identity says: suspended or not.
async fn enforce(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Some((scope, identity)) = subject(&gateway, turn.job()).await? else { return Ok(Ending::done()) };
    if matches!(identity.state, State::Deprovisioning | State::Deprovisioned) {
        // Its removal blocks it first of all.
        return Ok(Ending::done());
    }
    if identity.suspended.as_ref().is_some_and(|suspension| suspension.proof.enforced) {
        // Whoever asked once more while that was under way has it.
        return Ok(Ending::done());
    }
    if identity.tenant.is_none() {
        return Ok(Ending::done_with(nothing_to_tell(&gateway, scope, &identity)));
    }
    let graph = gateway.provisioner(&gateway.home_needed(scope, &identity).await?);
    tell(&gateway, &turn, scope, &identity, &graph, identity.suspended.is_none()).await?;
    let Some(suspension) = &identity.suspended else { return Ok(Ending::done()) };
    // What was being made when it was suspended is stopped too, as soon as it is seen.
    if let Some(unheard) = unheard::look(&gateway, scope, &identity, suspension.since).await? {
        return Ok(unheard.ending(&gateway, &identity));
    }
    let refusal = hops(&gateway, scope, &identity).await?;
    let code = refusal.as_ref().map(code_of);
    let hops_fail = refusal.map(|refusal| refusal.to_string());
    let proof = Proof { enforced: true, hops_fail, ..suspension.proof.clone() };
    Ok(Ending::done_with(proved(&gateway, scope, &identity, suspension, proof, code)))
}

/// The proof of a suspension, which ends with it, and the entry of it, which stays.
fn proved(
    gateway: &Gateway,
    scope: OrgScope,
    identity: &Versioned<Identity>,
    suspension: &Suspension,
    proof: Proof,
    code: Option<Code>,
) -> Unit {
    let act = if code.is_some() { PROVED } else { ENFORCED };
    let act = Act::new(act, system()).on(on([thing("identity", identity.id)]));
    let suspended = Suspension { proof, ..suspension.clone() };
    let mut unit = Unit::new();
    unit.record(scope, gateway.composer.change(act, Verdict::Done, code));
    unit.update(identity, &Identity { suspended: Some(suspended), ..identity.record.clone() });
    unit
}

/// An identity that lives nowhere has nothing in a tenant that could act: that we do nothing for it is all.
fn nothing_to_tell(gateway: &Gateway, scope: OrgScope, identity: &Versioned<Identity>) -> Unit {
    let Some(suspension) = &identity.suspended else { return Unit::new() };
    let proof = Proof { enforced: true, ..Proof::default() };
    proved(gateway, scope, identity, suspension, proof, None)
}

/// Blocks sign-in, as the first thing that happens to an identity that is taken back.
pub(super) async fn block(
    gateway: &Gateway,
    turn: &Turn,
    scope: OrgScope,
    identity: &Identity,
) -> Result<(), JobError> {
    if identity.user.is_none() && identity.agent.is_none() {
        return Ok(());
    }
    let home = gateway.home_needed(scope, identity).await?;
    tell(gateway, turn, scope, identity, &gateway.provisioner(&home), false).await
}

async fn tell(
    gateway: &Gateway,
    turn: &Turn,
    scope: OrgScope,
    identity: &Identity,
    graph: &Graph,
    enabled: bool,
) -> Result<(), JobError> {
    let act = |name: ActName| {
        let actor = Actor { tenant: identity.tenant, mode: Some(As::Application), ..system() };
        Act::new(name, actor).on(on([thing("identity", identity.id)]))
    };
    if let Some(user) = identity.user {
        let call = |graph: Graph| async move { graph.enable_user(user, enabled).await };
        there(outside(gateway, turn, scope, act(USER), graph, call).await?)?;
        if !enabled {
            let call = |graph: Graph| async move { graph.revoke_sessions(user).await };
            there(outside(gateway, turn, scope, act(SESSIONS), graph, call).await?)?;
        }
    }
    if let Some(agent) = identity.agent {
        let call = |graph: Graph| async move { graph.enable_agent_identity(agent, enabled).await };
        there(outside(gateway, turn, scope, act(AGENT), graph, call).await?)?;
    }
    Ok(())
}

/// What is no longer there can do nothing any more.
pub(super) fn there(answered: Answered<()>) -> Result<(), JobError> {
    match answered {
        Ok(_) => Ok(()),
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Tries the hops with nothing remembered: Entra's word when they fail, as they must.
async fn hops(
    gateway: &Arc<Gateway>,
    scope: OrgScope,
    identity: &Identity,
) -> Result<Option<GraphError>, JobError> {
    let Some(graph) = acting(gateway, scope, identity).await? else { return Ok(None) };
    graph.renew().await;
    match graph.me().await {
        Ok(_) => Err(JobError::Failed("the agent user can still sign in; trying again".into())),
        Err(error) if is_refusal(&error) => Ok(Some(error)),
        // A network that fails proves nothing.
        Err(error) => Err(error.into()),
    }
}

/// Graph as the identity's agent user, by the hops; `None` for an identity that has none.
pub(crate) async fn acting(
    gateway: &Arc<Gateway>,
    scope: OrgScope,
    identity: &Identity,
) -> Result<Option<Graph>, JobError> {
    let provisioning = gateway.store.org(scope).get::<Provisioning>(identity.id).await?;
    let objects = provisioning.as_ref().map(|provisioning| provisioning.steps.objects());
    let blueprint = objects.and_then(|objects| objects.blueprint);
    let (Some(blueprint), Some(agent), Some(user), Some(cell)) =
        (blueprint, identity.agent, identity.user, identity.cell)
    else {
        return Ok(None);
    };
    let Some(cell) = gateway.system().get::<Cell>(cell).await? else { return Ok(None) };
    let (credential, _) = cells::credential(gateway, &cell).await?;
    Ok(Some(gateway.as_agent_user(cell.tenant, credential, blueprint, agent, user)))
}

/// Whether Entra or Graph refused, rather than failed to answer.
fn is_refusal(error: &GraphError) -> bool {
    match error.cause() {
        Cause::Unauthorised { .. } | Cause::Forbidden { .. } => true,
        Cause::Token(fault) => cells::refuses(fault),
        _ => false,
    }
}

/// The code of a refusal, as the log keeps it.
fn code_of(error: &GraphError) -> Code {
    match error.cause() {
        Cause::Token(fault) => cells::code_of(fault),
        _ => Code::new(error.code()),
    }
}

#[cfg(test)]
mod tests {
    use attache_graph::Correlation;

    use super::*;

    #[test]
    fn only_a_refusal_proves_that_the_hops_fail() {
        let error = |cause| GraphError::new(cause, Correlation::before(uuid::Uuid::nil()));
        assert!(is_refusal(&error(Cause::Unauthorised { message: "disabled".to_owned() })));
        for proves_nothing in [
            Cause::Unreachable { why: "connection refused".to_owned() },
            Cause::Throttled { retry_after: None },
            Cause::Unavailable { status: 503, retry_after: None },
        ] {
            assert!(!is_refusal(&error(proves_nothing)));
        }
    }
}
