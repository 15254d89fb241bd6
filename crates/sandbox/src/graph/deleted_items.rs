//! `/directory/deletedItems`: what was soft-deleted can be read, restored and purged for 30 days
//! (Entra reference §2.11).

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::changes::ChangeKind;
use crate::directory::{Life, ServicePrincipalKind};

use super::call::Call;
use super::cascades;
use super::error::{Answer, GraphError};
use super::managers::{manages_identity, manages_user};
use super::odata::{Query, Surface};
use super::properties::{APPLICATION, GROUP, SERVICE_PRINCIPAL, USER};
use super::route::{Needs, Route};

const READ: Needs = Needs::either(&[
    "User.Read.All",
    "User.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "AgentIdentity.Read.All",
    "AgentIdentity.ReadWrite.All",
    "AgentIdentityBlueprint.Read.All",
    "AgentIdentityBlueprint.ReadWrite.All",
    "AgentIdentityBlueprintPrincipal.Read.All",
    "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
]);
const RESTORE: Needs = Needs::either(&[
    "User.DeleteRestore.All",
    "User.ReadWrite.All",
    "Group.ReadWrite.All",
    "Application.ReadWrite.All",
    "AgentIdentity.DeleteRestore.All",
    "AgentIdentity.ReadWrite.All",
    "AgentIdentityBlueprint.DeleteRestore.All",
    "AgentIdentityBlueprint.ReadWrite.All",
    "AgentIdentityBlueprintPrincipal.DeleteRestore.All",
    "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
]);

/// How long a soft-deleted object stays.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a deleted object was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    AgentUser,
    Group,
    Application,
    Blueprint,
    ServicePrincipal,
    BlueprintPrincipal,
    AgentIdentity,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        // The type is a cast; without one Graph answers only for a single object.
        Route::new(Method::GET, "/directory/deletedItems", READ, list),
        Route::new(Method::GET, "/directory/deletedItems/{id}", READ, get),
        Route::new(Method::POST, "/directory/deletedItems/{id}/restore", RESTORE, restore),
        Route::new(Method::DELETE, "/directory/deletedItems/{id}", RESTORE, purge),
    ]
}

impl Kind {
    fn is(self, cast: &str) -> bool {
        match self {
            Self::User => cast == "user",
            Self::AgentUser => matches!(cast, "user" | "agentUser"),
            Self::Group => cast == "group",
            Self::Application => cast == "application",
            Self::Blueprint => matches!(cast, "application" | "agentIdentityBlueprint"),
            Self::ServicePrincipal => cast == "servicePrincipal",
            Self::BlueprintPrincipal => {
                matches!(cast, "servicePrincipal" | "agentIdentityBlueprintPrincipal")
            }
            Self::AgentIdentity => matches!(cast, "servicePrincipal" | "agentIdentity"),
        }
    }

