//! What deprovisioning would do, before it does anything: its steps in their order, what becomes free, and what stays and
//! why. Afterwards, what it left.

use std::sync::Arc;

use attache_provision::{Left, RemovalPlan, plan_removal};

use super::{Removing, aim};
use crate::Gateway;
use crate::access::Grant;
use crate::hosting;
use crate::identities::{Identity, Method, State};
use crate::server::{Answer, Problem};

/// What deprovisioning would do.
#[derive(Debug, Default)]
pub(in crate::identities) struct Plan {
    /// What is done, in order, in words.
    pub(in crate::identities) steps: Vec<String>,
    /// What is deleted, in order: the kind and the id.
    pub(in crate::identities) deletes: Vec<(String, String)>,
    /// The licences that are free again.
    pub(in crate::identities) frees: Vec<String>,
    /// What stays, and why.
    pub(in crate::identities) stays: Vec<Left>,
}

/// Looks and plans.
pub(in crate::identities) async fn plan(
    gateway: &Arc<Gateway>,
    grant: &Grant,
    identity: &Identity,
) -> Answer<Plan> {
    if identity.state == State::Deprovisioned {
        // It is done: what is told is what was left.
        let removing = gateway.store.org(grant.scope).get::<Removing>(identity.id).await?;
        let mut stays = removing.map(|removing| removing.left()).unwrap_or_default();
        stays.extend(found_there(identity));
        return Ok(Plan { stays, ..Plan::default() });
    }
    let RemovalPlan { mut deletes, frees, stays } = objects(gateway, grant, identity).await?;
    deletes.extend(
        hosting::goes_with(gateway, grant.scope, identity).await?.map(|domain| ("domain".to_owned(), domain)),
    );
    Ok(Plan { steps: steps(identity, &deletes, &frees), deletes, frees, stays })
}

/// What of it is in the tenant.
async fn objects(gateway: &Arc<Gateway>, grant: &Grant, identity: &Identity) -> Answer<RemovalPlan> {
    if let (Method::OrdinaryUser, None, Some(user)) = (identity.method, identity.cell, identity.user) {
        let frees = identity.licences.iter().map(ToString::to_string).collect();
        return Ok(RemovalPlan {
            deletes: vec![("user".to_owned(), user.to_string())],
            frees,
            stays: Vec::new(),
        });
    }
    let Some((aim, clients)) = aim(gateway, grant.scope, identity).await? else {
        return Ok(RemovalPlan { deletes: Vec::new(), frees: Vec::new(), stays: found_there(identity) });
    };
    plan_removal(&clients, &aim)
        .await
        .map_err(|failure| Problem::explained(http::StatusCode::BAD_GATEWAY, &failure))
}

/// The account that we did not make and leave, and what it goes on costing.
fn found_there(identity: &Identity) -> Vec<Left> {
    let ours = matches!(identity.method, Method::Create | Method::OrdinaryUser);
    let Some(user) = identity.user.filter(|_| !ours) else { return Vec::new() };
    let left = |kind: &str, id: String, why: &str| Left { kind: kind.to_owned(), id, why: why.to_owned() };
    let account =
        "was there before: it may not sign in any more, and is its administrator's to delete or to let go on";
    let licence = "is still assigned to the user, and costs what it did until an administrator takes it back";
    let mailbox = "stays with the user: what other applications subscribed to there is theirs to end";
    let mut stays = vec![left("user", user.to_string(), account)];
    stays.extend(identity.licences.iter().map(|sku| left("licence", sku.to_string(), licence)));
    stays.extend((!identity.licences.is_empty()).then(|| left("mailbox", user.to_string(), mailbox)));
    stays
}

/// The steps of a removal, as they are carried out.
fn steps(identity: &Identity, deletes: &[(String, String)], frees: &[String]) -> Vec<String> {
    let mut steps = Vec::new();
    if let Some(user) = identity.user {
        steps.push(format!("block sign-in of the user {user}"));
        // A subscription needs its token, and one to mail lasts for seven days at most (Entra reference §6.1).
        steps.push(format!(
            "end the sessions of the user {user}: what was subscribed to with them ends within seven days by itself"
        ));
    }
    if let Some(agent) = identity.agent {
        steps.push(format!("disable the agent identity {agent}: it gets no tokens any more"));
    }
    steps.extend(frees.iter().map(|licence| format!("take the licence {licence} back")));
    steps.extend(deletes.iter().map(|(kind, id)| {
        let with =
            if kind == "agent_identity" { ", and with it the permissions that it inherits" } else { "" };
        format!("delete the {} {id}{with}", kind.replace('_', " "))
    }));
    steps
}
