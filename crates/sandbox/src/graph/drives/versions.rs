//! The versions of a file (Microsoft's page on `driveItemVersion`).

use serde_json::Value;

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::route::Route;

use super::access::{Place, invalid, not_found};
use super::items::changed;
use super::state::{Role, Version};
use super::{permissions, transfer, wire};

const PROPERTIES: &[&str] =
    &["id", "lastModifiedBy", "lastModifiedDateTime", "publication", "content", "size"];
const VERSION: Surface = Surface::object(Service::Teams, "driveItemVersion", PROPERTIES);
const VERSIONS: Surface = Surface {
    service: Service::Teams,
    type_name: "driveItemVersion",
    options: &["select", "top", "skiptoken"],
    properties: PROPERTIES,
    expandable: &[],
    page: 200,
    largest_page: 999,
};

pub(super) fn routes() -> Vec<Route> {
    [
        on_items!(GET "/versions", permissions::READ, list),
        on_items!(GET "/versions/{version}", permissions::READ, get),
        on_items!(GET "/versions/{version}/content", permissions::READ, content),
        on_items!(POST "/versions/{version}/restoreVersion", permissions::WRITE, restore),
    ]
    .concat()
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&VERSIONS)?;
    let place = call.drive_place(Role::Read)?;
    let shown = versions(call, &place)?.iter().map(|one| wire::version(call.tenant, one)).collect();
    Ok(call.list(&query, "Collection(driveItemVersion)", shown, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&VERSION)?;
    let place = call.drive_place(Role::Read)?;
    let shown: Value = wire::version(call.tenant, &named(call, &place)?);
    let items = super::items::context(call.drive_at(&place)?);
    Ok(call.entity(&query, &format!("{items}('{}')/versions", place.item), shown, None))
}

fn content(call: &mut Call<'_>) -> Answer {
    let place = call.drive_place(Role::Read)?;
    let version = named(call, &place)?;
    let is_current = call.drive_item(&place)?.version_id() == version.id;
    transfer::redirect(call, &place, (!is_current).then_some(version.id))
}

fn restore(call: &mut Call<'_>) -> Answer {
    let place = call.drive_place(Role::Write)?;
    let version = named(call, &place)?;
    if call.drive_item(&place)?.version_id() == version.id {
        return Err(invalid("You cannot restore the current version."));
    }
    let (now, by) = (call.now, call.drive_author());
    let drive = call.drive_of(&place.owner)?;
    let mut item = drive.item(&place.item).cloned().ok_or_else(not_found)?;
    item.replace_content(version.content, now, by);
    drive.keep(item);
    changed(call, &place.owner);
    Ok(call.no_content())
}

/// All contents of a file, the newest first.
fn versions(call: &Call<'_>, place: &Place) -> Result<Vec<Version>, GraphError> {
    let item = call.drive_item(place)?;
    let Some(file) = &item.file else { return Err(invalid("A folder has no versions.")) };
    let current = Version {
        id: item.version_id(),
        content: file.content.clone(),
        modified: item.modified,
        modified_by: item.modified_by.clone(),
    };
    Ok(file.earlier.iter().cloned().chain([current]).rev().collect())
}

fn named(call: &Call<'_>, place: &Place) -> Result<Version, GraphError> {
    let asked = call.params.get("version");
    let mut versions = versions(call, place)?;
    if asked.eq_ignore_ascii_case("current") && !versions.is_empty() {
        return Ok(versions.swap_remove(0));
    }
    versions.into_iter().find(|version| version.id == asked).ok_or_else(not_found)
}
