//! A blueprint that somebody else owns: nothing of it is made or changed, only looked at. Its owner adds our
//! certificate, has its principal in the tenant, lets it manage its agent users, consents, and enumerates what is
//! inherited (Entra reference §2.1, §2.2, §2.6, §2.7); what is missing is told by name.

use attache_graph::{ConsentType, InheritableScopes, graph_app_id};
use attache_terms::AppId;

use super::consent::union;
use super::stop::{As, Stop};
use super::{Did, Scene};
use crate::permissions::{MANAGE_AGENT_USERS, READ_APPLICATIONS, READ_BLUEPRINTS, READ_DIRECTORY, role_id};
use crate::{Failure, FailureCause, Step};

/// Looks at what one step would have made.
pub(super) async fn look(scene: &Scene<'_>, step: Step, given: AppId) -> Result<Did, Stop> {
    match step {
        Step::Certificate => certificate(scene, given).await,
        Step::Role => role(scene, given).await,
        Step::Consent => consent(scene, given).await,
        Step::Inheritance => inheritance(scene, given).await,
        _ => principal(scene, step, given).await,
    }
}

async fn principal(scene: &Scene<'_>, step: Step, given: AppId) -> Result<Did, Stop> {
    let found = scene
        .bootstrap()
        .principal_of(given)
        .await
        .map_err(|error| Stop::of(step, As::Provisioner(READ_APPLICATIONS), &error))?;
    let Some(id) = found.value.as_ref().map(|principal| principal.id) else {
        let cause = FailureCause::GivenUnknown { blueprint: given.to_string() };
        return Err(Stop::failed(Failure::new(step, cause)).at(&found.correlation));
    };
    Ok(Did::found(&found).learning(|objects| {
        objects.blueprint = Some(given);
        objects.principal = Some(id);
    }))
}

/// A blueprint of another tenant shows its principal here and nothing else; then the first token tells.
async fn elsewhere(scene: &Scene<'_>, step: Step, given: AppId) -> Result<Option<Did>, Stop> {
    let found = scene.bootstrap().blueprint(given).await;
    let found = found.map_err(|error| Stop::of(step, As::Provisioner(READ_BLUEPRINTS), &error))?;
    Ok(found.value.is_none().then(|| Did::found(&found)))
}

async fn certificate(scene: &Scene<'_>, given: AppId) -> Result<Did, Stop> {
    if let Some(seen) = elsewhere(scene, Step::Certificate, given).await? {
        return Ok(seen);
    }
    let ours = &scene.wish.certificate;
    let list = scene
        .bootstrap()
        .key_credentials(given)
        .await
        .map_err(|error| Stop::of(Step::Certificate, As::Provisioner(READ_BLUEPRINTS), &error))?;
    if list.value.iter().any(|credential| credential.is(&ours.der(), ours.sha1())) {
        return Ok(Did::found(&list));
    }
    let lacks = format!("our certificate {:?}", ours.name());
    Err(Stop::failed(failure(Step::Certificate, given, lacks)).at(&list.correlation))
}

async fn role(scene: &Scene<'_>, given: AppId) -> Result<Did, Stop> {
    let all = scene
        .bootstrap()
        .role_assignments(scene.principal()?)
        .await
        .map_err(|error| Stop::of(Step::Role, As::Provisioner(READ_APPLICATIONS), &error))?;
    let wanted = role_id(MANAGE_AGENT_USERS, &scene.objects.roles);
    if all.value.iter().any(|one| Some(one.app_role_id) == wanted) {
        return Ok(Did::found(&all));
    }
    let lacks = format!("the application permission {MANAGE_AGENT_USERS}");
    Err(Stop::failed(failure(Step::Role, given, lacks)).at(&all.correlation))
}

async fn consent(scene: &Scene<'_>, given: AppId) -> Result<Did, Stop> {
    let resource = scene.resource()?;
    let all = scene
        .bootstrap()
        .grants_of(scene.principal()?)
        .await
        .map_err(|error| Stop::of(Step::Consent, As::Provisioner(READ_DIRECTORY), &error))?;
    let for_all = all.value.iter().filter(|grant| {
        grant.resource_id == resource && grant.consent_type == Some(ConsentType::AllPrincipals)
    });
    let granted: Vec<String> =
        for_all.flat_map(|grant| grant.scope.split_whitespace()).map(str::to_owned).collect();
    match missing(&granted, &scene.wish.scopes) {
        None => Ok(Did::found(&all)),
        Some(missing) => {
            let lacks = format!("consent for the delegated permissions {missing}");
            Err(Stop::failed(failure(Step::Consent, given, lacks)).at(&all.correlation))
        }
    }
}

async fn inheritance(scene: &Scene<'_>, given: AppId) -> Result<Did, Stop> {
    if let Some(seen) = elsewhere(scene, Step::Inheritance, given).await? {
        return Ok(seen);
    }
    let all = scene
        .bootstrap()
        .inheritable_permissions(given)
        .await
        .map_err(|error| Stop::of(Step::Inheritance, As::Provisioner(READ_BLUEPRINTS), &error))?;
    let ours = all.value.iter().find(|one| one.resource_app_id == graph_app_id());
    let lacks = match ours.map(|one| &one.inheritable_scopes) {
        Some(InheritableScopes::AllAllowed) => None,
        Some(InheritableScopes::Enumerated { scopes }) => missing(scopes, &scene.wish.scopes),
        Some(InheritableScopes::None) | None => Some(scene.wish.scopes.join(" ")),
    };
    match lacks {
        None => Ok(Did::found(&all)),
        Some(missing) => {
            let lacks = format!("the inheritable permissions {missing}");
            Err(Stop::failed(failure(Step::Inheritance, given, lacks)).at(&all.correlation))
        }
    }
}

/// What of `want` is not in `have`, for people.
fn missing(have: &[String], want: &[String]) -> Option<String> {
    union(have, want).map(|all| all[have.len()..].join(" "))
}

fn failure(step: Step, given: AppId, lacks: String) -> Failure {
    Failure::new(step, FailureCause::GivenLacks { blueprint: given.to_string(), lacks })
}
