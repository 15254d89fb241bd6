//! The tenant's logs (Entra reference §13).

mod sign_ins;

use super::route::Route;

pub(super) fn routes() -> Vec<Route> {
    sign_ins::routes()
}
