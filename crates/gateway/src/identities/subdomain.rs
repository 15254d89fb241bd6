//! An organisation's subdomain in a hosted tenant: added before the first identity that needs it. The domains of a
//! customer's tenant are the customer's.

use attache_graph::{Cause, Graph};
use attache_ledger::{Act, ActName, Actor, Mode as As};
use attache_store::OrgScope;

use super::Identity;
use crate::Gateway;
use crate::hosting;
use crate::jobs::{JobError, Turn, outside};
use crate::record::{on, system, thing};
use crate::tenants::Home;

const ADD: ActName = ActName::new("domain.add");

/// Sees to it that the domain of the identity's address is the tenant's, where it is one of ours.
pub(super) async fn ensure(
    gateway: &Gateway,
    turn: &Turn,
    scope: OrgScope,
    identity: &Identity,
    home: &Home,
) -> Result<(), JobError> {
    if home.owner.is_some() {
        return Ok(());
    }
    let Some((_, domain)) = identity.address.as_deref().and_then(|address| address.split_once('@')) else {
        return Ok(());
    };
    let graph = gateway.provisioner(home);
    if is_there(&graph, domain).await? {
        return Ok(());
    }
    if let Some(label) = &identity.subdomain {
        hosting::adding(gateway, turn, scope, label).await?;
    }
    let actor = Actor { tenant: Some(home.tenant), mode: Some(As::Application), ..system() };
    let act = Act::new(ADD, actor).on(on([thing("identity", identity.id)]));
    let add = |graph: Graph| async move { graph.add_domain(domain).await };
    match outside(gateway, turn, scope, act, &graph, add).await? {
        Ok(_) => Ok(()),
        // Another identity's job added it meanwhile, or the answer was lost: looking tells.
        Err(error) if matches!(error.cause(), Cause::Conflict { .. } | Cause::OutcomeUnknown { .. }) => {
            if is_there(&graph, domain).await? {
                Ok(())
            } else {
                Err(error.into())
            }
        }
        Err(error) => Err(error.into()),
    }
}

async fn is_there(graph: &Graph, domain: &str) -> Result<bool, JobError> {
    Ok(graph.domain(domain).await?.value.is_some())
}
