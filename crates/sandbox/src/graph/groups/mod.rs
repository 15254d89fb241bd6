//! `/groups`: security, Microsoft 365 and dynamic groups, as far as sponsors, memberships and licences need
//! them (Entra reference §2.3; names of properties from the CSDL).

mod create;
mod mail;
mod members;
mod update;
mod wire;

use std::collections::BTreeMap;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::changes::ChangeKind;
use crate::directory::{Life, Named, Objects};
use crate::sharing::whole;

pub(crate) use mail::Closed;
pub(crate) use wire::{DEFAULTS, security_identifier};

use super::call::Call;
use super::error::{Answer, GraphError};
use super::odata::{Query, Service, Surface};
use super::path::Key;
use super::properties::GROUP;
use super::references;
use super::role_assignments;
use super::route::{Needs, Route};

/// A group object. What has no field of its own stands in `other`, under Graph's name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) life: Life,
    pub(crate) display_name: String,
    pub(crate) mail_nickname: String,
    pub(crate) mail: Option<String>,
    pub(crate) mail_enabled: bool,
    pub(crate) security_enabled: bool,
    /// `Unified`, `DynamicMembership`.
    pub(crate) group_types: Vec<String>,
    /// `isAssignableToRole`: fixed when the group is made.
    pub(crate) takes_roles: bool,
    pub(crate) members: Vec<String>,
    pub(crate) owners: Vec<String>,
    /// Which members said whether they want copies of what is written to the group.
    #[serde(default)]
    pub(crate) subscriptions: BTreeMap<String, bool>,
    /// Other settable properties, such as `description`.
    pub(crate) other: BTreeMap<String, Value>,
}

/// The groups of a tenant, by object id.
pub(crate) type Groups = Objects<Group>;

impl Named for Group {
    /// The nickname and the address.
    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.mail_nickname.as_str()).chain(self.mail.as_deref())
    }
}

whole!(Group);

impl Group {
    /// A Microsoft 365 group.
    pub(crate) fn is_unified(&self) -> bool {
        self.is_of_type("Unified")
    }

    /// A group whose members a rule chooses.
    pub(crate) fn is_dynamic(&self) -> bool {
        self.is_of_type("DynamicMembership")
    }

    fn is_of_type(&self, name: &str) -> bool {
        self.group_types.iter().any(|one| one.eq_ignore_ascii_case(name))
    }

    /// Sponsors may be Microsoft 365 groups and groups with a dynamic membership, not plain security groups and
    /// not groups that take roles (§2.3).
    pub(crate) fn may_sponsor(&self) -> bool {
        (self.is_unified() || self.is_dynamic()) && !self.takes_roles
    }
}

const READ: Needs = Needs::either(&[
    "Group.ReadBasic.All",
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Group.ManageProtection.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const DELETE: Needs = Needs::either(&["Group.ReadWrite.All"]);

const EXPANDABLE: &[&str] =
    &["members", "owners", "transitiveMembers", "memberOf", "transitiveMemberOf", "appRoleAssignments"];
const COLLECTION: Surface = Surface::directory("group", GROUP).expanding(EXPANDABLE).searching();
const OBJECT: Surface = Surface::object(Service::Directory, "group", GROUP).expanding(EXPANDABLE);

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::GET, "/groups", READ, list),
        Route::new(Method::GET, "/groups/{id}", READ, get),
        Route::new(Method::DELETE, "/groups/{id}", DELETE, delete),
    ];
    routes.extend(create::routes());
    routes.extend(update::routes());
    routes.extend(mail::routes());
    routes.extend(members::routes());
    routes
}

impl Call<'_> {
    /// The group of that id, if readers see it now.
    pub(crate) fn group_of(&self, id: &str) -> Option<&Group> {
        let group = self.tenant.workloads.groups.get(&id.to_ascii_lowercase());
        group.filter(|group| group.life.is_visible(self.now))
    }

    /// The group that the path's `{id}` names.
    pub(crate) fn group(&self) -> Result<&Group, GraphError> {
        match self.params.key("id") {
            Key::Id(id) => self.group_of(id).ok_or_else(|| GraphError::no_object(id)),
            Key::By(name, value) => {
                let mut all =
                    self.tenant.workloads.groups.values().filter(|group| group.life.is_visible(self.now));
                let is_it = |group: &&Group| group.other.get("uniqueName").is_some_and(|name| name == value);
                let found = name.eq_ignore_ascii_case("uniqueName").then(|| all.find(is_it)).flatten();
                found.ok_or_else(|| GraphError::no_object(self.params.get("id")))
            }
        }
    }

    /// The same, to change it; the change is noted.
    fn group_mut(&mut self) -> Result<&mut Group, GraphError> {
        let id = self.group()?.id.clone();
        self.tenant.group_changed(ChangeKind::Updated, &id);
        self.tenant.workloads.groups.get_mut(&id).ok_or_else(|| GraphError::no_object(&id))
    }

    /// Refuses a person who neither owns the group nor has a role that manages groups.
    fn check_group_writer(&self) -> Result<(), GraphError> {
        let group = self.group()?;
        match self.caller.user_id() {
            Some(user) if group.owners.iter().any(|owner| owner == user) => Ok(()),
            _ => self.require_administrator(),
        }
    }

    pub(crate) fn group_json(&self, group: &Group, query: &Query) -> Value {
        let mut object = wire::group(group);
        if query.select.is_some() {
            mail::shown(group, &mut object, self.caller.user_id());
        }
        query.fill(&mut object, GROUP);
        self.expand_references(&mut object, query, &[("members", &group.members), ("owners", &group.owners)]);
        self.expand_memberships(&mut object, query, &group.id);
        if query.expand.iter().any(|one| one.eq_ignore_ascii_case("transitiveMembers")) {
            let all = self.transitive_members(&group.id);
            self.expand_references(&mut object, query, &[("transitiveMembers", &all)]);
        }
        references::expand_items(&mut object, query, "appRoleAssignments", || {
            role_assignments::of(self, |one| one.principal_id == group.id)
        });
        object
    }
}

fn list(call: &mut Call<'_>) -> Answer {
    call.refuse_guest()?;
    let query = call.query(&COLLECTION)?;
    let groups = call.tenant.workloads.groups.values().filter(|group| group.life.is_visible(call.now));
    let items = groups.map(|group| call.group_json(group, &query)).collect();
    Ok(call.list(&query, "groups", items, Some(wire::DEFAULTS)))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let group = call.group()?;
    Ok(call.entity(&query, "groups", call.group_json(group, &query), Some(wire::DEFAULTS)))
}

/// Microsoft 365 groups can be restored for 30 days; security groups are gone.
fn delete(call: &mut Call<'_>) -> Answer {
    call.check_group_writer()?;
    let group = call.group()?;
    let (id, is_soft) = (group.id.clone(), group.is_unified());
    let now = call.now;
    if is_soft {
        call.group_mut()?.life.deleted = Some(now);
    } else {
        call.tenant.workloads.groups.remove(&id);
        call.tenant.purged(&id, now);
        call.tenant.group_changed(ChangeKind::Deleted, &id);
    }
    Ok(call.no_content())
}
