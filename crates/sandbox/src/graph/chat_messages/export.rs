//! Messages in bulk, for applications only (Entra reference §5.3, §13): all of a user's chats, all channels of a
//! team; and what changed since, for both and for one channel. A token names the last change that was sent:
//! changes have one order in the tenant.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Filter, Op, Query, Service, Surface};
use crate::graph::route::{Needs, Route};
use crate::scope;

use super::message::Message;
use super::place::Place;

const EXPORT_CHATS: Needs = Needs::split(&[], &["Chat.Read.All", "Chat.ReadWrite.All"]);
const EXPORT_CHANNELS: Needs = Needs::split(&[], &["ChannelMessage.Read.All"]);
const CHANNEL_DELTA: Needs =
    Needs::either(&["ChannelMessage.Read.All", "Group.Read.All", "Group.ReadWrite.All"]);

const SURFACE: Surface = Surface {
    service: Service::Teams,
    type_name: "chatMessage",
    options: &["top", "filter"],
    properties: &["lastModifiedDateTime"],
    expandable: &[],
    page: 20,
    largest_page: 50,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/me/chats/getAllMessages", EXPORT_CHATS, of_user),
        Route::new(Method::GET, "/me/chats/getAllMessages/delta", EXPORT_CHATS, of_user),
        Route::new(Method::GET, "/users/{user}/chats/getAllMessages", EXPORT_CHATS, of_user),
        Route::new(Method::GET, "/users/{user}/chats/getAllMessages/delta", EXPORT_CHATS, of_user),
        Route::new(Method::GET, "/teams/{team}/channels/getAllMessages", EXPORT_CHANNELS, of_team),
        Route::new(Method::GET, "/teams/{team}/channels/getAllMessages/delta", EXPORT_CHANNELS, of_team),
        Route::new(
            Method::GET,
            "/teams/{team}/channels/{channel}/messages/delta",
            CHANNEL_DELTA,
            channel_delta,
        ),
    ]
}

fn of_user(call: &mut Call<'_>) -> Answer {
    check_model(call)?;
    let named = call.params.get("user");
    let user = call.tenant.user(named, call.now);
    let user = user.ok_or_else(|| GraphError::not_found(format!("User '{named}' was not found.")))?;
    let mut places = Vec::new();
    for (key, chat) in call.tenant.workloads.chats.all() {
        if chat.member(&user.id).is_some() {
            places.push(Place::Chat { key: key.clone(), id: chat.id.clone() });
        }
    }
    answer(call, &places, Some(&user.id), Wanted::Everything)
}

fn of_team(call: &mut Call<'_>) -> Answer {
    check_model(call)?;
    let team = call.team()?;
    let places: Vec<Place> = team
        .channels
        .iter()
        .map(|channel| Place::Channel { team: team.id.clone(), channel: channel.id.clone(), root: None })
        .collect();
    answer(call, &places, None, Wanted::Everything)
}

fn channel_delta(call: &mut Call<'_>) -> Answer {
    let place = call.place()?;
    answer(call, &[place], None, Wanted::Conversations)
}

/// What is told of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Every message.
    Everything,
    /// The first message of each conversation: a channel's delta.
    Conversations,
}

/// `model` once said who is billed; it means nothing any more, but it has to be one that there was.
fn check_model(call: &Call<'_>) -> Result<(), GraphError> {
    match call.request.query("model") {
        None => Ok(()),
        Some(model) if ["A", "B"].iter().any(|known| known.eq_ignore_ascii_case(model)) => Ok(()),
        Some(_) => Err(GraphError::unreadable("Invalid value specified for 'model': use A or B.")),
    }
}

/// Where the last answer ended, and what the first one asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Token {
    /// The last change that was sent.
    #[serde(rename = "r")]
    revision: u64,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    after: Option<Timestamp>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    before: Option<Timestamp>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    top: Option<usize>,
}

fn answer(call: &Call<'_>, places: &[Place], reader: Option<&str>, wanted: Wanted) -> Answer {
    let is_delta = call.path.segments.last().is_some_and(|last| last.eq_ignore_ascii_case("delta"));
    let (token, size) = asked(call, is_delta)?;
    let mut found: Vec<(&Place, &Message)> = Vec::new();
    for place in places {
        // Oldest change first, so that what is changed meanwhile comes later and not twice; of each place one
        // more than a page, to know whether there is more.
        let thread = place.thread(call.tenant).into_iter();
        let changes = thread
            .flat_map(|thread| thread.by_change_after(token.revision))
            .filter(|message| token.after.is_none_or(|after| message.modified > after))
            .filter(|message| token.before.is_none_or(|before| message.modified < before))
            .filter(|message| match place {
                Place::Chat { .. } => place.shows(call.tenant, reader, message),
                Place::Channel { .. } => wanted == Wanted::Everything || message.reply_to.is_none(),
            })
            .take(size + 1);
        found.extend(changes.map(|message| (place, message)));
    }
    found.sort_by_key(|(_, message)| message.revision);
    let size = scope::page(size);
    let more = found.len() > size;
    found.truncate(size);

    let end = Token { revision: found.last().map_or(token.revision, |(_, last)| last.revision), ..token };
    let shown = call.shown();
    let items: Vec<Value> = found.into_iter().map(|(place, message)| shown.message(place, message)).collect();
    let context = match (wanted, places) {
        (Wanted::Conversations, [place]) => place.context(),
        _ => "Collection(microsoft.graph.chatMessage)".to_owned(),
    };
    let mut body = json!({ "@odata.context": call.context(&context) });
    let link = |name: &str| {
        let token = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&end).unwrap_or_default());
        json!(format!("{}{}?${name}={token}", call.request.origin, call.request.path))
    };
    if more {
        body["@odata.nextLink"] = link("skiptoken");
    } else if is_delta {
        body["@odata.deltaLink"] = link("deltatoken");
    }
    body["value"] = Value::Array(items);
    Ok(call.ok(&body))
}

/// What the options ask for, or the token that stands for them.
fn asked(call: &Call<'_>, is_delta: bool) -> Result<(Token, usize), GraphError> {
    let is_token = |name: &str| {
        name.eq_ignore_ascii_case("$skiptoken") || (is_delta && name.eq_ignore_ascii_case("$deltatoken"))
    };
    let parameters = &call.request.query;
    if let Some((_, text)) = parameters.iter().find(|(name, _)| is_token(name)) {
        let token = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let token: Token = token.ok_or_else(|| GraphError::unreadable("Badly formed token."))?;
        return Ok((token, token.top.unwrap_or(SURFACE.page).clamp(1, SURFACE.largest_page)));
    }
    let query = Query::parse(&SURFACE, parameters, false)?;
    let mut token = Token { top: Some(query.top), ..Token::default() };
    if let Some(filter) = &query.filter {
        token.narrow(filter)?;
    }
    Ok((token, query.top))
}

impl Token {
    fn narrow(&mut self, filter: &Filter) -> Result<(), GraphError> {
        let unsupported =
            || GraphError::unreadable("Invalid filter clause: lastModifiedDateTime takes gt and lt only.");
        match filter {
            Filter::And(left, right) => {
                self.narrow(left)?;
                self.narrow(right)
            }
            Filter::Compare(_, op, wanted) => {
                let time = wanted.text().and_then(|time| time.parse().ok()).ok_or_else(unsupported)?;
                match op {
                    Op::Gt => self.after = Some(time),
                    Op::Lt => self.before = Some(time),
                    _ => return Err(unsupported()),
                }
                Ok(())
            }
            _ => Err(unsupported()),
        }
    }
}
