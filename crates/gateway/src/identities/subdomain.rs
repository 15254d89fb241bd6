//! An organisation's subdomain in a hosted tenant: added before the first identity that needs it.

use attache_graph::{Cause, Graph, GraphError};
use attache_ledger::{Act, ActName, Actor, Code, Correlation, Mode as As, Outcome};
use attache_store::{OrgScope, Unit};
use attache_terms::Explain as _;

use super::Identity;
use super::drive::correlated;
use crate::Gateway;
use crate::config::HostedTenant;
use crate::jobs::{JobError, Turn};
use crate::record::{on, system, thing};

const ADD: ActName = ActName::new("domain.add");

/// Sees to it that the domain of the identity's address is the tenant's.
pub(super) async fn ensure(
    gateway: &Gateway,
    turn: &Turn,
    scope: OrgScope,
    identity: &Identity,
    hosted: &HostedTenant,
) -> Result<(), JobError> {
    let Some((_, domain)) = identity.address.as_deref().and_then(|address| address.split_once('@')) else {
        return Ok(());
    };
    let correlation = gateway.rng.uuid();
    let graph = gateway.provisioner(hosted).correlated(correlation);
    if graph.domain(domain).await.map_err(failed)?.value.is_some() {
        return Ok(());
    }
    turn.before_write().await?;
    let actor = Actor { tenant: Some(hosted.tenant), mode: Some(As::Application), ..system() };
    let act = Act::new(ADD, actor)
        .on(on([thing("identity", identity.id)]))
        .correlated(Correlation { client_request_id: Some(correlation), ..Correlation::default() });
    let intent = gateway.intent(act);
    let entry = intent.id();
    let mut unit = Unit::new();
    unit.record(scope, intent);
    turn.commit(unit).await?;
    let added = graph.add_domain(domain).await;
    let (outcome, result) = judge(&graph, domain, added.map(|added| added.correlation)).await;
    let mut unit = Unit::new();
    unit.record(scope, gateway.outcome(entry, ADD, outcome));
    turn.commit(unit).await?;
    result
}

/// What became of it. A conflict, or an answer that was lost, is settled by looking.
async fn judge(
    graph: &Graph,
    domain: &str,
    added: Result<attache_graph::Correlation, GraphError>,
) -> (Outcome, Result<(), JobError>) {
    let error = match added {
        Ok(correlation) => return (Outcome::done().correlated(correlated(&correlation)), Ok(())),
        Err(error) => error,
    };
    let code = Code::new(error.code());
    let settles = matches!(error.cause(), Cause::Conflict { .. } | Cause::OutcomeUnknown { .. });
    if settles && graph.domain(domain).await.is_ok_and(|found| found.value.is_some()) {
        return (Outcome { code: Some(code), ..Outcome::done() }, Ok(()));
    }
    (Outcome::failed(code).correlated(correlated(error.correlation())), Err(failed(error)))
}

fn failed(error: GraphError) -> JobError {
    JobError::Failed(format!("{error}; {}", error.remedy()))
}
