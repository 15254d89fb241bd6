//! What happens to API keys: made, rotated with a time in which both work, revoked.

use std::time::Duration;

use attache_ledger::ActName;
use attache_store::{Unit, Versioned};
use attache_terms::Secret;
use jiff::Timestamp;

use super::http::created;
use super::{ApiKey, KeyId, PREFIX};
use crate::Gateway;
use crate::access::{Grant, Prefix, Principal, Scopes, Token};
use crate::line::is_line;
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

/// How long an old key works on after its rotation, unless said otherwise.
pub(super) const GRACE: Duration = Duration::from_secs(24 * 3600);
/// The longest that it may.
const LONGEST_GRACE: Duration = Duration::from_secs(30 * 24 * 3600);

const CREATED: ActName = ActName::new("api_key.created");
const ROTATED: ActName = ActName::new("api_key.rotated");
const REVOKED: ActName = ActName::new("api_key.revoked");

/// What a key is made from.
#[derive(Debug, Clone)]
pub(super) struct NewKey {
    pub(super) name: String,
    pub(super) scopes: Scopes,
    pub(super) allowed_from: Vec<Prefix>,
    pub(super) expires: Option<Timestamp>,
}

/// Makes a key. The secret is in no other answer.
pub(super) async fn create(gateway: &Gateway, grant: &Grant, wanted: NewKey) -> Answer<(ApiKey, Secret)> {
    let now = gateway.clock.now();
    let name = wanted.name.trim().to_owned();
    if !is_line(&name, 100) {
        return Err(Problem::invalid("name", "not a name", "write 1 to 100 characters on one line"));
    }
    if let Some(scope) = wanted.scopes.unknown() {
        let remedy = "take scopes that GET /api/v1/scopes lists";
        return Err(Problem::invalid("scopes", format!("{scope:?} is none"), remedy));
    }
    if wanted.scopes.0.is_empty() {
        return Err(Problem::invalid(
            "scopes",
            "none",
            "name at least one scope; a key without any may nothing",
        ));
    }
    if wanted.expires.is_some_and(|expires| expires <= now) {
        return Err(Problem::invalid("expires", "in the past", "give a time to come, or none"));
    }
    may_give(grant, &wanted.scopes)?;
    let made = fresh(gateway, grant, NewKey { name, scopes: wanted.scopes.once(), ..wanted });
    let (key, _) = &made;
    let mut unit = Unit::new();
    unit.create(grant.scope, key);
    unit.record(grant.scope, gateway.changed(&grant.caller, CREATED, on([thing("api_key", key.id)])));
    gateway.commit_answered(&grant.caller, unit, || created(&made)).await?;
    Ok(made)
}

/// A key gives no more than its maker has.
fn may_give(grant: &Grant, scopes: &Scopes) -> Answer<()> {
    let Principal::Key(own) = &grant.caller.principal else { return Ok(()) };
    match scopes.0.iter().find(|scope| !own.scopes.0.contains(scope)) {
        None => Ok(()),
        Some(scope) => Err(Problem::new(
            http::StatusCode::FORBIDDEN,
            "scope_exceeded",
            format!("the API key does not have the scope {scope} itself"),
            "leave the scope out, or have a person make the key",
        )),
    }
}

/// Makes a successor with the same rights; the old key works on for `grace`.
pub(super) async fn rotate(
    gateway: &Gateway,
    grant: &Grant,
    old: &Versioned<ApiKey>,
    grace: Duration,
) -> Answer<(ApiKey, Secret)> {
    // The successor's secret goes to whoever asks.
    may_give(grant, &old.scopes)?;
    let now = gateway.clock.now();
    let is_expired = old.expires.is_some_and(|expires| expires <= now);
    if old.revoked.is_some() || old.successor.is_some() || is_expired {
        return Err(Problem::new(
            http::StatusCode::CONFLICT,
            "key_over",
            "the key was revoked or rotated already, or has expired",
            "rotate its successor, or make a new key",
        ));
    }
    if grace > LONGEST_GRACE {
        return Err(Problem::invalid("grace_seconds", "too long", "give at most 30 days"));
    }
    let ends = now.saturating_add(grace).unwrap_or(now);
    let wanted = NewKey {
        name: old.name.clone(),
        scopes: old.scopes.clone(),
        allowed_from: old.allowed_from.clone(),
        expires: old.expires,
    };
    let made = fresh(gateway, grant, wanted);
    let (key, _) = &made;
    let before = ApiKey {
        successor: Some(key.id),
        expires: Some(old.expires.map_or(ends, |expires| expires.min(ends))),
        ..old.record.clone()
    };
    let mut unit = Unit::new();
    unit.update(old, &before);
    unit.create(grant.scope, key);
    let about = on([thing("api_key", old.id), thing("api_key", key.id)]);
    unit.record(grant.scope, gateway.changed(&grant.caller, ROTATED, about));
    gateway.commit_answered(&grant.caller, unit, || created(&made)).await?;
    Ok(made)
}

/// Ends a key at once.
pub(super) async fn revoke(gateway: &Gateway, grant: &Grant, key: &Versioned<ApiKey>) -> Answer<ApiKey> {
    if key.revoked.is_some() {
        return Ok(key.record.clone());
    }
    let revoked = ApiKey { revoked: Some(gateway.clock.now()), ..key.record.clone() };
    let mut unit = Unit::new();
    unit.update(key, &revoked);
    unit.record(grant.scope, gateway.changed(&grant.caller, REVOKED, on([thing("api_key", key.id)])));
    gateway.commit(&grant.caller, unit).await?;
    Ok(revoked)
}

fn fresh(gateway: &Gateway, grant: &Grant, wanted: NewKey) -> (ApiKey, Secret) {
    let token = Token::new(PREFIX, &*gateway.rng);
    let key = ApiKey {
        id: KeyId::make(&*gateway.clock, &*gateway.rng),
        org: grant.scope.org(),
        name: wanted.name,
        digest: token.digest,
        scopes: wanted.scopes,
        allowed_from: wanted.allowed_from,
        created: gateway.clock.now(),
        expires: wanted.expires,
        revoked: None,
        successor: None,
    };
    (key, token.secret)
}
