//! Signing out: the session ends on the server, whatever the browser keeps.

use std::sync::Arc;

use attache_ledger::ActName;
use attache_store::{GatewayScope, Unit};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;

use crate::Gateway;
use crate::access::{Caller, Principal, SESSION, set_cookie};
use crate::record::on;
use crate::server::{Answer, Form, Nothing};

const SIGNED_OUT: ActName = ActName::new("person.signed_out");

pub(super) async fn out(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    if let Principal::Person(session, _) = &caller.principal {
        let mut unit = Unit::new();
        unit.delete(session);
        let mut about = on([]);
        about.user = Some(session.user);
        unit.record(GatewayScope::granted(), gateway.changed(&caller, SIGNED_OUT, about));
        gateway.store.commit(unit).await?;
    }
    let mut response = Redirect::to("/sign-in").into_response();
    if let Some(cookie) = set_cookie(SESSION, "", 0, gateway.config.is_https()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
