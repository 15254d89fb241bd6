//! A mailbox's settings and its colours (Graph: `mailboxSettings`, `outlook/masterCategories`).

use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::access::enter;
use super::ids;
use super::input::member;
use super::query::{Surface, options};
use super::refusals::{bad, denied, no_item, wrong_value};
use super::state::Mailbox;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};

const COLLECTION: Surface = Surface {
    type_name: "outlookCategory",
    options: &["select", "top", "skip", "count"],
    properties: &["id", "displayName", "color"],
    expandable: &[],
};

/// What the owner has set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Settings {
    time_zone: String,
    locale: String,
    date_format: String,
    time_format: String,
    delegate_delivery: String,
    working_hours: Value,
    pub(super) replies: AutomaticReplies,
    categories: Vec<Category>,
}

/// What the mailbox answers by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AutomaticReplies {
    status: String,
    audience: String,
    start: Value,
    end: Value,
    pub(super) internal: String,
    pub(super) external: String,
    /// Whom it has answered since it was switched on.
    pub(super) answered: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Category {
    id: String,
    name: String,
    color: String,
}

impl Default for Settings {
    fn default() -> Self {
        let epoch = json!({ "dateTime": "2026-01-01T00:00:00.0000000", "timeZone": "UTC" });
        let colours = [
            ("Red", 0, 1),
            ("Orange", 1, 2),
            ("Yellow", 3, 3),
            ("Green", 4, 4),
            ("Blue", 7, 5),
            ("Purple", 8, 6),
        ];
        Self {
            time_zone: "UTC".to_owned(),
            locale: "en-US".to_owned(),
            date_format: "M/d/yyyy".to_owned(),
            time_format: "h:mm tt".to_owned(),
            delegate_delivery: "sendToDelegateOnly".to_owned(),
            working_hours: json!({
                "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                "startTime": "08:00:00.0000000",
                "endTime": "17:00:00.0000000",
                "timeZone": { "name": "UTC" },
            }),
            replies: AutomaticReplies {
                status: "disabled".to_owned(),
                audience: "all".to_owned(),
                start: epoch.clone(),
                end: epoch,
                internal: String::new(),
                external: String::new(),
                answered: Vec::new(),
            },
            categories: colours
                .into_iter()
                .map(|(name, color, number)| Category {
                    id: format!("00000000-0000-4000-8000-00000000000{number}"),
                    name: format!("{name} category"),
                    color: format!("preset{color}"),
                })
                .collect(),
        }
    }
}

impl AutomaticReplies {
    /// What is answered to a sender now, if anything is.
    pub(super) fn answer_to(&self, is_internal: bool, now: Timestamp) -> Option<&str> {
        let instant = |time: &Value| -> Option<Timestamp> {
            format!("{}Z", time["dateTime"].as_str()?.trim_end_matches('Z')).parse().ok()
        };
        let is_on = match self.status.as_str() {
            "alwaysEnabled" => true,
            "scheduled" => {
                instant(&self.start).is_some_and(|start| start <= now)
                    && instant(&self.end).is_some_and(|end| now < end)
            }
            _ => false,
        };
        let message = match is_internal {
            true => &self.internal,
            false if self.audience == "none" => return None,
            false => &self.external,
        };
        (is_on && !message.is_empty()).then_some(message)
    }

    fn shown(&self) -> Value {
        json!({
            "status": self.status,
            "externalAudience": self.audience,
            "internalReplyMessage": self.internal,
            "externalReplyMessage": self.external,
            "scheduledStartDateTime": self.start,
            "scheduledEndDateTime": self.end,
        })
    }

    fn set(&mut self, value: &Value) -> Result<(), GraphError> {
        for (name, value) in value.as_object().ok_or_else(|| wrong_value("automaticRepliesSetting"))? {
            match name.to_ascii_lowercase().as_str() {
                "status" => self.status = one_of(name, value, &["disabled", "alwaysEnabled", "scheduled"])?,
                "externalaudience" => self.audience = one_of(name, value, &["none", "contactsOnly", "all"])?,
                "internalreplymessage" => self.internal = text(name, value)?,
                "externalreplymessage" => self.external = text(name, value)?,
                "scheduledstartdatetime" => self.start = moment(name, value)?,
                "scheduledenddatetime" => self.end = moment(name, value)?,
                other if other.contains("@odata.") => {}
                _ => return Err(unknown(name)),
            }
        }
        self.answered.clear();
        Ok(())
    }
}

