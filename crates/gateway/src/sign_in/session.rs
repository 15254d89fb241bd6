//! A session begins: the browser gets a fresh secret, whatever it had before.

use std::time::Duration;

use attache_entra::SignedIn;
use attache_ledger::ActName;
use attache_store::{GatewayScope, Unit};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;

use super::attempt::BINDING;
use crate::Gateway;
use crate::access::{SESSION, SessionRecord, Token, set_cookie};
use crate::config::Operator;
use crate::record::on;
use crate::server::Answer;

/// How long a session lasts, in seconds: a working day.
const LASTS: i64 = 8 * 3600;

const SIGNED_IN: ActName = ActName::new("person.signed_in");

/// Begins a session for a person whom Entra has named, and sends the browser on.
pub(super) async fn begin(gateway: &Gateway, person: SignedIn, next: &str) -> Answer<Response> {
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
        authenticated: now,
        ends: now.saturating_add(Duration::from_secs(LASTS.unsigned_abs())).unwrap_or(now),
    };
    let mut unit = Unit::new();
    unit.create(GatewayScope::granted(), &session);
    let mut about = on([]);
    about.user = Some(session.user);
    unit.record(GatewayScope::granted(), gateway.changed_by_itself(SIGNED_IN, about));
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
