//! Thumbnails: there are none, as OneDrive has none of files that it cannot picture (Microsoft: thumbnailSet).

use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::Answer;
use crate::graph::odata::{Query, Service, Surface};
use crate::graph::route::Route;

use super::permissions;
use super::state::Role;

const SETS: Surface = Surface {
    service: Service::Teams,
    type_name: "thumbnailSet",
    options: &["select", "top", "skiptoken"],
    properties: &["id", "large", "medium", "small", "source"],
    expandable: &[],
    page: 200,
    largest_page: 999,
};

pub(super) fn routes() -> Vec<Route> {
    on_items!(GET "/thumbnails", permissions::READ, list)
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&SETS)?;
    let place = call.drive_place(Role::Read)?;
    let context = format!("{}('{}')/thumbnails", super::items::context(call.drive_at(&place)?), place.item);
    Ok(call.list(&query, &context, Vec::new(), None))
}

/// What `$expand=thumbnails` shows of an item.
pub(super) fn expand(query: &Query, item: &mut Value) {
    if query.expand.iter().any(|name| name.eq_ignore_ascii_case("thumbnails")) {
        item["thumbnails"] = json!([]);
    }
}
