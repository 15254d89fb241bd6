//! The one place for faults: rules that delay, refuse, cut off or hold requests. A rule matches by method,
//! path and text in the body, lets the first few pass if told so, and applies a number of times.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, oneshot};

use crate::exchange::Request;

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path without its query, with `*` for any characters but a slash and `**` for any at all. Compared
    /// percent-decoded and without regard to case.
    pub path: String,
    /// Text that the body holds, as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_contains: Option<String>,
    /// How many matching requests pass before the rule applies.
    #[serde(default)]
    #[schemars(range(max = 4_294_967_295_u64))]
    pub skip: u32,
    /// How often it applies; always if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 4_294_967_295_u64))]
    pub count: Option<u32>,
    /// Of the matching requests, only each so-manieth: 2 is every second one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_295_u64))]
    pub every: Option<u32>,
    /// How likely it applies to a matching request, from 0 to 1; always if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: Option<f64>,
    /// What the dice are thrown with: the same requests meet the same fate for the same number.
    #[serde(default)]
    #[schemars(range(max = 4_294_967_295_u64))]
    pub seed: u32,
    /// What happens.
    pub effect: Effect,
}

impl Fault {
    /// A rule for a method and a path that applies once.
    pub fn once(method: &str, path: &str, effect: Effect) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            body_contains: None,
            skip: 0,
            count: Some(1),
            every: None,
            probability: None,
            seed: 0,
            effect,
        }
    }

    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.every == Some(0) {
            return Err("every is a number from 1 upwards.");
        }
        if self.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err("probability is a number from 0 to 1.");
        }
        match self.effect {
            Effect::Answer { status, .. } if !(200..=599).contains(&status) => {
                Err("status is a number from 200 to 599.")
            }
            _ => Ok(()),
        }
    }

    /// Whether the match of that number, from 1 upwards, meets it.
    fn is_due(&self, matched: u32) -> bool {
        let Some(beyond) = matched.checked_sub(self.skip).filter(|beyond| *beyond > 0) else {
            return false;
        };
        self.every.is_none_or(|every| beyond.is_multiple_of(every.max(1)))
            && self.probability.is_none_or(|probability| dice(self.seed, matched) < probability)
    }
}

/// A number from 0 to below 1 that looks random and is always the same (SplitMix64).
fn dice(seed: u32, matched: u32) -> f64 {
    let mut mixed = (u64::from(seed) << 32 | u64::from(matched)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
}

/// What a rule does to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Answers without asking the tenant.
    Answer {
        /// The HTTP status.
        #[schemars(range(min = 200, max = 599))]
        status: u16,
        /// The JSON body; none if absent.
        #[serde(default)]
        body: Option<serde_json::Value>,
        /// `Retry-After`, in seconds.
        #[serde(default)]
        #[schemars(range(max = 4_294_967_295_u64))]
        retry_after: Option<u32>,
    },
    /// Waits (in real time) and goes on.
    Delay {
        /// Milliseconds.
        #[schemars(range(max = 600_000))]
        ms: u32,
    },
    /// Cuts the connection; nothing has happened in the tenant.
    ResetBeforeCommit,
    /// Cuts the connection after the tenant has changed.
    ResetAfterCommit,
    /// Parks the request until it is released; nothing has happened in the tenant. If the client goes away
    /// meanwhile, nothing ever happens.
    HoldBeforeCommit,
    /// Parks the response until it is released; the tenant has changed.
    HoldAfterCommit,
    /// Cuts the connection in the middle of the answer's body; the tenant has changed.
    ResetInBody,
    /// Answers only the first half of the body, as if it were all; the tenant has changed.
    TruncateBody,
    /// Answers JSON of another shape than promised; the tenant has changed.
    WrongJson,
    /// Answers as a replica that has not heard of what was written in the last seconds: new objects are
    /// unknown, new secrets do not work. With `every` 2, every second replica is one.
    StaleReplica {
        /// How far it is behind; ten minutes if absent.
        #[serde(default = "ten_minutes")]
        #[schemars(range(max = 4_294_967_295_u64))]
        seconds: u32,
    },
    /// Lists at most so many items, with a link to the rest: none is an empty page, as Graph sometimes sends
    /// before the last one.
    ShortPage {
        /// How many items.
        #[schemars(range(max = 4_294_967_295_u64))]
        items: u32,
    },
    /// Sends a change notification twice. The path is the notified resource, such as
    /// `users/*/messages/*`.
    DuplicateNotification,
    /// Sends a change notification after the one that follows it. The path is the notified resource.
    ReorderNotification,
}

