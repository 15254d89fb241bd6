//! One-time links: whoever can read the gateway's own machine may sign in without Entra, as one of its operators.
//! The link shows a page first, so that what only looks at addresses does not use it up.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use attache_entra::{Proved, SignedIn};
use attache_ledger::{Act, ActName, Actor, By, ByKind, Composer, Verdict};
use attache_store::{CommitError, GatewayScope, Record, Store, Unit, Versioned};
use attache_terms::{Clock, Rng, Secret};
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::session;
use crate::Gateway;
use crate::access::{Digest, Token, Visitor};
use crate::config::Operator;
use crate::dashboard::{Look, Page, page};
use crate::record::on;
use crate::server::{Answer, Problem};

/// How long a link is good.
const GOOD: Duration = Duration::from_secs(15 * 60);

/// A link as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    digest: Digest,
    tenant: attache_terms::TenantId,
    user: attache_terms::UserId,
    name: String,
    ends: Timestamp,
}

impl Record for Link {
    const KIND: &'static str = "sign_in_link";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.digest.as_str().to_owned()
    }

    fn expires(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}

const MADE: ActName = ActName::new("sign_in_link.made");
const SIGNED_IN: ActName = ActName::new("person.signed_in_by_link");

/// A link that signs in once, before it is good.
pub struct SignInLink {
    /// What makes it good once it is committed, with its entry.
    pub unit: Unit,
    /// The link.
    pub url: Secret,
}

impl SignInLink {
    /// Makes it good.
    pub async fn keep(self, store: &Store) -> Result<Secret, CommitError> {
        store.commit(self.unit).await?;
        Ok(self.url)
    }
}

/// Makes a one-time link for an operator of the gateway at `public_url`. Whoever commits it can write to the gateway's
/// own database.
pub fn sign_in_link(
    public_url: &Url,
    operator: Operator,
    name: &str,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
) -> SignInLink {
    let token = Token::new("", &**rng);
    let now = clock.now();
    let link = Link {
        digest: token.digest,
        tenant: operator.tenant,
        user: operator.user,
        name: name.to_owned(),
        ends: now.saturating_add(GOOD).unwrap_or(now),
    };
    let mut unit = Unit::new();
    unit.create(GatewayScope::granted(), &link);
    // Whoever can make one has the gateway's machine; who it is, the system does not say.
    let by = Actor { by: Some(By { kind: ByKind::Operator, id: None }), ..Actor::default() };
    let mut about = on([]);
    about.user = Some(operator.user);
    let composer = Composer::new(Arc::clone(clock), Arc::clone(rng));
    unit.record(GatewayScope::granted(), composer.change(Act::new(MADE, by).on(about), Verdict::Done, None));
    let base = public_url.as_str().trim_end_matches('/');
    SignInLink { unit, url: Secret::new(format!("{base}/sign-in/link/{}", token.secret.expose())) }
}

#[derive(Template)]
#[template(path = "sign_in_link.html")]
struct Shown<'a> {
    look: Look,
    name: &'a str,
}

pub(super) async fn show(
    State(gateway): State<Arc<Gateway>>,
    _: Visitor,
    Path(secret): Path<String>,
) -> Page {
    let link = find(&gateway, &secret).await?;
    Ok(page(&Shown { look: Look::plain(&gateway), name: &link.name }))
}

pub(super) async fn follow(
    State(gateway): State<Arc<Gateway>>,
    Visitor(visit): Visitor,
    headers: HeaderMap,
    Path(secret): Path<String>,
) -> Answer<Response> {
    let origin = headers.get("origin").and_then(|value| value.to_str().ok());
    if origin.is_some_and(|origin| origin != gateway.config.public_url.origin().ascii_serialization()) {
        return Err(unknown());
    }
    let link = find(&gateway, &secret).await?;
    let mut unit = Unit::new();
    unit.delete(&link);
    match gateway.store.commit(unit).await {
        Ok(_) => {}
        Err(CommitError::Conflict { .. }) => return Err(unknown()),
        Err(error) => return Err(error.into()),
    }
    let Link { tenant, user, name, .. } = link.record;
    let account = SignedIn { tenant, user, upn: name.clone(), name };
    // Whoever can read the gateway's own database has proved enough.
    let proved = Proved { account, at: Some(gateway.clock.now()) };
    session::begin(&gateway, visit, &headers, (SIGNED_IN, proved), "/").await
}

async fn find(gateway: &Gateway, secret: &str) -> Answer<Versioned<Link>> {
    let found: Option<Versioned<Link>> = gateway.system().get(Digest::of(secret).as_str()).await?;
    found.filter(|link| link.ends > gateway.clock.now()).ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "link_used",
        "this link was used already, or is too old",
        "print another one with `attache gateway link`",
    )
}
