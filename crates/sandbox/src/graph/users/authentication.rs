//! `users/{id}/authentication`: the methods that a person signs in with (Microsoft: "authenticationMethod resource
//! type"). The app on a phone and security keys are registered where a policy asks for them, on a page of sign-in;
//! phones here too.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::changes::ChangeKind;
use crate::directory::{AuthenticationMethod, MethodKind, User, new_id};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};

const READ: Needs = Needs::split(
    &[
        "UserAuthenticationMethod.Read",
        "UserAuthenticationMethod.Read.All",
        "UserAuthenticationMethod.ReadWrite",
        "UserAuthenticationMethod.ReadWrite.All",
    ],
    &["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"],
);
const WRITE: Needs = Needs::split(
    &["UserAuthenticationMethod.ReadWrite", "UserAuthenticationMethod.ReadWrite.All"],
    &["UserAuthenticationMethod.ReadWrite.All"],
);

/// What reaches others than oneself.
const ANYBODYS: &[&str] = &["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"];

/// The password's id, the same for everybody.
const PASSWORD: &str = "28c10230-6103-485e-b985-444c60001490";

const AUTHENTICATOR: &str = "microsoftAuthenticatorAuthenticationMethod";
const FIDO2: &str = "fido2AuthenticationMethod";
const PHONE: &str = "phoneAuthenticationMethod";

const PROPERTIES: &[&str] = &[
    "id",
    "createdDateTime",
    "password",
    "displayName",
    "deviceTag",
    "phoneAppVersion",
    "aaGuid",
    "model",
    "attestationCertificates",
    "attestationLevel",
    "phoneNumber",
    "phoneType",
    "smsSignInState",
];

pub(super) fn routes() -> Vec<Route> {
    let (get, delete) = (Method::GET, Method::DELETE);
    vec![
        Route::new(get.clone(), "/users/{id}/authentication/methods", READ, list),
        Route::new(get.clone(), "/me/authentication/methods", READ, list),
        Route::new(get.clone(), "/users/{id}/authentication/methods/{method}", READ, one),
        Route::new(get.clone(), "/me/authentication/methods/{method}", READ, one),
        Route::new(
            get.clone(),
            "/users/{id}/authentication/microsoftAuthenticatorMethods",
            READ,
            authenticators,
        ),
        Route::new(get, "/users/{id}/authentication/phoneMethods", READ, phones),
        Route::new(Method::POST, "/users/{id}/authentication/phoneMethods", WRITE, add_phone),
        Route::new(
            delete.clone(),
            "/users/{id}/authentication/microsoftAuthenticatorMethods/{method}",
            WRITE,
            remove_authenticator,
        ),
        Route::new(delete.clone(), "/users/{id}/authentication/fido2Methods/{method}", WRITE, remove_key),
        Route::new(delete, "/users/{id}/authentication/phoneMethods/{method}", WRITE, remove_phone),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let user = person(call)?;
    let mut items: Vec<Value> = user.methods().iter().map(|method| shown(method, true)).collect();
    items.extend(user.password.is_some().then(|| password(user)));
    let query = call.query(&Surface::directory("authenticationMethod", PROPERTIES))?;
    Ok(call.list(&query, &context(user, "methods"), items, None))
}

fn one(call: &mut Call<'_>) -> Answer {
    let user = person(call)?;
    let id = call.params.get("method");
    let of_id = |method: &&AuthenticationMethod| method.id.eq_ignore_ascii_case(id);
    let found = match user.methods().iter().find(of_id) {
        Some(method) => shown(method, true),
        None if id == PASSWORD && user.password.is_some() => password(user),
        None => return Err(unknown(id)),
    };
    let surface = Surface::object(Service::Directory, "authenticationMethod", PROPERTIES);
    let query = call.query(&surface)?;
    Ok(call.entity(&query, &context(user, "methods"), found, None))
}

fn authenticators(call: &mut Call<'_>) -> Answer {
    of_kind(call, AUTHENTICATOR, "microsoftAuthenticatorMethods")
}

fn phones(call: &mut Call<'_>) -> Answer {
    of_kind(call, PHONE, "phoneMethods")
}

fn of_kind(call: &Call<'_>, kind: &'static str, collection: &str) -> Answer {
    let user = person(call)?;
    let items =
        user.methods().iter().filter(|one| type_of(one) == kind).map(|one| shown(one, false)).collect();
    let query = call.query(&Surface::directory(kind, PROPERTIES))?;
    Ok(call.list(&query, &context(user, collection), items, None))
}

/// Each kind of phone once.
fn add_phone(call: &mut Call<'_>) -> Answer {
    let user = person(call)?;
    let (user_id, context) = (user.id.clone(), context(user, "phoneMethods"));
    let mut payload = Payload::read(call, "PhoneAuthenticationMethod")?;
    payload.take_type();
    let (number, kind) = (payload.required_text("phoneNumber", 50)?, payload.required_text("phoneType", 20)?);
    payload.rest(&[])?;
    let is_number = number.starts_with('+') && number.bytes().filter(u8::is_ascii_digit).count() >= 7;
    let kind =
        ["mobile", "alternateMobile", "office"].into_iter().find(|one| one.eq_ignore_ascii_case(&kind));
    let Some(kind) = kind.filter(|_| is_number) else {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "invalidPhoneNumber",
            "The phone number and type must be like +1 5556667777 and mobile, alternateMobile or office.",
        ));
    };
    let has_one = |one: &AuthenticationMethod| matches!(&one.kind, MethodKind::Phone { kind: known, .. } if known == kind);
    if user.methods().iter().any(has_one) {
        return Err(GraphError::bad_request(format!("The user has a phone of type {kind} already.")));
    }
    let method = AuthenticationMethod {
        id: new_id(),
        created: call.now,
        kind: MethodKind::Phone { number, kind: kind.to_owned() },
    };
    let body = call.with_context(&context, shown(&method, false));
    let location = format!("/users/{user_id}/authentication/phoneMethods/{}", method.id);
    change(call, &user_id, |methods| methods.push(method));
    Ok(call.created(&location, &body))
}

