//! The blueprint's principal and its permission to manage its agent users (Entra reference §2.2, §2.7). Both
//! are unique in the directory, so a second try finds the first one.

use attache_graph::Cause;

use super::stop::{As, Stop};
use super::{Did, Scene};
use crate::permissions::{ASSIGN_ROLES, CREATE_PRINCIPAL, MANAGE_AGENT_USERS, READ_APPLICATIONS, role_id};
use crate::{Failure, FailureCause, Step};

pub(super) async fn create(scene: &Scene<'_>) -> Result<Did, Stop> {
    let graph = scene.bootstrap();
    let blueprint = scene.blueprint()?;
    let found = graph
        .principal_of(blueprint)
        .await
        .map_err(|error| Stop::of(Step::Principal, As::Provisioner(READ_APPLICATIONS), &error))?;
    if let Some(principal) = &found.value {
        return Ok(Did::found(&found).learning(|objects| objects.principal = Some(principal.id)));
    }
    // A conflict says that there is one, hidden by replication: waiting finds it.
    let made = graph
        .create_blueprint_principal(blueprint)
        .await
        .map_err(|error| Stop::of(Step::Principal, As::Provisioner(CREATE_PRINCIPAL), &error))?;
    Ok(Did::made(&made).learning(|objects| objects.principal = Some(made.value.id)))
}

pub(super) async fn assign_role(scene: &Scene<'_>) -> Result<Did, Stop> {
    let graph = scene.bootstrap();
    let (principal, resource) = (scene.principal()?, scene.resource()?);
    let Some(role) = role_id(MANAGE_AGENT_USERS, &scene.objects.roles) else {
        let permission = MANAGE_AGENT_USERS.to_owned();
        return Err(Stop::failed(Failure::new(Step::Role, FailureCause::BlueprintLacks { permission })));
    };
    let all = graph
        .role_assignments(principal)
        .await
        .map_err(|error| Stop::of(Step::Role, As::Provisioner(READ_APPLICATIONS), &error))?;
    if all.value.iter().any(|one| one.app_role_id == role && one.resource_id == resource) {
        return Ok(Did::found(&all));
    }
    match graph.assign_role(principal, resource, role).await {
        Ok(made) => Ok(Did::made(&made)),
        // It was assigned, only the list does not show it yet.
        Err(error) if matches!(error.cause(), Cause::Conflict { .. }) => Ok(Did::found(&all)),
        Err(error) => Err(Stop::of(Step::Role, As::Provisioner(&[ASSIGN_ROLES]), &error)),
    }
}
