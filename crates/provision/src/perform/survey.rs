//! Looks before the first write: what of the wish exists, and whether the rest can be made. The same look
//! makes the plan that people read.

use std::collections::BTreeMap;

use attache_graph::{
    Cause, ConsentType, Correlation, Graph, GraphError, InheritableScopes, RoleAssignment, Sku, User,
    graph_app_id,
};
use attache_terms::{AppId, SkuId};
use uuid::Uuid;

use super::consent::union;
use super::stop::{As, Stop};
use super::{Did, Scene, only};
use crate::permissions::{self, any_of, role_id};
use crate::{Failure, FailureCause, LicenceWish, Objects, Step, Told, Wish};

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    pub(crate) objects: Objects,
    /// What is missing, by step, with the step's name as key.
    pub(crate) missing: Vec<Step>,
    /// The licences that the agent user has.
    pub(crate) held: Vec<SkuId>,
    /// The chosen licence.
    pub(crate) licence: Option<Sku>,
    /// The broad roles that the provisioner has.
    pub(crate) broad: Vec<&'static str>,
    /// Why it cannot come true.
    pub(crate) problems: Vec<Failure>,
    pub(crate) correlation: Option<Correlation>,
}

impl Findings {
    /// What of a blueprint that others come from, too, is there already.
    fn shared(&self, wish: &Wish) -> Vec<Step> {
        if !wish.shares_blueprint || wish.given.is_some() {
            return Vec::new();
        }
        let steps = Step::ALL.into_iter().filter(|step| (Step::Blueprint..=Step::Inheritance).contains(step));
        steps.filter(|step| !self.missing.contains(step)).collect()
    }
}

/// Performs the step: the first problem ends it.
pub(super) async fn survey(scene: &Scene<'_>) -> Result<Did, Stop> {
    let findings = look(&scene.bootstrap(), scene.wish).await?;
    let seen = findings.shared(scene.wish);
    match findings.problems.into_iter().next() {
        Some(problem) => Err(Stop::new(crate::Ended::Failed(problem), findings.correlation)),
        // Each step looks for its own object again; what was seen here may be older.
        None => {
            let Objects { graph, roles, licence, blueprint, principal, .. } = findings.objects;
            let shared = |step| seen.contains(&step);
            let learnt = Objects {
                graph,
                roles,
                licence,
                blueprint: blueprint.filter(|_| shared(Step::Blueprint)),
                principal: principal.filter(|_| shared(Step::Principal)),
                ..Objects::default()
            };
            Ok(Did { learnt, seen, correlation: findings.correlation, ..Did::nothing() })
        }
    }
}

/// Reads everything that the wish touches.
pub(crate) async fn look(graph: &Graph, wish: &Wish) -> Result<Findings, Stop> {
    let mut seen = Findings::default();
    let resource = graph.graph_principal().await.map_err(reads(permissions::READ_APPLICATIONS))?;
    seen.correlation = Some(resource.correlation.clone());
    let Some(resource) = resource.value else {
        let told = Told {
            code: "graph_principal_missing".to_owned(),
            message: "the tenant has no service principal of Microsoft Graph".to_owned(),
            remedy: "check that --tenant and --graph name a Microsoft 365 tenant".to_owned(),
            operator: true,
        };
        return Err(Stop::failed(Failure::new(Step::Survey, FailureCause::Refused).told(Some(told))));
    };
    seen.objects.graph = Some(resource.id);
    let wanted: Vec<&str> = permissions::looked_up().collect();
    seen.objects.roles = resource
        .app_roles
        .into_iter()
        .filter_map(|role| Some((role.value?, role.id)))
        .filter(|(name, _)| wanted.contains(&name.as_str()))
        .collect();

    sponsor_and_domain(graph, wish, &mut seen).await?;
    blueprint(graph, wish, &mut seen).await?;
    agent(graph, wish, &mut seen).await?;
    licence(graph, wish, &mut seen).await?;
    provisioner(graph, wish, &mut seen).await?;
    Ok(seen)
}

