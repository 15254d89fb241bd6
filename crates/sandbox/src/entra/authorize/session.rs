//! Who signed in on this browser: the password, and the cookie that remembers it.

use http::header::{COOKIE, SET_COOKIE};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::directory::Factor;
use crate::entra::context::Context;
use crate::entra::issue::SignIn;
use crate::entra::pages;
use crate::entra::passcode;
use crate::entra::redirect::{Mode, platform, send};
use crate::entra::sealed::{Kind, open, seal};
use crate::entra::state::Decision;
use crate::entra::user_response::admitted;
use crate::exchange::{Request, Response};
use crate::tenant::Tenant;

/// The session's cookie, as Entra calls it.
const COOKIE_NAME: &str = "ESTSAUTH";

/// A signed-in browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) user_id: String,
    pub(super) sign_in: SignIn,
    pub(super) since: Timestamp,
}

impl Session {
    /// Of a user who has just proved to be one, by that method.
    pub(super) fn begun(user_id: String, method: &str, now: Timestamp) -> Self {
        Self { user_id, sign_in: SignIn::new(&[method], now), since: now }
    }

    /// The same once a second factor has been given.
    pub(super) fn strengthened(self, factor: Factor) -> Self {
        Self { sign_in: self.sign_in.with(factor), ..self }
    }

    /// What a device is told of it.
    pub(super) fn approval(&self) -> Decision {
        Decision::Approved { user_id: self.user_id.clone(), sign_in: self.sign_in.clone() }
    }

    /// The answer with the cookie that remembers it.
    pub(super) fn remembered(&self, tenant: &Tenant, answer: Response) -> Response {
        let sealed = seal(&tenant.entra.secret, Kind::Session, self);
        answer.with(SET_COOKIE, &format!("{COOKIE_NAME}={sealed}; Path=/; Secure; HttpOnly; SameSite=None"))
    }
}

/// The browser's session, if it still holds.
pub(super) fn session(context: &Context<'_>, tenant: &Tenant) -> Option<Session> {
    let sealed = sealed_session(context.request)?;
    let session: Session = open(&tenant.entra.secret, Kind::Session, sealed)?;
    admitted(tenant, &session.user_id, session.since, context.now).ok()?;
    let by_code = session.sign_in.methods.iter().any(|method| method == "otp");
    let is_over = by_code && context.now.duration_since(session.since) >= passcode::SESSION;
    (!is_over).then_some(session)
}

/// What the browser's cookie says, sealed.
pub(crate) fn sealed_session(request: &Request) -> Option<&str> {
    let cookies = request.headers.get_all(COOKIE);
    cookies
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

/// Ends the browser's session, and sends it on if the client named a redirect URI that is registered.
pub(crate) fn logout(context: &Context<'_>, tenant: &Tenant) -> Response {
    let query = |name| context.request.query(name).filter(|value| !value.is_empty());
    let hinted = query("id_token_hint").and_then(|token| context.key.verify(token).ok());
    let client = hinted.as_ref().map(|claims| claims.text("aud"));
    let is_registered = |uri: &str| {
        let apps = tenant.applications.values().filter(|app| app.life.is_visible(context.now));
        apps.filter(|app| client.is_none_or(|client| app.app_id.eq_ignore_ascii_case(client)))
            .any(|app| platform(app, uri).is_some())
    };
    let answer = match query("post_logout_redirect_uri").filter(|uri| is_registered(uri)) {
        Some(uri) => {
            let state: Vec<_> = query("state").map(|state| ("state", state.to_owned())).into_iter().collect();
            send(uri, Mode::Query, &state)
        }
        None => pages::message(
            http::StatusCode::OK,
            "You signed out of your account",
            "You can close this window.",
        ),
    };
    answer.with(SET_COOKIE, &format!("{COOKIE_NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None"))
}
