//! Whether people are there (Entra reference §5.5): what apps say of them in sessions that fade and expire,
//! and what people say of themselves, which stands over it.

mod set;
mod state;

use http::Method;
use serde_json::{Value, json};

use crate::changes::Change;
use crate::graph::call::Call;
use crate::graph::chat_messages::NO_OPTIONS;
use crate::graph::error::{Answer, GraphError};
use crate::graph::instants::milliseconds;
use crate::graph::route::{Area, Needs, Route};

pub(crate) use state::Presence;
use state::Shown;

const READ_MINE: Needs = Needs::delegated(&["Presence.Read", "Presence.Read.All"]);
const READ: Needs =
    Needs::split(&["Presence.Read", "Presence.Read.All"], &["Presence.Read.All", "Presence.ReadWrite.All"]);
const READ_MANY: Needs =
    Needs::split(&["Presence.Read.All"], &["Presence.Read.All", "Presence.ReadWrite.All"]);

/// Users of whom one call asks at most.
const MOST: usize = 650;

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::GET, "/me/presence", READ_MINE, get),
        Route::new(Method::GET, "/users/{user}/presence", READ, get),
        Route::new(Method::GET, "/communications/presences/{user}", READ, get),
        Route::new(Method::POST, "/communications/getPresencesByUserId", READ_MANY, get_many),
    ];
    routes.extend(set::routes());
    routes.into_iter().map(|route| route.area(Area::Teams)).collect()
}

fn get(call: &mut Call<'_>) -> Answer {
    call.query(&NO_OPTIONS)?;
    let id = user_id(call)?;
    let is_other = call.caller.user_id().is_some_and(|caller| caller != id);
    if is_other {
        call.require(READ_MANY)?;
    }
    let context = match call.path.segments.first().map(|first| first.to_ascii_lowercase()).as_deref() {
        Some("communications") => "communications/presences/$entity".to_owned(),
        _ => format!("users('{id}')/presence/$entity"),
    };
    let mut body = json!({ "@odata.context": call.context(&context) });
    if let (Some(body), Value::Object(shown)) = (body.as_object_mut(), presence(call, &id)) {
        body.extend(shown);
    }
    Ok(call.ok(&body))
}

fn get_many(call: &mut Call<'_>) -> Answer {
    let body = call.body()?;
    let ids: Option<Vec<String>> = body.get("ids").and_then(Value::as_array).and_then(|list| {
        list.iter().map(|one| one.as_str().map(str::to_ascii_lowercase)).collect::<Option<Vec<_>>>()
    });
    let ids = ids
        .filter(|ids| (1..=MOST).contains(&ids.len()))
        .filter(|ids| ids.iter().all(|id| uuid::Uuid::try_parse(id).is_ok()))
        .ok_or_else(|| {
            GraphError::unreadable(format!("'ids' has to be a list of 1 to {MOST} object ids of users."))
        })?;
    let items = ids.iter().map(|id| presence(call, id)).collect();
    Ok(call.whole("Collection(microsoft.graph.presence)", items))
}

/// The object id of the user whom the path means.
fn user_id(call: &Call<'_>) -> Result<String, GraphError> {
    match call.params.get("user") {
        "" => call.signed_in_user().map(str::to_owned),
        named => call
            .tenant
            .user(named, call.now)
            .map(|user| user.id.clone())
            .ok_or_else(|| GraphError::not_found(format!("User '{named}' was not found."))),
    }
}

/// What is known of a user; of somebody without Teams, nothing.
fn presence(call: &Call<'_>, id: &str) -> Value {
    let none = Presence::default();
    let kept = call.tenant.workloads.teamwork.presences.get(id).unwrap_or(&none);
    let user = call.tenant.user(id, call.now);
    let shown = match user.is_some_and(|user| call.has_teams(user)) {
        true => kept.at(call.now),
        false => Shown { availability: "PresenceUnknown", activity: "PresenceUnknown" },
    };
    let status = kept.status.as_ref().filter(|status| status.expires.is_none_or(|due| due > call.now));
    json!({
        "id": id,
        "availability": shown.availability,
        "activity": shown.activity,
        "statusMessage": status.map(|status| json!({
            "message": { "content": status.content, "contentType": if status.is_html { "html" } else { "text" } },
            "publishedDateTime": milliseconds(status.published),
            "expiryDateTime": status.expires.map(|due| json!({
                "dateTime": due.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string(), "timeZone": "UTC",
            })),
        })),
        "outOfOfficeSettings": { "isOutOfOffice": false, "message": null },
        "sequenceNumber": format!("A{:010}", kept.sequence),
        "workLocation": null,
    })
}

/// Tells who listens that a user's presence is another.
fn changed(call: &mut Call<'_>, user: &str) {
    let change = Change::updated(format!("communications/presences/{user}"), "#microsoft.graph.presence");
    call.tenant.changed(change.also(format!("users/{user}/presence")));
}
