//! How each workload spells a notification's item (Graph reference §6.2).

use serde_json::{Map, Value, json};

use crate::changes::{Change, ChangeKind};
use crate::graph::subscriptions::{Subscription, Workload, change_name};

/// The item; `read` is the resource as the subscriber would read it, or null.
pub(super) fn item(one: &Subscription, change: &Change, tenant: &str, read: &Value) -> Value {
    let (resource, mut data) = match one.workload {
        Workload::Outlook => outlook(change, read),
        Workload::Teams => teams(change),
        Workload::Presence => presence(change, read),
        Workload::Directory => directory(change, tenant),
        Workload::Drive => {
            (one.resource.clone(), object(json!({ "@odata.type": "#Microsoft.Graph.DriveItem" })))
        }
    };
    if one.is_rich && change.kind != ChangeKind::Deleted {
        data.remove("activity");
        data.remove("availability");
    }
    let mut item = json!({
        "subscriptionId": one.id,
        "subscriptionExpirationDateTime": one.expires,
        "clientState": one.client_state,
        "changeType": change_name(told(one.workload, change.kind)),
        "resource": resource,
        "tenantId": tenant,
        "resourceData": data,
    });
    if matches!(one.workload, Workload::Directory | Workload::Presence) {
        item["id"] = json!(crate::directory::new_id());
    }
    item
}

/// Graph says of a new user or group, too, that it was updated.
pub(super) fn told(workload: Workload, kind: ChangeKind) -> ChangeKind {
    match (workload, kind) {
        (Workload::Directory, ChangeKind::Created) => ChangeKind::Updated,
        (_, kind) => kind,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// `Users/{id}/Messages/{id}` and `#Microsoft.Graph.Message`.
fn outlook(change: &Change, read: &Value) -> (String, Map<String, Value>) {
    let parts: Vec<&str> = change.resource.split('/').collect();
    let path: Vec<String> = parts
        .iter()
        .enumerate()
        .map(|(index, part)| if index % 2 == 0 { capital(part) } else { (*part).to_owned() })
        .collect();
    let path = path.join("/");
    let mut data = object(json!({
        "@odata.type": format!("#Microsoft.Graph.{}", capital(type_name(change))),
        "@odata.id": path,
        "id": parts.last(),
    }));
    if let Some(etag) = read["@odata.etag"].as_str() {
        data.insert("@odata.etag".to_owned(), json!(etag));
    }
    (path, data)
}

/// `chats('{id}')/messages('{id}')` and `#Microsoft.Graph.chatMessage`.
fn teams(change: &Change) -> (String, Map<String, Value>) {
    let parts: Vec<&str> = change.resource.split('/').collect();
    let path: Vec<String> = parts
        .chunks(2)
        .map(|pair| match pair {
            [name, key] => format!("{name}('{}')", key.replace('\'', "''")),
            rest => rest.concat(),
        })
        .collect();
    let path = path.join("/");
    let data = object(json!({
        "id": parts.last(),
        "@odata.type": format!("#Microsoft.Graph.{}", type_name(change)),
        "@odata.id": path,
    }));
    (path, data)
}

fn presence(change: &Change, read: &Value) -> (String, Map<String, Value>) {
    // `users/{id}/presence` or `communications/presences/{id}`.
    let user = change.resource.split('/').find(|part| part.len() == 36).unwrap_or_default();
    let path = format!("communications/presences('{user}')");
    let data = object(json!({
        "@odata.type": "#Microsoft.Graph.presence",
        "@odata.id": path,
        "id": user,
        "activity": read["activity"],
        "availability": read["availability"],
    }));
    (path, data)
}

/// `Users/{id}` and `#Microsoft.Graph.User`.
fn directory(change: &Change, tenant: &str) -> (String, Map<String, Value>) {
    let (path, mut data) = outlook(change, &Value::Null);
    data.insert("organizationId".to_owned(), json!(tenant));
    (path, data)
}

fn type_name(change: &Change) -> &str {
    change.odata_type.rsplit('.').next().unwrap_or_default()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}
