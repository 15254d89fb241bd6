//! Rate limits: how many requests a minute an organisation's programs may make together, each key and person alone, and
//! one address that has proved nothing. They hold for one process; several on one database each allow as much.
//!
//! Answers say how one stands by `RateLimit-Policy` and `RateLimit`, the two fields of
//! draft-ietf-httpapi-ratelimit-headers-10, which, other than `RateLimit-Limit` and its like of earlier drafts, can
//! speak of two policies at once. A refusal is a 429 (RFC 6585, section 4) with `Retry-After`.

mod bucket;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use attache_terms::Boot;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};
use uuid::Uuid;

use crate::server::Problem;

/// How many requests a minute somebody may make; `None` for as many as they like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All API keys of an organisation together.
    pub organisation: Option<NonZeroU32>,
    /// One API key, and one person with their sessions.
    pub key: Option<NonZeroU32>,
    /// One address, of what needs no proof and costs something: signing in, links, whether the gateway is ready.
    pub address: Option<NonZeroU32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            organisation: NonZeroU32::new(6000),
            key: NonZeroU32::new(3000),
            address: NonZeroU32::new(600),
        }
    }
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self { organisation: None, key: None, address: None };
}

/// Whose requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Policy {
    /// Those of an organisation's programs. People are not among them: a program that goes wild must not keep them
    /// from the page on which they stop it.
    Organisation,
    /// Those of one API key.
    Key,
    /// Those of one person.
    Person,
    /// Those of one address that has proved nothing.
    Address,
}

impl Policy {
    fn name(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Key => "key",
            Self::Person => "person",
            Self::Address => "address",
        }
    }
}

/// What is counted of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Counted {
    /// Their requests.
    Requests(Policy),
    /// Those of their requests that were refused.
    Refusals,
}

/// Whose refusals are to be entries of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noting {
    /// Those of one caller, or of one address.
    Caller(Uuid),
    /// Those of all together who have proved nothing.
    Visitors,
}

impl Noting {
    /// How many are within a minute.
    fn quota(self) -> u32 {
        match self {
            Self::Caller(_) => 10,
            Self::Visitors => 60,
        }
    }
}

/// How many parts the counts are kept in: requests wait for one another only within one, for the time that it takes
/// to count.
const PARTS: usize = 64;
/// Whoever has not asked yet has a whole quota.
const WHOLE: Boot = Boot(Duration::ZERO);
/// How many counts a part holds before those of whoever has a whole quota are dropped.
const FEW: usize = 256;

/// What this process has counted.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    parts: [Mutex<Part>; PARTS],
}

