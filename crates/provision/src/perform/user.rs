//! The agent user, its country and its licence, all by the blueprint's own least permission (Entra reference
//! §2.4, §3.3). The parent and the name are unique, so a second try finds the first one.

use attache_graph::{Answer, Graph, GraphError, NewAgentUser, User};
use attache_terms::{Explain, SkuId};

use super::stop::{As, Stop};
use super::{Did, Scene, only};
use crate::permissions::READ_USERS;
use crate::{Failure, FailureCause, Step};

pub(super) async fn create(scene: &Scene<'_>) -> Result<Did, Stop> {
    let wish = &scene.wish.user;
    let agent = scene.agent()?;
    let reads = |error: GraphError| Stop::of(Step::User, As::Provisioner(READ_USERS), &error);
    let bootstrap = scene.bootstrap();
    let found = bootstrap.agent_users_of(agent).await.map_err(reads)?;
    let what = format!("the agent user of the agent identity {agent}");
    if let Some(user) = only(Step::User, what, found.value.clone(), |user: &User| user.id.to_string())? {
        return Ok(Did::found(&found).learning(|objects| objects.user = Some(user.id)));
    }
    let namesake = bootstrap.user_by_name(&wish.user_principal_name).await.map_err(reads)?;
    if let Some(user) = &namesake.value {
        if user.identity_parent_id.is_some_and(|parent| parent.uuid() == agent.uuid()) {
            return Ok(Did::found(&namesake).learning(|objects| objects.user = Some(user.id)));
        }
        let cause =
            FailureCause::NameTaken { name: wish.user_principal_name.clone(), owner: user.id.to_string() };
        return Err(Stop::failed(Failure::new(Step::User, cause)).at(&namesake.correlation));
    }
    let graph = scene.as_blueprint()?;
    let new = NewAgentUser {
        display_name: &wish.display_name,
        user_principal_name: &wish.user_principal_name,
        mail_nickname: &wish.mail_nickname,
        job_title: wish.job_title.as_deref(),
        department: wish.department.as_deref(),
        agent,
        sponsor: scene.wish.sponsor,
    };
    match graph.create_agent_user(new).await {
        Ok(made) => Ok(Did::made(&made).learning(|objects| objects.user = Some(made.value.id))),
        Err(error) => Err(as_blueprint(Step::User, &graph, &error).await),
    }
}

pub(super) async fn locate(scene: &Scene<'_>) -> Result<Did, Stop> {
    let user = read(Step::UsageLocation, scene).await?;
    let country = &scene.wish.user.usage_location;
    if user.value.usage_location.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(country)) {
        return Ok(Did::found(&user));
    }
    let graph = scene.as_blueprint()?;
    match graph.set_usage_location(user.value.id, country).await {
        Ok(set) => Ok(Did::made(&set)),
        Err(error) => Err(as_blueprint(Step::UsageLocation, &graph, &error).await),
    }
}

pub(super) async fn license(scene: &Scene<'_>) -> Result<Did, Stop> {
    let Some(sku) = scene.objects.licence else {
        return Err(Stop::failed(Failure::new(Step::Licence, FailureCause::NoLicence)));
    };
    let user = read(Step::Licence, scene).await?;
    if user.value.assigned_licences.iter().any(|licence| licence.sku_id == sku) {
        return Ok(Did::found(&user));
    }
    let graph = scene.as_blueprint()?;
    match graph.assign_licences(user.value.id, &[sku], &[]).await {
        Ok(set) => Ok(Did::made(&set)),
        Err(error) if error.code() == "licence_used_up" => {
            let cause = FailureCause::LicenceUsedUp { licence: name(sku, scene).await };
            let told = Some(crate::Told::of(&error));
            Err(Stop::failed(Failure::new(Step::Licence, cause).told(told)).at(error.correlation()))
        }
        Err(error) => Err(as_blueprint(Step::Licence, &graph, &error).await),
    }
}

/// What people call a licence; its id where the tenant does not say.
async fn name(sku: SkuId, scene: &Scene<'_>) -> String {
    let skus = scene.bootstrap().subscribed_skus().await.map(|skus| skus.value).unwrap_or_default();
    let named = skus.into_iter().find(|one| one.sku_id == sku);
    named.map_or_else(|| sku.to_string(), |named| named.sku_part_number)
}

async fn read(step: Step, scene: &Scene<'_>) -> Result<Answer<User>, Stop> {
    let user = scene.user()?;
    scene.bootstrap().user(user).await.map_err(|error| Stop::of(step, As::Provisioner(READ_USERS), &error))
}

/// What an error means for a call of the blueprint, whose permission may be newer than its token.
async fn as_blueprint(step: Step, graph: &Graph, error: &GraphError) -> Stop {
    let stop = Stop::of(step, As::Blueprint, error);
    if stop.wants_new_token() {
        graph.renew().await;
    }
    stop
}
