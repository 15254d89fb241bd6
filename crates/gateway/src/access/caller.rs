//! Who asks: a person with a session, a program with an API key.

use std::sync::Arc;

use attache_ledger::{ActName, Actor, By, ByKind, Correlation};
use attache_store::Versioned;
use attache_terms::{Rng, Secret};
use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use uuid::Uuid;

use super::{Csrf, Digest, SESSION, Session, Token, Visit, cookie};
use crate::Gateway;
use crate::api_keys::{self, ApiKey};
use crate::config::Operator;
use crate::idempotency::Asked;
use crate::limits::Policy;
use crate::server::Problem;

/// Who asks, from where, and the request's id: what an audit entry says of a caller.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Who.
    pub(crate) principal: Principal,
    /// From where, and the request's id.
    pub(crate) visit: Visit,
    /// The request itself, when it carries an `Idempotency-Key` and was not answered before.
    pub(crate) asked: Option<Arc<Asked>>,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) enum Principal {
    /// A person who signed in, and what their forms must carry.
    Person(Box<Session>, Csrf),
    /// A program that holds an API key.
    Key(Arc<Versioned<ApiKey>>),
    /// A program that holds an operator's key.
    Operator(Digest),
}

impl Caller {
    /// Whether they run this gateway.
    pub(crate) fn is_operator(&self) -> bool {
        match &self.principal {
            Principal::Person(session, _) => session.operator,
            Principal::Operator(_) => true,
            Principal::Key(_) => false,
        }
    }

    /// The session of a person; a program has none.
    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.principal {
            Principal::Person(session, _) => Some(session),
            Principal::Key(_) | Principal::Operator(_) => None,
        }
    }

    /// What an audit entry says of them.
    pub(crate) fn actor(&self) -> Actor {
        self.visit.actor(Some(self.by()))
    }

    /// What finds their request again.
    pub(crate) fn correlation(&self) -> Correlation {
        self.visit.correlation()
    }

    /// What their requests are counted by; all operators' keys are as one.
    pub(crate) fn id(&self) -> Uuid {
        match &self.principal {
            Principal::Person(session, _) => session.user.uuid(),
            Principal::Key(key) => key.id.uuid(),
            Principal::Operator(_) => Uuid::nil(),
        }
    }

    fn by(&self) -> By {
        match &self.principal {
            Principal::Person(session, _) => session.by(),
            Principal::Key(key) => By::new(ByKind::Key, key.id.to_string()),
            // Enough to tell keys from one another.
            Principal::Operator(digest) => By::new(ByKind::Operator, format!("key {:.12}", digest.as_str())),
        }
    }
}

impl FromRequestParts<Arc<Gateway>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Problem> {
        let visit = Visit::of(parts);
        let principal = match parts.headers.get(AUTHORIZATION) {
            Some(header) => {
                let secret = bearer(header).ok_or_else(unauthenticated)?;
                match secret.trim() {
                    secret if secret.starts_with(OPERATOR) => match operator(gateway, secret) {
                        Ok(operator) => operator,
                        Err(problem) => {
                            gateway.refused_visitor(visit, KEY_REFUSED, &problem).await;
                            return Err(problem);
                        }
                    },
                    secret => Principal::Key(api_keys::authenticate(gateway, secret, visit).await?),
                }
            }
            None => {
                let secret = cookie(&parts.headers, SESSION, gateway.config.is_https());
                let secret = secret.ok_or_else(unauthenticated)?;
                let session = session(gateway, secret).await?.ok_or_else(unauthenticated)?;
                let csrf = Csrf::of(secret);
                same_origin(parts, gateway, &csrf)?;
                Principal::Person(Box::new(session), csrf)
            }
        };
        count(gateway, parts, &principal)?;
        Ok(Self { principal, visit, asked: None })
    }
}

/// What follows the scheme, which may be written in any case (RFC 9110 §11.1).
fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, secret) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(secret)
}

