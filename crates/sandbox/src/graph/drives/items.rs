//! Items: read, list, create folders, rename, move, delete.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::changes::Change;
use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Query, Service, Surface};
use crate::graph::route::Route;

use super::access::{Place, find, invalid, not_emulated, not_found};
use super::host::{self, Ticket};
use super::state::{Conflict, Drive, Item, Role};
use super::{permissions, thumbnails, wire};

/// Every property that `$select` may name.
const SELECTABLE: &[&str] = &{
    let mut all = [""; wire::DRIVE_ITEM.len() + 2];
    let mut at = 0;
    while at < wire::DRIVE_ITEM.len() {
        all[at] = wire::DRIVE_ITEM[at];
        at += 1;
    }
    all[at] = "@microsoft.graph.downloadUrl";
    all[at + 1] = "content.downloadUrl";
    all
};

const ITEM: Surface = Surface::object(Service::Teams, "driveItem", SELECTABLE).expanding(&[
    "children",
    "permissions",
    "thumbnails",
]);

/// Items on a page.
pub(super) const COLLECTION: Surface = Surface {
    service: Service::Teams,
    type_name: "driveItem",
    options: &["select", "expand", "orderby", "filter", "top", "skiptoken", "count"],
    properties: SELECTABLE,
    expandable: &["thumbnails"],
    page: 200,
    largest_page: 5_000,
};

pub(super) fn routes() -> Vec<Route> {
    [
        on_items!(GET "", permissions::READ_ITEM, get),
        on_items!(GET "/children", permissions::READ, children),
        on_items!(POST "/children", permissions::WRITE, create_folder),
        on_items!(PATCH "", permissions::WRITE, update),
        on_items!(DELETE "", permissions::WRITE, delete),
        // Nothing here has a recycle bin to pass by.
        on_items!(POST "/permanentDelete", permissions::WRITE, delete),
    ]
    .concat()
}

/// Options that Graph has for files and the sandbox has not.
pub(super) fn refuse_unknown(call: &Call<'_>) -> Result<(), GraphError> {
    let expands = call.request.query("$expand").unwrap_or_default().to_ascii_lowercase();
    for known in ["versions", "listitem", "analytics", "retentionlabel", "subscriptions"] {
        if expands.split(',').any(|one| one.trim().starts_with(known)) {
            return Err(not_emulated(&format!("$expand={known} of a driveItem")));
        }
    }
    Ok(())
}

fn get(call: &mut Call<'_>) -> Answer {
    refuse_unknown(call)?;
    let query = call.query(&ITEM)?;
    let place = call.drive_place(Role::Read)?;
    answer_item(call, &query, &place, StatusCode::OK)
}

/// An item as the answer to a read.
pub(super) fn answer_item(call: &mut Call<'_>, query: &Query, place: &Place, status: StatusCode) -> Answer {
    if status == StatusCode::OK
        && call.request.method == Method::GET
        && call.has_it_already(call.drive_item(place)?)
    {
        return Ok(Response::empty(StatusCode::NOT_MODIFIED));
    }
    let mut shown = shown(call, place)?;
    for name in &query.expand {
        if name.eq_ignore_ascii_case("children") {
            shown["children"] = Value::Array(children_of(call, place)?);
        } else if name.eq_ignore_ascii_case("permissions") {
            shown["permissions"] = Value::Array(super::sharing::listed(call, place)?);
        }
    }
    thumbnails::expand(query, &mut shown);
    let context = context(call.drive_at(place)?);
    let mut response = call.entity(query, &context, shown, None);
    response.status = status;
    Ok(response)
}

/// What `@odata.context` says of items in a drive.
pub(super) fn context(drive: &Drive) -> String {
    format!("drives('{}')/items", drive.id.replace('!', "%21"))
}

