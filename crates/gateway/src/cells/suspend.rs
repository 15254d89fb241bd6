//! Suspending a whole blueprint: an operator's act. Its principal is disabled in its tenant, so that Entra issues no
//! assertion for any of its agent identities (hop 1), and that is tried (Entra reference §1.10, §13 "Stopping an agent
//! for real").

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_entra::{AccessToken, Resource, T1Source, TokenFault};
use attache_graph::Cause;
use attache_ledger::{Act, ActName, Actor, Mode as As};
use attache_store::{GatewayScope, JobId, NewJob, Page, Unit, Versioned};
use attache_terms::{AppId, Who};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Cell, CellId, credential};
use crate::Gateway;
use crate::access::Caller;
use crate::identities::Identity;
use crate::jobs::{Ending, JobError, Kind, Turn, outside};
use crate::organisations::plain;
use crate::record::{on, system, thing};
use crate::server::{Answer, Problem};

/// How long an assertion of hop 1 lives (Entra reference §1.11: app tokens, 3900 s).
const ASSERTION: Duration = Duration::from_secs(3900);
/// How long a user's token lives at most where nothing revokes it (ibid.).
const TOKEN: Duration = Duration::from_secs(90 * 60);

const SUSPENDED: ActName = ActName::new("cell.suspended");
const RESUMED: ActName = ActName::new("cell.resumed");
const PRINCIPAL: ActName = ActName::new("blueprint_principal.enable");

/// The kind of job that tells the tenant.
pub(crate) const ENFORCE: Kind =
    Kind { name: "cell.enforce", tries: 50, work: |gateway, turn| Box::pin(enforce(gateway, turn)) };

/// That no agent of a blueprint may act for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CellSuspension {
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
    /// Why, as whoever did it wrote.
    pub(crate) reason: String,
    /// Whether the tenant was told, or has nothing to be told of.
    pub(crate) enforced: bool,
    /// Entra's word when hop 1 was tried; absent while it was not, or where the blueprint has no agent to try with.
    pub(crate) hop_1: Option<String>,
    /// What came of hop 2 with an assertion from before; absent when there was none to try with.
    pub(crate) hop_2: Option<String>,
    /// Until when a token that was issued before, or that an assertion from before still buys, may work.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) tokens_end: Option<Timestamp>,
}

impl CellSuspension {
    /// That an identity's blueprint is suspended, as a problem.
    pub(crate) fn refused(&self) -> Problem {
        Problem::new(
            http::StatusCode::CONFLICT,
            "blueprint_suspended",
            format!("the blueprint of the identity is suspended since {}: {}", self.since, self.reason),
            "ask whoever runs this gateway; operators resume it on their page Blueprints",
        )
    }

