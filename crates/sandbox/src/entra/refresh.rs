//! `refresh_token` (Entra reference §1.4). A new one comes with each use; the old one keeps working.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::tenant::Tenant;

use super::client::authenticate;
use super::conditional_access::Flow;
use super::context::Context;
use super::error::EntraError;
use super::form::Form;
use super::resource::Asked;
use super::sealed::{Kind, open};
use super::user_response::{Answering, RefreshToken, identified, respond};

/// Without use for so long it expires.
const INACTIVE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A single-page application's ends so long after the sign-in, used or not.
const SPA: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn grant(context: &Context<'_>, tenant: &Tenant, form: &Form) -> Result<Value, EntraError> {
    let sealed = form.require("refresh_token")?;
    let token: RefreshToken = open(&tenant.entra.secret, Kind::RefreshToken, sealed)
        .ok_or_else(|| EntraError::bad_grant("refresh_token"))?;
    let client = authenticate(context, tenant, form, |_| token.is_public)?;
    if !client.app_id.eq_ignore_ascii_case(&token.client_id) {
        return Err(EntraError::bad_grant("refresh_token"));
    }
    let age = context.now.duration_since(token.issued);
    match token.spa_since {
        Some(since) if context.now.duration_since(since) >= SPA => {
            return Err(EntraError::expired_spa_refresh_token(since));
        }
        None if age >= INACTIVE => return Err(EntraError::inactive_refresh_token(token.issued)),
        _ => {}
    }
    let user = identified(context, tenant, &token.user_id, token.issued)?;
    context.attempt.session(&token.sign_in.session_id, &token.sign_in.methods);
    tenant.entra.loops.check(sealed, form.get("scope").unwrap_or_default(), context.now)?;
    let scope = with_offline_access(form.get("scope").unwrap_or(&token.scope));
    let asked = Asked::parse(tenant, context.names, &scope, true, context.now)?;
    let answering = Answering { user, asked: &asked, nonce: None, flow: Flow::Client };
    respond(context, tenant, &client, form, &answering, RefreshToken { scope, ..token })
}

/// Counts the same refresh, to tell a client that it runs in circles.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoopGuard(Arc<Mutex<BTreeMap<String, Seen>>>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    since: Timestamp,
    times: u32,
}

/// So often within [`WINDOW`] the same request is a loop.
const LOOP: u32 = 100;
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

impl LoopGuard {
    fn check(&self, token: &str, scope: &str, now: Timestamp) -> Result<(), EntraError> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, seen| now.duration_since(seen.since) < WINDOW);
        let seen = seen.entry(format!("{token} {scope}")).or_insert(Seen { since: now, times: 0 });
        seen.times += 1;
        if seen.times > LOOP { Err(EntraError::request_loop()) } else { Ok(()) }
    }
}

/// A refresh always yields another refresh token.
fn with_offline_access(scope: &str) -> String {
    if scope.split_whitespace().any(|word| word.eq_ignore_ascii_case("offline_access")) {
        return scope.to_owned();
    }
    format!("{scope} offline_access")
}