/// An item with its download URL.
pub(super) fn shown(call: &Call<'_>, place: &Place) -> Result<Value, GraphError> {
    let drive = call.drive_at(place)?;
    let item = call.drive_item(place)?;
    let mut shown = wire::item(call.tenant, drive, item, call.now);
    if let (Some(fields), false) = (shown.as_object_mut(), item.is_folder()) {
        let url = host::download_url(
            call.tenant,
            &call.request.origin,
            &Ticket::to_download(place, None, call.now),
        );
        fields.insert("@microsoft.graph.downloadUrl".to_owned(), json!(url));
    }
    Ok(shown)
}

pub(super) fn children_of(call: &Call<'_>, place: &Place) -> Result<Vec<Value>, GraphError> {
    let drive = call.drive_at(place)?;
    let mut children: Vec<(String, String)> =
        drive.children(&place.item).map(|item| (item.name.to_lowercase(), item.id.clone())).collect();
    children.sort();
    let at = |(_, item)| Place { owner: place.owner.clone(), item };
    children.into_iter().map(|child| shown(call, &at(child))).collect()
}

fn children(call: &mut Call<'_>) -> Answer {
    refuse_unknown(call)?;
    let query = call.query(&COLLECTION)?;
    let place = call.drive_place(Role::Read)?;
    if !call.drive_item(&place)?.is_folder() {
        return Ok(call.list(&query, &context(call.drive_at(&place)?), Vec::new(), None));
    }
    let children = children_of(call, &place)?;
    let context = format!("{}('{}')/children", context(call.drive_at(&place)?), place.item);
    Ok(list(call, &query, &context, children))
}

/// A list of items, each with what the query expands.
pub(super) fn list(call: &Call<'_>, query: &Query, context: &str, mut items: Vec<Value>) -> Response {
    items.iter_mut().for_each(|item| thumbnails::expand(query, item));
    call.list(query, context, items, None)
}

fn create_folder(call: &mut Call<'_>) -> Answer {
    let place = call.drive_place(Role::Write)?;
    if !call.drive_item(&place)?.is_folder() {
        return Err(invalid("The parent is no folder."));
    }
    let body = call.body()?;
    if body.get("file").is_some() {
        return Err(not_emulated("creating an empty file by its facet: PUT its content"));
    }
    if !body.get("folder").is_some_and(Value::is_object) {
        return Err(invalid("Exactly one of the facets file and folder has to be specified."));
    }
    let name = name_in(&body)?.ok_or_else(|| invalid("The name of the new item is missing."))?;
    let conflict = conflict(call, &body, Conflict::Fail)?;
    let (now, by) = (call.now, call.drive_author());
    let drive = call.drive_of(&place.owner)?;
    let (name, replaced) = settle(drive, &place.item, &name, conflict, true)?;
    let id = match replaced {
        Some(folder) => folder,
        None => {
            let mut item = Item::new(&drive.owner, &place.item, &name, now, by);
            item.description = text(&body, "description");
            let id = item.id.clone();
            drive.keep(item);
            id
        }
    };
    let made = Place { owner: place.owner, item: id };
    changed(call, &made.owner);
    let mut response = answer_item(call, &Query::default(), &made, StatusCode::CREATED)?;
    let location = format!("/drives/{}/items/{}", call.drive_at(&made)?.id, made.item);
    response = response.with(http::header::LOCATION, &format!("{}{location}", call.base()));
    Ok(response)
}