    fn readers(self) -> &'static [&'static str] {
        match self {
            Self::User => {
                &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"]
            }
            Self::AgentUser => &[
                "User.Read.All",
                "User.ReadWrite.All",
                "Directory.Read.All",
                "Directory.ReadWrite.All",
                "AgentIdUser.ReadWrite.All",
            ],
            Self::Group => {
                &["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"]
            }
            Self::Application | Self::ServicePrincipal => &[
                "Application.Read.All",
                "Application.ReadWrite.All",
                "Directory.Read.All",
                "Directory.ReadWrite.All",
            ],
            Self::Blueprint => &[
                "Application.Read.All",
                "Application.ReadWrite.All",
                "Directory.Read.All",
                "Directory.ReadWrite.All",
                "AgentIdentityBlueprint.Read.All",
                "AgentIdentityBlueprint.ReadWrite.All",
            ],
            Self::BlueprintPrincipal => &[
                "Application.Read.All",
                "Application.ReadWrite.All",
                "Directory.Read.All",
                "Directory.ReadWrite.All",
                "AgentIdentityBlueprintPrincipal.Read.All",
                "AgentIdentityBlueprintPrincipal.ReadWrite.All",
            ],
            Self::AgentIdentity => &[
                "Application.Read.All",
                "Application.ReadWrite.All",
                "Directory.Read.All",
                "Directory.ReadWrite.All",
                "AgentIdentity.Read.All",
                "AgentIdentity.ReadWrite.All",
            ],
        }
    }

    fn restorers(self) -> &'static [&'static str] {
        match self {
            Self::User => &["User.DeleteRestore.All", "User.ReadWrite.All"],
            Self::AgentUser => &["User.DeleteRestore.All", "User.ReadWrite.All", "AgentIdUser.ReadWrite.All"],
            Self::Group => &["Group.ReadWrite.All"],
            Self::Application | Self::ServicePrincipal => &["Application.ReadWrite.All"],
            Self::Blueprint => &[
                "Application.ReadWrite.All",
                "AgentIdentityBlueprint.DeleteRestore.All",
                "AgentIdentityBlueprint.ReadWrite.All",
            ],
            Self::BlueprintPrincipal => &[
                "Application.ReadWrite.All",
                "AgentIdentityBlueprintPrincipal.DeleteRestore.All",
                "AgentIdentityBlueprintPrincipal.ReadWrite.All",
            ],
            Self::AgentIdentity => &[
                "Application.ReadWrite.All",
                "AgentIdentity.DeleteRestore.All",
                "AgentIdentity.ReadWrite.All",
            ],
        }
    }
}

impl Call<'_> {
    /// Every object that was deleted within the last 30 days.
    fn deleted(&self) -> Vec<(Kind, &str, Value)> {
        let kept = |life: &Life| is_kept(life, self.now);
        let query = Query::default();
        let users = self.tenant.users.values().filter(|user| kept(&user.life)).map(|user| {
            let kind = if user.identity_parent_id().is_some() { Kind::AgentUser } else { Kind::User };
            (kind, user.id.as_str(), typed(self.user_json(user, &query), "user"))
        });
        let applications = self.tenant.applications.values().filter(|app| kept(&app.life)).map(|app| {
            let kind = if app.is_blueprint() { Kind::Blueprint } else { Kind::Application };
            (kind, app.id.as_str(), typed(self.application_json(app, &query), "application"))
        });
        let principals = self.tenant.service_principals.values().filter(|sp| kept(&sp.life)).map(|sp| {
            let kind = match sp.kind {
                ServicePrincipalKind::Application => Kind::ServicePrincipal,
                ServicePrincipalKind::BlueprintPrincipal => Kind::BlueprintPrincipal,
                ServicePrincipalKind::AgentIdentity { .. } => Kind::AgentIdentity,
            };
            (kind, sp.id.as_str(), typed(self.principal_json(sp, &query), "servicePrincipal"))
        });
        let groups =
            self.tenant.workloads.groups.values().filter(|group| kept(&group.life)).map(|group| {
                (Kind::Group, group.id.as_str(), typed(self.group_json(group, &query), "group"))
            });
        users.chain(groups).chain(applications).chain(principals).collect()
    }

    fn deleted_one(&self) -> Result<(Kind, String, Value), GraphError> {
        let asked = self.params.get("id");
        let mut all = self.deleted().into_iter();
        let found = all.find(|(_, id, _)| id.eq_ignore_ascii_case(asked));
        found
            .map(|(kind, id, object)| (kind, id.to_owned(), object))
            .ok_or_else(|| GraphError::no_object(asked))
    }

    /// The calling blueprint reaches its own children with its own permission.
    fn manages_deleted(&self, id: &str) -> bool {
        let identity = self.tenant.service_principals.get(id);
        let user = self.tenant.users.get(id);
        (identity.is_some_and(|sp| manages_identity(self.tenant, self.caller, sp))
            && self.caller.holds("AgentIdentity.CreateAsManager"))
            || (user.is_some_and(|user| manages_user(self.tenant, self.caller, user))
                && self.caller.holds("AgentIdUser.ReadWrite.IdentityParentedBy"))
    }
}

