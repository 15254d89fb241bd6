//! Reading messages (Entra reference §5.3): by pages, newest first, with a filter on the property that
//! orders them. A page token names the last message that was sent, so that what is said meanwhile shifts
//! nothing.

use http::Method;
use jiff::Timestamp;
use serde_json::Value;

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Filter, Op, Path, Query, Service, Surface};
use crate::graph::route::{Needs, Route};
use crate::scope;

use super::message::Message;
use super::place::Place;
use super::thread::Thread;

const READ: Needs = Needs::split(&["Chat.Read", "Chat.ReadWrite"], &["Chat.Read.All", "Chat.ReadWrite.All"]);
const READ_ONE: Needs = Needs::split(
    &["Chat.Read", "Chat.ReadWrite", "Group.Read.All", "Group.ReadWrite.All"],
    &["Chat.Read.All", "Chat.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"],
);
const READ_MINE: Needs = Needs::split(READ_ONE.delegated, READ.application);

const COLLECTION: Surface = Surface {
    service: Service::Teams,
    type_name: "chatMessage",
    options: &["top", "orderby", "filter", "skiptoken"],
    properties: &["lastModifiedDateTime", "createdDateTime"],
    expandable: &[],
    page: 20,
    largest_page: 50,
};

const READ_IN_CHANNEL: Needs =
    Needs::either(&["ChannelMessage.Read.All", "Group.Read.All", "Group.ReadWrite.All"]);

/// What begins conversations in a channel, perhaps with the replies.
const CONVERSATIONS: Surface = Surface {
    service: Service::Teams,
    type_name: "chatMessage",
    options: &["top", "expand", "skiptoken"],
    properties: &[],
    expandable: &["replies"],
    page: 20,
    largest_page: 50,
};
const REPLIES: Surface = Surface { options: &["top", "skiptoken"], expandable: &[], ..CONVERSATIONS };

/// A resource of Teams that takes no options.
pub(crate) const NO_OPTIONS: Surface = Surface {
    service: Service::Teams,
    type_name: "chatMessage",
    options: &[],
    properties: &[],
    expandable: &[],
    page: 1,
    largest_page: 1,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/chats/{chat}/messages", READ, list),
        Route::new(Method::GET, "/me/chats/{chat}/messages", READ, list),
        Route::new(Method::GET, "/users/{user}/chats/{chat}/messages", READ, list),
        Route::new(Method::GET, "/chats/{chat}/messages/{message}", READ_ONE, get),
        Route::new(Method::GET, "/me/chats/{chat}/messages/{message}", READ_MINE, get),
        Route::new(Method::GET, "/users/{user}/chats/{chat}/messages/{message}", READ_ONE, get),
        in_channel("/teams/{team}/channels/{channel}/messages", conversations),
        in_channel("/teams/{team}/channels/{channel}/messages/{message}", get),
        in_channel("/teams/{team}/channels/{channel}/messages/{message}/replies", replies),
        in_channel("/teams/{team}/channels/{channel}/messages/{message}/replies/{reply}", get),
    ]
}

fn in_channel(pattern: &'static str, handler: fn(&mut Call<'_>) -> Answer) -> Route {
    Route::new(Method::GET, pattern, READ_IN_CHANNEL, handler)
}

fn list(call: &mut Call<'_>) -> Answer {
    page_of(call, &COLLECTION)
}

fn conversations(call: &mut Call<'_>) -> Answer {
    page_of(call, &CONVERSATIONS)
}

fn replies(call: &mut Call<'_>) -> Answer {
    page_of(call, &REPLIES)
}

fn page_of(call: &Call<'_>, surface: &Surface) -> Answer {
    let mut query = call.query(surface)?;
    query.counts_page = true;
    let window = Window::of(&query)?;
    let place = call.place()?;
    let (page, next) = match place.thread(call.tenant) {
        Some(thread) => {
            let reader = call.caller.user_id();
            window.page(thread, scope::page(query.top), |message| place.shows(call.tenant, reader, message))
        }
        None => (Vec::new(), None),
    };
    let shown = call.shown();
    let items = page
        .into_iter()
        .map(|message| {
            let mut item = shown.message(&place, message);
            if !query.expand.is_empty() {
                item["replies"] = all_replies(call, &place, message);
            }
            item
        })
        .collect();
    Ok(call.page(&query, &place.context(), items, next))
}

/// Newest first, as `$expand=replies` shows them.
fn all_replies(call: &Call<'_>, place: &Place, root: &Message) -> Value {
    let (below, shown) = (place.below(root), call.shown());
    let thread = below.thread(call.tenant).into_iter();
    thread
        .flat_map(|thread| thread.by_creation(None))
        .filter(|message| below.shows(call.tenant, None, message))
        .map(|message| shown.message(&below, message))
        .collect()
}

fn get(call: &mut Call<'_>) -> Answer {
    call.query(&NO_OPTIONS)?;
    let place = call.place()?;
    let shown = call.shown().message(&place, call.message_there(&place)?);
    Ok(call.ok(&call.with_context(&place.context(), shown)))
}

/// The one of two times that orders a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Modified,
    Created,
}

/// Which messages a query asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Window {
    order: Order,
    /// Later than this.
    after: Option<Timestamp>,
    /// Earlier than this.
    before: Option<Timestamp>,
    /// Below this id or revision: where the last page ended.
    below: Option<u64>,
}

