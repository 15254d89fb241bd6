//! Contents that a message carries itself: images in the text, code snippets (Entra reference §5.3).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::exchange::Response;
use crate::graph::binary::binary;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::list::NO_OPTIONS;
use super::message::Message;
use super::place::Place;

const READ: Needs = Needs::split(
    &["Chat.Read", "Chat.ReadWrite", "Group.Read.All", "Group.ReadWrite.All"],
    &["Chat.Read.All", "Chat.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"],
);
const READ_VALUE: Needs =
    Needs::split(&["Chat.Read", "Chat.ReadWrite"], &["Chat.Read.All", "Chat.ReadWrite.All"]);

const READ_IN_CHANNEL: Needs =
    Needs::either(&["ChannelMessage.Read.All", "Group.Read.All", "Group.ReadWrite.All"]);

/// The largest content.
const LARGEST: usize = 4 * 1024 * 1024;

/// One content. Its bytes are shared between copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostedContent {
    pub(crate) id: String,
    pub(crate) content_type: String,
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub(crate) bytes: Bytes,
}

pub(super) fn routes() -> Vec<Route> {
    type Handler = fn(&mut Call<'_>) -> Answer;
    [
        ("/chats/{chat}/messages/{message}/hostedContents", READ, list as Handler),
        ("/me/chats/{chat}/messages/{message}/hostedContents", READ, list),
        ("/users/{user}/chats/{chat}/messages/{message}/hostedContents", READ, list),
        ("/chats/{chat}/messages/{message}/hostedContents/{hosted}", READ, get),
        ("/me/chats/{chat}/messages/{message}/hostedContents/{hosted}", READ, get),
        ("/users/{user}/chats/{chat}/messages/{message}/hostedContents/{hosted}", READ, get),
        ("/chats/{chat}/messages/{message}/hostedContents/{hosted}/$value", READ_VALUE, value),
        ("/me/chats/{chat}/messages/{message}/hostedContents/{hosted}/$value", READ_VALUE, value),
        ("/users/{user}/chats/{chat}/messages/{message}/hostedContents/{hosted}/$value", READ_VALUE, value),
        ("/teams/{team}/channels/{channel}/messages/{message}/hostedContents", READ_IN_CHANNEL, list),
        ("/teams/{team}/channels/{channel}/messages/{message}/hostedContents/{hosted}", READ_IN_CHANNEL, get),
        (
            "/teams/{team}/channels/{channel}/messages/{message}/hostedContents/{hosted}/$value",
            READ_IN_CHANNEL,
            value,
        ),
        (
            "/teams/{team}/channels/{channel}/messages/{message}/replies/{reply}/hostedContents",
            READ_IN_CHANNEL,
            list,
        ),
        (
            "/teams/{team}/channels/{channel}/messages/{message}/replies/{reply}/hostedContents/{hosted}",
            READ_IN_CHANNEL,
            get,
        ),
        (
            "/teams/{team}/channels/{channel}/messages/{message}/replies/{reply}/hostedContents/{hosted}/$value",
            READ_IN_CHANNEL,
            value,
        ),
    ]
    .into_iter()
    .map(|(pattern, needs, handler)| Route::new(Method::GET, pattern, needs, handler))
    .collect()
}

fn list(call: &mut Call<'_>) -> Answer {
    call.query(&NO_OPTIONS)?;
    let place = call.place()?;
    let message = call.message_there(&place)?;
    let items = message.hosted.iter().map(shown).collect();
    Ok(call.whole(&context(&place, message), items))
}

fn get(call: &mut Call<'_>) -> Answer {
    call.query(&NO_OPTIONS)?;
    let place = call.place()?;
    let message = call.message_there(&place)?;
    let hosted = find(call, message)?;
    Ok(call.ok(&call.with_context(&context(&place, message), shown(hosted))))
}

fn value(call: &mut Call<'_>) -> Answer {
    let place = call.place()?;
    let hosted = find(call, call.message_there(&place)?)?;
    let mut response = Response::empty(StatusCode::OK).with(CONTENT_TYPE, &hosted.content_type);
    response.body = hosted.bytes.clone();
    Ok(response)
}

fn context(place: &Place, message: &Message) -> String {
    format!("{}('{}')/hostedContents", place.context(), message.id)
}

fn find<'a>(call: &Call<'_>, message: &'a Message) -> Result<&'a HostedContent, GraphError> {
    let id = call.params.get("hosted");
    let found = message.hosted.iter().find(|hosted| hosted.id == id);
    found.ok_or_else(|| {
        GraphError::not_found(format!("NotFound: no hosted content with id '{id}' was found."))
    })
}

/// The bytes are in `$value` only.
fn shown(hosted: &HostedContent) -> Value {
    json!({ "id": hosted.id, "contentBytes": null, "contentType": hosted.content_type })
}

/// A content as a client sends it, with the name by which the body refers to it.
pub(super) fn read(entry: &Map<String, Value>) -> Result<(String, HostedContent), GraphError> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let missing = |name: &str| {
        GraphError::unreadable(format!("Hosted content has no valid value for property '{name}'."))
    };
    let name = text("@microsoft.graph.temporaryId").ok_or_else(|| missing("@microsoft.graph.temporaryId"))?;
    let content_type = text("contentType").ok_or_else(|| missing("contentType"))?;
    let encoded = text("contentBytes").ok_or_else(|| missing("contentBytes"))?;
    let bytes = binary(encoded).ok_or_else(|| missing("contentBytes"))?;
    if bytes.len() > LARGEST {
        return Err(GraphError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            "Hosted content is too large: the limit is 4 MB.",
        ));
    }
    // As opaque as Teams' own, and fit for a path.
    let id = URL_SAFE_NO_PAD.encode(format!("id=,type=1,url={}", uuid::Uuid::new_v4().simple()));
    Ok((name.to_owned(), HostedContent { id, content_type: content_type.to_owned(), bytes: bytes.into() }))
}

fn as_text<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map(Bytes::from).map_err(serde::de::Error::custom)
}
