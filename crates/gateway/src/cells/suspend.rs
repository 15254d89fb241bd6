//! Suspending a whole blueprint: an operator's act. Its principal is disabled in its tenant, so that Entra issues no
//! assertion for any of its agent identities (hop 1), and that is tried (Entra reference §1.10, §13 "Stopping an agent
//! for real"). Every organisation whose identities come from it finds that in its own log.

use std::collections::BTreeMap;
use std::sync::Arc;

use attache_graph::{Cause, Graph};
use attache_ledger::{Act, ActName, Actor, Mode as As, Thing, Verdict};
use attache_store::{GatewayScope, JobId, NewJob, OrgId, OrgScope, StoreError, Unit, Versioned};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::http::accepted;
use super::trial::{ASSERTION, TOKEN, Trial, Tried, code_of};
use super::{Cell, CellId};
use crate::Gateway;
use crate::access::Caller;
use crate::identities::Identity;
use crate::jobs::{Ending, JobError, Kind, Turn, outside, take_up};
use crate::organisations::plain;
use crate::record::{on, system, thing};
use crate::server::{Answer, Problem};

const SUSPENDED: ActName = ActName::new("cell.suspended");
const RESUMED: ActName = ActName::new("cell.resumed");
const PROVED: ActName = ActName::new("cell.suspension_proved");
const ENFORCED: ActName = ActName::new("cell.suspension_enforced");
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

/// Lets a blueprint's agents act again. Asked for again, the tenant is told again if that was given up.
pub(super) async fn resume(gateway: &Gateway, caller: &Caller, cell: &Versioned<Cell>) -> Answer<Cell> {
    if cell.suspended.is_none() {
        take_up(gateway, caller, GatewayScope::granted(), &ENFORCE, &cell.id.to_string()).await?;
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
    let residents = gateway.system().every_by::<Identity>(Identity::BY_CELL, &cell.to_string()).await?;
    Ok(residents.into_iter().map(|one| one.record).collect())
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
    let tried = match trial {
        Some(trial) => Some(trial.end(&gateway).await?),
        None => None,
    };
    let mut unit = on_record(&gateway, &cell, tried.as_ref()).await?;
    let proved = tried.map_or(enforced.clone(), |tried| tried.shown(enforced));
    unit.update(&cell, &Cell { suspended: Some(proved), ..cell.record.clone() });
    Ok(Ending::done_with(unit))
}

/// What came of a suspension, as the logs keep it when it has ended: that of the gateway, and of everyone concerned.
async fn on_record(gateway: &Gateway, cell: &Cell, tried: Option<&Tried>) -> Result<Unit, StoreError> {
    let (act, code) = match tried {
        Some(tried) => (PROVED, Some(code_of(&tried.hop_1))),
        None => (ENFORCED, None),
    };
    let about: Vec<Thing> = [thing("cell", cell.id)]
        .into_iter()
        .chain(tried.and_then(Tried::second).map(|second| thing("hop_2", second)))
        .collect();
    let entry = |about: Vec<Thing>| {
        let act = Act::new(act.clone(), system()).on(on(about));
        gateway.composer.change(act, Verdict::Done, code.clone())
    };
    let mut unit = Unit::new();
    unit.record(GatewayScope::granted(), entry(about.clone()));
    for (org, own) in by_organisation(&residents(gateway, cell.id).await?) {
        unit.record(OrgScope::granted(org), entry(about.iter().cloned().chain(own).collect()));
    }
    Ok(unit)
}