fn unknown(name: &str) -> GraphError {
    bad(
        "RequestBodyRead",
        format!(
            "The property '{name}' does not exist on type 'microsoft.graph.mailboxSettings'. Make sure to only use property names that are defined by the type."
        ),
    )
}

fn text(name: &str, value: &Value) -> Result<String, GraphError> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong_value(name))
}

fn one_of(name: &str, value: &Value, members: &[&str]) -> Result<String, GraphError> {
    let text = text(name, value)?;
    let member = members.iter().find(|member| member.eq_ignore_ascii_case(&text));
    member.map(|member| (*member).to_owned()).ok_or_else(|| wrong_value(name))
}

fn moment(name: &str, value: &Value) -> Result<Value, GraphError> {
    let time = member(value, "dateTime").and_then(Value::as_str).ok_or_else(|| wrong_value(name))?;
    let zone = member(value, "timeZone").and_then(Value::as_str).unwrap_or("UTC");
    let zoned = format!("{}Z", time.trim_end_matches('Z'));
    let parsed: Timestamp = zoned.parse().map_err(|_| wrong_value(name))?;
    Ok(json!({ "dateTime": parsed.strftime("%Y-%m-%dT%H:%M:%S.%7f").to_string(), "timeZone": zone }))
}

impl Mailbox {
    fn settings_shown(&self) -> Value {
        let settings = &self.settings;
        let archive =
            self.folder("archive").map(|folder| ids::folder(&self.owner, folder.number)).unwrap_or_default();
        let language = match settings.locale.as_str() {
            "en-US" => "English (United States)".to_owned(),
            "en-GB" => "English (United Kingdom)".to_owned(),
            "de-DE" => "German (Germany)".to_owned(),
            "fr-FR" => "French (France)".to_owned(),
            other => other.to_owned(),
        };
        json!({
            "archiveFolder": archive,
            "timeZone": settings.time_zone,
            "delegateMeetingMessageDeliveryOptions": settings.delegate_delivery,
            "dateFormat": settings.date_format,
            "timeFormat": settings.time_format,
            "userPurpose": "user",
            "automaticRepliesSetting": settings.replies.shown(),
            "language": { "locale": settings.locale, "displayName": language },
            "workingHours": settings.working_hours,
        })
    }
}

/// `GET …/mailboxSettings`.
pub(super) fn get(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let shown = entry.look(call)?.settings_shown();
    Ok(call.ok(&with_context(call, &entry.context("mailboxSettings"), shown)))
}

/// What `$select=mailboxSettings` of a user shows to whoever may read the settings themselves.
pub(crate) fn of_user(call: &mut Call<'_>) -> Result<Value, GraphError> {
    if !["MailboxSettings.Read", "MailboxSettings.ReadWrite"].iter().any(|one| call.caller.holds(one)) {
        return Err(denied());
    }
    let entry = enter(call)?;
    Ok(entry.look(call)?.settings_shown())
}

/// A list is of many mailboxes, and the settings are of one.
pub(crate) fn of_nobody() -> GraphError {
    bad("ExplicitTargetMailboxIdShouldNotBeNullOrWhiteSpace", "The Id is invalid.")
}

fn with_context(call: &Call<'_>, context: &str, object: Value) -> Value {
    let mut whole = Map::new();
    whole.insert("@odata.context".to_owned(), json!(call.context(context)));
    if let Value::Object(fields) = object {
        whole.extend(fields);
    }
    Value::Object(whole)
}

/// `GET …/mailboxSettings/{part}`.
pub(super) fn get_part(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let wanted = call.params.get("part").to_owned();
    let shown = entry.look(call)?.settings_shown();
    let found =
        shown.as_object().and_then(|shown| shown.iter().find(|(name, _)| name.eq_ignore_ascii_case(&wanted)));
    let (name, value) = found
        .ok_or_else(|| GraphError::unreadable(format!("Resource not found for the segment '{wanted}'.")))?;
    let context = entry.context(&format!("mailboxSettings/{name}"));
    let value = if value.is_object() { value.clone() } else { json!({ "value": value }) };
    Ok(call.ok(&with_context(call, &context, value)))
}

