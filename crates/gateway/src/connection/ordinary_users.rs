//! Whether the gateway may make ordinary users in an organisation's own tenant: if its administrator has granted what that
//! takes. Entra's page of consent asks for what an application's registration lists, for every customer the same (Entra
//! reference §1.1, "Admin consent"), so that this is granted to the application by itself.

use attache_store::OrgScope;
use http::StatusCode;

use super::permissions::ORDINARY_USERS;
use super::{Connection, look, not_connected};
use crate::Gateway;
use crate::server::{Answer, Problem};

/// Asks the tenant itself: what was granted at the last look may be otherwise now.
pub(crate) async fn may_make_ordinary_users(gateway: &Gateway, scope: OrgScope) -> Answer<()> {
    let connection = Connection::of(gateway.store.org(scope)).await?.ok_or_else(not_connected)?;
    let graph = look::graph(gateway, connection.tenant)?;
    // What was granted since the last token only shows in a fresh one.
    graph.renew().await;
    if look::granted(gateway, &graph).await?.iter().any(|own| own == ORDINARY_USERS.name) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "ordinary_users_not_granted",
        format!(
            "the gateway makes no ordinary users in the organisation's own tenant, which has not granted it {}",
            ORDINARY_USERS.name
        ),
        format!(
            "have an administrator of the tenant grant {} to the gateway's application (the commands stand at Settings > \
             Agent identity > Your own tenant, and at GET …/tenant/instructions), then ask again; or have them make the \
             user, and adopt it (`\"method\": \"adopt\"`)",
            ORDINARY_USERS.name
        ),
    ))
}