fn update(call: &mut Call<'_>) -> Answer {
    let place = call.drive_place(Role::Write)?;
    call.check_if_match(call.drive_item(&place)?)?;
    let body = call.body()?;
    let (now, by) = (call.now, call.drive_author());
    let name = name_in(&body)?;
    let on_disk = on_disk(&body)?;
    let conflict = conflict(call, &body, Conflict::Fail)?;
    let drive = call.drive_of(&place.owner)?;
    let mut item = drive.item(&place.item).cloned().ok_or_else(not_found)?;
    let folder = match body.get("parentReference") {
        None | Some(Value::Null) => None,
        Some(reference) => Some(folder_named(drive, reference)?),
    };
    let is_moved = folder.is_some() || name.as_ref().is_some_and(|name| *name != item.name);
    if is_moved {
        let Some(parent) = &item.parent else { return Err(invalid("The root cannot be renamed or moved.")) };
        let folder = folder.unwrap_or_else(|| parent.clone());
        let inside = |one: &Item| one.id == item.id;
        let target = drive.item(&folder).ok_or_else(not_found)?;
        if inside(target) || drive.ancestors(target).any(inside) {
            return Err(invalid("An item cannot be moved into itself."));
        }
        let wanted = name.unwrap_or_else(|| item.name.clone());
        let taken = drive.child(&folder, &wanted).is_some_and(|other| other.id != item.id);
        if taken {
            let (settled, replaced) = settle(drive, &folder, &wanted, conflict, item.is_folder())?;
            if let Some(replaced) = replaced {
                drive.delete(&replaced, now);
            }
            item.name = settled;
        } else {
            item.name = wanted;
        }
        item.parent = Some(folder);
    }
    if let Some(description) = body.get("description") {
        item.description = description.as_str().map(str::to_owned);
    }
    if on_disk.is_some() {
        item.on_disk = on_disk;
    }
    item.version += 1;
    item.modified = now;
    item.modified_by = by;
    drive.keep(item);
    changed(call, &place.owner);
    answer_item(call, &Query::default(), &place, StatusCode::OK)
}

fn delete(call: &mut Call<'_>) -> Answer {
    let place = call.drive_place(Role::Write)?;
    call.check_if_match(call.drive_item(&place)?)?;
    let now = call.now;
    let drive = call.drive_of(&place.owner)?;
    if place.item == drive.root_id() {
        return Err(invalid("The root cannot be deleted."));
    }
    drive.delete(&place.item, now);
    changed(call, &place.owner);
    Ok(call.no_content())
}

impl Item {
    /// A folder that is about to be kept; with a file put in, a file.
    pub(super) fn new(
        owner: &str,
        folder: &str,
        name: &str,
        now: Timestamp,
        by: super::state::Author,
    ) -> Self {
        let guid = crate::directory::new_id();
        Self {
            id: super::ids::item(owner, &guid),
            guid,
            parent: Some(folder.to_owned()),
            name: name.to_owned(),
            description: None,
            created: now,
            created_by: by.clone(),
            modified: now,
            modified_by: by,
            on_disk: None,
            file: None,
            version: 1,
            content_version: 0,
            change: 0,
            deleted: false,
            permissions: Vec::new(),
        }
    }
}

/// Notes that something in a drive is another than before: subscriptions are to its root (§6.1).
pub(super) fn changed(call: &mut Call<'_>, owner: &str) {
    let change = change_of(owner);
    call.tenant.changed(change);
}

/// The change that a drive's subscribers hear of.
pub(super) fn change_of(owner: &str) -> Change {
    Change::updated(format!("drives/{}/root", super::ids::drive(owner)), "#microsoft.graph.driveItem")
        .also(format!("users/{owner}/drive/root"))
}

/// The name that an item gets in a folder, and the item that goes for it, if there is one already.
pub(super) fn settle(
    drive: &Drive,
    folder: &str,
    name: &str,
    conflict: Conflict,
    is_folder: bool,
) -> Result<(String, Option<String>), GraphError> {
    let Some(there) = drive.child(folder, name) else { return Ok((name.to_owned(), None)) };
    let taken = || {
        GraphError::new(StatusCode::CONFLICT, "nameAlreadyExists", "The specified item name already exists.")
    };
    match conflict {
        Conflict::Fail => Err(taken()),
        Conflict::Rename => Ok((drive.free_name(folder, name), None)),
        Conflict::Replace if there.is_folder() != is_folder => Err(taken()),
        Conflict::Replace => Ok((there.name.clone(), Some(there.id.clone()))),
    }
}

