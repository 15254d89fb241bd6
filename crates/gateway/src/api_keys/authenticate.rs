//! Whose key it is, and whether it still opens anything.

use std::net::IpAddr;
use std::sync::Arc;

use attache_ledger::{Act, ActName, By, ByKind};
use attache_store::{OrgScope, Versioned};
use http::StatusCode;

use super::{ApiKey, PREFIX, last_use};
use crate::Gateway;
use crate::access::{Digest, Visit};
use crate::record::{on, thing};
use crate::server::Problem;

const REFUSED: ActName = ActName::new("api_key.refused");

/// The key with this secret, shown from this address. One point read; the hash of 256 random bits tells nothing
/// by how long it takes to find.
pub(crate) async fn authenticate(
    gateway: &Arc<Gateway>,
    secret: &str,
    visit: Visit,
) -> Result<Arc<Versioned<ApiKey>>, Problem> {
    if !secret.starts_with(PREFIX) {
        return Err(refused("key_unknown", "that is no API key", "API keys begin with `atk_`"));
    }
    let digest = Digest::of(secret);
    let found = gateway.system().find_shared::<ApiKey>(ApiKey::BY_DIGEST, digest.as_str()).await?;
    let Some(found) = found else {
        let problem = refused("key_unknown", "there is no such API key", "have an administrator make one");
        gateway.refused_visitor(visit, REFUSED, &problem).await;
        return Err(problem);
    };
    let now = gateway.clock.now();
    if let Err(problem) = judge(&found, now, visit.from) {
        let by = By::new(ByKind::Key, found.id.to_string());
        let act = Act::new(REFUSED, visit.actor(Some(by))).correlated(visit.correlation());
        let act = act.on(on([thing("api_key", found.id)]));
        gateway.refused(found.id.uuid(), OrgScope::granted(found.org), act, &problem).await;
        return Err(problem);
    }
    last_use::note(gateway, &found, now);
    Ok(found)
}

fn judge(key: &ApiKey, now: jiff::Timestamp, from: IpAddr) -> Result<(), Problem> {
    let over = key.revoked.is_some() || key.expires.is_some_and(|expires| expires <= now);
    match (over, key.successor) {
        (true, Some(successor)) => Err(refused(
            "key_rotated",
            format!("the API key was replaced by {successor}"),
            format!("use the key {successor}"),
        )),
        (true, None) if key.revoked.is_some() => {
            Err(refused("key_revoked", "the API key was revoked", "have an administrator make one"))
        }
        (true, None) => {
            Err(refused("key_expired", "the API key has expired", "have an administrator make one"))
        }
        (false, _) if !may_come_from(key, from) => Err(refused(
            "key_address",
            format!("the API key may not be used from {from}"),
            "use it from an address in its allow-list, or have an administrator change that",
        )),
        (false, _) => Ok(()),
    }
}

/// Whether the key may be used from this address.
fn may_come_from(key: &ApiKey, from: IpAddr) -> bool {
    key.allowed_from.is_empty() || key.allowed_from.iter().any(|prefix| prefix.has(from))
}

fn refused(code: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail, remedy)
}
