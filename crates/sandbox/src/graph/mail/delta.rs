//! Delta: what changed in a folder since a client last asked (Graph reference §4.3, §7.5). The core is
//! [`round`]: a page of events and where the next one begins; a token carries the place and the options.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::access::enter;
use super::folder_routes::{self, selected};
use super::folders::ROOT;
use super::ids::{self, IdKind};
use super::query::{Options, Surface, options};
use super::refusals::bad;
use super::state::{Mailbox, Message};
use super::wire::{self, View};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Filter, Op};
use crate::scope;
use crate::sharing::Held;

const PAGE: usize = 10;
/// A token rests no longer than this.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 30);

const MESSAGES: Surface = Surface {
    type_name: "message",
    options: &["filter", "orderby", "select", "expand", "top", "skiptoken", "deltatoken"],
    properties: wire::PROPERTIES,
    expandable: &["attachments", "singleValueExtendedProperties"],
};
const FOLDERS: Surface = Surface {
    type_name: "mailFolder",
    options: &["select", "top", "skiptoken", "deltatoken"],
    properties: folder_routes::PROPERTIES,
    expandable: &[],
};

/// Where a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Place {
    /// In the first round, which shows everything: behind the message of that time and number.
    First { start: u64, after: Option<(i64, u64)> },
    /// In a later round: behind that change, and whether its departure was shown too.
    Later { since: u64, after: (u64, bool) },
}

/// Which changes a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Wanted {
    Created,
    Updated,
    Deleted,
}

/// What a page says of one message.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Here(Held<Message>),
    /// It left the place of this serial; its lasting number.
    Gone {
        serial: u64,
        uid: u64,
    },
}

/// A page of a folder's changes and the place behind it; whether it is the last.
pub(super) fn round(
    mailbox: &Mailbox,
    folder: u64,
    place: Place,
    (wanted, ids): (Option<Wanted>, IdKind),
    keeps: impl Fn(&Message) -> bool,
    page: usize,
) -> (Vec<Event>, Place, bool) {
    match place {
        Place::First { start, after } => {
            let is_wanted = wanted.is_none_or(|wanted| wanted == Wanted::Created);
            let key = |message: &Message| (message.received.as_second(), message.uid);
            let mut found: Vec<_> = mailbox
                .within(folder)
                .filter(|message| {
                    is_wanted && after.is_none_or(|after| key(message) < after) && keeps(message)
                })
                .collect();
            found.sort_by_key(|message| std::cmp::Reverse(key(message)));
            let is_last = found.len() <= page;
            found.truncate(page);
            let next = match found.last() {
                Some(last) if !is_last => Place::First { start, after: Some(key(last)) },
                None if !is_last => Place::First { start, after },
                _ => Place::Later { since: start, after: (start, true) },
            };
            (found.into_iter().cloned().map(Event::Here).collect(), next, is_last)
        }
        Place::Later { since, after } => {
            let mut found: Vec<((u64, bool), Event)> = Vec::new();
            for message in mailbox.within(folder).filter(|message| (message.change, true) > after) {
                let kind = if message.arrived > since { Wanted::Created } else { Wanted::Updated };
                if wanted.is_none_or(|wanted| wanted == kind) && keeps(message) {
                    found.push(((message.change, true), Event::Here(message.clone())));
                }
            }
            let shows_gone = wanted.is_none_or(|wanted| wanted == Wanted::Deleted);
            let behind = mailbox.departures.iter_from(&after.0).map(|(_, gone)| gone);
            for gone in behind.filter(|one| (one.change, false) > after) {
                let Some((_, serial)) = gone.place.filter(|(from, _)| *from == folder && shows_gone) else {
                    continue;
                };
                // Who knows it by its lasting id need not hear that it left when it is back.
                let is_back = ids == IdKind::Immutable
                    && mailbox.messages.get(&gone.number).is_some_and(|message| message.folder == folder);
                if !is_back {
                    found.push(((gone.change, false), Event::Gone { serial, uid: gone.number }));
                }
            }
            found.sort_by_key(|(at, _)| *at);
            let is_last = found.len() <= page;
            found.truncate(page);
            let next = match found.last() {
                Some((at, _)) if !is_last => Place::Later { since, after: *at },
                None if !is_last => Place::Later { since, after },
                _ => Place::Later { since: mailbox.change, after: (mailbox.change, true) },
            };
            (found.into_iter().map(|(_, event)| event).collect(), next, is_last)
        }
    }
}

