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
const EDIT_IN_CHANNEL: Needs = Needs::split(
    &["ChannelMessage.ReadWrite", "Group.ReadWrite.All"],
    &["ChannelMessage.UpdatePolicyViolation.All", "Group.ReadWrite.All"],
);
const DELETE_IN_CHANNEL: Needs = Needs::delegated(&["ChannelMessage.ReadWrite"]);
const DELETE: Needs = Needs::delegated(&["Chat.ReadWrite"]);

pub(super) fn routes() -> Vec<Route> {
    type Handler = fn(&mut Call<'_>) -> Answer;
    let edits = [
        ("/chats/{chat}/messages/{message}", EDIT),
        ("/teams/{team}/channels/{channel}/messages/{message}", EDIT_IN_CHANNEL),
        ("/teams/{team}/channels/{channel}/messages/{message}/replies/{reply}", EDIT_IN_CHANNEL),
    ];
    let deletions = [
        ("/me/chats/{chat}/messages/{message}/softDelete", DELETE, delete as Handler),
        ("/users/{user}/chats/{chat}/messages/{message}/softDelete", DELETE, delete),
        ("/me/chats/{chat}/messages/{message}/undoSoftDelete", DELETE, undelete),
        ("/users/{user}/chats/{chat}/messages/{message}/undoSoftDelete", DELETE, undelete),
        ("/teams/{team}/channels/{channel}/messages/{message}/softDelete", DELETE_IN_CHANNEL, delete),
        ("/teams/{team}/channels/{channel}/messages/{message}/undoSoftDelete", DELETE_IN_CHANNEL, undelete),
        (
            "/teams/{team}/channels/{channel}/messages/{message}/replies/{reply}/softDelete",
            DELETE_IN_CHANNEL,
            delete,
        ),
        (
            "/teams/{team}/channels/{channel}/messages/{message}/replies/{reply}/undoSoftDelete",
            DELETE_IN_CHANNEL,
            undelete,
        ),
    ];
    let edits = edits.map(|(pattern, needs)| Route::new(Method::PATCH, pattern, needs, edit));
    let deletions =
        deletions.map(|(pattern, needs, handler)| Route::new(Method::POST, pattern, needs, handler));
    edits.into_iter().chain(deletions).collect()
}

fn edit(call: &mut Call<'_>) -> Answer {
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
    place.change(call, &id, moment, ChangeKind::Updated, |message| {
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

fn delete(call: &mut Call<'_>) -> Answer {
    set_deleted(call, true)
}

fn undelete(call: &mut Call<'_>) -> Answer {
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
        place.change(call, &id, moment, kind, |message| {
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
