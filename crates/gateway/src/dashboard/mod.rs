//! How pages look: the layout, the navigation, the one style sheet and the one script, all embedded. The pages
//! themselves stand with their features.

mod assets;
mod look;
mod onward;
mod page;

pub(crate) use assets::routes;
pub(crate) use look::{Look, PlaceOf};
pub(crate) use onward::onward;
pub(crate) use page::{Page, page, problem};
