//! A session begins: the browser gets a fresh secret, and the session that it had before ends.

use std::time::Duration;

use attache_entra::Proved;
use attache_ledger::{Act, ActName, Verdict};
use attache_store::{GatewayScope, Unit};
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::attempt::BINDING;
use crate::Gateway;
use crate::access::{SESSION, SessionRecord, Token, Visit, session_of, set_cookie};
use crate::config::Operator;
use crate::record::on;
use crate::server::Answer;

/// How long a session lasts, in seconds: a working day.
const LASTS: i64 = 8 * 3600;

/// Begins a session for a person who has signed in this way, and sends the browser on. When they proved who they are is
/// what Entra says, else what is known of the session before; when neither tells, what is dangerous wants another proof.
pub(super) async fn begin(
    gateway: &Gateway,
    visit: Visit,
    headers: &HeaderMap,
    (way, proved): (ActName, Proved),
    next: &str,
) -> Answer<Response> {
    let Proved { account: person, at } = proved;
    let before = session_of(gateway, headers).await?;
    let own = before.as_ref().filter(|before| (before.tenant, before.user) == (person.tenant, person.user));
    let at = at.or(own.and_then(|own| own.authenticated));
    let operator = Operator { tenant: person.tenant, user: person.user };
    let operator = gateway.config.operators.contains(&operator);
    let token = Token::new("", &*gateway.rng);
    let now = gateway.clock.now();
    let session = SessionRecord {
        digest: token.digest,
        tenant: person.tenant,
        user: person.user,
        name: person.name,
        upn: person.upn,
        operator,
        authenticated: at.map(|at| at.min(now)),
        ends: now.saturating_add(Duration::from_secs(LASTS.unsigned_abs())).unwrap_or(now),
    };
    let mut unit = Unit::new();
    unit.create(GatewayScope::granted(), &session);
    let mut about = on([]);
    about.user = Some(session.user);
    let act = Act::new(way, visit.actor(Some(session.by()))).on(about).correlated(visit.correlation());
    unit.record(GatewayScope::granted(), gateway.composer.change(act, Verdict::Done, None));
    if let Some(before) = &before {
        unit.delete(before);
    }
    gateway.store.commit(unit).await?;
    let mut response = Redirect::to(next).into_response();
    let https = gateway.config.is_https();
    let cookies =
        [set_cookie(SESSION, token.secret.expose(), LASTS, https), set_cookie(BINDING, "", 0, https)];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
