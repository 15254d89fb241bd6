//! `/roleManagement/directory`: role definitions and role assignments over the whole directory.

use http::Method;
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};
use crate::tenant::Tenant;

use super::catalogue::{RoleTemplate, TEMPLATES, template};
use super::{GLOBAL_ADMINISTRATOR, WRITE};

const READ: Needs = Needs::split(
    &[
        "RoleManagement.Read.Directory",
        "RoleManagement.Read.All",
        "RoleManagement.ReadWrite.Directory",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &[
        "RoleManagement.Read.Directory",
        "RoleManagement.ReadWrite.Directory",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
);
const READ_DEFINITIONS: Needs = Needs::either(READ.delegated);

const ASSIGNMENTS: Surface = Surface {
    service: Service::Directory,
    type_name: "unifiedRoleAssignment",
    options: &["filter", "select", "expand", "top", "skiptoken", "count"],
    properties: &[
        "id",
        "appScopeId",
        "condition",
        "directoryScopeId",
        "principalId",
        "principalOrganizationId",
        "roleDefinitionId",
    ],
    expandable: &["principal", "roleDefinition"],
    page: 100,
    largest_page: 999,
};
const DEFINITIONS: Surface = Surface {
    service: Service::Directory,
    type_name: "unifiedRoleDefinition",
    options: &["filter", "select", "top", "skiptoken", "count"],
    properties: &[
        "id",
        "description",
        "displayName",
        "isBuiltIn",
        "isEnabled",
        "resourceScopes",
        "rolePermissions",
        "templateId",
        "version",
    ],
    expandable: &[],
    page: 100,
    largest_page: 999,
};

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/roleManagement/directory/roleAssignments";
    const ONE: &str = "/roleManagement/directory/roleAssignments/{assignment}";
    const ROLES: &str = "/roleManagement/directory/roleDefinitions";
    const ROLE: &str = "/roleManagement/directory/roleDefinitions/{definition}";
    vec![
        Route::new(Method::GET, ALL, READ, list),
        Route::new(Method::POST, ALL, WRITE, create),
        Route::new(Method::GET, ONE, READ, get),
        Route::new(Method::DELETE, ONE, WRITE, delete),
        Route::new(Method::GET, ROLES, READ_DEFINITIONS, definitions),
        Route::new(Method::GET, ROLE, READ_DEFINITIONS, definition),
    ]
}

/// Every assignment: id, role and principal. A Global Administrator's has an id made of both.
fn assignments(tenant: &Tenant) -> Vec<(String, &'static RoleTemplate, String)> {
    let administrators = template(GLOBAL_ADMINISTRATOR).into_iter().flat_map(|role| {
        let users = tenant.users.values().filter(|user| user.is_admin && user.life.is_live());
        users.map(move |user| {
            (format!("lAPpYvVpN0KRkAEhdxReE{}", user.id.replace('-', "")), role, user.id.clone())
        })
    });
    let assigned = tenant.workloads.directory_roles.assigned.iter();
    let assigned =
        assigned.filter_map(|one| Some((one.id.clone(), template(&one.template)?, one.principal.clone())));
    administrators.chain(assigned).collect()
}

fn shown(call: &Call<'_>, id: &str, role: &RoleTemplate, principal: &str, expanded: &[String]) -> Value {
    let mut object = json!({
        "id": id,
        "appScopeId": null,
        "condition": null,
        "directoryScopeId": "/",
        "principalId": principal,
        "principalOrganizationId": call.tenant.id,
        "roleDefinitionId": role.id,
    });
    for name in expanded {
        if name.eq_ignore_ascii_case("principal") {
            object["principal"] = call.directory_object(principal).unwrap_or_default();
        } else {
            object["roleDefinition"] = shown_definition(role);
        }
    }
    object
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&ASSIGNMENTS)?;
    let items = assignments(call.tenant)
        .iter()
        .map(|(id, role, principal)| shown(call, id, role, principal, &query.expand))
        .collect();
    Ok(call.list(&query, "roleManagement/directory/roleAssignments", items, None))
}

fn find(call: &Call<'_>) -> Result<(String, &'static RoleTemplate, String), GraphError> {
    let asked = call.params.get("assignment");
    let found = assignments(call.tenant).into_iter().find(|(id, ..)| id == asked);
    found.ok_or_else(|| GraphError::no_object(asked))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface { options: &["select", "expand"], ..ASSIGNMENTS })?;
    let (id, role, principal) = find(call)?;
    let object = shown(call, &id, role, &principal, &query.expand);
    Ok(call.entity(&query, "roleManagement/directory/roleAssignments", object, None))
}

fn create(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let mut payload = Payload::read(call, "UnifiedRoleAssignment")?;
    payload.take_type();
    let principal = payload.required_text("principalId", 36)?.to_ascii_lowercase();
    let definition = payload.required_text("roleDefinitionId", 36)?;
    if payload.text("directoryScopeId")?.is_none_or(|scope| scope != "/") {
        return Err(GraphError::bad_request(
            "The sandbox knows role assignments over the whole directory only: directoryScopeId has to be '/'.",
        ));
    }
    payload.rest(&[])?;
    let role = template(&definition).ok_or_else(|| GraphError::no_object(&definition))?;
    call.check_role(role, &principal)?;
    let now = call.now;
    if !call.tenant.assign_role(role, &principal, now) {
        return Err(GraphError::bad_request(
            "A conflicting object with one or more of the specified property values is present in the directory.",
        ));
    }
    let made =
        assignments(call.tenant).into_iter().rfind(|(_, of, who)| of.id == role.id && *who == principal);
    let (id, ..) = made.ok_or_else(|| GraphError::no_object(&principal))?;
    let object = shown(call, &id, role, &principal, &[]);
    let body = call.with_context("roleManagement/directory/roleAssignments", object);
    Ok(call.created(&format!("/roleManagement/directory/roleAssignments/{id}"), &body))
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let (_, role, principal) = find(call)?;
    call.tenant.withdraw_role(role, &principal);
    Ok(call.no_content())
}

fn shown_definition(role: &RoleTemplate) -> Value {
    json!({
        "id": role.id,
        "description": role.description,
        "displayName": role.name,
        "isBuiltIn": true,
        "isEnabled": true,
        "resourceScopes": ["/"],
        "rolePermissions": [],
        "templateId": role.id,
        "version": "1",
    })
}

fn definitions(call: &mut Call<'_>) -> Answer {
    let query = call.query(&DEFINITIONS)?;
    let items = TEMPLATES.iter().map(shown_definition).collect();
    Ok(call.list(&query, "roleManagement/directory/roleDefinitions", items, None))
}

fn definition(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface { options: &["select"], ..DEFINITIONS })?;
    let asked = call.params.get("definition");
    let role = template(asked).ok_or_else(|| GraphError::no_object(asked))?;
    Ok(call.entity(&query, "roleManagement/directory/roleDefinitions", shown_definition(role), None))
}
