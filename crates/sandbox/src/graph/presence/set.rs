//! Saying whether somebody is there: `setPresence`, `setUserPreferredPresence`, `setStatusMessage` and the
//! opposites (Entra reference §5.5).

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::state::{Presence, Said, Status};
use super::{changed, user_id};

const WRITE: Needs = Needs::split(&["Presence.ReadWrite"], &["Presence.ReadWrite.All"]);

/// What an app may say.
const SESSION: [(&str, &str); 5] = [
    ("Available", "Available"),
    ("Busy", "InACall"),
    ("Busy", "InAConferenceCall"),
    ("Away", "Away"),
    ("DoNotDisturb", "Presenting"),
];

/// What a user may prefer.
const PREFERRED: [(&str, &str); 6] = [
    ("Available", "Available"),
    ("Busy", "Busy"),
    ("DoNotDisturb", "DoNotDisturb"),
    ("BeRightBack", "BeRightBack"),
    ("Away", "Away"),
    ("Offline", "OffWork"),
];

/// The bounds of a session's life.
const SHORTEST: SignedDuration = SignedDuration::from_mins(5);
const LONGEST: SignedDuration = SignedDuration::from_hours(4);

pub(super) fn routes() -> Vec<Route> {
    type Handler = fn(&mut Call<'_>) -> Answer;
    [
        ("/users/{user}/presence/setPresence", set_presence as Handler),
        ("/me/presence/setPresence", set_presence),
        ("/users/{user}/presence/clearPresence", clear_presence),
        ("/me/presence/clearPresence", clear_presence),
        ("/users/{user}/presence/setUserPreferredPresence", set_preferred),
        ("/me/presence/setUserPreferredPresence", set_preferred),
        ("/users/{user}/presence/clearUserPreferredPresence", clear_preferred),
        ("/me/presence/clearUserPreferredPresence", clear_preferred),
        ("/users/{user}/presence/setStatusMessage", set_status),
        ("/me/presence/setStatusMessage", set_status),
    ]
    .into_iter()
    .map(|(pattern, handler)| Route::new(Method::POST, pattern, WRITE, handler))
    .collect()
}

fn set_presence(call: &mut Call<'_>) -> Answer {
    let user = subject(call)?;
    let body = call.body()?;
    let session = session(&body)?;
    let lasts = duration(&body)?.unwrap_or(SHORTEST);
    if !(SHORTEST..=LONGEST).contains(&lasts) {
        return Err(GraphError::unreadable("expirationDuration has to be from PT5M to PT4H."));
    }
    let said = said(&body, &SESSION, call.now, lasts)?;
    change(call, &user, |presence| {
        presence.sessions.insert(session, said);
    })
}

fn clear_presence(call: &mut Call<'_>) -> Answer {
    let user = subject(call)?;
    let session = session(&call.body()?)?;
    let now = call.now;
    let kept = call.tenant.workloads.teamwork.presences.get(&user);
    let is_there = kept.and_then(|kept| kept.sessions.get(&session)).is_some_and(|said| said.expires > now);
    if !is_there {
        return Err(GraphError::not_found(format!("NotFound: no presence session '{session}' was found.")));
    }
    change(call, &user, |presence| {
        presence.sessions.remove(&session);
    })
}

fn set_preferred(call: &mut Call<'_>) -> Answer {
    let user = subject(call)?;
    let body = call.body()?;
    let usual = match body.get("availability").and_then(Value::as_str) {
        Some("Busy" | "DoNotDisturb") => SignedDuration::from_hours(24),
        _ => SignedDuration::from_hours(24 * 7),
    };
    let lasts = duration(&body)?.unwrap_or(usual);
    if !lasts.is_positive() {
        return Err(GraphError::unreadable("Invalid value specified for property 'expirationDuration'."));
    }
    let said = said(&body, &PREFERRED, call.now, lasts)?;
    change(call, &user, |presence| presence.preferred = Some(said))
}

fn clear_preferred(call: &mut Call<'_>) -> Answer {
    let user = subject(call)?;
    change(call, &user, |presence| presence.preferred = None)
}

fn set_status(call: &mut Call<'_>) -> Answer {
    let user = subject(call)?;
    let body = call.body()?;
    let invalid =
        |name: &str| GraphError::unreadable(format!("Invalid value specified for property '{name}'."));
    let given = body.get("statusMessage").ok_or_else(|| invalid("statusMessage"))?;
    let content = given["message"]["content"].as_str().ok_or_else(|| invalid("message"))?;
    let is_html = match given["message"]["contentType"].as_str().unwrap_or("text") {
        "text" => false,
        "html" => true,
        _ => return Err(invalid("contentType")),
    };
    let expires = match &given["expiryDateTime"] {
        Value::Null => None,
        due => Some(instant(due).ok_or_else(|| invalid("expiryDateTime"))?),
    };
    let published = call.now;
    let status = Status { content: content.to_owned(), is_html, published, expires };
    change(call, &user, |presence| presence.status = (!content.is_empty()).then_some(status))
}

/// Whose presence it is: users speak for themselves.
fn subject(call: &Call<'_>) -> Result<String, GraphError> {
    call.teams_user()?;
    let user = user_id(call)?;
    if call.caller.user_id().is_some_and(|caller| caller != user) {
        return Err(GraphError::forbidden(
            "The presence of another user cannot be set in delegated context.",
        ));
    }
    Ok(user)
}

fn session(body: &Map<String, Value>) -> Result<String, GraphError> {
    let session = body.get("sessionId").and_then(Value::as_str);
    session
        .filter(|session| uuid::Uuid::try_parse(session).is_ok())
        .map(str::to_ascii_lowercase)
        .ok_or_else(|| GraphError::unreadable("sessionId has to be the id of the calling application."))
}

fn duration(body: &Map<String, Value>) -> Result<Option<SignedDuration>, GraphError> {
    match body.get("expirationDuration") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let read = value.as_str().and_then(|text| text.parse::<jiff::Span>().ok()).and_then(|span| {
                let days = jiff::SpanRelativeTo::days_are_24_hours();
                span.to_duration(days).ok()
            });
            read.map(Some).ok_or_else(|| {
                GraphError::unreadable("Invalid value specified for property 'expirationDuration'.")
            })
        }
    }
}

