//! `/shares/{encoded sharing URL or share id}` (Microsoft's page on `shares: get`): an item by its sharing
//! link, and with `Prefer: redeemSharingLink` the lasting right to it.

use http::Method;
use serde_json::{Map, Value, json};

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Query, Service, Surface};
use crate::graph::route::{Area, Route};
use crate::tenant::Tenant;

use super::access::{Place, denied, invalid, not_found};
use super::state::{Permission, Role};
use super::{items, permissions, sharing, transfer, wire};

const SHARE: Surface = Surface::object(
    Service::Teams,
    "sharedDriveItem",
    &[
        "id",
        "name",
        "owner",
        "webUrl",
        "createdBy",
        "createdDateTime",
        "lastModifiedBy",
        "lastModifiedDateTime",
    ],
)
.expanding(&["driveItem", "root"]);

pub(super) fn routes() -> Vec<Route> {
    [
        Route::new(Method::GET, "/shares/{share}", permissions::WRITE, get),
        Route::new(Method::GET, "/shares/{share}/driveItem", permissions::WRITE, item),
        Route::new(Method::GET, "/shares/{share}/root", permissions::WRITE, item),
        Route::new(Method::GET, "/shares/{share}/driveItem/content", permissions::READ, content),
        Route::new(Method::GET, "/shares/{share}/driveItem/children", permissions::READ, children),
        Route::new(Method::GET, "/shares/{share}/permission", permissions::READ, permission),
    ]
    .into_iter()
    .map(|route| route.area(Area::Files))
    .collect()
}

/// What a share leads to.
struct Shared {
    place: Place,
    /// The link, if it is one and not the item's own address.
    link: Option<String>,
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&SHARE)?;
    let shared = open(call)?;
    let drive = call.drive_at(&shared.place)?;
    let item = call.drive_item(&shared.place)?;
    let whole = wire::item(call.tenant, drive, item, call.now);
    let owner = super::state::Author { app_id: String::new(), user: Some(drive.owner.clone()) };
    let mut shown = Map::new();
    shown.insert("id".to_owned(), json!(call.params.get("share")));
    shown.insert("name".to_owned(), json!(item.name));
    shown.insert("owner".to_owned(), wire::identities(call.tenant, &owner));
    shown.insert("webUrl".to_owned(), whole["webUrl"].clone());
    for name in &query.expand {
        let name = if name.eq_ignore_ascii_case("root") { "root" } else { "driveItem" };
        shown.insert(name.to_owned(), items::shown(call, &shared.place)?);
    }
    Ok(call.entity(&query, "shares", Value::Object(shown), None))
}

fn item(call: &mut Call<'_>) -> Answer {
    items::refuse_unknown(call)?;
    let query = call.query(&items::COLLECTION)?;
    let shared = open(call)?;
    items::answer_item(call, &query, &shared.place, http::StatusCode::OK)
}

fn content(call: &mut Call<'_>) -> Answer {
    let shared = open(call)?;
    transfer::redirect(call, &shared.place, None)
}

fn children(call: &mut Call<'_>) -> Answer {
    let query = call.query(&items::COLLECTION)?;
    let shared = open(call)?;
    let children = items::children_of(call, &shared.place)?;
    let context = items::context(call.drive_at(&shared.place)?);
    Ok(items::list(call, &query, &context, children))
}

fn permission(call: &mut Call<'_>) -> Answer {
    let shared = open(call)?;
    let link = shared.link.ok_or_else(not_found)?;
    let shown = sharing::link_permission(call, &shared.place, &link)?;
    Ok(call.entity(&Query::default(), "microsoft.graph.permission", shown, None))
}

/// Finds what the share is of, asks whether the caller may have it, and redeems it if that was preferred.
fn open(call: &mut Call<'_>) -> Result<Shared, GraphError> {
    let encoded = call.params.get("share").to_owned();
    let address = decode(&encoded).ok_or_else(|| invalid("The sharing token is malformed."))?;
    let shared = find(call.tenant, &address).ok_or_else(not_found)?;
    let now = call.now;
    let Some(user) = call.caller.user_id().map(str::to_owned) else { return Ok(shared) };
    let has_it = shared.place.owner == user || call.drive_role_of(&shared.place, &user).is_some();
    let link = shared.link.as_ref().and_then(|id| {
        call.drive_item(&shared.place)
            .ok()?
            .permissions
            .iter()
            .find(|one| one.id == *id && one.is_current(now))
    });
    let is_open = link.is_some_and(is_open);
    if !has_it && !is_open {
        return Err(denied());
    }
    let prefers = call.request.header("prefer").unwrap_or_default().to_ascii_lowercase();
    let redeems = prefers.split(',').any(|one| one.trim().starts_with("redeemsharinglink"));
    if let (true, false, Some(id)) = (redeems, has_it, &shared.link) {
        let id = id.clone();
        let drive = call.drive_of(&shared.place.owner)?;
        let item = drive.items.get_mut(&shared.place.item).ok_or_else(not_found)?;
        if let Some(link) = item.permissions.iter_mut().find(|one| one.id == id) {
            link.users.push(user);
        }
    }
    Ok(shared)
}

/// Whether the link opens for whoever has it.
fn is_open(permission: &Permission) -> bool {
    permission.role >= Role::Read
        && !permission.has_password
        && permission.link.as_ref().is_some_and(|link| link.scope != "users")
}

/// `u!` and a URL in unpadded base64url; a share id is the same.
fn decode(share: &str) -> Option<String> {
    use base64::Engine as _;
    let encoded = share.strip_prefix("u!")?.trim_end_matches('=');
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(encoded).ok()?;
    String::from_utf8(bytes).ok()
}

/// The item with that sharing link or that address.
fn find(tenant: &Tenant, address: &str) -> Option<Shared> {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    for drive in tenant.workloads.drives.0.values() {
        for item in drive.items.values().filter(|item| !item.deleted) {
            let place = || Place { owner: drive.owner.clone(), item: item.id.clone() };
            let token = address.rsplit('/').next().unwrap_or_default();
            let link = item
                .permissions
                .iter()
                .find(|permission| permission.link.as_ref().is_some_and(|link| link.token == token));
            if let Some(link) = link {
                return Some(Shared { place: place(), link: Some(link.id.clone()) });
            }
            if wire::web_url(tenant, drive, item) == address {
                return Some(Shared { place: place(), link: None });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_an_encoded_address() {
        let encoded = "u!aHR0cHM6Ly94LmV4YW1wbGUvYT9i";
        assert_eq!(decode(encoded).as_deref(), Some("https://x.example/a?b"));
        assert_eq!(decode("aHR0cHM6"), None);
        assert_eq!(decode("u!*"), None);
    }
}
