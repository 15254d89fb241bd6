//! Whether somebody is an administrator of a tenant, asked of its directory.

use attache_graph::{Cause, Graph, GraphError};
use attache_terms::UserId;
use http::StatusCode;
use uuid::{Uuid, uuid};

use crate::server::{Answer, Problem};

/// The roles that may consent to application permissions of Microsoft Graph for a whole tenant (Entra documentation,
/// "Grant tenant-wide admin consent"), by template: Global Administrator, Privileged Role Administrator.
const ADMINISTRATORS: [Uuid; 2] =
    [uuid!("62e90394-69f5-4237-9190-012177145e10"), uuid!("e8611ab8-c189-46e8-94e1-60213ab1f814")];

/// Asks the tenant whether this user is one of its administrators. That it answers shows that there is consent.
pub(crate) async fn is_administrator(graph: &Graph, user: UserId) -> Answer<bool> {
    let roles = graph.directory_roles_of(user).await.map_err(|error| unread(&error))?;
    Ok(roles.value.iter().any(|role| ADMINISTRATORS.contains(role)))
}

/// That the tenant does not let us look.
pub(super) fn unread(error: &GraphError) -> Problem {
    match error.cause() {
        Cause::Token(_) | Cause::Forbidden { .. } | Cause::Unauthorised { .. } => Problem::new(
            StatusCode::CONFLICT,
            "tenant_not_consented",
            format!("the tenant does not let our application in: {error}"),
            "have an administrator consent to all that is listed at Settings > Agent identity; fresh consent may take some minutes",
        ),
        _ => Problem::explained(StatusCode::BAD_GATEWAY, error),
    }
}

/// That somebody is no administrator of the tenant.
pub(crate) fn not_administrator() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "not_administrator",
        "the account is no administrator of the tenant: it is neither Global Administrator nor Privileged Role Administrator now",
        "sign in as one of them; where the role is only eligible, activate it first",
    )
}
