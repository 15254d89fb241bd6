//! Who is an administrator: `/directoryRoles`, `/directoryRoleTemplates` and `/roleManagement/directory`, with
//! Entra's built-in roles. A person with the Global Administrator's role is the tenant's administrator.

mod catalogue;
mod unified;

use std::collections::BTreeSet;

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::tenant::Tenant;

use super::call::Call;
use super::error::{Answer, GraphError};
use super::odata::{Service, Surface};
use super::path::Key;
use super::route::{Needs, Route};

use catalogue::TEMPLATES;
pub(crate) use catalogue::{GLOBAL_ADMINISTRATOR, RoleTemplate, template};

/// Who has which role, besides the Global Administrators, who are known by their user object.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DirectoryRoles {
    assigned: Vec<Assigned>,
    /// Templates of roles that were activated without a member.
    activated: BTreeSet<String>,
}

/// One principal's role.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Assigned {
    id: String,
    template: String,
    principal: String,
    since: Timestamp,
}

const READ: Needs = Needs::either(&[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const WRITE: Needs = Needs::either(&["RoleManagement.ReadWrite.Directory"]);

const PROPERTIES: &[&str] = &["id", "deletedDateTime", "description", "displayName", "roleTemplateId"];
const COLLECTION: Surface = Surface {
    service: Service::Directory,
    type_name: "directoryRole",
    options: &["filter", "select", "expand", "count"],
    properties: PROPERTIES,
    expandable: &["members"],
    page: 1000,
    largest_page: 1000,
};
const OBJECT: Surface =
    Surface::object(Service::Directory, "directoryRole", PROPERTIES).expanding(&["members"]);

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::GET, "/directoryRoles", READ, list),
        Route::new(Method::POST, "/directoryRoles", WRITE, activate),
        Route::new(Method::GET, "/directoryRoles/{role}", READ, get),
        Route::new(Method::GET, "/directoryRoles/{role}/members", READ, members),
        Route::new(Method::POST, "/directoryRoles/{role}/members/$ref", WRITE, add_member),
        Route::new(Method::DELETE, "/directoryRoles/{role}/members/{member}/$ref", WRITE, remove_member),
        Route::new(Method::GET, "/directoryRoleTemplates", READ, templates),
        Route::new(Method::GET, "/directoryRoleTemplates/{template}", READ, one_template),
    ];
    routes.extend(unified::routes());
    routes
}

impl Tenant {
    /// The template ids of the roles that a principal has: what `wids` and `memberOf` tell.
    pub(crate) fn roles_of(&self, principal: &str) -> Vec<&'static RoleTemplate> {
        TEMPLATES.iter().filter(|role| self.has_role(role, principal)).collect()
    }

    fn has_role(&self, role: &RoleTemplate, principal: &str) -> bool {
        let is_admin = role.id == GLOBAL_ADMINISTRATOR
            && self.users.get(principal).is_some_and(|user| user.is_admin && user.life.is_live());
        let mut assigned = self.workloads.directory_roles.assigned.iter();
        is_admin || assigned.any(|one| one.template == role.id && one.principal == principal)
    }

    /// The principals that have that role.
    fn members_of(&self, role: &RoleTemplate) -> Vec<String> {
        let roles = &self.workloads.directory_roles;
        let mut members: Vec<String> = Vec::new();
        if role.id == GLOBAL_ADMINISTRATOR {
            let admins = self.users.values().filter(|user| user.is_admin && user.life.is_live());
            members.extend(admins.map(|user| user.id.clone()));
        }
        let assigned = roles.assigned.iter().filter(|one| one.template == role.id);
        members.extend(assigned.map(|one| one.principal.clone()));
        members
    }

    /// The object id of a role here: it differs per tenant.
    fn role_object_id(&self, template: &str) -> String {
        let number = |id: &str| uuid::Uuid::parse_str(id).map_or(0, |id| id.as_u128());
        uuid::Uuid::from_u128(number(&self.id) ^ number(template)).to_string()
    }

    fn is_active(&self, role: &RoleTemplate) -> bool {
        self.workloads.directory_roles.activated.contains(role.id) || !self.members_of(role).is_empty()
    }

    /// Gives a principal a role; whether it did not have it.
    fn assign_role(&mut self, role: &RoleTemplate, principal: &str, now: Timestamp) -> bool {
        if self.has_role(role, principal) {
            return false;
        }
        match self.users.get_mut(principal) {
            Some(user) if role.id == GLOBAL_ADMINISTRATOR => user.is_admin = true,
            _ => self.workloads.directory_roles.assigned.push(Assigned {
                id: crate::directory::new_id().replace('-', ""),
                template: role.id.to_owned(),
                principal: principal.to_owned(),
                since: now,
            }),
        }
        true
    }

    /// Takes a role from a principal; whether it had it.
    fn withdraw_role(&mut self, role: &RoleTemplate, principal: &str) -> bool {
        let had = self.has_role(role, principal);
        if role.id == GLOBAL_ADMINISTRATOR
            && let Some(user) = self.users.get_mut(principal)
        {
            user.is_admin = false;
        }
        let assigned = &mut self.workloads.directory_roles.assigned;
        assigned.retain(|one| !(one.template == role.id && one.principal == principal));
        had
    }
}

