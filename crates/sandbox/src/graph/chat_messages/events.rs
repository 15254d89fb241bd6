//! The system's notes of what happened to a chat: members came and went, its topic changed (Entra reference
//! §5.3). They stand among the messages, and nobody says them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::instants::milliseconds;
use crate::tenant::Tenant;

use super::message::{Message, Said, Sender};
use super::place::Place;
use super::wire::identity;

/// What happened.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    MembersAdded { members: Vec<Sender>, history_from: Option<Timestamp> },
    MembersDeleted(Vec<Sender>),
    MembersLeft(Vec<Sender>),
    ChatRenamed { chat_id: String, topic: Option<String> },
    MessagePinned(Timestamp),
    MessageUnpinned(Timestamp),
}

impl Event {
    fn detail(&self, tenant: &Tenant, initiator: Option<&Sender>) -> Value {
        let people = |people: &[Sender]| people.iter().map(|one| identity(tenant, one)).collect::<Vec<_>>();
        let (name, mut detail) = match self {
            Self::MembersAdded { members, history_from } => (
                "membersAdded",
                json!({
                    "visibleHistoryStartDateTime":
                        history_from.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), milliseconds),
                    "members": people(members),
                }),
            ),
            Self::MembersDeleted(members) => ("membersDeleted", json!({ "members": people(members) })),
            Self::MembersLeft(members) => ("membersLeft", json!({ "members": people(members) })),
            Self::ChatRenamed { chat_id, topic } => {
                ("chatRenamed", json!({ "chatId": chat_id, "chatDisplayName": topic }))
            }
            Self::MessagePinned(time) => ("messagePinned", json!({ "eventDateTime": milliseconds(*time) })),
            Self::MessageUnpinned(time) => {
                ("messageUnpinned", json!({ "eventDateTime": milliseconds(*time) }))
            }
        };
        detail["@odata.type"] = json!(format!("#microsoft.graph.{name}EventMessageDetail"));
        detail["initiator"] = match initiator {
            Some(person) => {
                json!({ "application": null, "device": null, "user": identity(tenant, person) })
            }
            None => Value::Null,
        };
        detail
    }
}

impl Place {
    /// Notes an event that the caller brought about.
    pub(crate) fn note(&self, call: &mut Call<'_>, event: &Event) {
        let initiator = call.caller.user_id().map(Sender::user);
        let moment = self.next_moment(call.tenant, call.now);
        let detail = event.detail(call.tenant, initiator.as_ref());
        self.push(call, Message::new(moment, None, Said::default()).with_event(detail));
    }
}
