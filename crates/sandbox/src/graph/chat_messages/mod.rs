//! Messages of Teams, in chats and in channels (Entra reference §5.3).

mod attachments;
mod draft;
mod edit;
mod events;
mod export;
mod hosted;
mod list;
mod mentions;
mod message;
mod place;
mod quote;
mod reactions;
mod send;
mod thread;
mod wire;

use crate::graph::route::{Area, Route};

pub(crate) use events::Event;
pub(crate) use list::NO_OPTIONS;
pub(crate) use message::{Home, Message, Sender};
pub(crate) use place::Place;
pub(crate) use thread::Thread;
pub(crate) use wire::Shown;

pub(super) fn routes() -> Vec<Route> {
    [
        list::routes(),
        export::routes(),
        send::routes(),
        quote::routes(),
        edit::routes(),
        reactions::routes(),
        hosted::routes(),
    ]
    .into_iter()
    .flatten()
    .map(|route| route.area(Area::Teams))
    .collect()
}
