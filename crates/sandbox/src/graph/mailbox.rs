//! `/me/mailFolders`: whether the mailbox is there yet (Entra reference §3.3).

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::call::Call;
use super::error::{Answer, GraphError};
use super::odata::{Service, Surface};
use super::route::{Area, Needs, Route};
use crate::directory::User;

const READ: Needs = Needs::split(
    &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"],
    &["Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite"],
);

/// The well-known folders, by the name in the path and the name that people see.
const FOLDERS: [(&str, &str); 6] = [
    ("inbox", "Inbox"),
    ("drafts", "Drafts"),
    ("sentitems", "Sent Items"),
    ("deleteditems", "Deleted Items"),
    ("archive", "Archive"),
    ("junkemail", "Junk Email"),
];

const SURFACE: Surface = Surface {
    service: Service::Teams,
    type_name: "mailFolder",
    options: &["select", "top", "skiptoken"],
    properties: &[
        "id",
        "displayName",
        "parentFolderId",
        "childFolderCount",
        "unreadItemCount",
        "totalItemCount",
        "isHidden",
    ],
    expandable: &[],
    page: 10,
    largest_page: 1_000,
};

pub(super) fn routes() -> Vec<Route> {
    [
        Route::new(Method::GET, "/me/mailFolders", READ, list),
        Route::new(Method::GET, "/users/{id}/mailFolders", READ, list),
        Route::new(Method::GET, "/me/mailFolders/{folder}", READ, get),
        Route::new(Method::GET, "/users/{id}/mailFolders/{folder}", READ, get),
    ]
    .into_iter()
    .map(|route| route.area(Area::Outlook))
    .collect()
}

/// Whose mailbox the path names, if it is there.
fn owner<'a>(call: &'a Call<'_>) -> Result<&'a User, GraphError> {
    let key = match call.params.get("id") {
        "" => call.signed_in_user()?,
        key => key,
    };
    let user = call.tenant.user(key, call.now).ok_or_else(|| {
        GraphError::new(
            StatusCode::NOT_FOUND,
            "ErrorInvalidUser",
            format!("The requested user '{key}' is invalid."),
        )
    })?;
    if call.caller.user_id().is_some_and(|caller| caller != user.id) {
        return Err(GraphError::new(
            StatusCode::FORBIDDEN,
            "ErrorAccessDenied",
            "Access is denied. Check credentials and try again.",
        ));
    }
    if call.tenant.mailbox_due(user).is_none_or(|due| call.now < due) {
        return Err(GraphError::new(
            StatusCode::NOT_FOUND,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        ));
    }
    Ok(user)
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&SURFACE)?;
    let user = owner(call)?;
    let items = FOLDERS.iter().map(|folder| shown(user, folder)).collect();
    Ok(call.list(&query, &format!("users('{}')/mailFolders", user.id), items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&SURFACE)?;
    let user = owner(call)?;
    let asked = call.params.get("folder");
    let folder = FOLDERS.iter().find(|folder| {
        folder.0.eq_ignore_ascii_case(asked) || shown(user, folder)["id"].as_str() == Some(asked)
    });
    let folder = folder.ok_or_else(|| {
        GraphError::new(
            StatusCode::NOT_FOUND,
            "ErrorItemNotFound",
            "The specified object was not found in the store.",
        )
    })?;
    Ok(call.entity(&query, &format!("users('{}')/mailFolders", user.id), shown(user, folder), None))
}

fn shown(user: &User, (name, display_name): &(&str, &str)) -> Value {
    use base64::Engine as _;
    let id = |name: &str| base64::engine::general_purpose::URL_SAFE.encode(format!("{}/{name}", user.id));
    json!({
        "id": id(name),
        "displayName": display_name,
        "parentFolderId": id("msgfolderroot"),
        "childFolderCount": 0,
        "unreadItemCount": 0,
        "totalItemCount": 0,
        "isHidden": false,
    })
}