fn said(
    body: &Map<String, Value>,
    pairs: &[(&str, &str)],
    now: Timestamp,
    lasts: SignedDuration,
) -> Result<Said, GraphError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (availability, activity) = (text("availability"), text("activity"));
    if !pairs.contains(&(availability, activity)) {
        return Err(GraphError::unreadable(format!(
            "The combination of availability '{}' and activity '{}' is not supported.",
            availability.escape_default(),
            activity.escape_default()
        )));
    }
    Ok(Said {
        availability: availability.to_owned(),
        activity: activity.to_owned(),
        since: now,
        expires: now.saturating_add(lasts).unwrap_or(Timestamp::MAX),
    })
}

/// A `dateTimeTimeZone`.
fn instant(value: &Value) -> Option<Timestamp> {
    let time: jiff::civil::DateTime = value["dateTime"].as_str()?.trim_end_matches('Z').parse().ok()?;
    let zone = match value["timeZone"].as_str().unwrap_or("UTC") {
        "UTC" | "Etc/UTC" | "Etc/GMT" => jiff::tz::TimeZone::UTC,
        name => jiff::tz::TimeZone::get(name).ok()?,
    };
    Some(time.to_zoned(zone).ok()?.timestamp())
}

fn change(call: &mut Call<'_>, user: &str, set: impl FnOnce(&mut Presence)) -> Answer {
    let presence =
        call.tenant.workloads.teamwork.presences.get_or_insert_with(&user.to_owned(), Default::default);
    set(presence);
    presence.sequence += 1;
    changed(call, user);
    Ok(Response::empty(StatusCode::OK))
}
