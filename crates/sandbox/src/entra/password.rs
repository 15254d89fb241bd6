//! Passwords: the check that pages and `grant_type=password` share, with its lock (50053), and that grant itself
//! (Entra reference §1.13). Agent entities may not use it (§1.3).

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::directory::User;
use crate::tenant::Tenant;

use super::client::authenticate;
use super::conditional_access::Flow;
use super::context::Context;
use super::error::EntraError;
use super::form::Form;
use super::guest::{account_at_home, redeem};
use super::issue::SignIn;
use super::resource::Asked;
use super::user_response::{Answering, RefreshToken, identified, respond};

/// So many wrong passwords in a row lock the account.
const ATTEMPTS: u32 = 10;

/// For so long at first.
const LOCKED: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn grant(context: &Context<'_>, tenant: &mut Tenant, form: &Form) -> Result<Value, EntraError> {
    let client = authenticate(context, tenant, form, |app| app.is_public)?;
    if client.is_agentic() {
        return Err(EntraError::agentic_user_flow(&client.app_id));
    }
    let (username, password) = (field(form, "username")?, field(form, "password")?);
    let scope = form.require("scope")?;
    if tenant.entra.has_security_defaults {
        return Err(EntraError::security_defaults());
    }
    let Some(user) = tenant.account(username, context.now) else {
        return Err(EntraError::unknown_user(username, &tenant.display_name));
    };
    context.attempt.user(user);
    let user_id = check_password(context, tenant, username, password)?.id.clone();
    let user = identified(context, tenant, &user_id, context.now)?;
    if user.must_change_password {
        return Err(EntraError::expired_password());
    }
    let asked = Asked::parse(tenant, context.names, scope, true, context.now)?;
    let grant = RefreshToken {
        client_id: client.app_id.clone(),
        user_id: user_id.clone(),
        scope: scope.to_owned(),
        sign_in: SignIn::new(&["pwd"], context.now),
        issued: context.now,
        is_public: client.acr == "0",
        spa_since: None,
        tells_time: false,
    };
    let answering = Answering { user, asked: &asked, nonce: None, flow: Flow::Client };
    respond(context, tenant, &client, form, &answering, grant)
}

fn field<'f>(form: &'f Form, name: &str) -> Result<&'f str, EntraError> {
    form.get(name).ok_or_else(|| EntraError::missing_field(name))
}

/// The user whose password that is; a guest's is home's, and a guest who signs in has redeemed the invitation.
/// Unknown names and wrong passwords are told alike.
pub(crate) fn check_password<'t>(
    context: &Context<'_>,
    tenant: &'t mut Tenant,
    username: &str,
    password: &str,
) -> Result<&'t User, EntraError> {
    let now = context.now;
    let user = tenant.account(username, now).ok_or_else(EntraError::wrong_password)?;
    let id = user.id.clone();
    let at_home = match tenant.entra.guests.get(&id) {
        Some(guest) => account_at_home(context, guest)?,
        None => None,
    };
    let keeper = at_home.as_ref().and_then(|(keeper, home)| keeper.user(&home.user, now));
    let is_right = keeper.unwrap_or(user).password.as_deref() == Some(password);
    if is_right && keeper.is_some_and(|account| account.must_change_password) {
        return Err(EntraError::expired_password());
    }
    let is_enabled_at_home = keeper.is_none_or(|account| account.account_enabled);
    let lockout = tenant.entra.lockouts.get_or_insert_with(&id, Default::default);
    if lockout.until.is_some_and(|until| now < until) {
        return Err(EntraError::locked_account());
    }
    if !is_right {
        lockout.failed += 1;
        if lockout.failed >= ATTEMPTS {
            // Longer each time.
            let factor = i32::try_from(lockout.failed - ATTEMPTS + 1).unwrap_or(i32::MAX);
            lockout.until = Some(now.saturating_add(LOCKED.saturating_mul(factor)).unwrap_or(Timestamp::MAX));
            return Err(EntraError::locked_account());
        }
        return Err(EntraError::wrong_password());
    }
    tenant.entra.lockouts.remove(&id);
    if !is_enabled_at_home {
        return Err(EntraError::disabled_user());
    }
    if let Some((_, home)) = at_home {
        redeem(tenant, &id, Some(home), now);
    }
    let user = tenant.users.get(&id).ok_or_else(EntraError::wrong_password)?;
    if user.account_enabled { Ok(user) } else { Err(EntraError::disabled_user()) }
}
