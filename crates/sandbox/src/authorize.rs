//! The one place that says who may make a Graph call: signature, audience, lifetime, session and the
//! permission that the route declares (Entra reference §1.11, §5.3, §7.3).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::entra::{Claims, KeyRing, TokenFault};
use crate::exchange::Request;
use crate::graph::{Area, GraphError, Needs};
use crate::requests::{LoggedCaller, Permissions};
use crate::scope::note;
use crate::tenant::{GRAPH_APP_ID, Tenant};

/// The audiences that Graph takes for its own.
const GRAPH_AUDIENCES: [&str; 3] =
    ["https://graph.microsoft.com", "https://graph.microsoft.com/", GRAPH_APP_ID];

/// `iat` lies this long before the issue (Entra reference §1.11).
const BACKDATED: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// Who holds one of these has the permissions of agents (`AgentId…`) ignored.
pub(crate) const OVERSHADOWING: [&str; 2] = ["Directory.ReadWrite.All", AS_USER];

/// What lets an application do in the directory what its user may.
const AS_USER: &str = "Directory.AccessAsUser.All";

/// Who calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Caller {
    pub(crate) tenant_id: String,
    /// The client's app id.
    pub(crate) app_id: String,
    /// The subject's object id: the user, or the client's service principal.
    pub(crate) object_id: String,
    pub(crate) kind: CallerKind,
    /// When the token was issued, to the second.
    pub(crate) issued: Timestamp,
    /// When the token expires.
    pub(crate) expires: Timestamp,
    /// Whether the client said that it can take a claims challenge (`cp1`).
    pub(crate) takes_challenge: bool,
}

/// In whose name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CallerKind {
    /// The app alone, with its application roles.
    App { roles: Permissions },
    /// A user, with the delegated scopes.
    User { scopes: Permissions },
}

impl Caller {
    /// The user's object id, if a user calls.
    pub(crate) fn user_id(&self) -> Option<&str> {
        matches!(self.kind, CallerKind::User { .. }).then_some(self.object_id.as_str())
    }

    /// Whether the token carries that permission, as a role or as a scope.
    pub(crate) fn holds(&self, permission: &str) -> bool {
        let has = |name: &str| self.permissions().iter().any(|held| held.eq_ignore_ascii_case(name));
        // Broad directory permissions switch the agents' own ones off, a known issue (Entra reference §2.7).
        let is_ignored = permission.starts_with("AgentId") && OVERSHADOWING.iter().any(|broad| has(broad));
        // In a user's token it opens what its user may do in the directory (Microsoft: permissions reference).
        let is_as_user = self.user_id().is_some()
            && matches!(permission, "Directory.Read.All" | "Directory.ReadWrite.All")
            && has(AS_USER);
        (has(permission) || is_as_user) && !is_ignored
    }

    fn permissions(&self) -> &Permissions {
        match &self.kind {
            CallerKind::App { roles } => roles,
            CallerKind::User { scopes } => scopes,
        }
    }
}

/// Reads the bearer token: who calls, or the 401.
pub(crate) fn authenticate(request: &Request, key: &KeyRing, now: Timestamp) -> Result<Caller, GraphError> {
    let token = request.bearer().unwrap_or_default();
    if token.is_empty() {
        return Err(GraphError::invalid_token("Access token is empty."));
    }
    let claims = key.verify_again(token).map_err(|fault| {
        GraphError::invalid_token(match fault {
            TokenFault::Malformed => "CompactToken parsing failed with error code: 80049217",
            TokenFault::BadSignature => "Access token validation failure. Signature is invalid.",
        })
    })?;
    if !GRAPH_AUDIENCES.iter().any(|audience| claims.text("aud").eq_ignore_ascii_case(audience)) {
        return Err(GraphError::invalid_token("Access token validation failure. Invalid audience."));
    }
    if !claims.is_current(now) {
        return Err(GraphError::invalid_token("Lifetime validation failed, the token is expired."));
    }
    Ok(caller(&claims))
}

