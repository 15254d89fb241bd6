//! `/auditLogs`: the tenant's logs of sign-ins and of changes of the directory (Entra reference §13).

mod directory_audits;
mod sign_ins;

use super::route::Route;

pub(crate) use directory_audits::{Audit, Audits, user_initiator};
pub(super) use directory_audits::{after, before};

pub(super) fn routes() -> Vec<Route> {
    [directory_audits::routes(), sign_ins::routes()].concat()
}
