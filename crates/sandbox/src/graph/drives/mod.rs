//! OneDrive: `/me/drive`, `/users/{user}/drive`, `/drives/{drive}` and `/shares` (Entra reference §13;
//! Microsoft's pages on `drive` and `driveItem`). A drive exists as soon as a licence with SharePoint has
//! brought it. Bytes go through addresses that need no token: [`host`].

/// The routes of an operation on items, in each of the three ways to name a drive.
macro_rules! on_items {
    ($method:ident $suffix:literal, $needs:expr, $handler:expr) => {
        on_drives!($method concat!("/items/{item}", $suffix), $needs, $handler)
    };
}

/// The same for operations on drives.
macro_rules! on_drives {
    ($method:ident concat!($($suffix:literal),+), $needs:expr, $handler:expr) => {{
        use crate::graph::route::{Area, Needs, Route};
        let needs: Needs = $needs;
        let route = |pattern, needs| {
            Route::new(http::Method::$method, pattern, needs, $handler).area(Area::Files)
        };
        vec![
            route(concat!("/me/drive", $($suffix),+), needs),
            route(concat!("/users/{user}/drive", $($suffix),+), needs),
            route(concat!("/drives/{drive}", $($suffix),+), needs),
        ]
    }};
    ($method:ident $suffix:literal, $needs:expr, $handler:expr) => {
        on_drives!($method concat!($suffix), $needs, $handler)
    };
}

mod access;
mod content;
mod copy;
mod delta;
mod drive;
mod hashes;
pub(crate) mod host;
mod ids;
mod items;
mod permissions;
mod shares;
mod sharing;
mod special;
mod state;
mod thumbnails;
mod transfer;
mod upload;
mod versions;
mod views;
mod wire;

use crate::graph::route::Route;

pub(crate) use state::Drives;

pub(super) fn routes() -> Vec<Route> {
    [
        drive::routes(),
        items::routes(),
        transfer::routes(),
        upload::routes(),
        copy::routes(),
        sharing::routes(),
        shares::routes(),
        views::routes(),
        delta::routes(),
        versions::routes(),
        thumbnails::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