/// `@microsoft.graph.conflictBehavior` of the query or the body, or by the name that it had before.
pub(super) fn conflict(
    call: &Call<'_>,
    body: &Map<String, Value>,
    default: Conflict,
) -> Result<Conflict, GraphError> {
    const NAMES: [&str; 2] = ["@microsoft.graph.conflictBehavior", "@name.conflictBehavior"];
    let in_body = NAMES.iter().find_map(|name| body.get(*name)?.as_str());
    let given = in_body.or_else(|| NAMES.iter().find_map(|name| call.request.query(name)));
    match given.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(default),
        Some("fail") => Ok(Conflict::Fail),
        Some("replace") => Ok(Conflict::Replace),
        Some("rename") => Ok(Conflict::Rename),
        Some(_) => Err(invalid("The value of @microsoft.graph.conflictBehavior is invalid.")),
    }
}

fn name_in(body: &Map<String, Value>) -> Result<Option<String>, GraphError> {
    match body.get("name") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => checked_name(name).map(Some),
        Some(_) => Err(invalid("Invalid value specified for property 'name'.")),
    }
}

/// A name that OneDrive takes.
pub(super) fn checked_name(name: &str) -> Result<String, GraphError> {
    const FORBIDDEN: [char; 9] = ['"', '*', ':', '<', '>', '?', '/', '\\', '|'];
    const RESERVED: [&str; 5] = [".lock", "desktop.ini", "_vti_", "con", "nul"];
    let lower = name.to_lowercase();
    let bad = name.trim() != name
        || name.is_empty()
        || name.chars().count() > 400
        || matches!(name, "." | "..")
        || name.ends_with('.')
        || name.contains(FORBIDDEN)
        || name.chars().any(char::is_control)
        || RESERVED.contains(&lower.as_str())
        || lower.starts_with("~$");
    if bad {
        return Err(invalid("The provided name cannot be used as the name of an item."));
    }
    Ok(name.to_owned())
}

/// The times of `fileSystemInfo`.
pub(super) fn on_disk(body: &Map<String, Value>) -> Result<Option<(Timestamp, Timestamp)>, GraphError> {
    let Some(Value::Object(info)) = body.get("fileSystemInfo") else { return Ok(None) };
    let time = |name: &str| match info.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let time = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
            time.map(Some).ok_or_else(|| invalid(format!("Invalid value specified for property '{name}'.")))
        }
    };
    let (created, modified) = (time("createdDateTime")?, time("lastModifiedDateTime")?);
    Ok(match (created, modified) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some((one, one)),
        (Some(created), Some(modified)) => Some((created, modified)),
    })
}

/// The folder of an `itemReference`, by id or by path, in the same drive.
pub(super) fn folder_named(drive: &Drive, reference: &Value) -> Result<String, GraphError> {
    if let Some(other) = reference.get("driveId").and_then(Value::as_str)
        && other != drive.id
    {
        return Err(invalid("Items cannot be moved between drives with this request."));
    }
    let path = reference.get("path").and_then(Value::as_str);
    let found = match (reference.get("id").and_then(Value::as_str), path) {
        (Some(id), _) => find(drive, id),
        (None, Some(path)) => path
            .split_once("root:")
            .map(|(_, path)| percent_encoding::percent_decode_str(path).decode_utf8_lossy())
            .and_then(|path| find(drive, &format!("root:{path}")))
            .or_else(|| path.ends_with("/root").then(|| find(drive, "root")).flatten()),
        (None, None) => return Err(invalid("The parentReference names no folder.")),
    };
    let folder = found.ok_or_else(not_found)?;
    if !folder.is_folder() {
        return Err(invalid("The parentReference names no folder."));
    }
    Ok(folder.id.clone())
}

pub(super) fn text(body: &Map<String, Value>, name: &str) -> Option<String> {
    body.get(name).and_then(Value::as_str).map(str::to_owned)
}