impl Call<'_> {
    /// The role as `memberOf` and `/directoryRoles` show it.
    pub(crate) fn role_json(&self, role: &RoleTemplate) -> Value {
        json!({
            "id": self.tenant.role_object_id(role.id),
            "deletedDateTime": null,
            "description": role.description,
            "displayName": role.name,
            "roleTemplateId": role.id,
        })
    }

    /// The role of that object id, if it is active.
    pub(crate) fn role_of(&self, id: &str) -> Option<&'static RoleTemplate> {
        TEMPLATES
            .iter()
            .find(|role| self.tenant.role_object_id(role.id).eq_ignore_ascii_case(id))
            .filter(|role| self.tenant.is_active(role))
    }

    fn role(&self) -> Result<&'static RoleTemplate, GraphError> {
        let found = match self.params.key("role") {
            Key::Id(id) => self.role_of(id),
            Key::By(name, value) if name.eq_ignore_ascii_case("roleTemplateId") => {
                template(value).filter(|role| self.tenant.is_active(role))
            }
            Key::By(..) => None,
        };
        found.ok_or_else(|| GraphError::no_object(self.params.get("role")))
    }

    /// Agent users and agents' principals get no privileged role (§2.4).
    fn check_role(&self, role: &RoleTemplate, principal: &str) -> Result<(), GraphError> {
        let user = self.tenant.user(principal, self.now);
        let sp = self.tenant.service_principal(principal, self.now);
        let group = self.group_of(principal);
        if user.is_none() && sp.is_none() && group.is_none() {
            return Err(GraphError::no_object(principal));
        }
        let is_agent = user.is_some_and(|user| user.identity_parent_id().is_some())
            || sp.is_some_and(|sp| sp.blueprint_id().is_some());
        if is_agent && role.is_privileged {
            return Err(GraphError::bad_request(
                "The role cannot be assigned to an agent: it is a privileged role.",
            ));
        }
        if group.is_some_and(|group| !group.takes_roles) {
            return Err(GraphError::bad_request(
                "The group is not role-assignable: isAssignableToRole has to be true.",
            ));
        }
        Ok(())
    }
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let items = TEMPLATES
        .iter()
        .filter(|role| call.tenant.is_active(role))
        .map(|role| {
            let mut object = call.role_json(role);
            call.expand_references(&mut object, &query, &[("members", &call.tenant.members_of(role))]);
            object
        })
        .collect();
    Ok(call.list(&query, "directoryRoles", items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let role = call.role()?;
    let mut object = call.role_json(role);
    call.expand_references(&mut object, &query, &[("members", &call.tenant.members_of(role))]);
    Ok(call.entity(&query, "directoryRoles", object, None))
}

fn activate(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let body = call.body()?;
    let asked = body.get("roleTemplateId").and_then(Value::as_str).unwrap_or_default();
    let role = template(asked).ok_or_else(|| {
        GraphError::bad_request("The specified role template does not exist: roleTemplateId.")
    })?;
    if call.tenant.is_active(role) {
        return Err(GraphError::conflict(
            "A conflicting object with one or more of the specified property values is present in the directory.",
            "roleTemplateId",
        ));
    }
    call.tenant.workloads.directory_roles.activated.insert(role.id.to_owned());
    let location = format!("/directoryRoles/{}", call.tenant.role_object_id(role.id));
    let body = call.with_context("directoryRoles", call.role_json(role));
    Ok(call.created(&location, &body))
}

fn members(call: &mut Call<'_>) -> Answer {
    let ids = call.tenant.members_of(call.role()?);
    call.referenced(&ids)
}

fn add_member(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let role = call.role()?;
    let principal = call.bound_in_body()?;
    call.check_role(role, &principal)?;
    let now = call.now;
    if !call.tenant.assign_role(role, &principal, now) {
        return Err(GraphError::bad_request(
            "One or more added object references already exist for the following modified properties: 'members'.",
        ));
    }
    Ok(call.no_content())
}

fn remove_member(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let role = call.role()?;
    let principal = call.params.get("member").to_ascii_lowercase();
    if !call.tenant.withdraw_role(role, &principal) {
        return Err(GraphError::no_object(&principal));
    }
    Ok(call.no_content())
}

fn shown_template(role: &RoleTemplate) -> Value {
    json!({
        "id": role.id, "deletedDateTime": null, "description": role.description, "displayName": role.name,
    })
}

fn templates(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface { options: &["select"], expandable: &[], ..COLLECTION })?;
    let items = TEMPLATES.iter().map(shown_template).collect();
    Ok(call.list(&query, "directoryRoleTemplates", items, None))
}

fn one_template(call: &mut Call<'_>) -> Answer {
    let asked = call.params.get("template");
    let role = template(asked).ok_or_else(|| GraphError::no_object(asked))?;
    Ok(call.ok(&call.with_context("directoryRoleTemplates", shown_template(role))))
}
