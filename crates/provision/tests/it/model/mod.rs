//! A tenant in memory, below the product's own Graph client: what a request commits is visible at once to
//! some reads and to all only after a lag, tokens hold what was granted when they were issued, and any
//! request can be lost, refused, or be the last thing that the process does.

mod directory;
mod driver;

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use attache_entra::{AccessToken, Claims, TokenFault, TokenSource};
use attache_graph::{Exchange, ExchangeError, Graph};
use attache_provision::{AgentUserWish, CertificateWish, Clients, LicenceWish, Naming, Patience, Tag, Wish};
use attache_terms::{AppId, Boot, Clock, Explain, Remedy, Rng, Secret, SeededRng, Sleep, TenantId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) use self::directory::{Caller, Directory, FOREIGN_KEY, SKU};
pub(crate) use self::driver::{Run, remove, run, run_until};

pub(crate) const SPONSOR: Uuid = Uuid::from_u128(0x5a);
pub(crate) const PROVISIONER: Uuid = Uuid::from_u128(0xb0);
pub(crate) const DER: &[u8] = b"our certificate";
pub(crate) const SHA1: [u8; 20] = [7; 20];

/// How hostile the world is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) seed: u64,
    /// The longest time until a commit is visible everywhere.
    pub(crate) lag: Duration,
    /// The part of requests that fail in one of the ways that pass.
    pub(crate) faults: f64,
    /// How often the process dies.
    pub(crate) deaths: u32,
}

/// How a process dies at a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Death {
    Before,
    After,
}

#[derive(Clone)]
pub(crate) struct World(Arc<Inner>);

struct Inner {
    weather: Weather,
    rng: SeededRng,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) directory: Directory,
    deaths: u32,
    tokens: Vec<(Caller, Option<AccessToken>)>,
    pub(crate) requests: u32,
    pub(crate) renewals: u32,
}

impl World {
    pub(crate) fn new(weather: Weather) -> Self {
        let state = State {
            now: "2026-11-23T06:00:00Z".parse().unwrap(),
            directory: Directory::default(),
            deaths: weather.deaths,
            tokens: Vec::new(),
            requests: 0,
            renewals: 0,
        };
        Self(Arc::new(Inner { weather, rng: SeededRng::new(weather.seed), state: Mutex::new(state) }))
    }

    pub(crate) fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.state.lock().unwrap())
    }

    pub(crate) fn now_is(&self) -> Timestamp {
        self.state(|state| state.now)
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.state(|state| state.now += span);
    }

    pub(crate) fn fraction(&self) -> f64 {
        self.0.rng.fraction()
    }

    pub(crate) fn uuid(&self) -> Uuid {
        self.0.rng.uuid()
    }

    /// Whether the process dies here.
    pub(crate) fn dies(&self) -> bool {
        let unlucky = self.fraction() < 0.15;
        self.state(|state| {
            let dies = unlucky && state.deaths > 0;
            state.deaths -= u32::from(dies);
            dies
        })
    }

    /// A new process: what was in memory is gone.
    pub(crate) fn restart(&self) {
        self.state(|state| state.tokens.clear());
    }

    fn graph(&self, caller: Caller) -> Graph {
        let identity = Identity { world: self.clone(), caller };
        Graph::over(
            "https://graph.example".parse().unwrap(),
            Arc::new(identity.clone()),
            Arc::new(identity),
            Arc::new(self.clone()),
            Arc::new(SeededRng::new(self.0.weather.seed)),
        )
    }
}

/// Polls once: in this world everything is ready at once, unless the process died.
pub(crate) fn once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

impl Clients for World {
    fn bootstrap(&self) -> Graph {
        self.graph(Caller::Provisioner)
    }

    fn blueprint(&self, blueprint: AppId) -> Graph {
        self.graph(Caller::Blueprint(blueprint.uuid()))
    }

    fn agent_user(&self, blueprint: AppId, agent: AppId, user: UserId) -> Graph {
        self.graph(Caller::AgentUser(blueprint.uuid(), agent.uuid(), user.uuid()))
    }
}

/// Waiting moves time.
impl Clock for World {
    fn now(&self) -> Timestamp {
        self.now_is()
    }

    fn boot(&self) -> Boot {
        Boot(Duration::ZERO)
    }

    fn sleep(&self, span: Duration) -> Sleep {
        self.advance(span);
        Box::pin(async {})
    }
}

#[derive(Clone)]
struct Identity {
    world: World,
    caller: Caller,
}

#[derive(Debug, thiserror::Error)]
#[error("AADSTS{0}: not yet")]
struct NotYet(u32);