impl Window {
    /// `$orderby` is one of the two times, descending; `$filter` compares the same one.
    fn of(query: &Query) -> Result<Self, GraphError> {
        let order = match query.order.as_slice() {
            [] => Order::Modified,
            [(path, true)] => order_of(path).ok_or_else(unsupported_order)?,
            _ => return Err(unsupported_order()),
        };
        let below = match query.after() {
            None => None,
            Some(token) => Some(token.parse().map_err(|_| GraphError::unreadable("Invalid skip token."))?),
        };
        let mut window = Self { order, after: None, before: None, below };
        if let Some(filter) = &query.filter {
            window.narrow(filter)?;
        }
        Ok(window)
    }

    fn narrow(&mut self, filter: &Filter) -> Result<(), GraphError> {
        match filter {
            Filter::And(left, right) => {
                self.narrow(left)?;
                self.narrow(right)
            }
            Filter::Compare(path, ..) if order_of(path) != Some(self.order) => Err(GraphError::unreadable(
                "The filter has to be on the property that orders the messages: $filter and $orderby differ.",
            )),
            Filter::Compare(_, op, wanted) => {
                let time = wanted.text().and_then(|time| time.parse().ok()).ok_or_else(unsupported_filter)?;
                match (op, self.order) {
                    (Op::Lt, _) => self.before = Some(self.before.map_or(time, |other| other.min(time))),
                    (Op::Gt, Order::Modified) => {
                        self.after = Some(self.after.map_or(time, |other| other.max(time)));
                    }
                    _ => return Err(unsupported_filter()),
                }
                Ok(())
            }
            _ => Err(unsupported_filter()),
        }
    }

    /// One page, and what the next one follows.
    fn page<'a>(
        &self,
        thread: &'a Thread,
        size: usize,
        shows: impl Fn(&Message) -> bool,
    ) -> (Vec<&'a Message>, Option<String>) {
        match self.order {
            Order::Modified => {
                let rest = thread.by_change(self.below);
                self.cut(rest, size, |one| one.modified, |one| one.revision, shows)
            }
            Order::Created => {
                let rest = thread.by_creation(self.below.and_then(|id| i64::try_from(id).ok()));
                self.cut(rest, size, |one| one.created, |one| one.id.cast_unsigned(), shows)
            }
        }
    }

    fn cut<'a>(
        &self,
        rest: impl Iterator<Item = &'a Message>,
        size: usize,
        time: fn(&Message) -> Timestamp,
        place: fn(&Message) -> u64,
        shows: impl Fn(&Message) -> bool,
    ) -> (Vec<&'a Message>, Option<String>) {
        let mut wanted = rest
            .skip_while(|message| self.before.is_some_and(|before| time(message) >= before))
            .take_while(|message| self.after.is_none_or(|after| time(message) > after))
            .filter(|message| shows(message));
        let page: Vec<&Message> = wanted.by_ref().take(size).collect();
        let more = wanted.next();
        // An empty page ends where the one before it did, or before the first of those that follow.
        let next = more.map(|more| {
            let end = page.last().map(|last| place(last)).or(self.below);
            end.unwrap_or_else(|| place(more).saturating_add(1)).to_string()
        });
        (page, next)
    }
}

fn order_of(path: &Path) -> Option<Order> {
    match path.to_string().to_ascii_lowercase().as_str() {
        "lastmodifieddatetime" => Some(Order::Modified),
        "createddatetime" => Some(Order::Created),
        _ => None,
    }
}

fn unsupported_order() -> GraphError {
    GraphError::unreadable(
        "QueryOptions to order by 'LastModifiedDateTime' or 'CreatedDateTime' in 'Descending' direction are only supported.",
    )
}

fn unsupported_filter() -> GraphError {
    GraphError::unreadable(
        "Invalid filter clause: lastModifiedDateTime takes gt and lt, createdDateTime takes lt.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::chat_messages::message::{Said, Sender};
    use proptest::prelude::*;

    fn say(thread: &mut Thread, revision: u64) -> i64 {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let moment = thread.next_moment(now, revision);
        thread.push(Message::new(moment, Some(Sender::user("ada")), Said::default()));
        moment.number
    }

    proptest! {
        #[test]
        fn pages_of_any_size_give_each_old_message_once(
            old in 0_u64..80,
            pages in prop::collection::vec((0_usize..=50, 0_u64..5), 1..200),
            by_creation in any::<bool>(),
        ) {
            let mut thread = Thread::default();
            let mut expected: Vec<i64> = (1..=old).map(|revision| say(&mut thread, revision)).collect();
            expected.reverse();
            let order = if by_creation { Order::Created } else { Order::Modified };
            let mut window = Window { order, after: None, before: None, below: None };
            let mut seen = Vec::new();
            let mut revision = old;
            // Empty pages among the others, but not only empty ones.
            for (size, news) in pages.into_iter().chain([(1, 0)]).cycle() {
                let (page, next) = window.page(&thread, size, |_| true);
                prop_assert!(page.len() <= size);
                seen.extend(page.iter().map(|message| message.id));
                let Some(next) = next else { break };
                window.below = next.parse().ok();
                for _ in 0..news {
                    revision += 1;
                    say(&mut thread, revision);
                }
            }
            prop_assert_eq!(seen, expected);
        }
    }
}
