//! `setVerifiedPublisher`, `unsetVerifiedPublisher`: whom consent may trust (Graph reference §13; shapes from the
//! CSDL). Nobody here has an account at the partner centre, so any id of one is taken.

use http::Method;
use serde_json::json;

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::instants::seconds;
use crate::graph::route::{Needs, Route};

const WRITE: Needs = Needs::delegated(&["Application.ReadWrite.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/applications/{id}/setVerifiedPublisher", WRITE, set),
        Route::new(Method::POST, "/applications/{id}/unsetVerifiedPublisher", WRITE, unset),
    ]
}

fn set(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let body = call.body()?;
    let id = body.get("verifiedPublisherId").and_then(|id| id.as_str()).map(str::trim).unwrap_or_default();
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(GraphError::bad_request(
            "Invalid value specified for parameter 'verifiedPublisherId': it is the id of a partner account.",
        ));
    }
    let publisher = json!({
        "displayName": call.tenant.display_name, "verifiedPublisherId": id,
        "addedDateTime": seconds(call.now),
    });
    call.application_mut()?.other.insert("verifiedPublisher".to_owned(), publisher);
    Ok(call.no_content())
}

fn unset(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    call.application_mut()?.other.remove("verifiedPublisher");
    Ok(call.no_content())
}