impl Explain for NotYet {
    fn code(&self) -> &'static str {
        "not_yet"
    }

    fn remedy(&self) -> Remedy {
        Remedy::platform(None, "wait")
    }
}

#[async_trait]
impl TokenSource for Identity {
    async fn token(&self, _: Option<&Claims>) -> Result<AccessToken, TokenFault> {
        let id = self.world.uuid();
        let luck = self.world.fraction();
        self.world.state(|state| {
            let cached =
                state.tokens.iter().find(|(caller, token)| *caller == self.caller && token.is_some());
            if let Some((_, Some(token))) = cached {
                return Ok(token.clone());
            }
            let grants = state.directory.issue(&self.caller, state.now, luck).map_err(|code| {
                let fault: TokenFault = Arc::new(NotYet(code));
                fault
            })?;
            let token = AccessToken::new(Secret::new(grants), &id.to_string(), id);
            state.tokens.push((self.caller.clone(), Some(token.clone())));
            state.renewals += 1;
            Ok(token)
        })
    }

    fn refused(&self, token: &AccessToken) {
        self.world.state(|state| {
            for (_, cached) in &mut state.tokens {
                if cached.as_ref().is_some_and(|cached| cached.is(token)) {
                    *cached = None;
                }
            }
        });
    }
}

#[async_trait]
impl Exchange for Identity {
    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, ExchangeError> {
        let world = &self.world;
        let (luck, kind, span) = (world.fraction(), world.fraction(), world.fraction());
        let death = world.dies().then_some(if kind < 0.5 { Death::Before } else { Death::After });
        world.advance(Duration::from_millis(10).mul_f64(1.0 + 30.0 * span));
        if death == Some(Death::Before) {
            return std::future::pending().await;
        }
        let fault = luck < world.0.weather.faults;
        if fault && kind < 0.5 {
            return match (kind * 10.0) as u32 {
                0 => Err(ExchangeError::NotSent("no route".to_owned())),
                1 => Err(ExchangeError::Lost("reset before the commit".to_owned())),
                2 => Ok(answer(429, Some("1"), "{}")),
                3 => Ok(answer(503, Some("2"), "{}")),
                _ => Ok(answer(500, None, "{}")),
            };
        }
        let (status, body) = world.state(|state| {
            state.requests += 1;
            let lag = world.0.weather.lag.mul_f64(world.0.rng.fraction());
            let rng = &world.0.rng;
            let now = state.now;
            state.directory.serve(&self.caller, &request, now, lag, rng)
        });
        world.advance(Duration::from_millis(10));
        if death == Some(Death::After) {
            return std::future::pending().await;
        }
        if fault {
            return match (kind * 10.0) as u32 {
                5 | 6 => Err(ExchangeError::Lost("reset after the commit".to_owned())),
                7 => Ok(answer(504, None, "{}")),
                _ => Ok(answer(502, None, "<html>")),
            };
        }
        Ok(answer(status, None, &body.to_string()))
    }
}

fn answer(status: u16, retry_after: Option<&str>, body: &str) -> http::Response<Bytes> {
    let mut response = http::Response::builder().status(status);
    if let Some(span) = retry_after {
        response = response.header("retry-after", span);
    }
    response.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

/// A certificate as Graph spells it.
fn directory_key(der: &[u8]) -> String {
    STANDARD.encode(der)
}

pub(crate) fn wish() -> Wish {
    let name = |name: &str, key: &str| Naming { display_name: name.to_owned(), tag: Tag::new(key).unwrap() };
    Wish {
        tenant: TenantId::new(Uuid::from_u128(1)),
        blueprint: name("Attaché", "default/blueprint"),
        given: None,
        shares_blueprint: false,
        agent: name("Scout", "default/agent"),
        user: AgentUserWish {
            display_name: "Scout".to_owned(),
            user_principal_name: "scout@contoso.example".to_owned(),
            mail_nickname: "scout".to_owned(),
            job_title: None,
            department: None,
            usage_location: "DE".to_owned(),
        },
        sponsor: UserId::new(SPONSOR),
        licence: LicenceWish::Any,
        scopes: Wish::least_scopes(),
        certificate: CertificateWish::new(DER, SHA1, "attache"),
        strip: Some(AppId::new(PROVISIONER)),
        patience: Patience {
            hidden: Duration::from_secs(70),
            effect: Duration::from_secs(3600),
            mailbox: Duration::from_secs(3600),
            teams: Duration::from_secs(3600),
            outage: Duration::from_secs(3600),
        },
    }
}