/// What a token carries: opaque to clients.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Token {
    /// The folder; none for the folders themselves.
    folder: Option<u64>,
    place: Place,
    issued: i64,
    wanted: Option<Wanted>,
    select: Option<Vec<String>>,
    filter: Option<String>,
    expand: Vec<(String, String)>,
    top: Option<usize>,
}

impl Token {
    fn encode(&self) -> String {
        // A struct of plain values always serialises.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }

    /// Whether the mailbox still remembers what happened since.
    fn is_current(&self, mailbox: &Mailbox, now: Timestamp) -> bool {
        let since = match self.place {
            Place::First { start, .. } => start,
            Place::Later { since, .. } => since,
        };
        let is_young = Timestamp::from_second(self.issued)
            .is_ok_and(|issued| now.duration_since(issued) <= LIFETIME && issued <= now);
        is_young && (mailbox.forgotten..=mailbox.change).contains(&since)
    }
}

/// 410: the token is too old, or none; `Location` says where to begin again.
fn gone(call: &Call<'_>) -> GraphError {
    let mut error = GraphError::new(
        StatusCode::GONE,
        "syncStateNotFound",
        "The sync state generation is not found; continuationToken is expired or invalid. Start over without a token.",
    );
    error.inner_code = Some("resyncChangesApplyDifferences");
    error.with(http::header::LOCATION, &format!("{}{}", call.request.origin, call.request.path))
}

/// The token of the request, or a new one for its options.
fn token(
    call: &Call<'_>,
    mailbox: &Mailbox,
    folder: Option<u64>,
    options: &Options,
) -> Result<Token, GraphError> {
    let sent = call.request.query("$deltatoken").or_else(|| call.request.query("$skiptoken"));
    if let Some(sent) = sent {
        let token =
            Token::decode(sent).filter(|token| token.folder == folder && token.is_current(mailbox, call.now));
        return token.ok_or_else(|| gone(call));
    }
    let wanted = match call.request.query("changeType").map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("created") => Some(Wanted::Created),
        Some("updated") => Some(Wanted::Updated),
        Some("deleted") => Some(Wanted::Deleted),
        Some(_) => {
            return Err(bad(
                "ErrorInvalidUrlQuery",
                "The value of changeType is created, updated or deleted.",
            ));
        }
    };
    check_order(options)?;
    Ok(Token {
        folder,
        place: Place::First { start: mailbox.change, after: None },
        issued: call.now.as_second(),
        wanted,
        select: options.select.clone(),
        filter: options.filter.as_ref().and(call.request.query("$filter")).map(str::to_owned),
        expand: options.expand.clone(),
        top: call.request.query("$top").is_some().then_some(options.top),
    })
}

/// `receivedDateTime` alone, `ge` or `gt` in the filter, descending in the order.
fn check_order(options: &Options) -> Result<(), GraphError> {
    let is_received =
        |path: &crate::graph::odata::Path| path.to_string().eq_ignore_ascii_case("receivedDateTime");
    let filter_fits = match &options.filter {
        None => true,
        Some(Filter::Compare(path, Op::Ge | Op::Gt, wanted)) => is_received(path) && wanted.text().is_some(),
        Some(_) => false,
    };
    let order_fits = options.order.iter().all(|(path, descending)| is_received(path) && *descending);
    if filter_fits && order_fits {
        return Ok(());
    }
    Err(bad(
        "ErrorInvalidUrlQueryFilter",
        "In a delta query $filter takes 'receivedDateTime ge' or 'receivedDateTime gt' and $orderby takes 'receivedDateTime desc' only.",
    ))
}

fn linked(call: &Call<'_>, token: &Token, is_last: bool) -> (&'static str, String) {
    let (name, option) =
        if is_last { ("@odata.deltaLink", "$deltatoken") } else { ("@odata.nextLink", "$skiptoken") };
    (name, format!("{}{}?{option}={}", call.request.origin, call.request.path, token.encode()))
}

