//! Whose key it is, and whether it still opens anything.

use std::net::IpAddr;
use std::time::Duration;

use attache_store::{Unit, Versioned};
use http::StatusCode;

use super::{ApiKey, PREFIX};
use crate::Gateway;
use crate::access::Digest;
use crate::server::Problem;

/// How often the use of a key is noted at most.
const OFTEN: Duration = Duration::from_secs(600);

/// The key with this secret, shown from this address. One point read; the hash of 256 random bits tells nothing
/// by how long it takes to find.
pub(crate) async fn authenticate(gateway: &Gateway, secret: &str, from: IpAddr) -> Result<ApiKey, Problem> {
    if !secret.starts_with(PREFIX) {
        return Err(refused("key_unknown", "that is no API key", "API keys begin with `atk_`"));
    }
    let digest = Digest::of(secret);
    let found = gateway.system().find::<ApiKey>(ApiKey::BY_DIGEST, digest.as_str()).await?;
    let Some(found) = found else {
        return Err(refused("key_unknown", "there is no such API key", "have an administrator make one"));
    };
    judge(&found, gateway.clock.now(), from)?;
    note_use(gateway, &found);
    Ok(found.record)
}

/// Remembers about when a key was used: every use would be a write. Nobody waits for it, and when somebody else
/// changes the key meanwhile, the next use says it again.
fn note_use(gateway: &Gateway, found: &Versioned<ApiKey>) {
    let now = gateway.clock.now();
    if found.last_used.is_some_and(|last| now.duration_since(last).unsigned_abs() < OFTEN) {
        return;
    }
    let mut unit = Unit::new();
    unit.update(found, &ApiKey { last_used: Some(now), ..found.record.clone() });
    let store = gateway.store.clone();
    tokio::spawn(async move {
        if let Err(error) = store.commit(unit).await {
            tracing::debug!(%error, "the use of a key was not noted");
        }
    });
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
            Err(refused("key_expired", "the API key has expired", "have an administrator rotate it"))
        }
        (false, _) if !key.allowed_from.is_empty() && !key.allowed_from.contains(&from) => Err(refused(
            "key_address",
            format!("the API key may not be used from {from}"),
            "use it from an address in its allow-list, or have an administrator change that",
        )),
        (false, _) => Ok(()),
    }
}

fn refused(code: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail, remedy)
}
