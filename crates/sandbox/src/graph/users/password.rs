//! `POST /me/changePassword`: one's own, with the current one as proof.

use http::Method;
use serde_json::Value;

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::update::{is_complex, next_second};

const CHANGE: Needs = Needs::delegated(&["User-PasswordProfile.ReadWrite.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(Method::POST, "/me/changePassword", CHANGE, change)]
}

fn change(call: &mut Call<'_>) -> Answer {
    let body = call.body()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let user = call.user()?;
    if user.password.as_deref() != Some(text("currentPassword")) {
        return Err(GraphError::bad_request(
            "The specified current password does not match the user's password. Please provide a different password.",
        ));
    }
    let new = text("newPassword");
    if !is_complex(new) || new == text("currentPassword") {
        return Err(GraphError::bad_request(
            "The specified password does not comply with password complexity requirements. Please provide a different password.",
        ));
    }
    let void = next_second(call.now);
    let user = call.user_mut()?;
    user.password = Some(new.to_owned());
    user.must_change_password = false;
    user.sessions_valid_from = void;
    Ok(call.no_content())
}