async fn sponsor_and_domain(graph: &Graph, wish: &Wish, seen: &mut Findings) -> Result<(), Stop> {
    match graph.user(wish.sponsor).await {
        Ok(_) => {}
        Err(error) if error.is_not_found() => {
            let sponsor = wish.sponsor.to_string();
            seen.problems.push(Failure::new(Step::Survey, FailureCause::SponsorUnknown { sponsor }));
        }
        Err(error) => return Err(reads(permissions::READ_USERS)(error)),
    }
    let domain = graph.domain(wish.domain()).await.map_err(reads(permissions::READ_DOMAINS))?.value;
    if domain.is_some_and(|domain| domain.is_verified) {
        return Ok(());
    }
    // A tenant may have thousands; they are read only to be told.
    let domains = graph.domains().await.map_err(reads(permissions::READ_DOMAINS))?.value;
    let verified = domains.into_iter().filter(|domain| domain.is_verified).map(|domain| domain.id).collect();
    let cause = FailureCause::DomainNotVerified { domain: wish.domain().to_owned(), verified };
    seen.problems.push(Failure::new(Step::Survey, cause));
    Ok(())
}

async fn blueprint(graph: &Graph, wish: &Wish, seen: &mut Findings) -> Result<(), Stop> {
    if let Some(given) = wish.given {
        return existing(graph, given, seen).await;
    }
    let tag = &wish.blueprint.tag;
    let found =
        graph.blueprints_tagged(tag.as_str()).await.map_err(reads(permissions::READ_BLUEPRINTS))?.value;
    let found =
        only(Step::Survey, format!("the blueprint with the tag {tag}"), found, |one| one.app_id.to_string())?;
    let Some(blueprint) = found.map(|one| one.app_id) else {
        seen.missing.extend([
            Step::Blueprint,
            Step::Certificate,
            Step::Principal,
            Step::Role,
            Step::Consent,
            Step::Inheritance,
        ]);
        return Ok(());
    };
    seen.objects.blueprint = Some(blueprint);
    let keys = graph.key_credentials(blueprint).await.map_err(reads(permissions::READ_BLUEPRINTS))?.value;
    let ours = &wish.certificate;
    if !keys.iter().any(|key| key.is(&ours.der(), ours.sha1())) {
        seen.missing.push(Step::Certificate);
    }
    principal(graph, wish, blueprint, seen).await?;
    let inherited =
        graph.inheritable_permissions(blueprint).await.map_err(reads(permissions::READ_BLUEPRINTS))?.value;
    let inherits = |scopes: &InheritableScopes| wish.scopes.iter().all(|scope| scopes.allows(scope));
    if !inherited.iter().any(|one| one.resource_app_id == graph_app_id() && inherits(&one.inheritable_scopes))
    {
        seen.missing.push(Step::Inheritance);
    }
    Ok(())
}

/// A blueprint that somebody else owns: whether it is in the tenant. The rest is looked at step by step.
async fn existing(graph: &Graph, given: AppId, seen: &mut Findings) -> Result<(), Stop> {
    let found = graph.principal_of(given).await.map_err(reads(permissions::READ_APPLICATIONS))?.value;
    match found {
        Some(principal) => {
            (seen.objects.blueprint, seen.objects.principal) = (Some(given), Some(principal.id));
        }
        None => {
            let cause = FailureCause::GivenUnknown { blueprint: given.to_string() };
            seen.problems.push(Failure::new(Step::Survey, cause));
        }
    }
    Ok(())
}

async fn principal(graph: &Graph, wish: &Wish, blueprint: AppId, seen: &mut Findings) -> Result<(), Stop> {
    let found = graph.principal_of(blueprint).await.map_err(reads(permissions::READ_APPLICATIONS))?.value;
    let Some(principal) = found.map(|principal| principal.id) else {
        seen.missing.extend([Step::Principal, Step::Role, Step::Consent]);
        return Ok(());
    };
    seen.objects.principal = Some(principal);
    let roles = graph.role_assignments(principal).await.map_err(reads(permissions::READ_APPLICATIONS))?.value;
    let wanted = role_id(permissions::MANAGE_AGENT_USERS, &seen.objects.roles);
    let is_it =
        |one: &RoleAssignment| Some(one.app_role_id) == wanted && Some(one.resource_id) == seen.objects.graph;
    if !roles.iter().any(is_it) {
        seen.missing.push(Step::Role);
    }
    let grants = match graph.grants_of(principal).await {
        Ok(grants) => grants.value,
        // Without its broad roles the provisioner may not even read this; a token of the agent user proves it.
        Err(error) if matches!(error.cause(), Cause::Forbidden { .. }) => return Ok(()),
        Err(error) => return Err(reads(permissions::READ_DIRECTORY)(error)),
    };
    let covers = grants.iter().any(|grant| {
        let granted: Vec<String> = grant.scope.split_whitespace().map(str::to_owned).collect();
        Some(grant.resource_id) == seen.objects.graph
            && grant.consent_type == Some(ConsentType::AllPrincipals)
            && union(&granted, &wish.scopes).is_none()
    });
    if !covers {
        seen.missing.push(Step::Consent);
    }
    Ok(())
}

