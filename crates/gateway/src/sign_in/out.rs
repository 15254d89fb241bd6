//! Signing out: the session ends on the server, whatever the browser keeps. Nobody is sent on to Entra, which would sign
//! many in again at once.

use std::sync::Arc;

use askama::Template;
use attache_ledger::ActName;
use attache_store::{GatewayScope, Unit};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;

use crate::Gateway;
use crate::access::{Caller, SESSION, Visitor, set_cookie};
use crate::dashboard::{Look, Page, page};
use crate::record::on;
use crate::server::{Answer, Form, Nothing};

/// The page that says so.
pub(super) const SIGNED_OUT_PAGE: &str = "/signed-out";

const SIGNED_OUT: ActName = ActName::new("person.signed_out");

pub(super) async fn out(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    if let Some(session) = caller.session() {
        let mut unit = Unit::new();
        unit.delete(session);
        let mut about = on([]);
        about.user = Some(session.user);
        unit.record(GatewayScope::granted(), gateway.changed(&caller, SIGNED_OUT, about));
        gateway.store.commit(unit).await?;
    }
    let mut response = Redirect::to(SIGNED_OUT_PAGE).into_response();
    if let Some(cookie) = set_cookie(SESSION, "", 0, gateway.config.is_https()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut {
    look: Look,
}

pub(super) async fn done(State(gateway): State<Arc<Gateway>>, _: Visitor) -> Page {
    Ok(page(&SignedOut { look: Look::plain(&gateway) }))
}
