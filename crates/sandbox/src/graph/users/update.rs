//! `PATCH /users/{id}` and `revokeSignInSessions` (Entra reference §3.1, §13).

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::changes::ChangeKind;
use crate::directory::User;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};
use crate::lag::Cause;

use super::{addresses, create};

const UPDATE: Needs = Needs::split(
    &[
        "User.ReadWrite",
        "User.ReadWrite.All",
        "User.ManageIdentities.All",
        "User.EnableDisableAccount.All",
        "Directory.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
    ],
    &[
        "User.ReadWrite.All",
        "User.ManageIdentities.All",
        "User.EnableDisableAccount.All",
        "Directory.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
    ],
);
const REVOKE: Needs = Needs::either(&[
    "User.RevokeSessions.All",
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
]);

const UPDATE_MINE: Needs =
    Needs::delegated(&["User.ReadWrite", "User.ReadWrite.All", "Directory.ReadWrite.All"]);
const REVOKE_MINE: Needs = Needs::split(REVOKE.delegated, &["User.RevokeSessions.All"]);

/// Whether a password is long and varied enough: eight characters, three kinds of four.
pub(super) fn is_complex(password: &str) -> bool {
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_digit(),
        |c| !c.is_ascii_alphanumeric(),
    ];
    let has = kinds.iter().filter(|kind| password.chars().any(**kind)).count();
    (8..=256).contains(&password.chars().count()) && has >= 3
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::PATCH, "/users/{id}", UPDATE, update),
        Route::new(Method::PATCH, "/me", UPDATE_MINE, update),
        Route::new(Method::POST, "/users/{id}/revokeSignInSessions", REVOKE, revoke),
        Route::new(Method::POST, "/me/revokeSignInSessions", REVOKE_MINE, revoke),
    ]
}

fn update(call: &mut Call<'_>) -> Answer {
    let mut user = call.user()?.clone();
    let earlier = call.tenant.primary_address(&user, call.now);
    let mut payload = Payload::read(call, "User")?;
    payload.take_type();
    check(call, &user, &call.body()?)?;

    if let Some(enabled) = payload.boolean("accountEnabled")? {
        user.account_enabled = enabled;
    }
    if let Some(name) = payload.text("displayName")? {
        if name.trim().is_empty() || name.chars().count() > 256 {
            return Err(payload.invalid("displayName"));
        }
        user.display_name = name;
    }
    if let Some(nickname) = payload.text("mailNickname")? {
        create::check_nickname(&nickname, &payload)?;
        user.mail_nickname = nickname;
    }
    if let Some(upn) = payload.text("userPrincipalName")? {
        create::check_upn(call, &upn, Some(&user.id))?;
        addresses::check_address(call, &upn, Some(&user.id))?;
        // A mailbox's primary address follows the name.
        if user.mail.as_ref().is_some_and(|mail| mail.eq_ignore_ascii_case(&user.upn)) {
            user.mail = Some(upn.clone());
        }
        user.upn = upn;
    }
    match payload.take("usageLocation") {
        None => {}
        Some(Value::String(country)) => {
            user.usage_location = Some(create::country_code(&country)?);
            user.usage_location_effective = call.due(Cause::Change);
        }
        // Once it is set it can be changed, not cleared.
        Some(_) => return Err(payload.invalid("usageLocation")),
    }
    match payload.take("mail") {
        None => {}
        Some(Value::Null) => user.mail = None,
        Some(Value::String(mail)) => {
            create::check_mail(&mail, &payload)?;
            addresses::check_address(call, &mail, Some(&user.id))?;
            user.mail = Some(mail);
        }
        Some(_) => return Err(payload.invalid("mail")),
    }
    if let Some(parent) = payload.text("identityParentId")?
        && user.identity_parent_id() != Some(parent.as_str())
    {
        return Err(GraphError::bad_request("Property 'identityParentId' is read-only and cannot be set."));
    }
    if let Some(profile) = payload.take("passwordProfile") {
        set_password(&mut user, &profile, call.now)?;
    }
    for (name, value) in create::settable(payload)? {
        match (value, user.other.get(&name)) {
            (Value::Null, _) => {
                user.other.remove(&name);
            }
            // The fifteen attributes are set one by one.
            (Value::Object(set), Some(Value::Object(kept))) if name == "onPremisesExtensionAttributes" => {
                let all = kept.clone().into_iter().chain(set).collect();
                user.other.insert(name, Value::Object(all));
            }
            (value, _) => user.other.insert(name, value),
        }
    }
    call.tenant.user_changed(ChangeKind::Updated, &user.id);
    call.tenant.users.insert(user.id.clone(), user.clone());
    addresses::keep(call, &user, earlier);
    Ok(call.no_content())
}

fn check(call: &Call<'_>, user: &User, body: &serde_json::Map<String, Value>) -> Result<(), GraphError> {
    let names: Vec<String> = body
        .keys()
        .filter(|name| !name.starts_with("@odata."))
        .map(|name| name.to_ascii_lowercase())
        .collect();
    let only = |one: &str| names.iter().all(|name| name == one);
    if only("accountenabled") && call.caller.holds("User.EnableDisableAccount.All") {
        return call.require_administrator();
    }
    if call.reaches(user, &["User.ReadWrite.All", "Directory.ReadWrite.All"]) {
        let own = call.caller.user_id() == Some(user.id.as_str());
        return if own { Ok(()) } else { call.require_administrator() };
    }
    // `User.ReadWrite` concerns one's own profile, not one's account.
    const OWN_PROFILE: &[&str] = &[
        "aboutme",
        "birthday",
        "businessphones",
        "hiredate",
        "interests",
        "jobtitle",
        "mobilephone",
        "mysite",
        "officelocation",
        "pastprojects",
        "preferredlanguage",
        "preferredname",
        "responsibilities",
        "schools",
        "skills",
    ];
    let profile_only = names.iter().all(|name| OWN_PROFILE.contains(&name.as_str()));
    if call.caller.holds("User.ReadWrite") && call.caller.user_id() == Some(user.id.as_str()) && profile_only
    {
        return Ok(());
    }
    Err(GraphError::denied())
}

fn set_password(user: &mut User, profile: &Value, now: Timestamp) -> Result<(), GraphError> {
    if user.identity_parent_id().is_some() {
        return Err(GraphError::bad_request(
            "The property 'passwordProfile' must not be set for an agent user.",
        ));
    }
    let password = create::read_password(profile)?;
    user.password = Some(password.text);
    user.must_change_password = password.must_change;
    // A changed password voids what was issued before.
    user.sessions_valid_from = next_second(now);
    Ok(())
}

/// Tokens and sessions from before now are void; refresh tokens fail with AADSTS50173.
fn revoke(call: &mut Call<'_>) -> Answer {
    let user = call.user()?;
    let own = call.caller.user_id() == Some(user.id.as_str());
    if !own {
        call.check_user_reach(
            user,
            &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
        )?;
    }
    let next_second = next_second(call.now);
    call.user_mut()?.sessions_valid_from = next_second;
    Ok(call.ok(&json!({ "@odata.context": call.context("Edm.Boolean"), "value": true })))
}

/// Tokens tell their time to the second; what was issued within this one is void too.
pub(super) fn next_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second() + 1).unwrap_or(now)
}
