//! Mail: mailboxes, folders, messages, sending, delta and settings (Graph reference §4, §3.2, §6.1).

mod access;
mod announce;
mod attachments;
mod changes;
mod delta;
mod folder_routes;
mod folders;
mod ids;
mod input;
mod limits;
mod messages;
mod query;
mod recipients;
mod refusals;
mod replies;
mod report;
mod search;
mod send;
mod settings;
mod state;
mod translate;
mod transport;
mod uploads;
mod wire;

use http::Method;

use super::route::{Area, Handler, Needs, Route};

pub(crate) use announce::{Announcement, announce};
pub(crate) use recipients::{Destination, owner, resolve};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use search::withstand_search;
pub(crate) use settings::{of_nobody as settings_of_nobody, of_user as settings_of};
pub(crate) use state::delivered;
pub(crate) use state::{Access, Mail, Right};
pub(crate) use transport::{Accepted, Incoming, Outgoing, carried, catch_up, receive, to_carry};
pub(crate) use uploads::{is_upload, upload};

/// Reads everything of messages but their bodies.
const READ_BASIC: Needs = Needs::split(
    &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"],
    &["Mail.ReadBasic.All", "Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"],
);
const READ: Needs = Needs::either(&["Mail.Read", "Mail.ReadWrite"]);
const WRITE: Needs = Needs::either(&["Mail.ReadWrite"]);
const SEND: Needs = Needs::either(&["Mail.Send"]);
const SETTINGS: Needs = Needs::either(&["MailboxSettings.Read", "MailboxSettings.ReadWrite"]);
const SET: Needs = Needs::either(&["MailboxSettings.ReadWrite"]);

/// The same for another's mailbox, where a user's token may have the scope for shared mailboxes instead.
const SHARED_READ_BASIC: Needs = Needs::split(
    &[
        "Mail.ReadBasic",
        "Mail.Read",
        "Mail.ReadWrite",
        "Mail.ReadBasic.Shared",
        "Mail.Read.Shared",
        "Mail.ReadWrite.Shared",
    ],
    READ_BASIC.application,
);
const SHARED_READ: Needs = Needs::split(
    &["Mail.Read", "Mail.ReadWrite", "Mail.Read.Shared", "Mail.ReadWrite.Shared"],
    READ.application,
);
const SHARED_WRITE: Needs = Needs::split(&["Mail.ReadWrite", "Mail.ReadWrite.Shared"], WRITE.application);
const SHARED_SEND: Needs = Needs::split(&["Mail.Send", "Mail.Send.Shared"], SEND.application);

/// A route of one's own mailbox and of anybody's.
macro_rules! mailbox {
    ($routes:ident, $method:ident, $path:literal, $own:expr, $shared:expr, $handler:expr) => {
        $routes.extend([
            route(Method::$method, concat!("/me", $path), $own, $handler),
            route(Method::$method, concat!("/users/{id}", $path), $shared, $handler),
        ]);
    };
}

/// A route of messages: wherever they are, and in their folder.
macro_rules! message {
    ($routes:ident, $method:ident, $path:literal, $own:expr, $shared:expr, $handler:expr) => {
        $routes.extend([
            route(Method::$method, concat!("/me/messages", $path), $own, $handler),
            route(Method::$method, concat!("/users/{id}/messages", $path), $shared, $handler),
            route(Method::$method, concat!("/me/mailFolders/{folder}/messages", $path), $own, $handler),
            route(
                Method::$method,
                concat!("/users/{id}/mailFolders/{folder}/messages", $path),
                $shared,
                $handler,
            ),
        ]);
    };
}

fn route(method: Method, path: &'static str, needs: Needs, handler: Handler) -> Route {
    Route::new(method, path, needs, handler).area(Area::Outlook)
}

