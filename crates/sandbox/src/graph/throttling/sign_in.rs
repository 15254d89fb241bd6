//! Throttling of sign-in. Entra documents no figure for a tenant of people; what it documents is how a daemon that
//! does not keep its tokens is told: 429 with `Retry-After: 60` (MSAL's page on throttling; Entra reference §1.7,
//! §1.13). A person's client that runs in circles gets 50196 instead, at any setting.

use jiff::Timestamp;

use crate::realm::Realm;
use crate::throttling::{Limits, RetryAfter};

use super::limit::{Of, Per};
use super::meter::{Key, Use};
use super::scaled;
use super::table::ROWS;

/// Tokens for itself that an application is given within [`SECONDS`]: this sandbox's figure, of the order at which
/// Entra has been seen to refuse.
const MOST: u64 = 1_000;
const SECONDS: u32 = 60;

/// One token request too many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// How long to wait, in seconds, unless Entra is to keep that to itself.
    pub(crate) retry_after: Option<u32>,
    /// The limit, in words.
    pub(crate) limit: String,
}

/// Counts a request of an application for a token of its own.
pub(crate) fn count(realm: &Realm, client_id: &str, now: Timestamp) -> Result<(), TooMany> {
    let throttling = realm.manners().throttling;
    if throttling.limits == Limits::Off {
        return Ok(());
    }
    let key = Key { row: ROWS.len() + 2, limit: 0, seconds: SECONDS, who: client_id.to_ascii_lowercase() };
    let most = scaled(MOST, throttling.scale);
    let one = Use { key, per: Per::AppAndTenant, of: Of::Requests, cost: 1, most, elsewhere: 0 };
    let counted = realm.meter.count(&[one], now);
    counted.map(drop).map_err(|exceeded| TooMany {
        retry_after: (throttling.retry_after != RetryAfter::Never).then_some(SECONDS),
        limit: exceeded.to_string(),
    })
}