impl Effect {
    /// Whether it happens to notifications, not to requests.
    fn is_of_notifications(&self) -> bool {
        matches!(self, Self::DuplicateNotification | Self::ReorderNotification)
    }
}

fn ten_minutes() -> u32 {
    600
}

/// A rule as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FaultRule {
    /// Its id, to remove it.
    pub id: u64,
    /// The rule.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many requests matched so far.
    pub matched: u32,
    /// How often it applied.
    pub applied: u32,
}

/// A request that waits to be released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HeldRequest {
    /// Its id, to release it.
    pub id: u64,
    /// The method.
    pub method: String,
    /// The path as sent.
    pub path: String,
    /// Whether the tenant has changed already.
    pub committed: bool,
}

/// What happens to a held request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    GoOn,
    Cut,
}

/// The rules as they are kept from one start to the next.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptFaults {
    last_id: u64,
    rules: Vec<KeptRule>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KeptRule {
    id: u64,
    fault: Fault,
    matched: u32,
    applied: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    next_id: u64,
    rules: Vec<FaultRule>,
    held: BTreeMap<u64, (HeldRequest, oneshot::Sender<Release>)>,
}

impl Faults {
    /// Adds a rule; rules are asked in the order in which they were added.
    pub(crate) fn add(&self, fault: Fault) -> u64 {
        let mut state = self.state();
        state.next_id += 1;
        let id = state.next_id;
        state.rules.push(FaultRule { id, fault, matched: 0, applied: 0 });
        id
    }

    /// Removes a rule; whether it was there.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut state = self.state();
        let before = state.rules.len();
        state.rules.retain(|rule| rule.id != id);
        state.rules.len() < before
    }

    /// Removes every rule.
    pub(crate) fn clear(&self) {
        self.state().rules.clear();
    }

    /// The rules, to be kept.
    pub(crate) fn kept(&self) -> KeptFaults {
        let state = self.state();
        let rules = state.rules.iter().cloned();
        let kept =
            rules.map(|FaultRule { id, fault, matched, applied }| KeptRule { id, fault, matched, applied });
        KeptFaults { last_id: state.next_id, rules: kept.collect() }
    }

    /// Takes up what was kept.
    pub(crate) fn resume(&self, KeptFaults { last_id, rules }: KeptFaults) {
        let mut state = self.state();
        state.next_id = last_id;
        let rules = rules.into_iter();
        let rules =
            rules.map(|KeptRule { id, fault, matched, applied }| FaultRule { id, fault, matched, applied });
        state.rules = rules.collect();
    }

    /// The rules, spent ones included.
    pub(crate) fn rules(&self) -> Vec<FaultRule> {
        self.state().rules.clone()
    }

    /// The rule's id and the effect for a request, counted.
    pub(crate) fn meet(&self, request: &Request) -> Option<(u64, Effect)> {
        self.apply(|fault| !fault.effect.is_of_notifications() && matches(fault, request))
    }

    /// The effect for a notification of that resource, counted.
    pub(crate) fn meet_notification(&self, resource: &str) -> Option<Effect> {
        let resource = resource.to_ascii_lowercase();
        let fits = |fault: &Fault| {
            let pattern = fault.path.trim_start_matches('/').to_ascii_lowercase();
            fault.effect.is_of_notifications() && glob(pattern.as_bytes(), resource.as_bytes())
        };
        self.apply(fits).map(|(_, effect)| effect)
    }

    fn apply(&self, fits: impl Fn(&Fault) -> bool) -> Option<(u64, Effect)> {
        self.state().rules.iter_mut().find_map(|rule| {
            if !fits(&rule.fault) {
                return None;
            }
            rule.matched += 1;
            let is_due =
                rule.fault.is_due(rule.matched) && rule.fault.count.is_none_or(|count| rule.applied < count);
            is_due.then(|| {
                rule.applied += 1;
                (rule.id, rule.fault.effect.clone())
            })
        })
    }

    /// Parks a request. If this future is dropped, because the client went away, it is parked no more.
    pub(crate) async fn hold(&self, request: &Request, committed: bool) -> Release {
        let (sender, receiver) = oneshot::channel();
        let id = {
            let mut state = self.state();
            state.next_id += 1;
            let id = state.next_id;
            let (method, path) = (request.method.to_string(), request.path.clone());
            state.held.insert(id, (HeldRequest { id, method, path, committed }, sender));
            id
        };
        let _parked = Parked { faults: self, id };
        self.changed.notify_waiters();
        receiver.await.unwrap_or(Release::Cut)
    }

    /// The parked requests.
    pub(crate) fn held(&self) -> Vec<HeldRequest> {
        self.state().held.values().map(|(request, _)| request.clone()).collect()
    }

    /// Waits until a request is parked.
    pub(crate) async fn wait_held(&self) -> Vec<HeldRequest> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let held = self.held();
            if !held.is_empty() {
                return held;
            }
            changed.await;
        }
    }

    /// Cuts every parked request.
    pub(crate) fn cut_all(&self) {
        for (_, sender) in std::mem::take(&mut self.state().held).into_values() {
            let _ = sender.send(Release::Cut);
        }
    }

    /// Releases a parked request; whether it was there.
    pub(crate) fn release(&self, id: u64, release: Release) -> bool {
        let held = self.state().held.remove(&id);
        held.is_some_and(|(_, sender)| sender.send(release).is_ok())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Parked<'a> {
    faults: &'a Faults,
    id: u64,
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.faults.state().held.remove(&self.id);
    }
}