pub(super) fn routes() -> Vec<Route> {
    let mut all = Vec::with_capacity(160);
    message!(all, GET, "", READ_BASIC, SHARED_READ_BASIC, messages::list);
    message!(all, POST, "", WRITE, SHARED_WRITE, messages::create);
    message!(all, GET, "/$count", READ_BASIC, SHARED_READ_BASIC, messages::count);
    message!(all, GET, "/{message}", READ_BASIC, SHARED_READ_BASIC, messages::get);
    message!(all, PATCH, "/{message}", WRITE, SHARED_WRITE, messages::update);
    message!(all, DELETE, "/{message}", WRITE, SHARED_WRITE, messages::delete);
    message!(all, GET, "/{message}/$value", READ, SHARED_READ, messages::value);
    message!(all, POST, "/{message}/move", WRITE, SHARED_WRITE, messages::relocate);
    message!(all, POST, "/{message}/copy", WRITE, SHARED_WRITE, messages::copy);
    message!(all, POST, "/{message}/permanentDelete", WRITE, SHARED_WRITE, messages::delete_for_good);
    message!(all, POST, "/{message}/send", SEND, SHARED_SEND, send::send_draft);
    message!(all, POST, "/{message}/createReply", WRITE, SHARED_WRITE, replies::create_reply);
    message!(all, POST, "/{message}/createReplyAll", WRITE, SHARED_WRITE, replies::create_reply_all);
    message!(all, POST, "/{message}/createForward", WRITE, SHARED_WRITE, replies::create_forward);
    message!(all, POST, "/{message}/reply", SEND, SHARED_SEND, replies::reply);
    message!(all, POST, "/{message}/replyAll", SEND, SHARED_SEND, replies::reply_all);
    message!(all, POST, "/{message}/forward", SEND, SHARED_SEND, replies::forward);
    message!(all, GET, "/{message}/attachments", READ, SHARED_READ, attachments::list);
    message!(all, POST, "/{message}/attachments", WRITE, SHARED_WRITE, attachments::add);
    message!(all, POST, "/{message}/attachments/createUploadSession", WRITE, SHARED_WRITE, uploads::create);
    message!(all, GET, "/{message}/attachments/{attachment}", READ, SHARED_READ, attachments::get);
    message!(all, GET, "/{message}/attachments/{attachment}/$value", READ, SHARED_READ, attachments::value);
    message!(all, DELETE, "/{message}/attachments/{attachment}", WRITE, SHARED_WRITE, attachments::remove);
    all.extend([
        route(Method::POST, "/me/translateExchangeIds", translate::OWN, translate::translate),
        route(Method::POST, "/users/{id}/translateExchangeIds", translate::ANYBODYS, translate::translate),
    ]);
    mailbox!(all, GET, "/mailFolders", READ_BASIC, SHARED_READ_BASIC, folder_routes::list);
    mailbox!(all, POST, "/mailFolders", WRITE, SHARED_WRITE, folder_routes::create);
    mailbox!(all, GET, "/mailFolders/delta", READ_BASIC, SHARED_READ_BASIC, delta::folders);
    mailbox!(all, GET, "/mailFolders/{folder}", READ_BASIC, SHARED_READ_BASIC, folder_routes::get);
    mailbox!(all, PATCH, "/mailFolders/{folder}", WRITE, SHARED_WRITE, folder_routes::update);
    mailbox!(all, DELETE, "/mailFolders/{folder}", WRITE, SHARED_WRITE, folder_routes::delete);
    mailbox!(
        all,
        GET,
        "/mailFolders/{folder}/childFolders",
        READ_BASIC,
        SHARED_READ_BASIC,
        folder_routes::list
    );
    mailbox!(all, POST, "/mailFolders/{folder}/childFolders", WRITE, SHARED_WRITE, folder_routes::create);
    mailbox!(
        all,
        GET,
        "/mailFolders/{folder}/childFolders/{child}",
        READ_BASIC,
        SHARED_READ_BASIC,
        folder_routes::get
    );
    mailbox!(all, POST, "/mailFolders/{folder}/move", WRITE, SHARED_WRITE, folder_routes::relocate);
    mailbox!(all, POST, "/mailFolders/{folder}/copy", WRITE, SHARED_WRITE, folder_routes::copy);
    mailbox!(
        all,
        POST,
        "/mailFolders/{folder}/permanentDelete",
        WRITE,
        SHARED_WRITE,
        folder_routes::delete_for_good
    );
    mailbox!(
        all,
        GET,
        "/mailFolders/{folder}/messages/delta",
        READ_BASIC,
        SHARED_READ_BASIC,
        delta::messages
    );
    mailbox!(all, POST, "/sendMail", SEND, SHARED_SEND, send::send_mail);
    mailbox!(all, GET, "/mailboxSettings", SETTINGS, SETTINGS, settings::get);
    mailbox!(all, PATCH, "/mailboxSettings", SET, SET, settings::update);
    mailbox!(all, GET, "/mailboxSettings/{part}", SETTINGS, SETTINGS, settings::get_part);
    mailbox!(all, GET, "/outlook/masterCategories", SETTINGS, SETTINGS, settings::categories);
    mailbox!(all, POST, "/outlook/masterCategories", SET, SET, settings::add_category);
    mailbox!(all, GET, "/outlook/masterCategories/{category}", SETTINGS, SETTINGS, settings::category);
    mailbox!(all, PATCH, "/outlook/masterCategories/{category}", SET, SET, settings::update_category);
    mailbox!(all, DELETE, "/outlook/masterCategories/{category}", SET, SET, settings::remove_category);
    all
}