/// `PATCH …/mailboxSettings`.
pub(super) fn update(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let body = call.body()?;
    let mut settings = entry.look(call)?.settings.clone();
    for (name, value) in &body {
        match name.to_ascii_lowercase().as_str() {
            "timezone" => settings.time_zone = text(name, value)?,
            "dateformat" => settings.date_format = text(name, value)?,
            "timeformat" => settings.time_format = text(name, value)?,
            "delegatemeetingmessagedeliveryoptions" => {
                let members = [
                    "sendToDelegateAndInformationToPrincipal",
                    "sendToDelegateAndPrincipal",
                    "sendToDelegateOnly",
                ];
                settings.delegate_delivery = one_of(name, value, &members)?;
            }
            "language" => {
                let locale = member(value, "locale").and_then(Value::as_str);
                settings.locale = locale.ok_or_else(|| wrong_value(name))?.to_owned();
            }
            "workinghours" => {
                for (part, value) in value.as_object().ok_or_else(|| wrong_value(name))? {
                    if ["daysOfWeek", "startTime", "endTime", "timeZone"].contains(&part.as_str()) {
                        settings.working_hours[part] = value.clone();
                    }
                }
            }
            "automaticrepliessetting" => settings.replies.set(value)?,
            "archivefolder" | "userpurpose" => {
                return Err(bad("ErrorInvalidPropertySet", format!("The property '{name}' is read-only.")));
            }
            other if other.contains("@odata.") => {}
            _ => return Err(unknown(name)),
        }
    }
    entry.mailbox(call).settings = settings;
    get(call)
}

impl Category {
    fn shown(&self) -> Value {
        json!({ "id": self.id, "displayName": self.name, "color": self.color })
    }
}

fn colour(value: &Value) -> Result<String, GraphError> {
    let presets: Vec<String> = (0..25).map(|number| format!("preset{number}")).collect();
    let members: Vec<&str> = presets.iter().map(String::as_str).chain(["none"]).collect();
    one_of("color", value, &members)
}

/// `GET …/outlook/masterCategories`.
pub(super) fn categories(call: &mut Call<'_>) -> Answer {
    let mut options = options(call, &COLLECTION)?;
    if call.request.query("$top").is_none() {
        options.top = usize::MAX >> 1;
    }
    let entry = enter(call)?;
    let found = &entry.look(call)?.settings.categories;
    let context = entry.context("outlook/masterCategories");
    Ok(options.page(call, &context, found.len(), |at| {
        super::folder_routes::selected(found[at].shown(), options.select.as_deref())
    }))
}

/// `GET …/outlook/masterCategories/{category}`.
pub(super) fn category(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let id = call.params.get("category");
    let found = entry.look(call)?.settings.categories.iter().find(|one| one.id == id).ok_or_else(no_item)?;
    Ok(call.ok(&call.with_context(&entry.context("outlook/masterCategories"), found.shown())))
}

/// `POST …/outlook/masterCategories`.
pub(super) fn add_category(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let body = Value::Object(call.body()?);
    let name = member(&body, "displayName").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| wrong_value("displayName"))?.to_owned();
    let color = member(&body, "color").map_or(Ok("none".to_owned()), colour)?;
    let categories = &mut entry.mailbox(call).settings.categories;
    if categories.iter().any(|one| one.name.eq_ignore_ascii_case(&name)) {
        return Err(GraphError::new(
            StatusCode::CONFLICT,
            "ErrorCategoryExists",
            "A category with the specified name already exists.",
        ));
    }
    let category = Category { id: crate::directory::new_id(), name, color };
    let shown = category.shown();
    categories.push(category);
    let location = format!(
        "/users/{}/outlook/masterCategories/{}",
        entry.owner,
        shown["id"].as_str().unwrap_or_default()
    );
    let whole = call.with_context(&entry.context("outlook/masterCategories"), shown);
    Ok(call.created(&location, &whole))
}

/// `PATCH …/outlook/masterCategories/{category}`: its colour.
pub(super) fn update_category(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let id = call.params.get("category").to_owned();
    let body = Value::Object(call.body()?);
    if member(&body, "displayName").is_some() {
        return Err(bad("ErrorInvalidPropertySet", "The name of a category can't be changed."));
    }
    let color = member(&body, "color").map(colour).transpose()?;
    let categories = &mut entry.mailbox(call).settings.categories;
    let found = categories.iter_mut().find(|one| one.id == id).ok_or_else(no_item)?;
    found.color = color.unwrap_or_else(|| found.color.clone());
    let shown = found.shown();
    Ok(call.ok(&call.with_context(&entry.context("outlook/masterCategories"), shown)))
}

/// `DELETE …/outlook/masterCategories/{category}`.
pub(super) fn remove_category(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let id = call.params.get("category").to_owned();
    let categories = &mut entry.mailbox(call).settings.categories;
    let before = categories.len();
    categories.retain(|one| one.id != id);
    if categories.len() == before { Err(no_item()) } else { Ok(call.no_content()) }
}