/// `GET …/mailFolders/{folder}/messages/delta`.
pub(super) fn messages(call: &mut Call<'_>) -> Answer {
    let options = options(call, &MESSAGES)?;
    let entry = enter(call)?;
    let mailbox = entry.look(call)?;
    let folder = mailbox.folder(call.params.get("folder"))?.number;
    let token = token(call, mailbox, Some(folder), &options)?;
    let page = scope::page(entry.preferences.page.or(token.top).unwrap_or(PAGE));
    let filter = match &token.filter {
        Some(text) => Some(Filter::parse(text).map_err(|_| gone(call))?),
        None => None,
    };
    let keeps = |message: &Message| {
        filter.as_ref().is_none_or(|filter| {
            filter.matches(&json!({ "receivedDateTime": crate::graph::instants::seconds(message.received) }))
        })
    };
    let ids = entry.preferences.ids;
    let (events, place, is_last) = round(mailbox, folder, token.place, (token.wanted, ids), keeps, page);

    let view = View::of(&entry, token.select.as_ref());
    let shown = Options { expand: token.expand.clone(), ..Options::default() };
    let value: Vec<Value> = events
        .into_iter()
        .map(|event| match event {
            Event::Here(message) => {
                let mut value = mailbox.expanded(&message, &view, &shown);
                value["@odata.type"] = json!("#microsoft.graph.message");
                value
            }
            Event::Gone { serial, uid } => {
                let id = match ids {
                    IdKind::Ordinary => ids::placed(&entry.owner, folder, serial),
                    IdKind::Immutable => ids::lasting(&entry.owner, uid),
                };
                removed(&id, "message")
            }
        })
        .collect();
    let next = Token { place, issued: call.now.as_second(), ..token };
    Ok(entry.applied(call.ok(&page_of(call, "Collection(message)", &next, is_last, value))))
}

fn removed(id: &str, kind: &str) -> Value {
    json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": id, "@removed": { "reason": "deleted" } })
}

fn page_of(call: &Call<'_>, context: &str, next: &Token, is_last: bool, value: Vec<Value>) -> Value {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(call.context(context)));
    let (name, link) = linked(call, next, is_last);
    body.insert(name.to_owned(), json!(link));
    body.insert("value".to_owned(), json!(value));
    Value::Object(body)
}

