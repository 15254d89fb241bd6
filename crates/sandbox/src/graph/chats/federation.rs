//! Chats with people of other tenants (Entra reference §5.1, §13). Each tenant keeps its own copy of such a
//! chat: what is said in one is brought to the others, as far as they are in this sandbox.

use std::collections::BTreeSet;

use crate::changes::{Change, ChangeKind};
use crate::graph::call::Call;
use crate::graph::chat_messages::{Home, Message, Place, Sender};
use crate::graph::error::GraphError;
use crate::tenant::Tenant;

use super::state::{Chat, Member};

/// The user of another tenant, by object id or user principal name there. Of a tenant that is not in this
/// sandbox only the ids are known.
pub(super) fn person(call: &Call<'_>, key: &str, tenant_id: &str) -> Result<Sender, GraphError> {
    let is_id = |text: &str| uuid::Uuid::try_parse(text).is_ok();
    if !is_id(tenant_id) {
        return Err(GraphError::unreadable("Invalid value specified for property 'tenantId'."));
    }
    let tenant_id = tenant_id.to_ascii_lowercase();
    let Some(tenant) = call.others.tenant(&tenant_id)? else {
        if !is_id(key) {
            return Err(GraphError::unreadable("A federated member needs the object id of the user."));
        }
        let home = Home { tenant_id, display_name: None, email: None };
        return Ok(Sender { id: key.to_ascii_lowercase(), home: Some(home) });
    };
    let user = tenant.user(key, call.now);
    let user = user.ok_or_else(|| GraphError::not_found(format!("NotFound: user '{key}' was not found.")))?;
    if tenant.teams_due(user).is_none_or(|due| due > call.now) {
        return Err(GraphError::forbidden(format!(
            "User '{}' cannot be reached: no valid Teams licence was found.",
            user.id
        )));
    }
    Ok(abroad(&tenant, &user.id))
}

/// A user of that tenant, as other tenants know them.
fn abroad(tenant: &Tenant, id: &str) -> Sender {
    let user = tenant.users.get(id);
    let home = Home {
        tenant_id: tenant.id.clone(),
        display_name: user.map(|user| user.display_name.clone()),
        email: user.map(|user| user.mail.as_ref().unwrap_or(&user.upn).clone()),
    };
    Sender { id: id.to_owned(), home: Some(home) }
}

/// Brings what happened in a chat to the other tenants that have members in it.
pub(crate) fn deliver(call: &mut Call<'_>, key: &str, message: Option<&str>) {
    let Some(chat) = call.tenant.workloads.chats.get(key) else { return };
    let homes: BTreeSet<String> = chat
        .members
        .iter()
        .filter_map(|member| member.person.home.as_ref())
        .map(|home| home.tenant_id.clone())
        .collect();
    if homes.is_empty() {
        return;
    }
    let leaving = |person: &Sender| match person.home {
        Some(_) => person.clone(),
        None => abroad(call.tenant, &person.id),
    };
    let message = message.and_then(|id| chat.thread.get(id)).map(|message| {
        let mut message = message.clone();
        message.from = message.from.as_ref().map(leaving);
        message
    });
    let mut copy = Chat::new(chat.id.clone(), chat.kind, chat.created, Vec::new());
    copy.topic.clone_from(&chat.topic);
    copy.updated = chat.updated;
    copy.members = chat
        .members
        .iter()
        .map(|member| Member {
            person: leaving(&member.person),
            read: None,
            is_hidden: false,
            ..member.clone()
        })
        .collect();
    for home in homes {
        let (copy, message) = (copy.clone(), message.clone());
        call.others.errand(&home, move |tenant, _, _| receive(tenant, copy, message));
    }
}

/// Takes what another tenant brings of a chat.
fn receive(tenant: &mut Tenant, mut copy: Chat, message: Option<Message>) {
    let id = copy.id.clone();
    let own = tenant.id.clone();
    let arriving = |person: &mut Sender| {
        person.home.take_if(|home| home.tenant_id == own);
    };
    copy.members.iter_mut().for_each(|member| arriving(&mut member.person));
    let kind = match tenant.workloads.chats.get_mut(&id) {
        Some(chat) => {
            for member in &mut copy.members {
                if let Some(before) = chat.member(&member.person.id) {
                    (member.is_hidden, member.read) = (before.is_hidden, before.read);
                }
            }
            (chat.topic, chat.updated, chat.members) = (copy.topic, copy.updated, copy.members);
            ChangeKind::Updated
        }
        None => {
            tenant.workloads.chats.insert(copy);
            ChangeKind::Created
        }
    };
    if kind == ChangeKind::Created {
        tenant.changed(Change::created(format!("chats/{id}"), super::TYPE));
    }
    if let Some(mut message) = message {
        if let Some(from) = &mut message.from {
            arriving(from);
        }
        Place::chat(&id).receive(tenant, message);
    }
}
