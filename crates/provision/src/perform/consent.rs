//! An administrator's consent on the blueprint principal, and its inheritance (Entra reference §2.6, §2.7):
//! agent identities get what is both granted to the principal and enumerated as inheritable. What others
//! granted stays.

use attache_graph::{Cause, ConsentType, InheritableScopes, graph_app_id};

use super::stop::{As, Stop};
use super::{Did, Scene};
use crate::Step;
use crate::permissions::{GRANT_CONSENT, READ_BLUEPRINTS, READ_DIRECTORY, SET_INHERITANCE};

pub(super) async fn grant(scene: &Scene<'_>) -> Result<Did, Stop> {
    let graph = scene.bootstrap();
    let (principal, resource) = (scene.principal()?, scene.resource()?);
    let writes = |error| Stop::of(Step::Consent, As::Provisioner(&[GRANT_CONSENT]), &error);
    let all = match graph.grants_of(principal).await {
        Ok(all) => all,
        // Without its broad roles the provisioner may not even read this; a token of the agent user proves it.
        Err(error) if matches!(error.cause(), Cause::Forbidden { .. }) => {
            return Ok(Did { correlation: Some(error.correlation().clone()), ..Did::nothing() });
        }
        Err(error) => return Err(Stop::of(Step::Consent, As::Provisioner(READ_DIRECTORY), &error)),
    };
    let ours = all.value.iter().find(|grant| {
        grant.resource_id == resource && grant.consent_type == Some(ConsentType::AllPrincipals)
    });
    let Some(grant) = ours else {
        let made =
            graph.grant_for_all(principal, resource, &scene.wish.scopes.join(" ")).await.map_err(writes)?;
        return Ok(Did::made(&made));
    };
    let granted: Vec<String> = grant.scope.split_whitespace().map(str::to_owned).collect();
    match union(&granted, &scene.wish.scopes) {
        None => Ok(Did::found(&all)),
        Some(scopes) => {
            let set = graph.set_grant_scope(&grant.id, &scopes.join(" ")).await.map_err(writes)?;
            Ok(Did::made(&set))
        }
    }
}

pub(super) async fn inherit(scene: &Scene<'_>) -> Result<Did, Stop> {
    let graph = scene.bootstrap();
    let blueprint = scene.blueprint()?;
    let wanted = &scene.wish.scopes;
    let writes = |error| Stop::of(Step::Inheritance, As::Provisioner(SET_INHERITANCE), &error);
    let all = graph
        .inheritable_permissions(blueprint)
        .await
        .map_err(|error| Stop::of(Step::Inheritance, As::Provisioner(READ_BLUEPRINTS), &error))?;
    let ours = all.value.iter().find(|one| one.resource_app_id == graph_app_id());
    let scopes = match ours.map(|one| &one.inheritable_scopes) {
        None => {
            let made = graph.add_inheritable(blueprint, graph_app_id(), wanted).await.map_err(writes)?;
            return Ok(Did::made(&made));
        }
        Some(InheritableScopes::AllAllowed) => None,
        Some(InheritableScopes::Enumerated { scopes }) => union(scopes, wanted),
        Some(InheritableScopes::None) => Some(wanted.clone()),
    };
    match scopes {
        None => Ok(Did::found(&all)),
        Some(scopes) => {
            let set = graph.set_inheritable(blueprint, graph_app_id(), &scopes).await.map_err(writes)?;
            Ok(Did::made(&set))
        }
    }
}

/// All of both, `None` when `have` has all already.
pub(super) fn union(have: &[String], want: &[String]) -> Option<Vec<String>> {
    let has = |scope: &String| have.iter().any(|own| own.eq_ignore_ascii_case(scope));
    let more: Vec<String> = want.iter().filter(|scope| !has(scope)).cloned().collect();
    if more.is_empty() { None } else { Some(have.iter().cloned().chain(more).collect()) }
}
