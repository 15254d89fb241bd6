//! Performs one step of a removal. An object that is gone is as good as deleted; one that replication hides
//! would come to light later, so a deletion that finds nothing is believed when the tenant lists the object
//! as deleted, or when it stays away as long as replication may hide it.

use attache_graph::{Answer, Answered, Correlation, DeletedKind, Graph, GraphError, User};
use attache_terms::ObjectId;
use uuid::Uuid;

use super::{Found, Removal, RemovalOutcome, RemovalStep, Target};
use crate::perform::only;
use crate::perform::stop::{As, Stop};
use crate::permissions::{
    DELETE_AGENT, DELETE_BLUEPRINT, DELETE_PRINCIPAL, MANAGE_AGENT_USERS, READ_AGENTS, READ_APPLICATIONS,
    READ_BLUEPRINTS, READ_USERS,
};
use crate::{Clients, Ended, Reason, Step};

const MANAGE_USERS: &[&str] = &["AgentIdUser.ReadWrite.All", "User.ReadWrite.All"];

struct Did {
    found: bool,
    correlation: Option<Correlation>,
    search: Option<Found>,
}

/// Performs the step that was begun. It is safe to drop at any await.
#[tracing::instrument(name = "deprovision", skip_all, fields(step))]
pub async fn perform_removal(clients: &dyn Clients, removal: &Removal) -> RemovalOutcome {
    let (step, correlation) = removal.doing.unwrap_or((RemovalStep::Search, Uuid::nil()));
    tracing::Span::current().record("step", tracing::field::debug(step));
    let scene = Scene { clients, removal, correlation };
    let result = match step {
        RemovalStep::Search => scene.search().await,
        RemovalStep::Licences => scene.licences().await,
        RemovalStep::User => scene.user().await,
        RemovalStep::Agent => scene.agent().await,
        RemovalStep::Principal => scene.principal().await,
        RemovalStep::Blueprint => scene.blueprint().await,
        RemovalStep::Check => scene.check().await,
    };
    match result {
        Ok(Did { found, correlation, search }) => {
            RemovalOutcome { step, ended: Ended::Done { found }, correlation, found: search }
        }
        Err((stop, search)) => RemovalOutcome {
            step,
            ended: *stop.ended,
            correlation: stop.correlation,
            found: search.map(|found| *found),
        },
    }
}

struct Scene<'a> {
    clients: &'a dyn Clients,
    removal: &'a Removal,
    correlation: Uuid,
}

type Result = std::result::Result<Did, (Stop, Option<Box<Found>>)>;

impl Scene<'_> {
    fn bootstrap(&self) -> Graph {
        self.clients.bootstrap().correlated(self.correlation)
    }

    fn as_blueprint(&self) -> Option<Graph> {
        Some(self.clients.blueprint(self.removal.found.blueprint?).correlated(self.correlation))
    }

    async fn search(&self) -> Result {
        let seen = search(&self.bootstrap(), &self.removal.target).await.map_err(|stop| (stop, None))?;
        Ok(Did { found: true, correlation: Some(seen.correlation), search: Some(seen.value) })
    }

    async fn licences(&self) -> Result {
        let Found { user: Some(user), licences, .. } = &self.removal.found else { return nothing() };
        if licences.is_empty() {
            return nothing();
        }
        let ended = match self.as_blueprint() {
            Some(graph) => graph.assign_licences(*user, &[], licences).await,
            None => self.bootstrap().assign_licences(*user, &[], licences).await,
        };
        let ended = match ended {
            // The blueprint's key may be lost, or its right: the provisioner may have one.
            Err(error) if own_right_fails(&error) => {
                self.bootstrap().assign_licences(*user, &[], licences).await
            }
            ended => ended,
        };
        match ended {
            Ok(answer) => done(answer),
            // The user is gone, or a licence that it does not have was named: deleting the user frees both.
            Err(error) if error.is_not_found() || error.graph_code() == Some("Request_BadRequest") => {
                nothing()
            }
            Err(error) => stop(RemovalStep::Licences, As::Provisioner(MANAGE_USERS), &error),
        }
    }

    async fn user(&self) -> Result {
        let Some(user) = self.removal.found.user else { return nothing() };
        let ended = match self.as_blueprint() {
            Some(graph) => match graph.delete_user(user).await {
                Err(error) if own_right_fails(&error) => self.bootstrap().delete_user(user).await,
                ended => ended,
            },
            None => self.bootstrap().delete_user(user).await,
        };
        let id = ObjectId::new(user.uuid());
        self.gone(RemovalStep::User, DeletedKind::AgentUser, id, MANAGE_USERS, ended).await
    }

    async fn agent(&self) -> Result {
        let Some(agent) = self.removal.found.agent else { return nothing() };
        let ended = self.bootstrap().delete_agent_identity(agent).await;
        let id = ObjectId::new(agent.uuid());
        self.gone(RemovalStep::Agent, DeletedKind::AgentIdentity, id, DELETE_AGENT, ended).await
    }

    async fn principal(&self) -> Result {
        let Some(principal) = self.removal.found.principal.filter(|_| !self.removal.shared()) else {
            return nothing();
        };
        let ended = self.bootstrap().delete_blueprint_principal(principal).await;
        let kind = DeletedKind::BlueprintPrincipal;
        self.gone(RemovalStep::Principal, kind, principal, DELETE_PRINCIPAL, ended).await
    }

    async fn blueprint(&self) -> Result {
        let Some(blueprint) = self.removal.found.blueprint.filter(|_| !self.removal.shared()) else {
            return nothing();
        };
        let ended = self.bootstrap().delete_blueprint(blueprint).await;
        let id = ObjectId::new(blueprint.uuid());
        self.gone(RemovalStep::Blueprint, DeletedKind::Blueprint, id, DELETE_BLUEPRINT, ended).await
    }

    /// Judges a deletion.
    async fn gone(
        &self,
        step: RemovalStep,
        kind: DeletedKind,
        id: ObjectId,
        permissions: &'static [&'static str],
        ended: Answered<()>,
    ) -> Result {
        match ended {
            Ok(answer) => done(answer),
            Err(error) if error.is_not_found() => {
                // Where deleted objects cannot be listed, only time tells.
                let listed = match self.bootstrap().deleted_items(kind).await {
                    Ok(items) => items.value.iter().any(|item| item.id == id),
                    Err(_) => false,
                };
                if listed || self.removal.waited_out(&self.removal.target) {
                    return Ok(Did {
                        found: true,
                        correlation: Some(error.correlation().clone()),
                        search: None,
                    });
                }
                Err((Stop::waits(Reason::Replication, None).at(error.correlation()), None))
            }
            Err(error) => stop(step, As::Provisioner(permissions), &error),
        }
    }

    async fn check(&self) -> Result {
        let mut target = self.removal.target.clone();
        // Only a search can show that nothing is left; what the record knew is in the wastebasket now.
        target.known = Default::default();
        let seen = search(&self.bootstrap(), &target).await.map_err(|stop| (stop, None))?;
        let Found { blueprint, agent, user, .. } = &seen.value;
        let kept = self.removal.shared();
        if agent.is_some() || user.is_some() || (blueprint.is_some() && !kept) {
            // The same objects, or others that came to light: both go.
            let mut found = self.removal.found.clone();
            found.agent = agent.or(found.agent);
            found.user = user.or(found.user);
            found.blueprint = blueprint.or(found.blueprint);
            found.principal = seen.value.principal.or(found.principal);
            return Err((
                Stop::waits(Reason::Replication, None).at(&seen.correlation),
                Some(Box::new(found)),
            ));
        }
        Ok(Did { found: true, correlation: Some(seen.correlation), search: None })
    }
}