fn caller(claims: &Claims) -> Caller {
    let permissions = claims.permissions();
    let kind = if claims.is_of_app() {
        CallerKind::App { roles: permissions }
    } else {
        CallerKind::User { scopes: permissions }
    };
    let app_id = match claims.text("appid") {
        "" => claims.text("azp"),
        app_id => app_id,
    };
    Caller {
        tenant_id: claims.text("tid").to_owned(),
        app_id: app_id.to_owned(),
        object_id: claims.text("oid").to_owned(),
        kind,
        issued: claims.time("iat").and_then(|iat| iat.checked_add(BACKDATED).ok()).unwrap_or(Timestamp::MIN),
        expires: claims.time("exp").unwrap_or(Timestamp::MIN),
        takes_challenge: claims.has("xms_cc", "cp1"),
    }
}

/// Refuses a caller whose subject is gone. One that is disabled, or whose sessions were revoked, keeps its
/// token until it expires, unless the client can take a challenge (Entra reference §1.12, §13).
pub(crate) fn check_subject(caller: &Caller, tenant: &Tenant, now: Timestamp) -> Result<(), GraphError> {
    let gone = || GraphError::invalid_token("The identity of the calling application or user was not found.");
    match &caller.kind {
        CallerKind::App { .. } => {
            let principal = tenant.service_principals.get(&caller.object_id);
            let principal = principal.filter(|principal| principal.life.is_live()).ok_or_else(gone)?;
            if caller.takes_challenge && !principal.account_enabled {
                return Err(GraphError::claims_challenge(now));
            }
            Ok(())
        }
        CallerKind::User { .. } => {
            let user =
                tenant.users.get(&caller.object_id).filter(|user| user.life.is_live()).ok_or_else(gone)?;
            // A token's times are whole seconds.
            let is_older = caller.issued.as_second() < user.sessions_valid_from.as_second();
            let is_revoked = !user.account_enabled || is_older;
            if caller.takes_challenge && is_revoked {
                return Err(GraphError::claims_challenge(now));
            }
            Ok(())
        }
    }
}

/// Asks whether the caller holds what the call needs.
pub(crate) fn require(caller: &Caller, needs: Needs, area: Area) -> Result<(), GraphError> {
    let asked = match caller.kind {
        CallerKind::App { .. } => needs.application,
        CallerKind::User { .. } => needs.delegated,
    };
    note(|decision| {
        decision.caller = Some(LoggedCaller {
            app_id: caller.app_id.clone(),
            object_id: caller.object_id.clone(),
            app_only: caller.user_id().is_none(),
            permissions: caller.permissions().clone(),
        });
        decision.allowed_by = asked.iter().find(|one| caller.holds(one)).map(|one| (*one).to_owned());
    });
    let holds_one = |group: &[&str]| group.iter().any(|permission| caller.holds(permission));
    if needs.is_anyone() {
        return Ok(());
    }
    if holds_one(asked) && (needs.and.is_empty() || holds_one(needs.and)) {
        return Ok(());
    }
    note(|decision| {
        decision.allowed_by = None;
        let missing = if holds_one(asked) { needs.and } else { asked };
        decision.missing = missing.iter().map(|one| (*one).to_owned()).collect();
    });
    Err(match area {
        Area::Directory => GraphError::denied(),
        Area::Outlook => GraphError::new(
            http::StatusCode::FORBIDDEN,
            "ErrorAccessDenied",
            "Access is denied. Check credentials and try again.",
        ),
        Area::Teams => GraphError::forbidden(missing_permissions(caller, asked)),
        Area::Files => GraphError::new(http::StatusCode::FORBIDDEN, "accessDenied", "Access denied"),
    })
}

fn missing_permissions(caller: &Caller, asked: &[&str]) -> String {
    let asked = asked.join(", ");
    match &caller.kind {
        CallerKind::User { scopes } => format!(
            "Missing scope permissions on the request. API requires one of '{asked}'. Scopes on the request '{}'",
            scopes.join(", ")
        ),
        CallerKind::App { roles } => format!(
            "Missing role permissions on the request. API requires one of '{asked}'. Roles on the request '{}'. Resource specific consent grants on the request ''.",
            roles.join(", ")
        ),
    }
}
