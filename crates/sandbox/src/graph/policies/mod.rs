//! Policies about sign-in: conditional access and the security defaults (Entra reference §13).

mod conditional_access;
mod security_defaults;

use super::route::Route;

pub(super) fn routes() -> Vec<Route> {
    [conditional_access::routes(), security_defaults::routes()].into_iter().flatten().collect()
}
