//! `PATCH /groups/{id}`.

use http::Method;

use crate::changes::ChangeKind;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::payload::Payload;
use crate::graph::references;
use crate::graph::route::{Needs, Route};

use super::{create, mail, members};

const UPDATE: Needs =
    Needs::either(&["Group.ReadWrite.All", "Group.ManageProtection.All", "Directory.ReadWrite.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(Method::PATCH, "/groups/{id}", UPDATE, update)]
}

fn update(call: &mut Call<'_>) -> Answer {
    let mut payload = Payload::read(call, "Group")?;
    if let (Some(name), Err(_)) = (call.to_be_made("uniqueName"), call.group()) {
        payload.put("uniqueName", name);
        return create::create_from(call, payload);
    }
    call.check_group_writer()?;
    let mut group = call.group()?.clone();
    payload.take_type();
    if let Some(name) = payload.text("displayName")? {
        if name.trim().is_empty() || name.chars().count() > 256 {
            return Err(payload.invalid("displayName"));
        }
        group.display_name = name;
    }
    if let Some(nickname) = payload.text("mailNickname")? {
        create::check_nickname(&nickname, &payload)?;
        group.mail_nickname = nickname;
    }
    if let Some(enabled) = payload.boolean("securityEnabled")? {
        group.security_enabled = enabled;
    }
    if payload.boolean("isAssignableToRole")?.is_some_and(|asked| asked != group.takes_roles) {
        return Err(GraphError::bad_request(
            "Property 'isAssignableToRole' is read-only and cannot be set after the group was created.",
        ));
    }
    if payload.boolean("mailEnabled")?.is_some_and(|asked| asked != group.mail_enabled) {
        return Err(payload.invalid("mailEnabled"));
    }
    let new = match payload.texts("members@odata.bind")? {
        Some(list) => call.bind(list)?,
        None => Vec::new(),
    };
    for member in &new {
        members::check_member(call, &group, member)?;
        references::add(&mut group.members, member.clone(), "members")?;
    }
    if let Some(list) = payload.texts("owners@odata.bind")? {
        for owner in call.bind(list)? {
            references::add(&mut group.owners, owner, "owners")?;
        }
    }
    for name in mail::SETTINGS {
        let Some(value) = payload.boolean(name)? else { continue };
        if !group.is_unified() {
            return Err(payload.invalid(name));
        }
        group.other.insert(name.to_owned(), value.into());
    }
    group.other.extend(payload.rest_but(create::PASSIVE, create::READ_ONLY)?);
    create::check_unique_name(call, Some(call.group()?), &group)?;
    call.tenant.group_changed(ChangeKind::Updated, &group.id);
    for member in &new {
        call.tenant.member_changed(&group.id, member, true);
    }
    call.tenant.workloads.groups.insert(group.id.clone(), group);
    Ok(call.no_content())
}
