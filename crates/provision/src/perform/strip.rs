//! Takes the broad roles of the bootstrap from the provisioner: the right to consent first, the right to
//! take rights last.

use attache_graph::Cause;

use super::stop::{As, Stop};
use super::{Did, Scene};
use crate::permissions::{ASSIGN_ROLES, BOOTSTRAP_ONLY, READ_APPLICATIONS, role_id};
use crate::{Reason, Step, Told};

pub(super) async fn strip(scene: &Scene<'_>) -> Result<Did, Stop> {
    let Some(provisioner) = scene.wish.strip else {
        return Ok(Did::nothing());
    };
    let graph = scene.bootstrap();
    let reads = |error| Stop::of(Step::Strip, As::Provisioner(READ_APPLICATIONS), &error);
    let principal = graph.principal_of(provisioner).await.map_err(reads)?;
    let Some(principal_id) = principal.value.as_ref().map(|principal| principal.id) else {
        return Ok(Did::found(&principal));
    };
    let assignments = graph.role_assignments(principal_id).await.map_err(reads)?;
    let mut did = Did::found(&assignments);
    for name in BOOTSTRAP_ONLY {
        let Some(role) = role_id(name, &scene.objects.roles) else { continue };
        for assignment in assignments.value.iter().filter(|one| one.app_role_id == role) {
            match graph.remove_role(principal_id, &assignment.id).await {
                Ok(removed) => did = Did::made(&removed),
                Err(error) if error.is_not_found() => {}
                // Whoever has given up the right to take rights cannot use it again: the list is old.
                Err(error) if matches!(error.cause(), Cause::Forbidden { .. }) => {
                    return Err(
                        Stop::waits(Reason::Replication, Some(Told::of(&error))).at(error.correlation())
                    );
                }
                Err(error) => return Err(Stop::of(Step::Strip, As::Provisioner(&[ASSIGN_ROLES]), &error)),
            }
        }
    }
    Ok(did)
}
