//! `POST /invitations`: somebody of another tenant becomes a guest of this one (Microsoft: "Create invitation"). The
//! user object is there at once, `PendingAcceptance` until the guest has signed in.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::call::Call;
use super::error::{Answer, GraphError};
use super::mail;
use super::payload::Payload;
use super::route::{Needs, Route};
use crate::changes::ChangeKind;
use crate::directory::{Life, Properties, User, UserKind, new_id};
use crate::entra::{Guest, find_home, redeem_url};
use crate::lag::Cause;
use crate::names::Names;

const INVITE: Needs = Needs::either(&["User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(Method::POST, "/invitations", INVITE, invite)]
}

/// What the body asks for.
struct Wanted {
    address: String,
    redirect: String,
    display_name: Option<String>,
    user_type: String,
    sends_message: bool,
    message: Value,
    resets: bool,
}

fn invite(call: &mut Call<'_>) -> Answer {
    let wanted = read(call)?;
    let home = find_home(call.others, &wanted.address, call.now)?;
    let known = call.tenant.guest_at(&wanted.address, call.now).map(|user| user.id.clone());
    let user_id = match known {
        Some(id) => id,
        None => {
            refuse_own(call, &wanted.address)?;
            let user = guest_user(call, &wanted);
            let id = user.id.clone();
            call.check_room(false)?;
            call.has_made(&id);
            call.tenant.user_changed(ChangeKind::Created, &id);
            call.tenant.users.insert(id.clone(), user);
            id
        }
    };
    let earlier = call.tenant.entra.guests.get(&user_id).filter(|_| !wanted.resets).cloned();
    let guest = earlier.unwrap_or(Guest {
        address: wanted.address.clone(),
        home,
        invited: call.now,
        accepted: None,
        passcode: None,
    });
    let status = if guest.accepted.is_some() { "Completed" } else { "PendingAcceptance" };
    call.tenant.entra.guests.insert(user_id.clone(), guest);
    let entra = Names::entra_origin(&call.request.origin);
    let link = redeem_url(&entra, call.tenant, &user_id, &wanted.redirect);
    if wanted.sends_message {
        let letter = letter(call, &wanted, &link);
        mail::announce(call.tenant, &wanted.address, letter, (call.now, call.lag));
    }
    let id = new_id();
    let body = json!({
        "id": id,
        "inviteRedeemUrl": link,
        "invitedUserDisplayName": wanted.display_name,
        "invitedUserType": wanted.user_type,
        "invitedUserEmailAddress": wanted.address,
        "sendInvitationMessage": wanted.sends_message,
        "resetRedemption": wanted.resets,
        "inviteRedirectUrl": wanted.redirect,
        "status": status,
        "invitedUserMessageInfo": wanted.message,
        "invitedUser": { "id": user_id },
    });
    let body = call.with_context("invitations", body);
    Ok(call.created(&format!("/invitations/{id}"), &body))
}

fn read(call: &Call<'_>) -> Result<Wanted, GraphError> {
    let mut payload = Payload::read(call, "Invitation")?;
    let invalid = |text: String| GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", text);
    let address = payload.text("invitedUserEmailAddress")?.unwrap_or_default().trim().to_owned();
    let is_address = address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && super::domains::is_host_name(domain) && !address.contains(char::is_whitespace)
    });
    if !is_address {
        return Err(invalid("The invited user email address is missing or invalid.".to_owned()));
    }
    let redirect = payload.text("inviteRedirectUrl")?.unwrap_or_default();
    if !Url::parse(&redirect).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        return Err(invalid("The invite redirect URL is missing or invalid.".to_owned()));
    }
    let user_type = payload.text("invitedUserType")?.unwrap_or_else(|| "Guest".to_owned());
    if !matches!(user_type.as_str(), "Guest" | "Member") {
        return Err(invalid("The invited user type must be either Guest or Member.".to_owned()));
    }
    if user_type == "Member" {
        // Who invites a member makes one.
        call.require_administrator()?;
    }
    let message = payload.take("invitedUserMessageInfo").unwrap_or_default();
    let said = |name: &str| message.get(name).filter(|value| value.is_string()).cloned().unwrap_or_default();
    let message = json!({
        "messageLanguage": said("messageLanguage"),
        "customizedMessageBody": said("customizedMessageBody"),
        "ccRecipients": [{ "emailAddress": { "name": null, "address": null } }],
    });
    let wanted = Wanted {
        address,
        redirect,
        display_name: payload.text("invitedUserDisplayName")?,
        user_type,
        sends_message: payload.boolean("sendInvitationMessage")?.unwrap_or(false),
        message,
        resets: payload.boolean("resetRedemption")?.unwrap_or(false),
    };
    payload.rest(&[])?;
    Ok(wanted)
}

/// Who has an account here already is not invited.
fn refuse_own(call: &Call<'_>, address: &str) -> Result<(), GraphError> {
    let own = call.tenant.user(address, call.now).or_else(|| call.tenant.user_by_address(address, call.now));
    if let Some(user) = own {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            format!(
                "The invited user already exists in the directory as object ID: {}. They can use that account to sign in to shared apps and resources.",
                user.id
            ),
        ));
    }
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    if call.tenant.domains.contains(domain) {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            "The domain of the email address is a verified domain of this directory.",
        ));
    }
    Ok(())
}

fn guest_user(call: &Call<'_>, wanted: &Wanted) -> User {
    // Where guests' names stand.
    let domain = call.tenant.domains.initial().unwrap_or_default();
    let name = format!("{}#EXT#", wanted.address.replace('@', "_"));
    let taken = |upn: &str| call.tenant.user_by_upn(upn).is_some();
    let upn = std::iter::once(format!("{name}@{domain}"))
        .chain((1..).map(|number| format!("{name}{number}@{domain}")))
        .find(|upn| !taken(upn))
        .unwrap_or_default();
    let local = wanted.address.split('@').next().unwrap_or_default();
    let mut other = Properties::default();
    other.insert("userType".to_owned(), json!(wanted.user_type));
    User {
        id: new_id(),
        life: Life::new(call.now, call.due(Cause::Replication)),
        kind: UserKind::Person,
        upn,
        display_name: wanted.display_name.clone().unwrap_or_else(|| local.to_owned()),
        mail_nickname: name,
        mail: Some(wanted.address.clone()),
        account_enabled: true,
        usage_location: None,
        usage_location_effective: call.now,
        password: None,
        must_change_password: false,
        registered: Some(Vec::new()),
        is_admin: false,
        sessions_valid_from: call.now,
        licences: Vec::new(),
        sponsors: Vec::new(),
        other,
    }
}

/// The invitation as the guest gets it by mail.
fn letter(call: &Call<'_>, wanted: &Wanted, link: &str) -> mail::Announcement {
    let organisation = &call.tenant.display_name;
    let own = wanted.message["customizedMessageBody"].as_str().map(|text| format!("{text}\r\n\r\n"));
    mail::Announcement {
        from: "invites@microsoft.com",
        name: format!("Microsoft Invitations on behalf of {organisation}"),
        subject: format!("{organisation} invited you to access applications within their organization"),
        text: format!(
            "{}Accept the invitation to get access to {organisation}:\r\n\r\n{link}\r\n",
            own.unwrap_or_default()
        ),
    }
}
