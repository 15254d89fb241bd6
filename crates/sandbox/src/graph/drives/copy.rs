//! Copies: accepted with 202, and an address at which to watch them (Microsoft's page on `driveItem: copy`).
//! The copy is made at once, so whoever watches sees it completed.

use http::StatusCode;
use http::header::LOCATION;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::exchange::{Request, Response};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::Route;
use crate::tenant::Tenant;

use super::access::{Place, invalid, not_found};
use super::host::{self, Ticket};
use super::items::{changed, checked_name, conflict, folder_named, settle};
use super::permissions;
use super::state::{Author, Conflict, Drive, Item, Role};
use super::transfer::check_quota;

pub(super) fn routes() -> Vec<Route> {
    on_items!(POST "/copy", permissions::WRITE, copy)
}

fn copy(call: &mut Call<'_>) -> Answer {
    let place = call.drive_place(Role::Read)?;
    let body = call.body()?;
    let conflict = conflict(call, &body, Conflict::Fail)?;
    let source = call.drive_at(&place)?;
    let item = call.drive_item(&place)?;
    if item.parent.is_none() {
        return Err(invalid("The root cannot be copied."));
    }
    let name = match body.get("name") {
        None | Some(Value::Null) => item.name.clone(),
        Some(name) => checked_name(name.as_str().unwrap_or_default())?,
    };
    let size = source.size(item);
    let is_folder = item.is_folder();
    let tree = Tree::of(source, item);
    let target = target(call, &place, body.get("parentReference"))?;
    call.check_drive(&target, Role::Write)?;

    let (now, by) = (call.now, call.drive_author());
    let drive = call.drive_of(&target.owner)?;
    check_quota(drive, size)?;
    let (name, replaced) = settle(drive, &target.item, &name, conflict, is_folder)?;
    if let Some(replaced) = replaced.filter(|replaced| *replaced != place.item) {
        drive.delete(&replaced, now);
    }
    let made = tree.plant(drive, &target.item, &name, now, &by);
    changed(call, &target.owner);
    let ticket = Ticket::Copied { owner: target.owner, item: made };
    let url = host::url(call.tenant, &call.request.origin, &ticket);
    Ok(Response::empty(StatusCode::ACCEPTED).with(LOCATION, &url))
}

/// The folder that the copy goes to: the item's own, unless the request names another, in any drive.
fn target(call: &mut Call<'_>, place: &Place, reference: Option<&Value>) -> Result<Place, GraphError> {
    let Some(reference) = reference.filter(|reference| !reference.is_null()) else {
        let parent = call.drive_item(place)?.parent.clone().ok_or_else(not_found)?;
        return Ok(Place { owner: place.owner.clone(), item: parent });
    };
    let owner = match reference.get("driveId").and_then(Value::as_str) {
        Some(drive) => super::ids::owner(drive).ok_or_else(not_found)?,
        None => place.owner.clone(),
    };
    let item = folder_named(call.drive_of(&owner)?, reference)?;
    Ok(Place { owner, item })
}

/// An item and everything in it, taken out of its drive.
struct Tree {
    item: Item,
    children: Vec<Tree>,
}

impl Tree {
    fn of(drive: &Drive, item: &Item) -> Self {
        let children = drive.children(&item.id).map(|child| Self::of(drive, child)).collect();
        Self { item: item.clone(), children }
    }

    /// Puts copies into a folder; the id of the topmost.
    fn plant(self, drive: &mut Drive, folder: &str, name: &str, now: Timestamp, by: &Author) -> String {
        let mut copy = Item::new(&drive.owner, folder, name, now, by.clone());
        copy.description = self.item.description;
        copy.file = self.item.file.map(|mut file| {
            file.earlier.clear();
            file
        });
        copy.content_version = u64::from(copy.file.is_some());
        let id = copy.id.clone();
        drive.keep(copy);
        for child in self.children {
            let name = child.item.name.clone();
            child.plant(drive, &id, &name, now, by);
        }
        id
    }
}

/// What the address of a copy answers.
pub(super) fn progress(tenant: &Tenant, request: &Request, place: &Place) -> Answer {
    let drive = tenant.workloads.drives.0.get(&place.owner).ok_or_else(not_found)?;
    let made = drive.items.get(&place.item).ok_or_else(not_found)?;
    Ok(Response::json(
        StatusCode::OK,
        &json!({
            "@odata.context": format!("{}/v1.0/$metadata#oneDrive.asyncOperationStatus", request.origin),
            "id": made.guid,
            "createdDateTime": crate::graph::instants::seconds(made.created),
            "lastActionDateTime": crate::graph::instants::seconds(made.created),
            "operation": "ItemCopy",
            "percentageComplete": 100.0,
            "percentComplete": 100.0,
            "resourceId": made.id,
            "status": "completed",
        }),
    ))
}
