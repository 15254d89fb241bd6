//! Optional claims: what an application's `optionalClaims` adds to its tokens.

use serde_json::{Map, Value, json};

use crate::directory::{Application, User};
use crate::tenant::Tenant;

use super::conditional_access::Whereabouts;
use super::context::Context;
use super::issue::SignIn;

/// Adds the optional claims that the application asks for in that kind of token (`idToken`, `accessToken`), as far
/// as there is something to say.
pub(super) fn add(
    claims: &mut Map<String, Value>,
    app: Option<&Application>,
    kind: &str,
    (tenant, user): (&Tenant, &User),
    sign_in: &SignIn,
    context: &Context<'_>,
) {
    let asked = app.and_then(|app| app.other.get("optionalClaims")?.get(kind)?.as_array());
    let mail = || tenant.primary_address(user, context.now);
    for name in asked.into_iter().flatten().filter_map(|one| one.get("name")?.as_str()) {
        let other = |property: &str| user.other.get(property).filter(|value| value.is_string()).cloned();
        let value = match name {
            "acct" => Some(json!(u8::from(user.is_guest()))),
            "auth_time" => Some(json!(sign_in.at.as_second())),
            "ctry" => user.usage_location.as_ref().map(|country| json!(country)),
            "email" => mail().map(|mail| json!(mail)),
            "family_name" => other("surname"),
            "given_name" => other("givenName"),
            "idtyp" if kind == "accessToken" => Some(json!("user")),
            "ipaddr" => Some(json!(Whereabouts::of(context.request).address)),
            "login_hint" => Some(json!(user.upn)),
            "sid" => Some(json!(sign_in.session_id)),
            "upn" => Some(json!(user.upn)),
            "verified_primary_email" => Some(json!(mail().into_iter().collect::<Vec<_>>())),
            _ => None,
        };
        if let Some(value) = value {
            claims.insert(name.to_owned(), value);
        }
    }
}
