//! Views across a drive: what was used lately, what others share, what a search finds. The first two are
//! deprecated (Entra reference §13) and still answer.

use http::Method;
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::Answer;
use crate::graph::odata::Surface;
use crate::graph::route::{Area, Route};

use super::access::{Place, invalid};
use super::items::{COLLECTION, context, list, shown};
use super::state::{Item, Role};
use super::{permissions, wire};

/// These are sorted by what they are about and by nothing else.
const VIEW: Surface = Surface { options: &["select", "top", "skiptoken", "expand"], ..COLLECTION };

/// How many items `recent` goes back.
const RECENT: usize = 100;

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::GET, "/me/drive/recent", permissions::READ, recent),
        Route::new(Method::GET, "/users/{user}/drive/recent", permissions::READ, recent),
        Route::new(Method::GET, "/me/drive/sharedWithMe", permissions::READ_SHARED, shared),
        Route::new(Method::GET, "/users/{user}/drive/sharedWithMe", permissions::READ_SHARED, shared),
    ];
    routes.extend(on_items!(GET "/search/{q}", permissions::READ, search));
    routes.extend(on_drives!(GET "/search/{q}", permissions::READ, search));
    routes.into_iter().map(|route| route.area(Area::Files)).collect()
}

fn recent(call: &mut Call<'_>) -> Answer {
    let query = call.query(&VIEW)?;
    let drive = call.whole_drive()?;
    let owner = drive.owner.clone();
    let mut files: Vec<&Item> =
        drive.items.values().filter(|item| !item.deleted && !item.is_folder()).collect();
    files.sort_by_key(|item| std::cmp::Reverse((item.modified, item.change)));
    let places: Vec<Place> =
        files.iter().take(RECENT).map(|item| Place { owner: owner.clone(), item: item.id.clone() }).collect();
    let items = places.iter().map(|place| shown(call, place)).collect::<Result<_, _>>()?;
    Ok(list(call, &query, "Collection(driveItem)", items))
}

fn shared(call: &mut Call<'_>) -> Answer {
    let query = call.query(&VIEW)?;
    let user = call.drive_owner()?;
    call.whole_drive()?;
    let with_user = |item: &&Item| {
        let mut current = item.permissions.iter().filter(|permission| permission.is_current(call.now));
        !item.deleted && current.any(|permission| permission.users.contains(&user))
    };
    let others = call.tenant.workloads.drives.0.values().filter(|drive| drive.owner != user);
    let items = others
        .flat_map(|drive| drive.items.values().filter(with_user).map(move |item| (drive, item)))
        .map(|(drive, item)| wire::remote(call.tenant, drive, item, call.now))
        .collect();
    Ok(list(call, &query, "Collection(driveItem)", items))
}

fn search(call: &mut Call<'_>) -> Answer {
    let query = call.query(&VIEW)?;
    let asked = call.params.get("q").to_owned();
    let words = asked
        .strip_prefix("q=")
        .and_then(|text| text.strip_prefix('\''))
        .and_then(|text| text.strip_suffix('\''))
        .ok_or_else(|| invalid("The search has to be written search(q='text')."))?
        .replace("''", "'")
        .to_lowercase();
    let place = match call.params.get("item") {
        "" => {
            let drive = call.whole_drive()?;
            Place { owner: drive.owner.clone(), item: drive.root_id() }
        }
        _ => call.drive_place(Role::Read)?,
    };
    let drive = call.drive_at(&place)?;
    let words: Vec<&str> = words.split_whitespace().collect();
    let found: Vec<Place> = drive
        .items
        .values()
        .filter(|item| !item.deleted && item.parent.is_some())
        .filter(|item| drive.ancestors(item).any(|folder| folder.id == place.item))
        .filter(|item| words.iter().all(|word| contains(item, word)))
        .map(|item| Place { owner: place.owner.clone(), item: item.id.clone() })
        .collect();
    let context = context(drive);
    let mut items = found.iter().map(|place| shown(call, place)).collect::<Result<Vec<Value>, _>>()?;
    for item in &mut items {
        item["searchResult"] = json!({});
    }
    Ok(list(call, &query, &context, items))
}

/// Whether the word is in an item's name, or in a text file.
fn contains(item: &Item, word: &str) -> bool {
    let is_text = |file: &&super::state::File| {
        file.mime_type.starts_with("text/") || file.mime_type == "application/json"
    };
    let text = item.file.as_ref().filter(is_text).map(|file| String::from_utf8_lossy(&file.content.bytes));
    item.name.to_lowercase().contains(word) || text.is_some_and(|text| text.to_lowercase().contains(word))
}
