//! What an audited call changes: the object before and after, and the difference between both.

use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::odata::Query;
use crate::graph::path::Key;

/// The object that a call's path names, as it was before the call.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) id: String,
    pub(super) object: Value,
}

/// The object that the path names, if it names one that the directory has.
pub(super) fn subject(call: &Call<'_>) -> Option<Subject> {
    let first = call.path.segments.first()?.to_ascii_lowercase();
    let id = match first.as_str() {
        "users" | "me" => call.user().ok()?.id.clone(),
        "applications" => call.application().ok()?.id.clone(),
        "serviceprincipals" => call.service_principal().ok()?.id.clone(),
        "directoryroles" => call.params.get("role").to_ascii_lowercase(),
        "oauth2permissiongrants" => {
            let grant = call.tenant.grants.iter().find(|grant| grant.id == call.params.get("grant"))?;
            grant.client_id.clone()
        }
        _ => match call.params.key("id") {
            Key::Id(id) if !id.is_empty() => id.to_ascii_lowercase(),
            _ => return None,
        },
    };
    let object = object(call, &id)?;
    Some(Subject { id, object })
}

/// An object of the directory, deleted ones included.
pub(super) fn object(call: &Call<'_>, id: &str) -> Option<Value> {
    let (tenant, query) = (&call.tenant, Query::default());
    if let Some(user) = tenant.users.get(id) {
        return Some(call.user_json(user, &query));
    }
    if let Some(sp) = tenant.service_principals.get(id) {
        return Some(call.principal_json(sp, &query));
    }
    if let Some(app) = tenant.applications.get(id) {
        return Some(call.application_json(app, &query));
    }
    if let Some(group) = tenant.workloads.groups.get(id) {
        return Some(call.group_json(group, &query));
    }
    call.role_of(id).map(|role| call.role_json(role))
}

/// The object that a reference in the path or in the body names, as a target.
pub(super) fn referenced(call: &Call<'_>) -> Option<Value> {
    let is_reference = call.path.segments.last().is_some_and(|last| last == "$ref");
    if !is_reference {
        return None;
    }
    let id = match call.params.get("member") {
        "" => {
            let body = call.body().ok()?;
            let reference = body.get("@odata.id")?.as_str()?;
            reference.trim_end_matches('/').rsplit('/').next()?.to_ascii_lowercase()
        }
        member => member.to_ascii_lowercase(),
    };
    let object = object(call, &id)?;
    let kind = match object["@odata.type"].as_str() {
        Some("#microsoft.graph.group") => "Group",
        _ if call.tenant.users.contains_key(&id) => "User",
        _ if call.tenant.workloads.groups.contains_key(&id) => "Group",
        _ => "ServicePrincipal",
    };
    Some(Subject { id, object }.target(kind, &[]))
}

impl Subject {
    /// What a call made, from its answer.
    pub(super) fn made(call: &Call<'_>, made: &Value) -> Option<Self> {
        let id = made["invitedUser"]["id"].as_str().or_else(|| made["id"].as_str())?;
        let grantee = made["clientId"].as_str().or_else(|| made["principalId"].as_str());
        let id = grantee.unwrap_or(id).to_owned();
        let object = object(call, &id).unwrap_or_else(|| made.clone());
        Some(Self { id, object })
    }

    /// As `targetResources` lists it.
    pub(super) fn target(&self, kind: &str, changes: &[Value]) -> Value {
        let group_type = (kind == "Group").then(|| {
            let is_unified =
                self.object["groupTypes"].as_array().is_some_and(|kinds| kinds.contains(&json!("Unified")));
            if is_unified { "unifiedGroups" } else { "azureAD" }
        });
        json!({
            "id": self.id,
            "displayName": self.object["displayName"],
            "type": kind,
            "userPrincipalName": self.object["userPrincipalName"],
            "groupType": group_type,
            "modifiedProperties": changes,
        })
    }
}

/// What is another than before: old and new value as the JSON text of a list.
pub(super) fn modified(before: Option<&Value>, after: Option<&Value>) -> Vec<Value> {
    let empty = serde_json::Map::new();
    let fields = |object: Option<&Value>| object.and_then(Value::as_object).cloned().unwrap_or_default();
    let (before, after) = (before.map_or(empty, |object| fields(Some(object))), fields(after));
    let mut changed: Vec<Value> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (name, value) in &after {
        let old = before.get(name).unwrap_or(&Value::Null);
        let is_silent = name.starts_with("@odata.") || value == old || is_nothing(value) && is_nothing(old);
        if is_silent {
            continue;
        }
        let text = |value: &Value| {
            let list = if value.is_array() { value.clone() } else { json!([value]) };
            if is_nothing(value) { "[]".to_owned() } else { list.to_string() }
        };
        let title = title(name);
        changed.push(json!({ "displayName": title, "oldValue": text(old), "newValue": text(value) }));
        names.push(title);
    }
    if !names.is_empty() {
        changed.push(json!({
            "displayName": "Included Updated Properties", "oldValue": null,
            "newValue": json!(names.join(", ")).to_string(),
        }));
    }
    changed
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// `displayName` is `DisplayName` in a row.
fn title(name: &str) -> String {
    let mut title = name.to_owned();
    if let Some(first) = title.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    title
}