async fn agent(graph: &Graph, wish: &Wish, seen: &mut Findings) -> Result<(), Stop> {
    let agents = match seen.objects.blueprint {
        None => Vec::new(),
        Some(blueprint) => {
            let tag = wish.agent.tag.as_str();
            let all =
                graph.agent_identities_tagged(tag).await.map_err(reads(permissions::READ_AGENTS))?.value;
            all.into_iter().filter(|one| one.agent_identity_blueprint_id == blueprint).collect()
        }
    };
    let what = format!("the agent identity with the tag {}", wish.agent.tag);
    seen.objects.agent = only(Step::Survey, what, agents, |one| one.id.to_string())?.map(|one| one.id);
    if seen.objects.agent.is_none() {
        seen.missing.push(Step::Agent);
    }
    user(graph, wish, seen).await
}

async fn user(graph: &Graph, wish: &Wish, seen: &mut Findings) -> Result<(), Stop> {
    let users = match seen.objects.agent {
        None => Vec::new(),
        Some(agent) => graph.agent_users_of(agent).await.map_err(reads(permissions::READ_USERS))?.value,
    };
    let user = only(Step::Survey, "the agent user", users, |user: &User| user.id.to_string())?;
    let Some(user) = user else {
        seen.missing.extend([Step::User, Step::UsageLocation, Step::Licence]);
        let name = &wish.user.user_principal_name;
        let namesake = graph.user_by_name(name).await.map_err(reads(permissions::READ_USERS))?.value;
        let ours = |user: &User| {
            seen.objects.agent.is_some_and(|agent| {
                user.identity_parent_id.is_some_and(|parent| parent.uuid() == agent.uuid())
            })
        };
        if let Some(other) = namesake.filter(|user| !ours(user)) {
            let cause = FailureCause::NameTaken { name: name.clone(), owner: other.id.to_string() };
            seen.problems.push(Failure::new(Step::Survey, cause));
        }
        return Ok(());
    };
    seen.objects.user = Some(user.id);
    if user.usage_location.as_deref() != Some(wish.user.usage_location.as_str()) {
        seen.missing.push(Step::UsageLocation);
    }
    seen.held = user.assigned_licences.iter().map(|licence| licence.sku_id).collect();
    match &wish.licence {
        LicenceWish::Sku(sku) if seen.held.contains(sku) => seen.objects.licence = Some(*sku),
        LicenceWish::Any if !seen.held.is_empty() => seen.objects.licence = seen.held.first().copied(),
        _ => seen.missing.push(Step::Licence),
    }
    Ok(())
}

async fn licence(graph: &Graph, wish: &Wish, seen: &mut Findings) -> Result<(), Stop> {
    let skus = graph.subscribed_skus().await.map_err(reads(permissions::READ_LICENCES))?.value;
    if let Some(assigned) = seen.objects.licence {
        seen.licence = skus.into_iter().find(|sku| sku.sku_id == assigned);
        return Ok(());
    }
    if let Some(held) = skus.iter().find(|sku| seen.held.contains(&sku.sku_id) && suits(&wish.licence, sku)) {
        seen.objects.licence = Some(held.sku_id);
        seen.licence = Some(held.clone());
        seen.missing.retain(|step| *step != Step::Licence);
        return Ok(());
    }
    match choose(&wish.licence, skus) {
        Ok(sku) => {
            seen.objects.licence = Some(sku.sku_id);
            seen.licence = Some(sku);
        }
        Err(cause) => seen.problems.push(Failure::new(Step::Survey, cause)),
    }
    Ok(())
}