fn remove_authenticator(call: &mut Call<'_>) -> Answer {
    remove(call, AUTHENTICATOR)
}

fn remove_key(call: &mut Call<'_>) -> Answer {
    remove(call, FIDO2)
}

fn remove_phone(call: &mut Call<'_>) -> Answer {
    remove(call, PHONE)
}

fn remove(call: &mut Call<'_>, kind: &'static str) -> Answer {
    let user = person(call)?;
    let (user_id, id) = (user.id.clone(), call.params.get("method").to_owned());
    let is_meant = |one: &AuthenticationMethod| one.id.eq_ignore_ascii_case(&id) && type_of(one) == kind;
    if !user.methods().iter().any(is_meant) {
        return Err(unknown(&id));
    }
    change(call, &user_id, |methods| methods.retain(|one| !is_meant(one)));
    Ok(call.no_content())
}

fn change(call: &mut Call<'_>, user_id: &str, change: impl FnOnce(&mut Vec<AuthenticationMethod>)) {
    call.tenant.user_changed(ChangeKind::Updated, user_id);
    if let Some(user) = call.tenant.users.get_mut(user_id) {
        change(user.methods_mut());
    }
}

/// Whose methods the path names: one's own, or with the wider permission and a role those of others.
fn person<'c>(call: &'c Call<'_>) -> Result<&'c User, GraphError> {
    let user = call.user()?;
    if call.caller.user_id() != Some(&user.id) {
        if !call.holds_any(ANYBODYS) {
            return Err(GraphError::denied());
        }
        call.require_administrator()?;
    }
    Ok(user)
}

fn context(user: &User, collection: &str) -> String {
    format!("users('{}')/authentication/{collection}", user.id)
}

fn unknown(id: &str) -> GraphError {
    GraphError::not_found(format!("The authentication method '{id}' was not found."))
}

fn type_of(method: &AuthenticationMethod) -> &'static str {
    match method.kind {
        MethodKind::MicrosoftAuthenticator => AUTHENTICATOR,
        MethodKind::Fido2 => FIDO2,
        MethodKind::Phone { .. } => PHONE,
    }
}

/// As Graph shows it; among others of several kinds it says which it is.
fn shown(method: &AuthenticationMethod, among_others: bool) -> Value {
    let mut item = match &method.kind {
        MethodKind::MicrosoftAuthenticator => json!({
            "displayName": "Phone", "deviceTag": "SoftwareTokenActivated", "phoneAppVersion": "6.2409.6094",
        }),
        MethodKind::Fido2 => json!({
            "displayName": "Security key", "aaGuid": "a77ac4e0-0000-4000-8000-0000000000f2",
            "model": "Sandbox security key", "attestationCertificates": [], "attestationLevel": "attested",
        }),
        MethodKind::Phone { number, kind } => json!({
            "phoneNumber": number, "phoneType": kind, "smsSignInState": "notEnabled",
        }),
    };
    item["id"] = json!(method.id);
    item["createdDateTime"] = json!(method.created);
    if among_others {
        item["@odata.type"] = json!(format!("#microsoft.graph.{}", type_of(method)));
    }
    item
}

/// The password is a method too, which is never shown.
fn password(user: &User) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.passwordAuthenticationMethod",
        "id": PASSWORD, "password": null, "createdDateTime": user.life.created,
    })
}