/// Whether it is soft-deleted, and not gone for good yet.
pub(super) fn is_kept(life: &Life, now: Timestamp) -> bool {
    life.deleted.is_some_and(|deleted| now.duration_since(deleted) < KEPT)
}

fn typed(mut object: Value, name: &str) -> Value {
    if object.get("@odata.type").is_none() {
        object["@odata.type"] = format!("#microsoft.graph.{name}").into();
    }
    object
}

fn list(call: &mut Call<'_>) -> Answer {
    let Some(cast) = call.path.cast else {
        return Err(GraphError::bad_request(
            "A type is required: /directory/deletedItems/microsoft.graph.{type}.",
        ));
    };
    let properties = match cast {
        "user" | "agentUser" => USER,
        "group" => GROUP,
        "application" | "agentIdentityBlueprint" => APPLICATION,
        _ => SERVICE_PRINCIPAL,
    };
    let query = call.query(&Surface::directory("directoryObject", properties))?;
    let items = call
        .deleted()
        .into_iter()
        .filter(|(kind, id, _)| kind.is(cast) && (call.holds_any(kind.readers()) || call.manages_deleted(id)))
        .map(|(_, _, object)| object)
        .collect();
    Ok(call.list(&query, "directoryObjects", items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let (kind, id, object) = call.deleted_one()?;
    if !call.holds_any(kind.readers()) && !call.manages_deleted(&id) {
        return Err(GraphError::denied());
    }
    Ok(call.ok(&call.with_context("directoryObjects", object)))
}

fn restore(call: &mut Call<'_>) -> Answer {
    let (kind, id, _) = writable(call)?;
    check_restorable(call, kind, &id)?;
    let name = restored_name(call)?;
    if let Some(life) = life_mut(call, &id) {
        life.deleted = None;
    }
    cascades::stop(call.tenant, &id);
    if let (Some(name), Some(user)) = (name, call.tenant.users.get_mut(&id)) {
        user.upn = name;
    }
    note(call, kind, ChangeKind::Updated, &id);
    let object = match kind {
        Kind::User | Kind::AgentUser => {
            call.tenant.users.get(&id).map(|user| typed(call.user_json(user, &Query::default()), "user"))
        }
        Kind::Group => {
            let group = call.tenant.workloads.groups.get(&id);
            group.map(|group| typed(call.group_json(group, &Query::default()), "group"))
        }
        Kind::Application | Kind::Blueprint => call
            .tenant
            .applications
            .get(&id)
            .map(|app| typed(call.application_json(app, &Query::default()), "application")),
        _ => call
            .tenant
            .service_principals
            .get(&id)
            .map(|sp| typed(call.principal_json(sp, &Query::default()), "servicePrincipal")),
    };
    let object = object.ok_or_else(|| GraphError::no_object(&id))?;
    Ok(call.ok(&call.with_context("directoryObjects", object)))
}

fn purge(call: &mut Call<'_>) -> Answer {
    let (kind, id, _) = writable(call)?;
    call.tenant.users.remove(&id);
    call.tenant.workloads.profiles.remove(&id);
    call.tenant.entra.guests.remove(&id);
    call.tenant.workloads.groups.remove(&id);
    call.tenant.applications.remove(&id);
    call.tenant.service_principals.remove(&id);
    call.tenant.purged(&id, call.now);
    note(call, kind, ChangeKind::Deleted, &id);
    Ok(call.no_content())
}

fn note(call: &mut Call<'_>, kind: Kind, change: ChangeKind, id: &str) {
    match kind {
        Kind::User | Kind::AgentUser => call.tenant.user_changed(change, id),
        Kind::Group => call.tenant.group_changed(change, id),
        Kind::Application | Kind::Blueprint => call.tenant.application_changed(id),
        _ => call.tenant.principal_changed(id),
    }
}

fn writable(call: &Call<'_>) -> Result<(Kind, String, Value), GraphError> {
    let found = call.deleted_one()?;
    if !call.holds_any(found.0.restorers()) && !call.manages_deleted(&found.1) {
        return Err(GraphError::denied());
    }
    call.require_administrator()?;
    Ok(found)
}

/// `newUserPrincipalName` of a restored user.
fn restored_name(call: &Call<'_>) -> Result<Option<String>, GraphError> {
    if call.request.body.is_empty() {
        return Ok(None);
    }
    let body = call.body()?;
    match body.get("newUserPrincipalName") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) if name.contains('@') => Ok(Some(name.clone())),
        Some(_) => {
            Err(GraphError::bad_request("Invalid value specified for parameter 'newUserPrincipalName'."))
        }
    }
}

