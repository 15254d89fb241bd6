//! The tokens of many tenants and identities, in bounded memory. A token is given out until shortly before
//! its own end, measured on boot time; from the last quarter of its life on, the next one is fetched in the
//! background. Whoever asks for the same token at the same time waits for one request, which goes on even
//! when all of them leave.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use attache_terms::{AppId, Boot, Clock, TenantId, UserId};
use tokio::sync::watch;

use crate::response::Grant;
use crate::{AccessToken, Claims, TokenError, TokenFault};

/// How many tokens are kept: some tens of megabytes.
pub(crate) const CAPACITY: usize = 16_384;
/// A token is not given out in its last minute, so that it outlives the request it is for.
const MARGIN: Duration = Duration::from_secs(60);
/// How long a fetch in the background that failed is left alone.
const PAUSE: Duration = Duration::from_secs(30);

/// What tells one token from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) tenant: TenantId,
    pub(crate) client: AppId,
    pub(crate) subject: Subject,
    /// The scope that is asked for.
    pub(crate) scope: Arc<str>,
    pub(crate) challenge: Option<Claims>,
}

/// Whose token it is, beside the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// The client's own, by this credential.
    Application { credential: [u8; 16] },
    /// T1 for this agent identity, by this credential of the blueprint.
    Exchange { credential: [u8; 16], agent_identity: AppId },
    /// The agent identity's own, by T1.
    AgentIdentity,
    /// A user's.
    User(UserId),
}

type Outcome = Result<AccessToken, TokenFault>;
type Flight = watch::Receiver<Option<Outcome>>;

/// The cache.
pub(crate) struct Cache {
    clock: Arc<dyn Clock>,
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: HashMap<Arc<Key>, Held>,
    flights: HashMap<Arc<Key>, Flight>,
    /// Counts uses, to know the least recent.
    uses: u64,
}

struct Held {
    token: AccessToken,
    ends: Boot,
    due: Boot,
    used: u64,
}

/// What the cache has.
enum Found {
    Fresh(AccessToken),
    Due(AccessToken),
    Nothing,
}

impl Cache {
    pub(crate) fn new(clock: Arc<dyn Clock>, capacity: usize) -> Arc<Self> {
        Arc::new(Self { clock, capacity, state: Mutex::default() })
    }

    /// The token of this key: kept, under way, or fetched.
    pub(crate) async fn get<F>(self: &Arc<Self>, key: &Key, fetch: impl FnOnce() -> F) -> Outcome
    where
        F: Future<Output = Result<Grant, TokenFault>> + Send + 'static,
    {
        let now = self.clock.boot();
        let (kept, mut flight, takes_off) = {
            let mut state = self.state();
            let kept = match state.find(key, now) {
                Found::Fresh(token) => return Ok(token),
                Found::Due(token) => Some(token),
                Found::Nothing => None,
            };
            match state.flights.get(key) {
                Some(flight) => (kept, flight.clone(), None),
                None => {
                    let (key, (sender, flight)) = (Arc::new(key.clone()), watch::channel(None));
                    state.flights.insert(Arc::clone(&key), flight.clone());
                    (kept, flight, Some((Landing { cache: Arc::clone(self), key }, sender)))
                }
            }
        };
        // Not while the state is locked: a runtime that ends drops at once what it is given, and the landing locks it.
        if let Some((landing, sender)) = takes_off {
            launch(landing, sender, now, fetch());
        }
        if let Some(token) = kept {
            return Ok(token);
        }
        match flight.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(Arc::new(TokenError::Ended))),
            Err(_) => Err(Arc::new(TokenError::Ended)),
        }
    }

    /// Keeps a token that came by another way, such as a sign-in.
    pub(crate) fn keep(&self, key: Key, grant: &Grant, asked: Boot) {
        self.state().keep(Arc::new(key), grant, asked, self.capacity);
    }

    /// Forgets a token that an API refused, under whatever key it is kept.
    pub(crate) fn refuse(&self, token: &AccessToken) {
        self.state().held.retain(|_, held| !held.token.is(token));
    }

    /// Forgets what is kept for one user of one client.
    pub(crate) fn forget(&self, tenant: TenantId, client: AppId, user: UserId) {
        self.state()
            .held
            .retain(|key, _| (key.tenant, key.client, key.subject) != (tenant, client, Subject::User(user)));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.state().held.len()
    }
}

/// Starts the one request for a key. It runs on its own, so that nobody who leaves takes it along.
fn launch<F>(landing: Landing, sender: watch::Sender<Option<Outcome>>, asked: Boot, fetch: F)
where
    F: Future<Output = Result<Grant, TokenFault>> + Send + 'static,
{
    tokio::spawn(async move {
        let outcome = landing.land(fetch.await, asked);
        // Nobody may be waiting any more, and that is fine.
        let _ = sender.send(Some(outcome));
    });
}

/// Ends a flight, also one that panics or whose runtime ends.
struct Landing {
    cache: Arc<Cache>,
    key: Arc<Key>,
}

impl Landing {
    fn land(self, result: Result<Grant, TokenFault>, asked: Boot) -> Outcome {
        let cache = &self.cache;
        let mut state = cache.state();
        match result {
            Ok(grant) => {
                if self.key.challenge.is_some() {
                    // What satisfies a challenge also serves those who were not challenged yet.
                    let plain = Key { challenge: None, ..(*self.key).clone() };
                    state.keep(Arc::new(plain), &grant, asked, cache.capacity);
                }
                state.keep(Arc::clone(&self.key), &grant, asked, cache.capacity);
                Ok(grant.token)
            }
            Err(fault) => {
                if let Some(held) = state.held.get_mut(&self.key) {
                    held.due = cache.clock.boot().after(PAUSE);
                }
                Err(fault)
            }
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.cache.state().flights.remove(&self.key);
    }
}

impl State {
    fn find(&mut self, key: &Key, now: Boot) -> Found {
        let Some(held) = self.held.get_mut(key) else { return Found::Nothing };
        if now >= held.ends {
            self.held.remove(key);
            return Found::Nothing;
        }
        self.uses += 1;
        held.used = self.uses;
        let token = held.token.clone();
        if now >= held.due { Found::Due(token) } else { Found::Fresh(token) }
    }

    fn keep(&mut self, key: Arc<Key>, grant: &Grant, asked: Boot, capacity: usize) {
        self.uses += 1;
        let (due, ends) = span(grant.lives, grant.refresh_in);
        let held = Held {
            token: grant.token.clone(),
            ends: asked.after(ends),
            due: asked.after(due),
            used: self.uses,
        };
        if self.held.len() >= capacity && !self.held.contains_key(&key) {
            self.make_room(asked, capacity);
        }
        self.held.insert(key, held);
    }

    /// Removes what has ended, and else the sixteenth that was not used for the longest time.
    fn make_room(&mut self, now: Boot, capacity: usize) {
        self.held.retain(|_, held| now < held.ends);
        if self.held.len() < capacity {
            return;
        }
        let mut used: Vec<u64> = self.held.values().map(|held| held.used).collect();
        let last = used.len() / 16;
        let (_, newest_to_go, _) = used.select_nth_unstable(last);
        let newest_to_go = *newest_to_go;
        self.held.retain(|_, held| held.used > newest_to_go);
    }
}

/// When the next token is due and when this one ends, counted from when it was asked for.
fn span(lives: Duration, refresh_in: Option<Duration>) -> (Duration, Duration) {
    let ends = lives.saturating_sub(MARGIN.min(lives / 10));
    let due = refresh_in.unwrap_or(lives / 4 * 3).min(ends);
    (due, ends)
}

#[cfg(test)]
mod tests;
