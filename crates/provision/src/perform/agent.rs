//! The agent identity, made by its blueprint (Entra reference §2.3). Nothing keeps a second one out, so it is
//! looked for first.

use attache_graph::{AgentIdentity, Answer, NewAgentIdentity};

use super::stop::{As, Stop};
use super::{Did, Scene, only, still_looking};
use crate::Step;
use crate::permissions::READ_AGENTS;

pub(super) async fn create(scene: &Scene<'_>) -> Result<Did, Stop> {
    let blueprint = scene.blueprint()?;
    let naming = &scene.wish.agent;
    let found: Answer<Vec<AgentIdentity>> = scene
        .bootstrap()
        .agent_identities_tagged(naming.tag.as_str())
        .await
        .map_err(|error| Stop::of(Step::Agent, As::Provisioner(READ_AGENTS), &error))?
        .map(|all| all.into_iter().filter(|one| one.agent_identity_blueprint_id == blueprint).collect());
    let what = format!("the agent identity with the tag {}", naming.tag);
    if let Some(agent) = only(Step::Agent, what, found.value.clone(), |agent| agent.id.to_string())? {
        return Ok(Did::found(&found).learning(|objects| objects.agent = Some(agent.id)));
    }
    if scene.looks_only {
        return Err(still_looking(&found.correlation));
    }
    let graph = scene.as_blueprint()?;
    let new = NewAgentIdentity {
        display_name: &naming.display_name,
        blueprint,
        sponsor: scene.wish.sponsor,
        tag: naming.tag.as_str(),
    };
    match graph.create_agent_identity(new).await {
        Ok(made) => Ok(Did::made(&made).learning(|objects| objects.agent = Some(made.value.id))),
        Err(error) => {
            let stop = Stop::of(Step::Agent, As::Blueprint, &error);
            if stop.wants_new_token() {
                graph.renew().await;
            }
            Err(stop)
        }
    }
}