/// Parents come back first, and nobody may have taken the name meanwhile.
fn check_restorable(call: &Call<'_>, kind: Kind, id: &str) -> Result<(), GraphError> {
    let (users, principals) = (&call.tenant.users, &call.tenant.service_principals);
    let live = |id: &str| principals.get(id).is_some_and(|sp| sp.life.is_live());
    match kind {
        Kind::AgentUser | Kind::User => {
            let Some(user) = users.get(id) else { return Err(GraphError::no_object(id)) };
            if user.identity_parent_id().is_some_and(|parent| !live(parent)) {
                return Err(GraphError::bad_request("Agent user IdentityParent does not exist"));
            }
            let name = restored_name(call)?.unwrap_or_else(|| user.upn.clone());
            if call.tenant.user_by_upn(&name).is_some() {
                return Err(GraphError::bad_request(
                    "Another object with the same value for property userPrincipalName already exists.",
                ));
            }
        }
        Kind::AgentIdentity => {
            let blueprint = principals.get(id).and_then(|sp| sp.blueprint_id());
            let has_parent = blueprint.is_some_and(|blueprint| {
                call.tenant
                    .principals_of(blueprint)
                    .any(|sp| sp.life.is_live() && sp.kind == ServicePrincipalKind::BlueprintPrincipal)
            });
            if !has_parent {
                return Err(GraphError::new(
                    http::StatusCode::BAD_REQUEST,
                    "AgentIdentity_AgentBlueprintPrincipalDoesNotExist",
                    "The Agent Blueprint Principal for the Agent Blueprint does not exist.",
                ));
            }
        }
        Kind::ServicePrincipal | Kind::BlueprintPrincipal => {
            let app_id = principals.get(id).map(|sp| sp.app_id.clone()).unwrap_or_default();
            if call.tenant.principals_of(&app_id).any(|sp| sp.life.is_live()) {
                let message = format!(
                    "The service principal cannot be created, updated, or restored because the service principal name {app_id} is already in use."
                );
                return Err(GraphError::conflict(&message, "None"));
            }
        }
        Kind::Group => {
            let groups = &call.tenant.workloads.groups;
            let nickname = groups.get(id).map(|group| group.mail_nickname.clone()).unwrap_or_default();
            let is_taken = groups
                .named(&nickname)
                .into_iter()
                .any(|other| other.life.is_live() && other.mail_nickname.eq_ignore_ascii_case(&nickname));
            if is_taken {
                return Err(GraphError::bad_request(
                    "Another object with the same value for property mailNickname already exists.",
                ));
            }
        }
        Kind::Application | Kind::Blueprint => {}
    }
    Ok(())
}

fn life_mut<'a>(call: &'a mut Call<'_>, id: &str) -> Option<&'a mut Life> {
    let tenant = &mut *call.tenant;
    if let Some(user) = tenant.users.get_mut(id) {
        return Some(&mut user.life);
    }
    if let Some(group) = tenant.workloads.groups.get_mut(id) {
        return Some(&mut group.life);
    }
    // A blueprint's application and an agent identity are different maps: ids are never shared.
    if let Some(app) = tenant.applications.get_mut(id) {
        return Some(&mut app.life);
    }
    tenant.service_principals.get_mut(id).map(|sp| &mut sp.life)
}
