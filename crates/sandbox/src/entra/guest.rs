//! Guests: users whose password another tenant keeps (Microsoft: "B2B collaboration overview", "Redemption"). Who
//! was invited signs in at the inviting tenant with the name and password of home, is the guest's object there,
//! and has redeemed the invitation by that.

use std::sync::Arc;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::directory::User;
use crate::exchange::Response;
use crate::realm::Absent;
use crate::tenant::Tenant;

use super::context::Context;
use super::error::EntraError;
use super::form::Form;
use super::pages;
use super::passcode::{ByCode, Passcode, by_code};
use super::password::check_password;
use super::sealed::{Kind, open, seal};

/// What a tenant knows of somebody whom it invited, beside the user object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Guest {
    /// The address that was invited.
    pub(crate) address: String,
    /// The account at home, if home is a tenant of this sandbox.
    pub(crate) home: Option<Home>,
    pub(crate) invited: Timestamp,
    /// When the invitation was redeemed.
    pub(crate) accepted: Option<Timestamp>,
    /// The code that was sent last, of a guest who signs in by one.
    #[serde(default)]
    pub(crate) passcode: Option<Passcode>,
}

/// An account in another tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Home {
    pub(crate) tenant: String,
    pub(crate) user: String,
}

impl Guest {
    /// `externalUserState`.
    pub(crate) fn state(&self) -> &'static str {
        if self.accepted.is_some() { "Accepted" } else { "PendingAcceptance" }
    }
}

impl Tenant {
    /// Who signs in by that name: a user principal name, an object id, or the address of a guest.
    pub(crate) fn account(&self, name: &str, now: Timestamp) -> Option<&User> {
        self.user(name, now).or_else(|| self.guest_at(name, now))
    }

    /// The guest who was invited at that address.
    pub(crate) fn guest_at(&self, address: &str, now: Timestamp) -> Option<&User> {
        let is_theirs = |user: &&User| {
            let guest = self.entra.guests.get(&user.id);
            guest.is_some_and(|guest| guest.address.eq_ignore_ascii_case(address))
                && user.life.is_visible(now)
        };
        self.users.named(address).into_iter().find(is_theirs)
    }

    /// The user's account at home, if that is another tenant.
    pub(super) fn home_of(&self, user: &User) -> Option<&Home> {
        self.entra.guests.get(&user.id)?.home.as_ref()
    }
}

/// The account of that address in another tenant of the sandbox.
///
/// # Errors
/// [`Absent`] the first time: hand it up.
pub(crate) fn find_home(
    others: &crate::realm::Others<'_>,
    address: &str,
    now: Timestamp,
) -> Result<Option<Home>, Absent> {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    let Some(home) = others.tenant(domain)? else { return Ok(None) };
    let user = home.user(address, now).or_else(|| home.user_by_address(address, now));
    Ok(user.map(|user| Home { tenant: home.id.clone(), user: user.id.clone() }))
}

/// A guest's account at home, and the tenant that keeps it; none if the address is of no tenant here.
pub(super) fn account_at_home(
    context: &Context<'_>,
    guest: &Guest,
) -> Result<Option<(Arc<Tenant>, Home)>, Absent> {
    let home = match &guest.home {
        Some(home) => Some(home.clone()),
        // The account may have been made since.
        None => find_home(context.others, &guest.address, context.now)?,
    };
    let Some(home) = home else { return Ok(None) };
    Ok(context.others.tenant(&home.tenant)?.map(|tenant| (tenant, home)))
}

/// Whether home still lets a guest sign in.
pub(super) fn check_home(context: &Context<'_>, tenant: &Tenant, user: &User) -> Result<(), EntraError> {
    let Some(home) = tenant.home_of(user) else { return Ok(()) };
    let Some(keeper) = context.others.tenant(&home.tenant)? else {
        return Err(EntraError::unknown_user(&user.upn, &tenant.display_name));
    };
    match keeper.user(&home.user, context.now) {
        Some(account) if account.account_enabled => Ok(()),
        Some(_) => Err(EntraError::disabled_user()),
        None => Err(EntraError::unknown_user(&user.upn, &keeper.display_name)),
    }
}

/// Why somebody who gives the right password of another tenant, and is no guest here, cannot use the client.
pub(super) fn stranger(
    context: &Context<'_>,
    tenant: &Tenant,
    (client, client_name): (&str, &str),
    (name, password): (&str, &str),
) -> Option<EntraError> {
    let domain = name.rsplit_once('@').map(|(_, domain)| domain)?;
    let home = context.others.tenant(domain).ok().flatten()?;
    let user = home.user(name, context.now)?;
    let is_right = user.password.as_deref() == Some(password);
    let client = (client, client_name);
    is_right.then(|| EntraError::strange_account(name, &issuer(&home.id), &tenant.display_name, client))
}

