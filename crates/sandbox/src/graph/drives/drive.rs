//! The drive itself.

use http::Method;
use serde_json::Value;

use crate::graph::call::Call;
use crate::graph::error::Answer;
use crate::graph::odata::{Service, Surface};
use crate::graph::route::{Area, Route};

use super::{permissions, wire};

const DRIVE: Surface = Surface::object(Service::Teams, "drive", wire::DRIVE).expanding(&["root"]);
const DRIVES: Surface = Surface {
    service: Service::Teams,
    type_name: "drive",
    options: &["select", "top", "skiptoken", "orderby"],
    properties: wire::DRIVE,
    expandable: &[],
    page: 200,
    largest_page: 999,
};

pub(super) fn routes() -> Vec<Route> {
    [
        Route::new(Method::GET, "/me/drive", permissions::READ_MY_DRIVE, get),
        Route::new(Method::GET, "/users/{user}/drive", permissions::READ, get),
        Route::new(Method::GET, "/drives/{drive}", permissions::READ, get),
        Route::new(Method::GET, "/me/drives", permissions::READ_MY_DRIVE, list),
        Route::new(Method::GET, "/users/{user}/drives", permissions::READ, list),
    ]
    .into_iter()
    .map(|route| route.area(Area::Files))
    .collect()
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&DRIVE)?;
    let shown = shown(call)?;
    let mut shown = shown;
    if !query.expand.is_empty() {
        let place = root(call)?;
        shown["root"] = super::items::shown(call, &place)?;
    }
    Ok(call.entity(&query, "drives", shown, None))
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&DRIVES)?;
    let drive = shown(call)?;
    Ok(call.list(&query, "drives", vec![drive], None))
}

fn shown(call: &mut Call<'_>) -> Result<Value, crate::graph::GraphError> {
    let place = root(call)?;
    Ok(wire::drive(call.tenant, call.drive_at(&place)?))
}

/// The root of the drive that the path names; whoever sees nothing of the drive does not see the drive.
fn root(call: &mut Call<'_>) -> Result<super::access::Place, crate::graph::GraphError> {
    let owner = call.drive_owner()?;
    let drive = call.drive_of(&owner)?;
    let ids: Vec<String> = drive.items.keys().cloned().collect();
    let root = super::access::Place { owner: owner.clone(), item: drive.root_id() };
    let sees = |id: &String| {
        let place = super::access::Place { owner: owner.clone(), item: id.clone() };
        call.check_drive(&place, super::state::Role::Read).is_ok()
    };
    if call.check_drive(&root, super::state::Role::Read).is_err() && !ids.iter().any(sees) {
        return Err(super::access::denied());
    }
    Ok(root)
}
