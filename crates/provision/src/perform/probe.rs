//! Whether the agent user lives: its token, its mailbox, its Teams (Entra reference §3.3, "Errors before
//! provisioning completes"). Nothing is written.

use attache_graph::{Cause, ChatExpand, Graph, GraphError, Mailbox};
use attache_terms::Explain as _;

use super::stop::{As, Stop};
use super::{Did, Scene};
use crate::{Ended, Failure, FailureCause, Reason, Step, Told};

pub(super) async fn hops(scene: &Scene<'_>) -> Result<Did, Stop> {
    let graph = scene.as_agent_user()?;
    let me = match graph.me().await {
        Ok(me) => me,
        Err(error) => return Err(stopped(Step::Hops, &graph, &error, None).await),
    };
    let user = scene.user()?;
    if me.value.id == user {
        return Ok(Did::found(&me));
    }
    let what = format!("the agent user's token belongs to {}, not to {user}", me.value.id);
    let ids = vec![me.value.id.to_string(), user.to_string()];
    Err(Stop::failed(Failure::new(Step::Hops, FailureCause::Ambiguous { what, ids })).at(&me.correlation))
}

pub(super) async fn mailbox(scene: &Scene<'_>) -> Result<Did, Stop> {
    let graph = scene.as_agent_user()?;
    match graph.inbox(Mailbox::Mine).await {
        Ok(inbox) => Ok(Did::found(&inbox)),
        Err(error) => Err(stopped(Step::Mailbox, &graph, &error, Some(Reason::Mailbox)).await),
    }
}

pub(super) async fn teams(scene: &Scene<'_>) -> Result<Did, Stop> {
    let graph = scene.as_agent_user()?;
    match graph.chats(ChatExpand::Nothing, 1).await {
        Ok(chats) => Ok(Did::found(&chats)),
        Err(error) => Err(stopped(Step::Teams, &graph, &error, Some(Reason::Teams)).await),
    }
}

/// A probe that does not answer yet. Some of what Graph says while a service is being made looks like what it
/// says when a permission is missing; a fresh token is part of the wait then.
async fn stopped(step: Step, graph: &Graph, error: &GraphError, service: Option<Reason>) -> Stop {
    let mut stop = Stop::of(step, As::AgentUser, error);
    let making = match error.cause() {
        Cause::NotFound { .. } => true,
        Cause::Forbidden { missing, .. } => missing.is_none(),
        _ => false,
    };
    let forbidden = matches!(error.cause(), Cause::Forbidden { .. } | Cause::Unauthorised { .. });
    if forbidden && error.code() != "teams_missing" {
        graph.renew().await;
    }
    if let (Some(reason), true) = (service, making) {
        *stop.ended = Ended::Waits { reason, at_least: None, told: Some(Told::of(error)) };
    }
    // A probe only reads: whatever came of it, it can be made again.
    if let Ended::Unknown { told } = stop.ended.as_ref() {
        let told = told.clone();
        *stop.ended = Ended::Waits { reason: Reason::Outage, at_least: None, told: Some(told) };
    }
    stop
}
