//! Mailboxes, as their owners see them; and sending mail as one of them.

use askama::Template;
use http::StatusCode;
use serde_json::{Value, json};

use crate::exchange::Response;

use super::chats::when;
use super::desk::{Choice, Desk, Frame, View, encoded, text, values};
use super::page::{Refusal, page, redirect};
use super::text::plain;

#[derive(Template)]
#[template(path = "portal/mail.html")]
struct List {
    frame: Frame,
    view: View,
    folders: Vec<Folder>,
    folder: String,
    letters: Vec<Letter>,
    people: Vec<Choice>,
    error: String,
}

struct Folder {
    address: String,
    name: String,
    count: i64,
    unread: i64,
    is_open: bool,
}

struct Letter {
    address: String,
    subject: String,
    party: String,
    preview: String,
    when: String,
    is_unread: bool,
}

#[derive(Template)]
#[template(path = "portal/letter.html")]
struct Opened {
    frame: Frame,
    back: String,
    subject: String,
    lines: Vec<(&'static str, String)>,
    text: String,
}

pub(super) fn list(desk: &Desk<'_>) -> Result<Response, Refusal> {
    show_list(desk, String::new())
}

/// Sends a message in the owner's name, as their client would.
pub(super) fn send(desk: &Desk<'_>) -> Result<Response, Refusal> {
    let view = desk.view()?;
    let body = json!({ "message": {
        "subject": desk.field("subject"),
        "body": { "contentType": "Text", "content": desk.field("content") },
        "toRecipients": [{ "emailAddress": { "address": desk.field("to") } }],
    } });
    match desk.post(&view.id, "/me/sendMail", &body) {
        Ok(_) => Ok(redirect(&format!("{}?as={}&folder=sentitems", desk.at("mail"), view.id))),
        Err(error) => show_list(desk, error),
    }
}

fn show_list(desk: &Desk<'_>, mut error: String) -> Result<Response, Refusal> {
    let view = desk.view()?;
    let mut ask = |path: &str| match desk.ask(&view.id, path) {
        Ok(found) => found,
        Err(refusal) => {
            error = refusal;
            Value::Null
        }
    };
    let folders = ask("/me/mailFolders?$top=50");
    let wanted = match desk.field("folder") {
        "" => "inbox",
        folder => folder,
    };
    let opened =
        if folders.is_null() { Value::Null } else { ask(&format!("/me/mailFolders/{}", encoded(wanted))) };
    let letters = if opened.is_null() {
        Value::Null
    } else {
        ask(&format!("/me/mailFolders/{}/messages?$top=50&$orderby=receivedDateTime%20desc", encoded(wanted)))
    };
    let list = List {
        folders: values(&folders).iter().map(|one| folder(desk, &view, one, text(&opened, "/id"))).collect(),
        folder: text(&opened, "/displayName").to_owned(),
        letters: values(&letters).iter().map(|one| letter(desk, &view, one)).collect(),
        people: desk
            .users()
            .into_iter()
            .map(|user| Choice {
                value: user.mail.clone().unwrap_or_else(|| user.upn.clone()),
                label: user.display_name.clone(),
                is_chosen: false,
            })
            .collect(),
        frame: desk.frame("mail"),
        view,
        error,
    };
    Ok(page(StatusCode::OK, &list))
}

pub(super) fn show(desk: &Desk<'_>, id: &str) -> Result<Response, Refusal> {
    let view = desk.view()?;
    let found = desk
        .ask(&view.id, &format!("/me/messages/{}", encoded(id)))
        .map_err(|error| Refusal::new(StatusCode::NOT_FOUND, "This message cannot be shown", error))?;
    let parties = |name: &str| {
        let list = found[name].as_array().into_iter().flatten();
        list.map(|one| text(one, "/emailAddress/address")).collect::<Vec<_>>().join(", ")
    };
    let content = text(&found, "/body/content");
    let lines = [
        ("From", text(&found, "/from/emailAddress/address").to_owned()),
        ("To", parties("toRecipients")),
        ("Cc", parties("ccRecipients")),
        ("Received", when(text(&found, "/receivedDateTime"))),
        ("Message-ID", text(&found, "/internetMessageId").to_owned()),
    ];
    let opened = Opened {
        frame: desk.frame("mail"),
        back: format!(
            "{}?as={}&folder={}",
            desk.at("mail"),
            view.id,
            encoded(text(&found, "/parentFolderId"))
        ),
        subject: subject(&found),
        lines: lines.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        text: if text(&found, "/body/contentType") == "html" { plain(content) } else { content.to_owned() },
    };
    Ok(page(StatusCode::OK, &opened))
}

fn folder(desk: &Desk<'_>, view: &View, folder: &Value, open: &str) -> Folder {
    let id = text(folder, "/id");
    Folder {
        address: format!("{}?as={}&folder={}", desk.at("mail"), view.id, encoded(id)),
        name: text(folder, "/displayName").to_owned(),
        count: folder["totalItemCount"].as_i64().unwrap_or(0),
        unread: folder["unreadItemCount"].as_i64().unwrap_or(0),
        is_open: id == open,
    }
}

fn letter(desk: &Desk<'_>, view: &View, message: &Value) -> Letter {
    Letter {
        address: format!("{}?as={}", desk.at(&format!("mail/{}", encoded(text(message, "/id")))), view.id),
        subject: subject(message),
        party: text(message, "/from/emailAddress/address").to_owned(),
        preview: text(message, "/bodyPreview").to_owned(),
        when: when(text(message, "/receivedDateTime")),
        is_unread: message["isRead"] == false,
    }
}

fn subject(message: &Value) -> String {
    match text(message, "/subject") {
        "" => "(no subject)".to_owned(),
        subject => subject.to_owned(),
    }
}
