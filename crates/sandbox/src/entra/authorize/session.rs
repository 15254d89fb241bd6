//! Who signed in on this browser: the password, and the cookie that remembers it.

use http::header::{COOKIE, SET_COOKIE};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::directory::User;
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::issue::SignIn;
use crate::entra::pages;
use crate::entra::sealed::{Kind, open, seal};
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

/// The user whose password that is. Unknown names and wrong passwords are told alike.
pub(crate) fn check_password<'t>(
    tenant: &'t Tenant,
    username: &str,
    password: &str,
    now: Timestamp,
) -> Result<&'t User, EntraError> {
    let user = tenant.user(username, now).filter(|user| user.password.as_deref() == Some(password));
    let user = user.ok_or_else(EntraError::wrong_password)?;
    if user.account_enabled { Ok(user) } else { Err(EntraError::disabled_user()) }
}

impl Session {
    /// Of a user who has just proved to be one.
    pub(super) fn begun(user: &User, now: Timestamp) -> Self {
        let sign_in = SignIn {
            session_id: crate::directory::new_id(),
            methods: vec!["pwd".to_owned(), "mfa".to_owned()],
        };
        Self { user_id: user.id.clone(), sign_in, since: now }
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
    Some(session)
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

/// Ends the browser's session.
pub(crate) fn logout() -> Response {
    pages::message(http::StatusCode::OK, "You signed out of your account", "You can close this window.")
        .with(SET_COOKIE, &format!("{COOKIE_NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None"))
}
