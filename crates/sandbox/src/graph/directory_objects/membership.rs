//! `memberOf` and its siblings: groups and directory roles, direct and through groups.

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::Query;
use crate::graph::references;
use crate::graph::route::{Needs, Route};
use crate::tenant::Tenant;

const READ_OF_USER: Needs = Needs::split(
    &[
        "User.Read",
        "GroupMember.ReadBasic.All",
        "GroupMember.Read.All",
        "Group.ReadBasic.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &["GroupMember.ReadBasic.All", "Group.ReadBasic.All", "Directory.Read.All", "Directory.ReadWrite.All"],
);
const READ_TRANSITIVE_OF_USER: Needs = Needs::split(
    &[
        "User.Read",
        "User.Read.All",
        "GroupMember.ReadBasic.All",
        "GroupMember.Read.All",
        "Group.ReadBasic.All",
        "Group.Read.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &[
        "User.Read.All",
        "GroupMember.ReadBasic.All",
        "GroupMember.Read.All",
        "Group.ReadBasic.All",
        "Group.Read.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
);
/// What reads a service principal's relations.
pub(super) const READ_OF_PRINCIPAL: Needs = Needs::split(
    &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    &[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
);
const READ_OF_GROUP: Needs = Needs::either(&[
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const READ_TRANSITIVE_OF_GROUP: Needs = Needs::split(
    READ_OF_GROUP.delegated,
    &["GroupMember.ReadBasic.All", "Group.ReadBasic.All", "Directory.Read.All", "Directory.ReadWrite.All"],
);
const GET_GROUPS: Needs = Needs::either(&[
    "User.Read.All",
    "Application.Read.All",
    "Application.ReadWrite.All",
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const CHECK: Needs = Needs::either(&[
    "User.Read.All",
    "User.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
    "Application.Read.All",
    "Application.ReadWrite.All",
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const GET_OBJECTS: Needs = Needs::split(
    &[
        "User.Read",
        "User.Read.All",
        "User.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
        "Application.Read.All",
        "Application.ReadWrite.All",
        "GroupMember.ReadBasic.All",
        "GroupMember.Read.All",
        "Group.ReadBasic.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    CHECK.application,
);

/// Ids that one check may ask for.
const MOST_CHECKED: usize = 20;

/// The paths of an action that each of these has.
macro_rules! of_each {
    ($action:literal) => {
        [
            concat!("/users/{id}/", $action),
            concat!("/groups/{id}/", $action),
            concat!("/servicePrincipals/{id}/", $action),
            concat!("/directoryObjects/{id}/", $action),
        ]
    };
}

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::GET, "/users/{id}/memberOf", READ_OF_USER, direct),
        Route::new(Method::GET, "/me/memberOf", Needs::delegated(READ_OF_USER.delegated), direct),
        Route::new(Method::GET, "/users/{id}/transitiveMemberOf", READ_TRANSITIVE_OF_USER, transitive),
        Route::new(
            Method::GET,
            "/me/transitiveMemberOf",
            Needs::delegated(READ_TRANSITIVE_OF_USER.delegated),
            transitive,
        ),
        Route::new(Method::GET, "/servicePrincipals/{id}/memberOf", READ_OF_PRINCIPAL, direct),
        Route::new(Method::GET, "/servicePrincipals/{id}/transitiveMemberOf", READ_OF_PRINCIPAL, transitive),
        Route::new(Method::GET, "/groups/{id}/memberOf", READ_OF_GROUP, direct),
        Route::new(Method::GET, "/groups/{id}/transitiveMemberOf", READ_TRANSITIVE_OF_GROUP, transitive),
        Route::new(Method::POST, "/me/checkMemberGroups", Needs::delegated(CHECK.delegated), check_groups),
        Route::new(
            Method::POST,
            "/me/checkMemberObjects",
            Needs::delegated(GET_OBJECTS.delegated),
            check_objects,
        ),
        Route::new(Method::POST, "/me/getMemberGroups", Needs::delegated(GET_GROUPS.delegated), groups),
        Route::new(Method::POST, "/me/getMemberObjects", Needs::delegated(GET_OBJECTS.delegated), objects),
    ];
    for path in of_each!("checkMemberGroups") {
        routes.push(Route::new(Method::POST, path, CHECK, check_groups));
    }
    for path in of_each!("checkMemberObjects") {
        routes.push(Route::new(Method::POST, path, GET_OBJECTS, check_objects));
    }
    for path in of_each!("getMemberGroups") {
        routes.push(Route::new(Method::POST, path, GET_GROUPS, groups));
    }
    for path in of_each!("getMemberObjects") {
        routes.push(Route::new(Method::POST, path, GET_OBJECTS, objects));
    }
    routes
}

impl Tenant {
    /// The groups that have that object among their members; with `transitive`, the groups around these too.
    pub(crate) fn groups_around(&self, id: &str, transitive: bool, now: Timestamp) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut open = vec![id.to_owned()];
        while let Some(inner) = open.pop() {
            for group in self.workloads.groups.values() {
                let is_around = group.life.is_visible(now) && group.members.contains(&inner);
                if is_around && !found.contains(&group.id) {
                    found.push(group.id.clone());
                    if transitive {
                        open.push(group.id.clone());
                    }
                }
            }
        }
        found
    }
}

impl Call<'_> {
    /// The groups that have that object among their members, as of now.
    pub(crate) fn groups_of(&self, id: &str, transitive: bool) -> Vec<String> {
        self.tenant.groups_around(id, transitive, self.now)
    }

    /// The object that the path names: `/me`, a user by name or id, a service principal, a group, or any object.
    pub(super) fn named_member(&self) -> Result<String, GraphError> {
        let first = self.path.segments.first().map(|name| name.to_ascii_lowercase());
        match first.as_deref() {
            Some("me" | "users") => {
                let user = self.user()?;
                // With `User.Read` alone one sees oneself only.
                let own = self.caller.user_id() == Some(user.id.as_str());
                if own || self.sees_memberships() { Ok(user.id.clone()) } else { Err(GraphError::denied()) }
            }
            Some("serviceprincipals") => Ok(self.service_principal()?.id.clone()),
            Some("groups") => Ok(self.group()?.id.clone()),
            _ => {
                let id = self.params.get("id");
                if self.directory_object(id).is_none() {
                    return Err(GraphError::no_object(id));
                }
                Ok(id.to_ascii_lowercase())
            }
        }
    }

    fn sees_memberships(&self) -> bool {
        self.holds_any(CHECK.delegated) || self.holds_any(CHECK.application)
    }

    /// Puts `memberOf` and `transitiveMemberOf` into an object whose query expands them.
    pub(crate) fn expand_memberships(&self, object: &mut Value, query: &Query, id: &str) {
        for (name, transitive) in [("memberOf", false), ("transitiveMemberOf", true)] {
            references::expand_items(object, query, name, || self.memberships(id, transitive));
        }
    }

    /// The groups and directory roles of an object, as `memberOf` shows them; with `transitive`, those around them too.
    pub(crate) fn memberships(&self, id: &str, transitive: bool) -> Vec<Value> {
        let groups = self.groups_of(id, transitive);
        // A role-assignable group brings its roles along.
        let through: Vec<&str> =
            if transitive { groups.iter().map(String::as_str).collect() } else { Vec::new() };
        let mut roles = self.tenant.roles_of(id);
        for group in through {
            for role in self.tenant.roles_of(group) {
                if !roles.contains(&role) {
                    roles.push(role);
                }
            }
        }
        let mut items: Vec<Value> = groups.iter().filter_map(|id| self.directory_object(id)).collect();
        items.extend(roles.into_iter().map(|role| {
            let mut object = json!({ "@odata.type": "#microsoft.graph.directoryRole" });
            if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), self.role_json(role)) {
                object.extend(fields);
            }
            object
        }));
        items
    }
}

fn direct(call: &mut Call<'_>) -> Answer {
    let id = call.named_member()?;
    call.objects(call.memberships(&id, false))
}

fn transitive(call: &mut Call<'_>) -> Answer {
    let id = call.named_member()?;
    call.objects(call.memberships(&id, true))
}

fn ids(call: &Call<'_>, items: &[Value]) -> Answer {
    let ids: Vec<&Value> = items.iter().map(|item| &item["id"]).collect();
    Ok(call.ok(&json!({ "@odata.context": call.context("Collection(Edm.String)"), "value": ids })))
}

fn is_group(item: &Value) -> bool {
    item["@odata.type"] == "#microsoft.graph.group"
}

/// What the body says: only security groups (and roles), or Microsoft 365 groups too.
fn asked(call: &Call<'_>, items: Vec<Value>) -> Result<Vec<Value>, GraphError> {
    let body = call.body()?;
    let security_only = body.get("securityEnabledOnly").and_then(Value::as_bool).ok_or_else(|| {
        GraphError::bad_request("Invalid value specified for parameter 'securityEnabledOnly'.")
    })?;
    let passes = |item: &Value| !security_only || !is_group(item) || item["securityEnabled"] == true;
    Ok(items.into_iter().filter(passes).collect())
}

fn groups(call: &mut Call<'_>) -> Answer {
    let id = call.named_member()?;
    let items = asked(call, call.memberships(&id, true))?;
    ids(call, &items.into_iter().filter(is_group).collect::<Vec<_>>())
}

fn objects(call: &mut Call<'_>) -> Answer {
    let id = call.named_member()?;
    let items = asked(call, call.memberships(&id, true))?;
    ids(call, &items)
}

fn check_groups(call: &mut Call<'_>) -> Answer {
    check(call, "groupIds", is_group)
}

fn check_objects(call: &mut Call<'_>) -> Answer {
    check(call, "ids", |_| true)
}

fn check(call: &Call<'_>, name: &str, counts: fn(&Value) -> bool) -> Answer {
    let id = call.named_member()?;
    let body = call.body()?;
    let wanted: Option<Vec<&str>> =
        body.get(name).and_then(Value::as_array).and_then(|list| list.iter().map(Value::as_str).collect());
    let wanted = wanted
        .ok_or_else(|| GraphError::bad_request(format!("Invalid value specified for parameter '{name}'.")))?;
    if wanted.len() > MOST_CHECKED {
        return Err(GraphError::bad_request(format!(
            "The number of values for parameter '{name}' exceeds the maximum of {MOST_CHECKED}."
        )));
    }
    let is_wanted = |item: &Value| {
        let id = item["id"].as_str().unwrap_or_default();
        counts(item) && wanted.iter().any(|one| one.eq_ignore_ascii_case(id))
    };
    ids(call, &call.memberships(&id, true).into_iter().filter(is_wanted).collect::<Vec<_>>())
}
