//! The cache against a model of it that is too simple to be wrong, and what the model does not show.

use std::collections::BTreeMap;

use attache_terms::{ManualClock, Secret};
use jiff::Timestamp;
use proptest::prelude::*;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::*;

const LIMIT: usize = 3;

fn key(number: u8) -> Key {
    Key {
        tenant: TenantId::new(Uuid::nil()),
        client: AppId::new(Uuid::nil()),
        subject: Subject::User(UserId::new(Uuid::from_u128(number.into()))),
        scope: "scope".into(),
        challenge: None,
    }
}

fn grant(number: u32, lives: u64) -> Grant {
    Grant {
        token: AccessToken::new(Secret::new(format!("token {number}")), &number.to_string(), Uuid::nil()),
        lives: Duration::from_secs(lives),
        refresh_in: None,
        refresh_token: None,
        id_token: None,
        ahead_seconds: None,
    }
}

fn fault() -> TokenFault {
    Arc::new(TokenError::ChallengeMalformed { hop: crate::Hop::T1 })
}

/// Lets every task run until it waits for something else.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

type Land = oneshot::Sender<Result<Grant, TokenFault>>;

/// A cache whose fetches are answered by hand.
struct Bench {
    clock: Arc<ManualClock>,
    cache: Arc<Cache>,
    fetches: Arc<Mutex<Vec<(Key, Land)>>>,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        Self { cache: Cache::new(clock.clone(), LIMIT), clock, fetches: Arc::default() }
    }

    fn ask(&self, key: Key) -> JoinHandle<Outcome> {
        let (cache, fetches) = (Arc::clone(&self.cache), Arc::clone(&self.fetches));
        tokio::spawn(async move {
            cache
                .get(&key, || {
                    let (land, landed) = oneshot::channel();
                    fetches.lock().unwrap().push((key.clone(), land));
                    async move { landed.await.unwrap_or_else(|_| Err(fault())) }
                })
                .await
        })
    }

    fn under_way(&self, key: &Key) -> usize {
        self.fetches.lock().unwrap().iter().filter(|(of, _)| of == key).count()
    }

    fn land(&self, key: &Key, result: Result<Grant, TokenFault>) -> bool {
        let mut fetches = self.fetches.lock().unwrap();
        let Some(at) = fetches.iter().position(|(of, _)| of == key) else { return false };
        fetches.remove(at).1.send(result).is_ok()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Ask(u8),
    /// The fetch for a key ends, with a token that lives so long, or with an error.
    Land(u8, Option<u64>),
    Advance(u64),
    Refuse(u8),
    /// Everybody who waits for a key leaves.
    Leave(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..5u8;
    let step = prop_oneof![
        6 => key().prop_map(Step::Ask),
        4 => (key(), prop::option::weighted(0.8, prop::sample::select(vec![0u64, 40, 100, 3600, 90_000])))
            .prop_map(|(key, lives)| Step::Land(key, lives)),
        2 => prop::sample::select(vec![1u64, 30, 50, 600, 2700, 3600]).prop_map(Step::Advance),
        1 => key().prop_map(Step::Refuse),
        1 => key().prop_map(Step::Leave),
    ];
    prop::collection::vec(step, 1..60)
}

struct Token {
    number: u32,
    ends: u64,
    due: u64,
    used: u32,
}

#[derive(Default)]
struct Model {
    now: u64,
    uses: u32,
    held: BTreeMap<u8, Token>,
    /// When each request that is under way was made.
    flights: BTreeMap<u8, u64>,
}

impl Model {
    /// The token that is given at once, if there is one.
    fn ask(&mut self, key: u8) -> Option<u32> {
        let now = self.now;
        self.held.retain(|of, token| *of != key || now < token.ends);
        let Some(token) = self.held.get_mut(&key) else {
            self.flights.entry(key).or_insert(now);
            return None;
        };
        self.uses += 1;
        token.used = self.uses;
        if now >= token.due {
            self.flights.entry(key).or_insert(now);
        }
        Some(token.number)
    }

    fn land(&mut self, key: u8, number: u32, lives: Option<u64>) {
        let Some(asked) = self.flights.remove(&key) else { return };
        let Some(lives) = lives else {
            if let Some(token) = self.held.get_mut(&key) {
                token.due = self.now + 30;
            }
            return;
        };
        self.uses += 1;
        if self.held.len() >= LIMIT && !self.held.contains_key(&key) {
            self.held.retain(|_, token| asked < token.ends);
            if self.held.len() >= LIMIT {
                let oldest = *self.held.iter().min_by_key(|(_, token)| token.used).unwrap().0;
                self.held.remove(&oldest);
            }
        }
        let ends = if lives >= 600 { lives - 60 } else { lives - lives / 10 };
        let token =
            Token { number, ends: asked + ends, due: asked + (lives / 4 * 3).min(ends), used: self.uses };
        self.held.insert(key, token);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_cache_does_what_the_model_does(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            let mut model = Model::default();
            let mut given: BTreeMap<u8, AccessToken> = BTreeMap::new();
            let mut waiting: Vec<(u8, JoinHandle<Outcome>)> = Vec::new();
            let mut number = 0;
            for step in steps {
                match step {
                    Step::Ask(of) => {
                        let asked = bench.ask(key(of));
                        settle().await;
                        match model.ask(of) {
                            Some(expected) => {
                                let token = asked.await.unwrap().ok().unwrap();
                                prop_assert_eq!(token.request_id.to_string(), expected.to_string());
                                given.insert(of, token);
                            }
                            None => {
                                prop_assert!(!asked.is_finished());
                                waiting.push((of, asked));
                            }
                        }
                    }
                    Step::Land(of, lives) => {
                        number += 1;
                        let result = lives.map(|lives| grant(number, lives)).ok_or_else(fault);
                        let flew = bench.land(&key(of), result);
                        prop_assert_eq!(flew, model.flights.contains_key(&of));
                        model.land(of, number, lives);
                        settle().await;
                        let (landed, others): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(who, _)| flew && *who == of);
                        waiting = others;
                        for (_, asked) in landed {
                            prop_assert!(asked.is_finished(), "whoever waited is answered");
                            let outcome = asked.await.unwrap();
                            prop_assert_eq!(outcome.is_ok(), lives.is_some());
                            if let Ok(token) = outcome {
                                prop_assert_eq!(token.request_id.to_string(), number.to_string());
                                given.insert(of, token);
                            }
                        }
                    }
                    Step::Advance(seconds) => {
                        bench.clock.advance(Duration::from_secs(seconds));
                        model.now += seconds;
                    }
                    Step::Refuse(of) => {
                        if let Some(token) = given.get(&of) {
                            bench.cache.refuse(token);
                            model.held.retain(|_, held| held.number.to_string() != *token.request_id);
                        }
                    }
                    Step::Leave(of) => {
                        waiting.retain(|(who, asked)| {
                            if *who == of {
                                asked.abort();
                            }
                            *who != of
                        });
                        settle().await;
                    }
                }
                for of in 0..5 {
                    let expected = usize::from(model.flights.contains_key(&of));
                    prop_assert_eq!(bench.under_way(&key(of)), expected, "requests under way for {}", of);
                }
                prop_assert_eq!(bench.cache.len(), model.held.len());
                prop_assert!(bench.cache.len() <= LIMIT);
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_token_is_due_before_it_ends_and_ends_before_it_dies(lives in 0u64..200_000, hint in prop::option::of(0u64..200_000)) {
        let (due, ends) = span(Duration::from_secs(lives), hint.map(Duration::from_secs));
        prop_assert!(due <= ends && ends <= Duration::from_secs(lives));
    }
}

#[tokio::test]
async fn a_fetch_that_panics_strands_nobody() {
    let bench = Bench::new();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = bench.cache.get(&key(1), || async { panic!("a bug") }).await;
    std::panic::set_hook(hook);
    assert_eq!(outcome.err().unwrap().code(), "token_request_ended");

    let asked = bench.ask(key(1));
    settle().await;
    assert!(bench.land(&key(1), Ok(grant(1, 3600))), "the next caller starts a new request");
    assert!(asked.await.unwrap().is_ok());
}

#[tokio::test]
async fn what_satisfies_a_challenge_replaces_the_token_that_did_not() {
    let bench = Bench::new();
    let first = bench.ask(key(1));
    settle().await;
    bench.land(&key(1), Ok(grant(1, 3600)));
    let first = first.await.unwrap().ok().unwrap();

    let challenged = Key { challenge: Some(Claims("{}".into())), ..key(1) };
    let (one, two) = (bench.ask(challenged.clone()), bench.ask(challenged.clone()));
    settle().await;
    assert_eq!(bench.under_way(&challenged), 1, "a hundred with the same challenge make one request");
    bench.cache.refuse(&first);
    bench.land(&challenged, Ok(grant(2, 3600)));
    let (one, two) = (one.await.unwrap().ok().unwrap(), two.await.unwrap().ok().unwrap());
    assert!(one.is(&two));
    assert!(bench.ask(key(1)).await.unwrap().ok().unwrap().is(&one));

    bench.cache.refuse(&one);
    assert_eq!(bench.cache.len(), 0, "refused, it is gone under both keys");
}

#[tokio::test]
async fn one_user_is_forgotten_and_the_others_are_not() {
    let bench = Bench::new();
    for number in [1, 2] {
        bench.cache.keep(key(number), &grant(number.into(), 3600), Boot(Duration::ZERO));
    }
    let Key { tenant, client, .. } = key(1);
    bench.cache.forget(tenant, client, UserId::new(Uuid::from_u128(1)));
    assert_eq!(bench.cache.len(), 1);
    assert!(bench.ask(key(2)).await.unwrap().is_ok());
}

#[tokio::test]
async fn many_tenants_stay_within_the_bound() {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let cache = Cache::new(clock, 100);
    for number in 0..1000u32 {
        let key = Key { subject: Subject::User(UserId::new(Uuid::from_u128(number.into()))), ..key(0) };
        cache.keep(key, &grant(number, 3600), Boot(Duration::ZERO));
        assert!(cache.len() <= 100);
    }
    assert!(cache.len() >= 90, "room is made in small steps");
}

/// Asks for a token when it is dropped.
struct AsksAtTheEnd(Arc<Cache>);

impl Drop for AsksAtTheEnd {
    fn drop(&mut self) {
        let asked = key(1);
        let mut asking = std::pin::pin!(self.0.get(&asked, || async { Err(fault()) }));
        let _ = asking.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    }
}

#[test]
fn whoever_asks_while_the_runtime_ends_does_not_hold_up_its_end() {
    let cache = Cache::new(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)), LIMIT);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let asks = AsksAtTheEnd(Arc::clone(&cache));
    runtime.spawn(async move {
        let _asks = asks;
        std::future::pending::<()>().await;
    });
    drop(runtime);
    assert!(cache.state().flights.is_empty());
}
