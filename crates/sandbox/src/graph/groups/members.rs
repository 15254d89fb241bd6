//! Members and owners of groups, direct and transitive.

use http::Method;

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::references;
use crate::graph::route::{Needs, Route};

use super::Group;

const READ: Needs = Needs::either(&[
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
]);
const READ_OWNERS: Needs = Needs::either(&[
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
]);
const WRITE: Needs =
    Needs::either(&["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"]);
const WRITE_OWNERS: Needs = Needs::either(&["Group.ReadWrite.All", "Directory.ReadWrite.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/groups/{id}/members", READ, list),
        Route::new(Method::GET, "/groups/{id}/transitiveMembers", READ, list_transitive),
        Route::new(Method::POST, "/groups/{id}/members/$ref", WRITE, add),
        Route::new(Method::DELETE, "/groups/{id}/members/{member}/$ref", WRITE, remove),
        Route::new(Method::GET, "/groups/{id}/owners", READ_OWNERS, owners),
        Route::new(Method::POST, "/groups/{id}/owners/$ref", WRITE_OWNERS, add_owner),
        Route::new(Method::DELETE, "/groups/{id}/owners/{member}/$ref", WRITE_OWNERS, remove_owner),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let ids = call.group()?.members.clone();
    call.referenced(&ids)
}

fn list_transitive(call: &mut Call<'_>) -> Answer {
    let found = call.transitive_members(&call.group()?.id);
    call.referenced(&found)
}

impl Call<'_> {
    /// The members of a group, and those of the groups among them.
    pub(super) fn transitive_members(&self, group: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut open = vec![group.to_owned()];
        while let Some(id) = open.pop() {
            let Some(group) = self.group_of(&id) else { continue };
            for member in &group.members {
                if !found.contains(member) {
                    found.push(member.clone());
                    open.push(member.clone());
                }
            }
        }
        found
    }
}

fn add(call: &mut Call<'_>) -> Answer {
    call.check_group_writer()?;
    let id = call.bound_in_body()?;
    check_member(call, call.group()?, &id)?;
    let group = call.group_mut()?;
    references::add(&mut group.members, id.clone(), "members")?;
    let group = group.id.clone();
    call.tenant.member_changed(&group, &id, true);
    Ok(call.no_content())
}

fn remove(call: &mut Call<'_>) -> Answer {
    call.check_group_writer()?;
    let id = call.params.get("member").to_ascii_lowercase();
    let group = call.group_mut()?;
    references::remove(&mut group.members, &id, "members")?;
    let group = group.id.clone();
    call.tenant.member_changed(&group, &id, false);
    Ok(call.no_content())
}

fn owners(call: &mut Call<'_>) -> Answer {
    let ids = call.group()?.owners.clone();
    call.referenced(&ids)
}

fn add_owner(call: &mut Call<'_>) -> Answer {
    call.check_group_writer()?;
    let id = call.bound_in_body()?;
    if call.group_of(&id).is_some() {
        return Err(GraphError::bad_request(
            "The reference target 'Group' of property 'owners' is not of a supported type.",
        ));
    }
    references::add(&mut call.group_mut()?.owners, id, "owners")?;
    Ok(call.no_content())
}

fn remove_owner(call: &mut Call<'_>) -> Answer {
    call.check_group_writer()?;
    let id = call.params.get("member").to_owned();
    let group = call.group_mut()?;
    if group.owners.len() == 1 && group.owners.iter().any(|owner| owner.eq_ignore_ascii_case(&id)) {
        return Err(GraphError::bad_request(
            "The group must have at least one owner, hence this owner cannot be removed.",
        ));
    }
    references::remove(&mut group.owners, &id, "owners")?;
    Ok(call.no_content())
}

/// Whether that object may become a member of that group.
pub(super) fn check_member(call: &Call<'_>, group: &Group, id: &str) -> Result<(), GraphError> {
    if group.is_dynamic() {
        return Err(GraphError::bad_request(
            "Insufficient privileges: the membership of a dynamic group cannot be changed.",
        ));
    }
    let is_agent = call.tenant.users.get(id).is_some_and(|user| user.identity_parent_id().is_some());
    if group.takes_roles && is_agent {
        return Err(GraphError::bad_request("Agent users cannot be members of a role-assignable group."));
    }
    let is_group = call.group_of(id).is_some();
    let is_application = call.tenant.service_principals.contains_key(id);
    if group.is_unified() && (is_group || is_application) {
        return Err(GraphError::bad_request(
            "The group type 'Unified' does not support members of this type.",
        ));
    }
    if id == group.id || (is_group && group.takes_roles) {
        return Err(GraphError::bad_request("The group cannot be a member of this group."));
    }
    Ok(())
}