/// The guest has signed in: that redeems the invitation.
pub(super) fn redeem(tenant: &mut Tenant, user_id: &str, home: Option<Home>, now: Timestamp) {
    let Some(guest) = tenant.entra.guests.get(user_id).filter(|guest| guest.accepted.is_none()) else {
        return;
    };
    let guest = Guest { home, accepted: Some(now), ..guest.clone() };
    tenant.entra.guests.insert(user_id.to_owned(), guest);
    let Some(user) = tenant.users.get(user_id) else { return };
    let target = json!({
        "id": user.id, "displayName": user.display_name, "type": "User",
        "userPrincipalName": user.upn, "groupType": null, "modifiedProperties": [],
    });
    let initiator = crate::graph::user_initiator(Some(user));
    tenant.audit(&crate::graph::Audit {
        at: now,
        activity: "Redeem external user invite",
        category: "UserManagement",
        operation: "Update",
        initiator: &initiator,
        correlation: &crate::directory::new_id(),
        targets: &[target],
    });
}

fn issuer(tenant: &str) -> String {
    format!("https://sts.windows.net/{tenant}/")
}

/// What tokens say of a guest, beside and instead of what they say of everybody: who vouched for them (`idp`), and
/// their address where a name would stand.
pub(super) fn mark(claims: &mut Map<String, Value>, tenant: &Tenant, user: &User, is_v1: bool) {
    let Some(guest) = tenant.entra.guests.get(&user.id) else { return };
    let mut put = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    match &guest.home {
        Some(home) => put("idp", json!(issuer(&home.tenant))),
        None => put("idp", json!("mail")),
    }
    put("email", json!(guest.address));
    if is_v1 {
        put("unique_name", json!(guest.address));
        claims.remove("upn");
    } else if claims.contains_key("preferred_username") {
        claims.insert("preferred_username".to_owned(), json!(guest.address));
    }
}

/// An invitation's link: whose it is, and where it leads.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Invitation {
    user: String,
    redirect: String,
}

/// `inviteRedeemUrl`.
pub(crate) fn redeem_url(origin: &str, tenant: &Tenant, user_id: &str, redirect: &str) -> String {
    let invitation = Invitation { user: user_id.to_owned(), redirect: redirect.to_owned() };
    let ticket = seal(&tenant.entra.secret, Kind::Invitation, &invitation);
    format!("{origin}/{}/redeem?ticket={ticket}", tenant.id)
}

/// The page of an invitation's link: the sign-in form, which leads on to where the invitation says.
pub(super) fn page(context: &Context<'_>, tenant: &mut Tenant) -> (Response, bool) {
    let form = Form::parse(&context.request.body).unwrap_or_else(|_| Form::empty());
    let ticket = form.get("request").or_else(|| context.request.query("ticket")).unwrap_or_default();
    let Some(invitation) = open::<Invitation>(&tenant.entra.secret, Kind::Invitation, ticket) else {
        let text = "The invitation is not valid. Ask whoever invited you for another one.";
        return (pages::message(StatusCode::BAD_REQUEST, "This invitation is not valid", text), false);
    };
    let address = tenant.entra.guests.get(&invitation.user).map(|guest| guest.address.clone());
    let name = form.get("username").map(str::to_owned).or(address).unwrap_or_default();
    let action = format!("/{}/redeem", tenant.id);
    let shown = |error: Option<&str>, tenant: &Tenant| {
        (pages::sign_in(&action, &tenant.display_name, ticket, &name, error), false)
    };
    if context.request.method != Method::POST {
        return shown(None, tenant);
    }
    match by_code(context, tenant, &form.with("username", &name)) {
        Ok(ByCode::No) => {}
        Ok(ByCode::Ask { was_wrong }) => {
            return (pages::passcode(&action, ticket, &name, was_wrong), true);
        }
        Ok(ByCode::Right(id)) if id == invitation.user => {
            let response = Response::empty(StatusCode::FOUND);
            return (response.with(http::header::LOCATION, &invitation.redirect), true);
        }
        Ok(ByCode::Right(_)) => return shown(Some("This invitation is somebody else's."), tenant),
        Err(error) => return shown(Some(&error.message), tenant),
    }
    let password = form.get("password").unwrap_or_default();
    match check_password(context, tenant, &name, password).map(|user| user.id == invitation.user) {
        Ok(true) => {
            let response = Response::empty(StatusCode::FOUND);
            (response.with(http::header::LOCATION, &invitation.redirect), true)
        }
        Ok(false) => shown(Some("This invitation is somebody else's."), tenant),
        Err(error) => shown(Some(&error.message), tenant),
    }
}
