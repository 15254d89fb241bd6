//! Editing, deleting and undeleting (Entra reference §5.3): users their own messages; an app may only flag
//! one as a violation of a policy.

use http::Method;

use crate::changes::ChangeKind;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::draft::Draft;
use super::message::Message;

const EDIT: Needs = Needs::split(
    &["Chat.ReadWrite", "Group.ReadWrite.All"],
    &["Chat.UpdatePolicyViolation.All", "Chat.ReadWrite.All", "Group.ReadWrite.All"],
);
const DELETE: Needs = Needs::delegated(&["Chat.ReadWrite"]);

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![Route::new(Method::PATCH, "/chats/{chat}/messages/{message}", EDIT, edit)];
    for (pattern, handler) in [
        ("/me/chats/{chat}/messages/{message}/softDelete", delete as fn(&mut Call<'_>) -> Answer),
        ("/users/{user}/chats/{chat}/messages/{message}/softDelete", delete),
        ("/me/chats/{chat}/messages/{message}/undoSoftDelete", undelete),
        ("/users/{user}/chats/{chat}/messages/{message}/undoSoftDelete", undelete),
    ] {
        routes.push(Route::new(Method::POST, pattern, DELETE, handler));
    }
    routes
}

pub(super) fn edit(call: &mut Call<'_>) -> Answer {
    let place = call.place()?;
    let draft = Draft::read(&call.body()?)?;
    let message = call.message_there(&place)?;
    match (call.caller.user_id(), draft.policy_violation.is_some()) {
        (Some(user), false) => check_own(message, user, "Update Message", "update")?,
        (Some(_), true) => {
            return Err(GraphError::forbidden(
                "The policyViolation of a message can be set in application-only context only.",
            ));
        }
        (None, true) => {}
        (None, false) => {
            return Err(GraphError::forbidden(
                "Only the policyViolation of a message can be set in application-only context.",
            ));
        }
    }
    let (id, violation) = (message.id(), draft.policy_violation.clone());
    let (said, hosted) = draft.over(message.said.clone(), message.hosted.clone())?;
    let is_new = said != message.said;
    let moment = place.next_moment(call.tenant, call.now);
    place.change(call.tenant, &id, moment, ChangeKind::Updated, |message| {
        message.said = said;
        message.hosted = hosted;
        if is_new {
            message.edited = Some(moment.time);
        }
        if violation.is_some() {
            message.policy_violation = violation;
        }
    });
    Ok(call.no_content())
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    set_deleted(call, true)
}

pub(super) fn undelete(call: &mut Call<'_>) -> Answer {
    set_deleted(call, false)
}

fn set_deleted(call: &mut Call<'_>, is_deleted: bool) -> Answer {
    let place = call.place()?;
    let message = call.message_there(&place)?;
    check_own(message, call.caller.user_id().unwrap_or_default(), "Delete Message", "delete")?;
    let id = message.id();
    if message.deleted.is_some() != is_deleted {
        let moment = place.next_moment(call.tenant, call.now);
        let kind = if is_deleted { ChangeKind::Deleted } else { ChangeKind::Updated };
        place.change(call.tenant, &id, moment, kind, |message| {
            message.deleted = is_deleted.then_some(moment.time);
        });
    }
    Ok(call.no_content())
}

fn check_own(message: &Message, user: &str, operation: &str, verb: &str) -> Result<(), GraphError> {
    if message.is_from(user) {
        return Ok(());
    }
    Err(GraphError::forbidden(format!(
        "AclCheckFailed-{operation}: Initiator (8:orgid:{user}) is not allowed to {verb} message"
    )))
}