/// When the quota of each will be whole again, and at how many the part is swept.
#[derive(Debug)]
struct Part {
    whole_at: HashMap<(Counted, Uuid), Boot>,
    sweep_at: usize,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        let part = || Mutex::new(Part { whole_at: HashMap::new(), sweep_at: FEW });
        Self { limits, parts: std::array::from_fn(|_| part()) }
    }

    /// Counts a request, or refuses it. How its caller stands goes to the answer's headers.
    pub(crate) fn count(
        &self,
        extensions: &Extensions,
        policy: Policy,
        id: Uuid,
        now: Boot,
    ) -> Result<(), Problem> {
        let quota = match policy {
            Policy::Organisation => self.limits.organisation,
            Policy::Key | Policy::Person => self.limits.key,
            Policy::Address => self.limits.address,
        };
        let Some(quota) = quota else { return Ok(()) };
        let taken = self.take(Counted::Requests(policy), id, quota, now);
        if let Some(standing) = extensions.get::<Standing>() {
            let bucket::Taken { remaining, whole, .. } = taken;
            let (policy, quota, window) = (policy.name(), quota.get(), bucket::WINDOW);
            standing.note(Left { policy, quota, window, remaining, whole });
        }
        taken.refused.map_or(Ok(()), |wait| Err(refused(policy, quota, wait)))
    }

    /// Counts a refusal: whether it is to be an entry.
    pub(crate) fn notes(&self, whose: Noting, now: Boot) -> bool {
        let id = match whose {
            Noting::Caller(id) => id,
            Noting::Visitors => Uuid::max(),
        };
        let quota = NonZeroU32::new(whose.quota());
        quota.is_some_and(|quota| self.take(Counted::Refusals, id, quota, now).refused.is_none())
    }

    fn take(&self, counted: Counted, id: Uuid, quota: NonZeroU32, now: Boot) -> bucket::Taken {
        // The last byte is random in every id that we give out, and in those of Entra.
        let mut part = lock(&self.parts[usize::from(id.as_bytes()[15]) % PARTS]);
        if part.whole_at.len() >= part.sweep_at {
            part.whole_at.retain(|_, whole_at| *whole_at > now);
            part.sweep_at = FEW.max(part.whole_at.len() * 2);
        }
        bucket::take(part.whole_at.entry((counted, id)).or_insert(WHOLE), quota, now)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn refused(policy: Policy, quota: NonZeroU32, wait: Duration) -> Problem {
    let whose = match policy {
        Policy::Organisation => "the organisation's API keys together have",
        Policy::Key => "the API key has",
        Policy::Person => "you have",
        Policy::Address => "your address has",
    };
    let detail = format!("{whose} made more than the {quota} requests a minute that are allowed");
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate_limited",
        detail,
        "wait as long as Retry-After says, and ask less often; an operator can allow more (organisation_rate, key_rate, address_rate)",
    )
    .after(wait)
}

/// How the caller of one request stands, for the headers of its answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing(Arc<Mutex<Vec<Left>>>);

/// What is left of a quota.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    /// The policy's name.
    pub(crate) policy: &'static str,
    /// The quota.
    pub(crate) quota: u32,
    /// The window that it is for.
    pub(crate) window: Duration,
    /// How much of it remains.
    pub(crate) remaining: u64,
    /// How long until it is whole again.
    pub(crate) whole: Duration,
}

impl Standing {
    /// Notes it.
    pub(crate) fn note(&self, left: Left) {
        lock(&self.0).push(left);
    }

    /// Says it; nothing when nobody was counted.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let (mut policies, mut standing) = (String::new(), String::new());
        for Left { policy, quota, window, remaining, whole } in lock(&self.0).iter() {
            let comma = if policies.is_empty() { "" } else { ", " };
            let _ = write!(policies, "{comma}\"{policy}\";q={quota};w={}", window.as_secs());
            let _ = write!(standing, "{comma}\"{policy}\";r={remaining};t={}", whole_seconds(*whole));
        }
        let texts = [("ratelimit-policy", policies), ("ratelimit", standing)];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// In whole seconds, never too few: whoever comes back then is not too early.
pub(crate) fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_a_whole_quota_is_forgotten() {
        let meter = Meter::new(Limits::default());
        let quota = NonZeroU32::new(60).unwrap();
        let id = |number: u32| Uuid::from_u128(u128::from(number) << 8);
        for number in 0..10_000 {
            // One a second: a minute's worth at most are not whole again.
            let now = Boot(Duration::from_secs(u64::from(number)));
            let _ = meter.take(Counted::Requests(Policy::Key), id(number), quota, now);
        }
        assert!(lock(&meter.parts[0]).whole_at.len() <= FEW);
    }

    #[test]
    fn one_keys_requests_do_not_count_for_another() {
        let meter = Meter::new(Limits { key: NonZeroU32::new(1), ..Limits::NONE });
        let count = |policy, id| meter.count(&Extensions::new(), policy, Uuid::from_u128(id), WHOLE);
        assert!(count(Policy::Key, 1).is_ok());
        assert_eq!(count(Policy::Key, 1).unwrap_err().status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(count(Policy::Key, 2).is_ok() && count(Policy::Person, 1).is_ok());
        assert!(count(Policy::Organisation, 1).is_ok() && count(Policy::Organisation, 1).is_ok(), "no limit");
    }
}
