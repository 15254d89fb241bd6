//! One-time passcodes: a guest whose address is of no tenant here has no password, and signs in with a code that
//! comes by mail (Microsoft: "Email one-time passcode authentication").

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::graph::{Announcement, announce};
use crate::lag::Lag;
use crate::tenant::Tenant;

use super::context::Context;
use super::error::EntraError;
use super::form::Form;
use super::guest::{account_at_home, redeem};

/// How long a code is good.
const LIFETIME: SignedDuration = SignedDuration::from_mins(30);

/// How long a sign-in by code lasts.
pub(super) const SESSION: SignedDuration = SignedDuration::from_hours(24);

/// A code that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passcode {
    code: String,
    sent: Timestamp,
}

/// Whether somebody signs in by a code.
#[derive(Debug)]
pub(super) enum ByCode {
    /// They have a password.
    No,
    /// The code is to be asked for, again if it was wrong.
    Ask { was_wrong: bool },
    /// It was right; the user's object id.
    Right(String),
}

/// Looks at a form with `username` and, once the code has been asked for, `passcode`. A form without sends one.
pub(super) fn by_code(context: &Context<'_>, tenant: &mut Tenant, form: &Form) -> Result<ByCode, EntraError> {
    let name = form.get("username").unwrap_or_default();
    let Some(user) = tenant.account(name, context.now).filter(|user| user.account_enabled) else {
        return Ok(ByCode::No);
    };
    let id = user.id.clone();
    let Some(guest) = tenant.entra.guests.get(&id).cloned() else { return Ok(ByCode::No) };
    if user.password.is_some() || account_at_home(context, &guest)?.is_some() {
        return Ok(ByCode::No);
    }
    let Some(entered) = form.get("passcode") else {
        send(context, tenant, &id, &guest.address);
        return Ok(ByCode::Ask { was_wrong: false });
    };
    let is_right = guest.passcode.is_some_and(|passcode| {
        passcode.code == entered.trim() && context.now.duration_since(passcode.sent) < LIFETIME
    });
    if !is_right {
        return Ok(ByCode::Ask { was_wrong: true });
    }
    if let Some(guest) = tenant.entra.guests.get_mut(&id) {
        guest.passcode = None;
    }
    redeem(tenant, &id, None, context.now);
    Ok(ByCode::Right(id))
}

fn send(context: &Context<'_>, tenant: &mut Tenant, id: &str, address: &str) {
    let code = format!("{:08}", uuid::Uuid::new_v4().as_u128() % 100_000_000);
    let organisation = tenant.display_name.clone();
    let letter = Announcement {
        from: "account-security-noreply@accountprotection.microsoft.com",
        name: format!("{organisation} (via Microsoft)"),
        subject: format!("Your {organisation} account verification code"),
        text: format!(
            "To access {organisation}'s apps and resources, please use the code below for account verification. The code will only work for 30 minutes.\r\n\r\nAccount verification code:\r\n\r\n{code}\r\n"
        ),
    };
    announce(tenant, address, letter, (context.now, Lag::default()));
    if let Some(guest) = tenant.entra.guests.get_mut(id) {
        guest.passcode = Some(Passcode { code, sent: context.now });
    }
}
