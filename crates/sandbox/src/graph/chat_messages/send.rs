//! Sending (Entra reference §5.3). Only a user can; an agent user is one.

use http::Method;

use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::draft::Draft;
use super::hosted::HostedContent;
use super::message::{Message, Said, Sender};
use super::place::Place;

/// An app posts for imports only, in a migration, which is not emulated: its permission meets a 403 below.
const SEND: Needs =
    Needs::split(&["ChatMessage.Send", "Chat.ReadWrite", "Group.ReadWrite.All"], &["Teamwork.Migrate.All"]);
const SEND_MINE: Needs = Needs::delegated(SEND.delegated);
const POST: Needs = Needs::split(&["ChannelMessage.Send", "Group.ReadWrite.All"], &["Teamwork.Migrate.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/chats/{chat}/messages", SEND, send),
        Route::new(Method::POST, "/me/chats/{chat}/messages", SEND_MINE, send),
        Route::new(Method::POST, "/users/{user}/chats/{chat}/messages", SEND, send),
        Route::new(Method::POST, "/teams/{team}/channels/{channel}/messages", POST, send),
        Route::new(Method::POST, "/teams/{team}/channels/{channel}/messages/{message}/replies", POST, send),
    ]
}

fn send(call: &mut Call<'_>) -> Answer {
    let from = call.speaker()?;
    let place = call.place()?;
    let (mut said, hosted) = Draft::new_message(&call.body()?)?;
    // Only what begins a conversation in a channel has a subject.
    if matches!(place, Place::Chat { .. }) || place.root().is_some() {
        said.subject = None;
    }
    Ok(say(call, &place, from, said, hosted))
}

/// Says it, and answers 201 with the message.
pub(super) fn say(
    call: &mut Call<'_>,
    place: &Place,
    from: Sender,
    said: Said,
    hosted: Vec<HostedContent>,
) -> Response {
    let moment = place.next_moment(call.tenant, call.now);
    let mut message = Message::new(moment, Some(from), said);
    message.hosted = hosted;
    message.reply_to = place.root().and_then(|root| root.parse().ok());
    let shown = call.with_context(&place.context(), call.shown().message(place, &message));
    let location = format!("/{}/{}", place.path(), message.id);
    place.push(call, message);
    call.created(&location, &shown)
}

impl Call<'_> {
    /// The user in whose name something is said.
    pub(super) fn speaker(&self) -> Result<Sender, GraphError> {
        let user = self.caller.user_id().map(Sender::user);
        user.ok_or_else(|| {
            GraphError::forbidden(
                "Message POST is allowed in application-only context only for import purposes. Refer to https://docs.microsoft.com/microsoftteams/platform/graph-api/import-messages/import-external-messages-to-teams for more details.",
            )
        })
    }
}