    /// How many seconds what was issued before may still work.
    pub(crate) fn seconds(&self, now: Timestamp) -> i64 {
        self.tokens_end.map_or(0, |end| end.duration_since(now).as_secs().max(0))
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Body {
    cell: CellId,
}

/// Suspends a blueprint.
pub(super) async fn suspend(
    gateway: &Gateway,
    caller: &Caller,
    cell: &Versioned<Cell>,
    reason: &str,
) -> Answer<Cell> {
    if cell.suspended.is_some() {
        return Ok(cell.record.clone());
    }
    let now = gateway.clock.now();
    let suspension = CellSuspension {
        since: now,
        reason: plain(reason),
        enforced: false,
        hop_1: None,
        hop_2: None,
        tokens_end: now.saturating_add(ASSERTION + TOKEN).ok(),
    };
    change(gateway, caller, cell, Some(suspension), SUSPENDED).await
}

/// Lets a blueprint's agents act again.
pub(super) async fn resume(gateway: &Gateway, caller: &Caller, cell: &Versioned<Cell>) -> Answer<Cell> {
    if cell.suspended.is_none() {
        return Ok(cell.record.clone());
    }
    change(gateway, caller, cell, None, RESUMED).await
}

async fn change(
    gateway: &Gateway,
    caller: &Caller,
    before: &Versioned<Cell>,
    suspended: Option<CellSuspension>,
    act: ActName,
) -> Answer<Cell> {
    let after = Cell { suspended, ..before.record.clone() };
    let mut unit = Unit::new();
    unit.update(before, &after);
    unit.record(GatewayScope::granted(), gateway.changed(caller, act, on([thing("cell", after.id)])));
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    let body = Body { cell: after.id };
    unit.enqueue(NewJob::new(id, ENFORCE.name, None, &body).only(after.id.to_string()));
    gateway.commit(caller, unit).await?;
    Ok(after)
}

/// Makes the tenant what the cell says: suspended or not.
async fn enforce(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Body { cell } = turn.job().body()?;
    let Some(cell) = gateway.system().get::<Cell>(cell).await? else { return Ok(Ending::done()) };
    let Some(home) = gateway.home_of_cell(&cell).await? else {
        return Err(JobError::Failed(format!(
            "the tenant {} is not configured on this gateway",
            cell.tenant
        )));
    };
    let graph = gateway.provisioner(&home);
    let blueprint = match cell.given {
        Some(given) => Some(given),
        None => {
            let found = graph.blueprints_tagged(cell.blueprint().tag.as_str()).await?.value;
            found.into_iter().next().map(|found| found.app_id)
        }
    };
    let principal = match blueprint {
        Some(blueprint) => graph.principal_of(blueprint).await?.value,
        None => None,
    };
    if let Some(principal) = principal {
        let actor = Actor { tenant: Some(cell.tenant), mode: Some(As::Application), ..system() };
        let mut about = on([thing("cell", cell.id)]);
        about.object = Some(principal.id);
        let enabled = cell.suspended.is_none();
        let tell = |correlation| {
            let graph = graph.correlated(correlation);
            async move { graph.enable_blueprint_principal(principal.id, enabled).await }
        };
        let act = Act::new(PRINCIPAL, actor).on(about);
        match outside(&gateway, &turn, GatewayScope::granted(), act, tell).await? {
            Ok(_) => {}
            // What is no longer there gets no tokens.
            Err(error) if matches!(error.cause(), Cause::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let Some(suspension) = &cell.suspended else { return Ok(Ending::done()) };
    let proved = match blueprint {
        Some(blueprint) => prove(&gateway, &cell, suspension, blueprint).await?,
        None => CellSuspension { enforced: true, ..suspension.clone() },
    };
    let mut unit = Unit::new();
    unit.update(&cell, &Cell { suspended: Some(proved), ..cell.record.clone() });
    Ok(Ending::done_with(unit))
}

/// Tries hop 1 for one of the blueprint's agents, with nothing remembered; and hop 2, where an assertion from before
/// is at hand.
async fn prove(
    gateway: &Arc<Gateway>,
    cell: &Cell,
    suspension: &CellSuspension,
    blueprint: AppId,
) -> Result<CellSuspension, JobError> {
    let enforced = CellSuspension { enforced: true, ..suspension.clone() };
    let own: Vec<Versioned<Identity>> =
        gateway.system().list_by(Identity::BY_CELL, &cell.id.to_string(), Page::first(50)).await?;
    let Some(agent) = own.iter().find_map(|identity| identity.agent) else { return Ok(enforced) };
    let (credential, _) = credential(gateway, cell).await?;
    let first = gateway.entra.own_assertion(cell.tenant, blueprint, credential);
    let before = first.t1(agent).await.ok();
    if let Some(before) = &before {
        first.refused(agent, before);
    }
    let hop_1 = match first.t1(agent).await {
        Ok(_) => return Err(JobError::Failed("the blueprint still gets assertions; trying again".into())),
        Err(fault) if refuses(&fault) => Some(fault.to_string()),
        Err(fault) => return Err(JobError::Failed(fault.to_string())),
    };
    let Some(before) = before else { return Ok(CellSuspension { hop_1, ..enforced }) };
    let resource = Resource::graph(gateway.entra.cloud());
    let second = gateway.entra.agent_identity(cell.tenant, Arc::new(Before(before)), agent, resource);
    if let Ok(remembered) = second.token(None).await {
        second.refused(&remembered);
    }
    match second.token(None).await {
        Ok(_) => {
            let hop_2 = "an assertion from before still buys a token, until it ends".to_owned();
            Ok(CellSuspension { hop_1, hop_2: Some(hop_2), ..enforced })
        }
        Err(fault) if refuses(&fault) => Ok(CellSuspension {
            hop_1,
            hop_2: Some(fault.to_string()),
            tokens_end: suspension.since.saturating_add(TOKEN).ok(),
            ..enforced
        }),
        Err(fault) => Err(JobError::Failed(fault.to_string())),
    }
}

/// An assertion from before, and no other.
struct Before(AccessToken);

#[async_trait]
impl T1Source for Before {
    async fn t1(&self, _: AppId) -> Result<AccessToken, TokenFault> {
        Ok(self.0.clone())
    }

    fn refused(&self, _: AppId, _: &AccessToken) {}
}

/// Whether Entra refused, rather than failed to answer: a network that fails proves nothing.
pub(crate) fn refuses(fault: &TokenFault) -> bool {
    fault.code() != "authority_unreachable" && !matches!(fault.remedy().who, Who::Platform { .. })
}