fn matches(fault: &Fault, request: &Request) -> bool {
    let path = percent_encoding::percent_decode_str(&request.path).decode_utf8_lossy().to_ascii_lowercase();
    fault.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(request.method.as_str()))
        && glob(fault.path.to_ascii_lowercase().as_bytes(), path.as_bytes())
        && fault.body_contains.as_deref().is_none_or(|text| contains(&request.body, text.as_bytes()))
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

/// `*` is any run without a slash, `**` any run.
pub(crate) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|taken| glob(rest, &text[taken..])),
        [b'*', rest @ ..] => {
            let run = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
            (0..=run).any(|taken| glob(rest, &text[taken..]))
        }
        [byte, rest @ ..] => text.first() == Some(byte) && glob(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    fn request(method: Method, path: &str, body: &'static str) -> Request {
        Request {
            method,
            path: path.to_owned(),
            raw_query: String::new(),
            query: Vec::new(),
            headers: http::HeaderMap::new(),
            body: body.into(),
            origin: String::new(),
        }
    }

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        for (pattern, path, fits) in [
            ("/v1.0/users/*", "/v1.0/users/x", true),
            ("/v1.0/users/*", "/v1.0/users/x/y", false),
            ("/v1.0/**", "/v1.0/users/x/y", true),
            ("/*/oauth2/v2.0/token", "/t/oauth2/v2.0/token", true),
            ("/*/oauth2/v2.0/token", "/t/oauth2/v2.0/tokens", false),
            ("**", "", true),
        ] {
            assert_eq!(glob(pattern.as_bytes(), path.as_bytes()), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn the_dice_fall_as_often_as_told_and_always_alike() {
        let mut rule = Fault::once("GET", "/**", Effect::TruncateBody);
        rule.probability = Some(0.25);
        let fate = |seed| -> Vec<bool> {
            let rule = Fault { seed, ..rule.clone() };
            (1..=4000).map(|matched| rule.is_due(matched)).collect()
        };
        let met = fate(7).into_iter().filter(|met| *met).count();
        assert!((900..1100).contains(&met), "{met} of 4000");
        assert_eq!(fate(7), fate(7));
        assert_ne!(fate(7), fate(8));
    }

    #[test]
    fn every_second_request_counts_from_after_the_skipped() {
        let mut rule = Fault::once("GET", "/**", Effect::TruncateBody);
        (rule.every, rule.skip) = (Some(2), 1);
        assert_eq!(
            (1..=6).map(|matched| rule.is_due(matched)).collect::<Vec<_>>(),
            [false, false, true, false, true, false]
        );
    }

    #[test]
    fn a_rule_for_notifications_is_met_by_no_request() {
        let faults = Faults::default();
        faults.add(Fault::once("GET", "/users/*/messages/*", Effect::DuplicateNotification));
        assert_eq!(faults.meet(&request(Method::GET, "/users/1/messages/2", "")), None);
        assert_eq!(faults.meet_notification("Users/1/Messages/2"), Some(Effect::DuplicateNotification));
        assert_eq!(faults.meet_notification("users/1/messages/3"), None, "it is spent");
    }

    #[test]
    fn a_rule_lets_some_pass_and_is_spent() {
        let faults = Faults::default();
        let mut rule = Fault::once("POST", "/v1.0/chats", Effect::ResetBeforeCommit);
        rule.skip = 1;
        rule.body_contains = Some("group".to_owned());
        faults.add(rule);
        let meet = |body| faults.meet(&request(Method::POST, "/v1.0/Chats", body)).is_some();
        assert!(!meet("a group"), "the first passes");
        assert!(!meet("one on one"), "the body differs");
        assert!(meet("a group"));
        assert!(!meet("a group"), "it is spent");
    }
}
