//! The one place for faults: rules that delay, refuse, cut off or hold requests. A rule matches by method,
//! path and text in the body, lets the first few pass if told so, and applies a number of times.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, oneshot};

use crate::exchange::Request;

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    pub skip: u32,
    /// How often it applies; always if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
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
            effect,
        }
    }
}

/// What a rule does to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Answers without asking the tenant.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The JSON body; none if absent.
        #[serde(default)]
        body: Option<serde_json::Value>,
        /// `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// Waits (in real time) and goes on.
    Delay {
        /// Milliseconds.
        ms: u64,
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
}

/// A rule as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

    /// The rules, spent ones included.
    pub(crate) fn rules(&self) -> Vec<FaultRule> {
        self.state().rules.clone()
    }

    /// The effect for a request, counted.
    pub(crate) fn meet(&self, request: &Request) -> Option<Effect> {
        self.state().rules.iter_mut().find_map(|rule| {
            if !matches(&rule.fault, request) {
                return None;
            }
            rule.matched += 1;
            let is_due =
                rule.matched > rule.fault.skip && rule.fault.count.is_none_or(|count| rule.applied < count);
            is_due.then(|| {
                rule.applied += 1;
                rule.fault.effect.clone()
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
fn glob(pattern: &[u8], text: &[u8]) -> bool {
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