/// Counts the request for whoever makes it.
fn count(gateway: &Gateway, parts: &Parts, principal: &Principal) -> Result<(), Problem> {
    let now = gateway.clock.boot();
    let count = |policy, id| gateway.meter.count(&parts.extensions, policy, id, now);
    match principal {
        Principal::Key(key) => {
            count(Policy::Key, key.id.uuid())?;
            count(Policy::Organisation, key.org.uuid())
        }
        Principal::Person(session, _) => count(Policy::Person, session.user.uuid()),
        // Whoever stops many organisations at once must not be kept from it.
        Principal::Operator(_) => Ok(()),
    }
}

const KEY_REFUSED: ActName = ActName::new("operator_key.refused");

/// What operators' keys begin with.
const OPERATOR: &str = "ato_";

/// A new operator's key, and what the configuration keeps of it (`operator_keys`).
pub fn operator_key(rng: &dyn Rng) -> (Secret, String) {
    let token = Token::new(OPERATOR, rng);
    (token.secret, token.digest.as_str().to_owned())
}

/// Whoever holds one of the operators' keys. The hash of 256 random bits tells nothing by how long it takes to find.
fn operator(gateway: &Gateway, secret: &str) -> Result<Principal, Problem> {
    let digest = Digest::of(secret);
    if gateway.config.operator_keys.iter().any(|own| own == digest.as_str()) {
        return Ok(Principal::Operator(digest));
    }
    Err(Problem::new(
        StatusCode::UNAUTHORIZED,
        "key_unknown",
        "this gateway does not know the operator's key",
        "see that its SHA-256 stands in operator_keys; `attache gateway operator-key` makes a new one",
    ))
}

/// Whoever is signed in; a key answers for nothing.
pub(crate) fn person(caller: &Caller) -> Result<&Session, Problem> {
    caller.session().ok_or_else(|| {
        Problem::new(
            StatusCode::FORBIDDEN,
            "people_only",
            "a program cannot answer for an agent",
            "sign in as the person who is to be the sponsor",
        )
    })
}

/// The session of a browser, whoever's it is.
pub(crate) async fn session_of(gateway: &Gateway, headers: &HeaderMap) -> Result<Option<Session>, Problem> {
    match cookie(headers, SESSION, gateway.config.is_https()) {
        Some(secret) => session(gateway, secret).await,
        None => Ok(None),
    }
}

/// The session with this secret, unless it has ended.
async fn session(gateway: &Gateway, secret: &str) -> Result<Option<Session>, Problem> {
    let session: Option<Session> = gateway.system().get(Digest::of(secret).as_str()).await?;
    let Some(mut session) = session.filter(|session| session.ends > gateway.clock.now()) else {
        return Ok(None);
    };
    // Who runs the gateway stands in its configuration, which a session does not outlast.
    let own = Operator { tenant: session.tenant, user: session.user };
    session.record.operator &= gateway.config.operators.contains(&own);
    Ok(Some(session))
}

/// A browser sends cookies along with what other sites make it send. What changes something must come from our
/// own pages: the `Origin` says so, or, for programs in a page, the header that only they can set.
fn same_origin(parts: &Parts, gateway: &Gateway, csrf: &Csrf) -> Result<(), Problem> {
    if parts.method.is_safe() {
        return Ok(());
    }
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let own = gateway.config.public_url.origin().ascii_serialization();
    let from_here = header("origin") == Some(own.as_str());
    let token = header("x-csrf-token").is_some_and(|token| csrf.is(token));
    // Forms carry the token as a field, which their handlers check; both must hold for them.
    if from_here || token { Ok(()) } else { Err(cross_site()) }
}

fn cross_site() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "the request does not come from a page of this gateway",
        "use the page itself; programs use an API key instead of a browser's session",
    )
}

fn unauthenticated() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthenticated",
        "nobody is signed in",
        "sign in, or send an API key: `Authorization: Bearer atk_…`",
    )
}