impl Removal {
    /// Whether a search has gone on as long as replication may hide something.
    fn waited_out(&self, target: &Target) -> bool {
        self.waits.spent(Reason::Replication) >= target.patience.hidden
    }
}

/// What there is: what the record knows, and what the tags find.
pub(super) async fn search(graph: &Graph, target: &Target) -> std::result::Result<Answer<Found>, Stop> {
    let known = &target.known;
    let mut found = Found {
        blueprint: known.blueprint,
        principal: known.principal,
        agent: known.agent,
        user: known.user,
        ..Found::default()
    };
    let reads = |permissions| {
        move |error: GraphError| Stop::of(RemovalStep::Search, As::Provisioner(permissions), &error)
    };
    let blueprints =
        graph.blueprints_tagged(target.blueprint.as_str()).await.map_err(reads(READ_BLUEPRINTS))?;
    let correlation = blueprints.correlation.clone();
    if found.blueprint.is_none() {
        let what = format!("the blueprint with the tag {}", target.blueprint);
        found.blueprint = only(Step::Blueprint, what, blueprints.value, |one| one.app_id.to_string())?
            .map(|one| one.app_id);
    }
    if let Some(blueprint) = found.blueprint {
        if found.principal.is_none() {
            found.principal = graph
                .principal_of(blueprint)
                .await
                .map_err(reads(READ_APPLICATIONS))?
                .value
                .map(|principal| principal.id);
        }
        let children = graph.agent_identities_of(blueprint).await.map_err(reads(READ_AGENTS))?.value;
        let (ours, others): (Vec<_>, Vec<_>) = children.into_iter().partition(|agent| {
            Some(agent.id) == found.agent || agent.tags.iter().any(|tag| tag == target.agent.as_str())
        });
        found.others = others.into_iter().map(|agent| agent.id).collect();
        if found.agent.is_none() {
            let what = format!("the agent identity with the tag {}", target.agent);
            found.agent = only(Step::Agent, what, ours, |one| one.id.to_string())?.map(|one| one.id);
        }
    }
    if let Some(agent) = found.agent.filter(|_| found.user.is_none()) {
        let users = graph.agent_users_of(agent).await.map_err(reads(READ_USERS))?.value;
        let user = only(Step::User, "the agent user", users, |user: &User| user.id.to_string())?;
        found.user = user.map(|user| user.id);
    }
    if let Some(user) = found.user {
        match graph.user(user).await {
            Ok(user) => {
                found.licences = user.value.assigned_licences.iter().map(|one| one.sku_id).collect();
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(reads(READ_USERS)(error)),
        }
    }
    Ok(Answer { value: found, correlation })
}

/// Whether the blueprint cannot use its own right: it has no token, or not this permission.
fn own_right_fails(error: &GraphError) -> bool {
    use attache_graph::Cause;
    match error.cause() {
        Cause::Token(_) | Cause::Forbidden { .. } | Cause::Unauthorised { .. } => {
            tracing::debug!(permission = MANAGE_AGENT_USERS, "the blueprint may not; the provisioner tries");
            true
        }
        _ => false,
    }
}

fn nothing() -> Result {
    Ok(Did { found: true, correlation: None, search: None })
}

fn done(answer: Answer<()>) -> Result {
    Ok(Did { found: false, correlation: Some(answer.correlation), search: None })
}

fn stop(step: RemovalStep, by: As, error: &GraphError) -> Result {
    Err((Stop::of(step, by, error), None))
}
