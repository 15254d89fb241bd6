//! `appRoleAssignments` of a client and `appRoleAssignedTo` of a resource (Entra reference §2.7).

use http::Method;
use serde_json::{Value, json};

use crate::directory::{PublishedRole, RoleAssignment, ServicePrincipalKind, new_id};
use crate::lag::Cause;
use crate::published;

use super::agent_limits;
use super::call::Call;
use super::error::{Answer, GraphError};
use super::instants::seven_digits;
use super::managers::CREATE_AS_MANAGER;
use super::odata::{Service, Surface};
use super::payload::Payload;
use super::route::{Needs, Route};

const READ: Needs = Needs::split(
    &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    &[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
);
const WRITE: Needs = Needs::either(&["AppRoleAssignment.ReadWrite.All"]).and(&[
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const READ_OF_USER: Needs = Needs::either(&["AppRoleAssignment.ReadWrite.All", "Directory.Read.All"]);
const READ_OF_GROUP: Needs =
    Needs::either(&["AppRoleAssignment.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"]);
const DELETE: Needs = Needs::either(&["AppRoleAssignment.ReadWrite.All"]);

/// What one principal has at most (§2.11).
const MOST: usize = 1500;

const COLLECTION: Surface = Surface {
    service: Service::Directory,
    type_name: "appRoleAssignment",
    options: &["filter", "select", "top", "skiptoken", "count"],
    properties: &[
        "id",
        "deletedDateTime",
        "appRoleId",
        "createdDateTime",
        "principalDisplayName",
        "principalId",
        "principalType",
        "resourceDisplayName",
        "resourceId",
    ],
    expandable: &[],
    page: 100,
    largest_page: 999,
};

pub(super) fn routes() -> Vec<Route> {
    const OF_CLIENT: &str = "/servicePrincipals/{id}/appRoleAssignments";
    const OF_RESOURCE: &str = "/servicePrincipals/{id}/appRoleAssignedTo";
    const OF_USER: &str = "/users/{id}/appRoleAssignments";
    const OF_GROUP: &str = "/groups/{id}/appRoleAssignments";
    vec![
        Route::new(Method::GET, OF_USER, READ_OF_USER, of_user),
        Route::new(Method::POST, OF_USER, DELETE, create),
        Route::new(Method::DELETE, "/users/{id}/appRoleAssignments/{assignment}", DELETE, delete),
        Route::new(Method::GET, OF_GROUP, READ_OF_GROUP, of_group),
        Route::new(Method::POST, OF_GROUP, DELETE, create),
        Route::new(Method::DELETE, "/groups/{id}/appRoleAssignments/{assignment}", DELETE, delete),
        Route::new(Method::GET, OF_CLIENT, READ, of_client),
        Route::new(Method::POST, OF_CLIENT, WRITE, create),
        Route::new(Method::DELETE, "/servicePrincipals/{id}/appRoleAssignments/{assignment}", DELETE, delete),
        Route::new(Method::GET, OF_RESOURCE, READ, of_resource),
        Route::new(Method::POST, OF_RESOURCE, WRITE, create),
        Route::new(Method::DELETE, "/servicePrincipals/{id}/appRoleAssignedTo/{assignment}", DELETE, delete),
    ]
}

/// Those of which something holds, as `$expand` shows them.
pub(super) fn of(call: &Call<'_>, holds: impl Fn(&RoleAssignment) -> bool) -> Vec<Value> {
    let all = call.tenant.role_assignments.iter().filter(|one| holds(one));
    all.map(|one| shown(call, one)).collect()
}

fn shown(call: &Call<'_>, one: &RoleAssignment) -> Value {
    let sp = |id: &str| call.tenant.service_principals.get(id).map(|sp| sp.display_name.clone());
    let user = |id: &str| call.tenant.users.get(id).map(|user| user.display_name.clone());
    let group = |id: &str| call.tenant.workloads.groups.get(id).map(|group| group.display_name.clone());
    let name = |id: &str| sp(id).or_else(|| user(id)).or_else(|| group(id));
    let kind = match &one.principal_id {
        id if user(id).is_some() => "User",
        id if group(id).is_some() => "Group",
        _ => "ServicePrincipal",
    };
    json!({
        "id": one.id,
        "deletedDateTime": null,
        "appRoleId": one.role_id,
        "createdDateTime": seven_digits(one.created),
        "principalDisplayName": name(&one.principal_id),
        "principalId": one.principal_id,
        "principalType": kind,
        "resourceDisplayName": name(&one.resource_id),
        "resourceId": one.resource_id,
    })
}

fn of_user(call: &mut Call<'_>) -> Answer {
    list(call, "appRoleAssignments", |one, id| one.principal_id == id)
}

fn of_group(call: &mut Call<'_>) -> Answer {
    list(call, "appRoleAssignments", |one, id| one.principal_id == id)
}

/// The object that the path is about, and its collection: a user, a group or a service principal.
fn here(call: &Call<'_>) -> Result<(&'static str, String), GraphError> {
    match call.path.segments.first().map(|first| first.to_ascii_lowercase()).as_deref() {
        Some("users") => Ok(("users", call.user()?.id.clone())),
        Some("groups") => {
            let id = call.params.get("id");
            let group = call.group_of(id).ok_or_else(|| GraphError::no_object(id))?;
            Ok(("groups", group.id.clone()))
        }
        _ => Ok(("servicePrincipals", call.service_principal()?.id.clone())),
    }
}

fn of_client(call: &mut Call<'_>) -> Answer {
    list(call, "appRoleAssignments", |one, id| one.principal_id == id)
}

fn of_resource(call: &mut Call<'_>) -> Answer {
    list(call, "appRoleAssignedTo", |one, id| one.resource_id == id)
}

fn list(call: &Call<'_>, name: &str, belongs: fn(&RoleAssignment, &str) -> bool) -> Answer {
    let query = call.query(&COLLECTION)?;
    let (collection, id) = here(call)?;
    let ours = call.tenant.role_assignments.iter().filter(|one| belongs(one, &id));
    let items = ours.map(|one| shown(call, one)).collect();
    Ok(call.list(&query, &format!("{collection}('{id}')/{name}"), items, None))
}

fn create(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let (collection, here) = here(call)?;
    let mut payload = Payload::read(call, "AppRoleAssignment")?;
    let principal_id = payload.required_text("principalId", 36)?.to_ascii_lowercase();
    let resource_id = payload.required_text("resourceId", 36)?.to_ascii_lowercase();
    let role_id = payload.required_text("appRoleId", 36)?.to_ascii_lowercase();
    payload.rest(&[])?;
    if here != principal_id && here != resource_id {
        return Err(GraphError::bad_request(
            "The principalId or resourceId does not match the object of the request.",
        ));
    }
    check(call, &principal_id, &resource_id, &role_id)?;
    let same = |one: &RoleAssignment| {
        one.principal_id == principal_id && one.resource_id == resource_id && one.role_id == role_id
    };
    if call.tenant.role_assignments.iter().any(same) {
        return Err(GraphError::bad_request("Permission being assigned already exists on the object"));
    }
    if call.tenant.role_assignments.iter().filter(|one| one.principal_id == principal_id).count() >= MOST {
        return Err(GraphError::bad_request(format!(
            "The principal already has {MOST} app role assignments, and cannot have more."
        )));
    }
    let assignment = RoleAssignment {
        id: new_id(),
        principal_id,
        resource_id,
        role_id,
        created: call.now,
        effective: call.due(Cause::Consent),
    };
    let body =
        call.with_context(&format!("{collection}('{here}')/appRoleAssignments"), shown(call, &assignment));
    let location = format!("/{collection}/{here}/appRoleAssignments/{}", assignment.id);
    call.tenant.role_assignments.push(assignment);
    Ok(call.created(&location, &body))
}

fn check(call: &Call<'_>, principal: &str, resource: &str, role_id: &str) -> Result<(), GraphError> {
    let missing = |id: &str| GraphError::no_object(id);
    // What a user or a group gets is access to an application, by one of its roles or by none.
    let is_person = call.tenant.user(principal, call.now).is_some() || call.group_of(principal).is_some();
    let principal = call.tenant.service_principal(principal, call.now).ok_or_else(|| missing(principal));
    let principal = if is_person { None } else { Some(principal?) };
    let resource = call.tenant.service_principal(resource, call.now).ok_or_else(|| missing(resource))?;
    let app = call.tenant.application_by_app_id(&resource.app_id, call.now);
    let is_for_people = |role: &PublishedRole| role.allowed.iter().any(|allowed| allowed == "User");
    let is_open = app.is_none_or(|app| !app.roles.iter().any(is_for_people));
    if is_person && is_open && role_id == "00000000-0000-0000-0000-000000000000" {
        return Ok(());
    }
    let role = published::role(call.tenant, &resource.app_id, role_id, call.now)
        .filter(|role| role.is_enabled)
        .filter(|role| if is_person { role.is_for_people } else { role.is_for_applications })
        .ok_or_else(|| GraphError::bad_request("Permission being assigned was not found on application"))?;
    let Some(principal) = principal else { return Ok(()) };
    let is_agent = principal.kind != ServicePrincipalKind::Application;
    if (is_agent && agent_limits::is_blocked_role(role.value)) || role.value == CREATE_AS_MANAGER {
        return Err(agent_limits::blocked(role.value));
    }
    Ok(())
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let (_, here) = here(call)?;
    let id = call.params.get("assignment").to_owned();
    let assignments = &mut call.tenant.role_assignments;
    let before = assignments.len();
    assignments.retain(|one| one.id != id || (one.principal_id != here && one.resource_id != here));
    if assignments.len() == before {
        return Err(GraphError::no_object(&id));
    }
    Ok(call.no_content())
}