/// `GET …/mailFolders/delta`.
pub(super) fn folders(call: &mut Call<'_>) -> Answer {
    let options = options(call, &FOLDERS)?;
    let entry = enter(call)?;
    let mailbox = entry.look(call)?;
    let token = token(call, mailbox, None, &options)?;
    let page = scope::page(entry.preferences.page.or(token.top).unwrap_or(PAGE));
    let (since, after) = match token.place {
        Place::First { after, .. } => (0, after.map_or((0, false), |(_, number)| (number, true))),
        Place::Later { since, after } => (since, after),
    };
    let is_first = matches!(token.place, Place::First { .. });
    let seen: Vec<u64> = mailbox.subtree(ROOT).into_iter().filter(|number| *number != ROOT).collect();
    let mut events: Vec<((u64, bool), Value)> = mailbox
        .folders
        .values()
        .filter(|folder| seen.contains(&folder.number) && !folder.is_hidden)
        .map(|folder| (if is_first { (folder.number, true) } else { (folder.change, true) }, folder))
        .filter(|(at, folder)| *at > after && folder.change > since)
        .map(|(at, folder)| {
            let mut shown = selected(mailbox.shown(folder), token.select.as_deref());
            shown["@odata.type"] = json!("#microsoft.graph.mailFolder");
            (at, shown)
        })
        .collect();
    if !is_first {
        let gone =
            mailbox.departures.values().filter(|one| one.place.is_none() && (one.change, false) > after);
        events.extend(
            gone.map(|one| {
                ((one.change, false), removed(&ids::folder(&entry.owner, one.number), "mailFolder"))
            }),
        );
    }
    events.sort_by_key(|(at, _)| *at);
    let is_last = events.len() <= page;
    events.truncate(page);
    let place = match (token.place, events.last()) {
        (Place::First { start, .. }, Some((at, _))) if !is_last => {
            Place::First { start, after: Some((0, at.0)) }
        }
        (place, None) if !is_last => place,
        (Place::First { start, .. }, _) => Place::Later { since: start, after: (start, true) },
        (Place::Later { since, .. }, Some((at, _))) if !is_last => Place::Later { since, after: *at },
        (Place::Later { .. }, _) => Place::Later { since: mailbox.change, after: (mailbox.change, true) },
    };
    let next = Token { place, issued: call.now.as_second(), ..token };
    let value = events.into_iter().map(|(_, value)| value).collect();
    Ok(entry.applied(call.ok(&page_of(call, "Collection(mailFolder)", &next, is_last, value))))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::folders::{DELETED_ITEMS, INBOX};
    use super::*;
    use crate::mail::Item;

    #[derive(Debug, Clone)]
    enum Step {
        Add,
        Edit(usize),
        MoveOut(usize),
        MoveIn(usize),
        Remove(usize),
        /// The client asks for a page of that size.
        Ask(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Add),
            2 => any::<usize>().prop_map(Step::Edit),
            2 => any::<usize>().prop_map(Step::MoveOut),
            2 => any::<usize>().prop_map(Step::MoveIn),
            1 => any::<usize>().prop_map(Step::Remove),
            3 => (1..4_usize).prop_map(Step::Ask),
        ]
    }

    /// What a client keeps of a folder, by the ids that it sees.
    struct Client {
        ids: IdKind,
        place: Place,
        known: BTreeMap<String, u64>,
    }

    impl Client {
        /// One page; whether the round ended with it.
        fn ask(&mut self, mailbox: &Mailbox, page: usize) -> bool {
            let (events, place, is_last) =
                round(mailbox, INBOX, self.place, (None, self.ids), |_| true, page);
            assert!(events.len() <= page);
            for event in events {
                match event {
                    Event::Here(message) => {
                        self.known.insert(mailbox.id(&message, self.ids), message.change);
                    }
                    Event::Gone { serial, uid } => {
                        let id = match self.ids {
                            IdKind::Ordinary => ids::placed(&mailbox.owner, INBOX, serial),
                            IdKind::Immutable => ids::lasting(&mailbox.owner, uid),
                        };
                        self.known.remove(&id);
                    }
                }
            }
            self.place = place;
            is_last
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        /// What a client reconstructs from delta equals the folder, whatever happens meanwhile.
        #[test]
        fn a_client_of_delta_knows_the_folder(steps in proptest::collection::vec(step(), 0..60), lasting in any::<bool>()) {
            let ids = if lasting { IdKind::Immutable } else { IdKind::Ordinary };
            let mut mailbox = Mailbox::new("a77ac4e0-0000-4000-8000-000000000101");
            let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
            let mut client = Client { ids, place: Place::First { start: mailbox.change, after: None }, known: BTreeMap::new() };
            for (index, step) in steps.into_iter().enumerate() {
                let time = now + SignedDuration::from_secs(i64::try_from(index % 7).unwrap());
                let pick = |folder: u64, at: usize| {
                    let all: Vec<u64> = mailbox.within(folder).map(|message| message.uid).collect();
                    (!all.is_empty()).then(|| all[at % all.len()])
                };
                match step {
                    Step::Add => {
                        mailbox.add(INBOX, Held::new(Item::default()), time);
                    }
                    Step::Edit(at) => {
                        if let Some(uid) = pick(INBOX, at) {
                            mailbox.edit(uid, time, |message| message.is_read = !message.is_read);
                        }
                    }
                    Step::MoveOut(at) => {
                        if let Some(uid) = pick(INBOX, at) {
                            mailbox.transfer(uid, DELETED_ITEMS, time);
                        }
                    }
                    Step::MoveIn(at) => {
                        if let Some(uid) = pick(DELETED_ITEMS, at) {
                            mailbox.transfer(uid, INBOX, time);
                        }
                    }
                    Step::Remove(at) => {
                        if let Some(uid) = pick(INBOX, at) {
                            mailbox.remove(uid);
                        }
                    }
                    Step::Ask(page) => {
                        client.ask(&mailbox, page);
                    }
                }
            }
            // The round in progress ends, and one more brings what it missed.
            while !client.ask(&mailbox, 2) {}
            while !client.ask(&mailbox, 2) {}
            let there: BTreeMap<String, u64> =
                mailbox.within(INBOX).map(|message| (mailbox.id(message, ids), message.change)).collect();
            prop_assert_eq!(&client.known, &there);
            // And then there is nothing more to say.
            prop_assert!(client.ask(&mailbox, 1));
            let (events, ..) = round(&mailbox, INBOX, client.place, (None, ids), |_| true, 5);
            prop_assert!(events.is_empty());
        }

        #[test]
        fn no_token_breaks_the_reader(text in "\\PC{0,80}") {
            prop_assert!(Token::decode(&text).is_none());
        }
    }
}
