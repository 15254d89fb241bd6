//! Suspending a whole blueprint: an operator's act. Its principal is disabled in its tenant, so that Entra issues no
//! assertion for any of its agent identities (hop 1), and that is tried (Entra reference §1.10, §13 "Stopping an agent
//! for real"). Every organisation whose identities come from it finds that in its own log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_entra::{AccessToken, Resource, T1Source, TokenFault};
use attache_graph::{Cause, Graph};
use attache_ledger::{Act, ActName, Actor, Mode as As, Thing};
use attache_store::{GatewayScope, JobId, NewJob, OrgId, OrgScope, Page, StoreError, Unit, Versioned};
use attache_terms::{AppId, TenantId, Who};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::http::accepted;
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
pub(crate) const ENFORCE: Kind = Kind {
    name: "cell.enforce",
    tries: 50,
    recurring: false,
    work: |gateway, turn| Box::pin(enforce(gateway, turn)),
};

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
    /// What came of hop 2 with an assertion that was got just before; absent when there was none to try with.
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

/// Suspends a blueprint. Asked for again, the tenant is told again where it was not yet: what gave that up goes on so.
pub(super) async fn suspend(
    gateway: &Gateway,
    caller: &Caller,
    cell: &Versioned<Cell>,
    reason: &str,
) -> Answer<Cell> {
    if let Some(suspension) = &cell.suspended {
        if !suspension.enforced {
            let mut unit = Unit::new();
            unit.expect(cell);
            unit.enqueue(enforcement(gateway, cell.id));
            gateway.commit_answered(caller, unit, || accepted(gateway, cell.record.clone())).await?;
        }
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
    // Whoever needs a seat meanwhile opens another: there is never more than one that is being opened.
    let after = Cell { suspended, opening: false, ..before.record.clone() };
    let mut unit = Unit::new();
    unit.update(before, &after);
    let own = gateway.changed(caller, act.clone(), on([thing("cell", after.id)]));
    unit.record(GatewayScope::granted(), own);
    // Whoever gets a seat meanwhile changes the cell, and is heard.
    for (org, own) in by_organisation(&residents(gateway, after.id).await?) {
        let about = on([thing("cell", after.id)].into_iter().chain(own));
        unit.record(OrgScope::granted(org), gateway.changed(caller, act.clone(), about));
    }
    unit.enqueue(enforcement(gateway, after.id));
    gateway.commit_answered(caller, unit, || accepted(gateway, after.clone())).await?;
    Ok(after)
}

/// The job that makes the tenant what the cell says.
fn enforcement(gateway: &Gateway, cell: CellId) -> NewJob {
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    NewJob::new(id, ENFORCE.name, None, &Body { cell }).only(cell.to_string())
}

/// What of each organisation a change of a cell concerns.
fn by_organisation(residents: &[Identity]) -> BTreeMap<OrgId, Vec<Thing>> {
    let mut own: BTreeMap<OrgId, Vec<Thing>> = BTreeMap::new();
    for one in residents {
        own.entry(one.org).or_default().push(thing("identity", one.id));
    }
    own
}

/// Who lives in a cell: the identities that come from its blueprint, and have not gone (they are found by it no more).
pub(super) async fn residents(gateway: &Gateway, cell: CellId) -> Result<Vec<Identity>, StoreError> {
    const PART: usize = 200;
    let (cell, mut page, mut residents) = (cell.to_string(), Page::first(PART), Vec::new());
    loop {
        let part: Vec<Versioned<Identity>> = gateway.system().list_by(Identity::BY_CELL, &cell, page).await?;
        let next = part.last().filter(|_| part.len() == PART).map(|last| Page::first(PART).beyond(last));
        residents.extend(part.into_iter().map(|one| one.record));
        match next {
            Some(next) => page = next,
            None => return Ok(residents),
        }
    }
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
    let trial = match (&cell.suspended, blueprint) {
        (Some(_), Some(blueprint)) => Trial::begin(&gateway, &cell, blueprint).await?,
        _ => None,
    };
    if let Some(principal) = principal {
        let actor = Actor { tenant: Some(cell.tenant), mode: Some(As::Application), ..system() };
        let mut about = on([thing("cell", cell.id)]);
        about.object = Some(principal.id);
        let enabled = cell.suspended.is_none();
        let tell =
            |graph: Graph| async move { graph.enable_blueprint_principal(principal.id, enabled).await };
        let act = Act::new(PRINCIPAL, actor).on(about);
        match outside(&gateway, &turn, GatewayScope::granted(), act, &graph, tell).await? {
            Ok(_) => {}
            // What is no longer there gets no tokens.
            Err(error) if matches!(error.cause(), Cause::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let Some(suspension) = &cell.suspended else { return Ok(Ending::done()) };
    let enforced = CellSuspension { enforced: true, ..suspension.clone() };
    let proved = match trial {
        Some(trial) => trial.end(&gateway, enforced).await?,
        None => enforced,
    };
    let mut unit = Unit::new();
    unit.update(&cell, &Cell { suspended: Some(proved), ..cell.record.clone() });
    Ok(Ending::done_with(unit))
}

/// What is tried with one of a blueprint's agents, before its principal is disabled and after.
struct Trial {
    tenant: TenantId,
    agent: AppId,
    first: Arc<dyn T1Source>,
    /// An assertion from before, for hop 2: whoever has stolen one has such a one. Whether it still buys tokens is
    /// known only to who has one, too.
    before: Option<AccessToken>,
}

impl Trial {
    /// Gets an assertion while Entra still gives it; there is nothing to try with where the blueprint has no agent.
    async fn begin(gateway: &Arc<Gateway>, cell: &Cell, blueprint: AppId) -> Result<Option<Self>, JobError> {
        let residents = residents(gateway, cell.id).await?;
        // One that is stopped itself would prove nothing of the blueprint.
        let (acting, stopped): (Vec<_>, Vec<_>) =
            residents.iter().partition(|one| one.suspended.is_none() && one.state.acts());
        let Some(agent) = acting.into_iter().chain(stopped).find_map(|one| one.agent) else {
            return Ok(None);
        };
        let (credential, _) = credential(gateway, cell).await?;
        let first: Arc<dyn T1Source> = gateway.entra.own_assertion(cell.tenant, blueprint, credential);
        let before = first.t1(agent).await.ok();
        Ok(Some(Self { tenant: cell.tenant, agent, first, before }))
    }

    /// Tries hop 1 with nothing remembered, and hop 2 with the assertion from before.
    async fn end(self, gateway: &Arc<Gateway>, enforced: CellSuspension) -> Result<CellSuspension, JobError> {
        let Self { tenant, agent, first, before } = self;
        if let Some(before) = &before {
            first.refused(agent, before);
        }
        let hop_1 = match first.t1(agent).await {
            Ok(_) => {
                return Err(JobError::Failed("the blueprint still gets assertions; trying again".into()));
            }
            Err(fault) if refuses(&fault) => Some(fault.to_string()),
            Err(fault) => return Err(JobError::Failed(fault.to_string())),
        };
        let Some(before) = before else { return Ok(CellSuspension { hop_1, ..enforced }) };
        let resource = Resource::graph(gateway.entra.cloud());
        let second = gateway.entra.agent_identity(tenant, Arc::new(Before(before)), agent, resource);
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
                tokens_end: enforced.since.saturating_add(TOKEN).ok(),
                ..enforced
            }),
            Err(fault) => Err(JobError::Failed(fault.to_string())),
        }
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
