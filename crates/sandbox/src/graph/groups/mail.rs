//! Mail to a group: a distribution list hands it to its members, a Microsoft 365 group keeps it and hands it to
//! those who subscribed (documentation of `group`; the texts of refusals are Exchange Online's).

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::directory::User;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};
use crate::tenant::Tenant;

use super::Group;

const SUBSCRIBE: Needs = Needs::delegated(&["Group.ReadWrite.All"]);
const UNSUBSCRIBE: Needs = Needs::either(&["Group.ReadWrite.All"]);

/// What `PATCH` alone sets of mail.
pub(super) const SETTINGS: [&str; 2] = ["allowExternalSenders", "autoSubscribeNewMembers"];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/groups/{id}/subscribeByMail", SUBSCRIBE, subscribe),
        Route::new(Method::POST, "/groups/{id}/unsubscribeByMail", UNSUBSCRIBE, unsubscribe),
    ]
}

/// Why a group does not take a message: the status and the words of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) status: &'static str,
    pub(crate) text: &'static str,
}

impl Group {
    /// Whether mail reaches it at that address.
    pub(crate) fn is_called(&self, address: &str, now: Timestamp) -> bool {
        let mail = self.mail.as_deref().filter(|_| self.mail_enabled && self.life.is_visible(now));
        mail.is_some_and(|mail| mail.eq_ignore_ascii_case(address))
    }

    /// Who has the group's mail in a mailbox of their own or, of a Microsoft 365 group, in the group's, by object
    /// id. `sender` is the author's object id, none if the mail is from outside.
    pub(crate) fn mailboxes(
        &self,
        tenant: &Tenant,
        sender: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<String>, Closed> {
        let everybody = members(tenant, self, now);
        if sender.is_none() && !self.is_set("allowExternalSenders") {
            return Err(Closed {
                status: "5.7.133",
                text: "RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed because the sender was not authenticated when sending to this group",
            });
        }
        let is_member = sender.is_some_and(|sender| everybody.iter().any(|one| one == sender));
        if self.behaves("AllowOnlyMembersToPost") && !is_member {
            return Err(Closed {
                status: "5.7.124",
                text: "RESOLVER.RST.NotAuthorizedToGroup; not authorized to send to the distribution group because the sender isn't in the group's allowed-senders list",
            });
        }
        if !self.is_unified() {
            return Ok(everybody);
        }
        let subscribed = everybody.into_iter().filter(|one| self.is_subscribed(one));
        Ok(std::iter::once(self.id.clone()).chain(subscribed).collect())
    }

    /// Whether a member has copies: as they said, else as the group does with its members.
    pub(super) fn is_subscribed(&self, member: &str) -> bool {
        let by_default = self.is_set("autoSubscribeNewMembers") || self.behaves("SubscribeNewGroupMembers");
        self.subscriptions.get(member).copied().unwrap_or(by_default)
    }

    fn is_set(&self, name: &str) -> bool {
        self.other.get(name) == Some(&Value::Bool(true))
    }

    /// Whether `resourceBehaviorOptions` says so.
    fn behaves(&self, name: &str) -> bool {
        let options = self.other.get("resourceBehaviorOptions").and_then(Value::as_array);
        options
            .into_iter()
            .flatten()
            .any(|one| one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(name)))
    }
}

/// The members who have a mailbox, those of groups in the group among them.
fn members(tenant: &Tenant, group: &Group, now: Timestamp) -> Vec<String> {
    let (mut found, mut seen) = (Vec::new(), vec![group.id.clone()]);
    let mut open = vec![group];
    while let Some(group) = open.pop() {
        for member in &group.members {
            if seen.contains(member) {
                continue;
            }
            seen.push(member.clone());
            let inner = tenant.workloads.groups.get(member).filter(|inner| inner.life.is_visible(now));
            open.extend(inner);
            let has_mailbox =
                |user: &&User| user.life.is_live() && tenant.mailbox_due(user).is_some_and(|due| due <= now);
            found.extend(tenant.users.get(member).filter(has_mailbox).map(|user| user.id.clone()));
        }
    }
    found
}

/// What of mail a group shows only if it is asked for.
pub(super) fn shown(group: &Group, object: &mut Value, reader: Option<&str>) {
    if group.is_unified() {
        for name in SETTINGS {
            object[name] = json!(group.is_set(name));
        }
        object["isSubscribedByMail"] = json!(reader.is_some_and(|reader| group.is_subscribed(reader)));
    }
}

fn subscribe(call: &mut Call<'_>) -> Answer {
    set(call, true)
}

fn unsubscribe(call: &mut Call<'_>) -> Answer {
    set(call, false)
}

/// Members of Microsoft 365 groups choose for themselves.
fn set(call: &mut Call<'_>, subscribed: bool) -> Answer {
    let group = call.group()?;
    let user = call.caller.user_id().ok_or_else(GraphError::denied)?.to_owned();
    if !group.is_unified() || !group.members.contains(&user) {
        return Err(GraphError::bad_request(
            "Only members of a Microsoft 365 group subscribe to its conversations.",
        ));
    }
    call.group_mut()?.subscriptions.insert(user, subscribed);
    Ok(call.no_content())
}