/// Whether a licence is one that is wished for.
fn suits(wish: &LicenceWish, sku: &Sku) -> bool {
    match wish {
        LicenceWish::Sku(wanted) => sku.sku_id == *wanted,
        LicenceWish::OneOf(names) => names.iter().any(|name| sku.is_called(name)),
        LicenceWish::Any => {
            sku.has_teams() && sku.has_mailbox() && sku.applies_to.as_deref() != Some("Company")
        }
    }
}

/// The licence to give, or why there is none. Of many, the one with the most free seats.
fn choose(wish: &LicenceWish, skus: Vec<Sku>) -> Result<Sku, FailureCause> {
    let usable = |sku: &Sku| {
        sku.free_seats() > 0
            && sku.capability_status.as_deref().is_none_or(|status| matches!(status, "Enabled" | "Warning"))
    };
    let (usable, taken): (Vec<_>, Vec<_>) = skus.into_iter().filter(|sku| suits(wish, sku)).partition(usable);
    let best = usable.into_iter().max_by_key(|sku| (sku.free_seats(), sku.sku_id));
    best.ok_or_else(|| match (taken.into_iter().next(), wish) {
        (Some(sku), _) => FailureCause::LicenceUsedUp { licence: sku.sku_part_number },
        (None, LicenceWish::Sku(wanted)) => FailureCause::LicenceUnknown { licence: wanted.to_string() },
        (None, LicenceWish::OneOf(names)) => FailureCause::LicenceUnknown { licence: names.join(", ") },
        (None, LicenceWish::Any) => FailureCause::NoLicence,
    })
}

/// Whether the provisioner has what the missing steps need. A tenant that does not list the permissions'
/// ids cannot be asked; the steps themselves then say what is missing.
async fn provisioner(graph: &Graph, wish: &Wish, seen: &mut Findings) -> Result<(), Stop> {
    let Some(provisioner) = wish.strip else { return Ok(()) };
    let principal =
        graph.principal_of(provisioner).await.map_err(reads(permissions::READ_APPLICATIONS))?.value;
    let Some(principal) = principal else { return Ok(()) };
    let assigned =
        graph.role_assignments(principal.id).await.map_err(reads(permissions::READ_APPLICATIONS))?.value;
    let has = |id: Uuid| assigned.iter().any(|one| one.app_role_id == id);
    let known: &BTreeMap<String, Uuid> = &seen.objects.roles;
    seen.broad = permissions::BOOTSTRAP_ONLY
        .into_iter()
        .filter(|name| role_id(name, known).is_some_and(has))
        .collect();
    if !seen.broad.is_empty() {
        seen.missing.push(Step::Strip);
    }
    for step in &seen.missing {
        let needed: &[&str] = match step {
            Step::Blueprint => permissions::CREATE_BLUEPRINT,
            Step::Certificate => permissions::APPEND_CERTIFICATE,
            Step::Principal => permissions::CREATE_PRINCIPAL,
            Step::Role => &[permissions::ASSIGN_ROLES],
            Step::Consent => &[permissions::GRANT_CONSENT],
            Step::Inheritance => permissions::SET_INHERITANCE,
            Step::Strip => &[permissions::ASSIGN_ROLES],
            _ => continue,
        };
        let ids: Vec<Uuid> = needed.iter().filter_map(|name| role_id(name, known)).collect();
        if ids.len() == needed.len() && !ids.into_iter().any(has) {
            let cause = FailureCause::ProvisionerLacks { permission: any_of(needed) };
            seen.problems.push(Failure::new(step, cause));
        }
    }
    Ok(())
}

fn reads(permissions: &'static [&'static str]) -> impl Fn(GraphError) -> Stop {
    move |error| {
        let stop = Stop::of(Step::Survey, As::Provisioner(permissions), &error);
        // Nothing was written: what is unknown elsewhere is an outage here.
        match stop.ended.as_ref() {
            crate::Ended::Unknown { told } => {
                Stop::waits(crate::Reason::Outage, Some(told.clone())).at(error.correlation())
            }
            _ => stop,
        }
    }
}
