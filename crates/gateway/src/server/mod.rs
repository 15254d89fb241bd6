//! How requests come in and answers leave: the listener, the frame around every request, problems as answers,
//! and the one list of what the features serve.

mod body;
mod demands;
mod document;
mod foreign;
mod form;
mod frame;
mod headers;
mod host;
mod listen;
mod page;
mod pages;
mod problem;
mod tls;
mod unread;
mod upload;
mod version;

use std::sync::Arc;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use body::{Json, Secretly, ShownOnce};
pub(crate) use form::{Form, Nothing};
pub(crate) use listen::serve;
pub(crate) use page::{Cursor, Listed};
pub(crate) use pages::Pages;
pub(crate) use problem::{Answer, Problem};
pub(crate) use tls::Acceptor;
pub use tls::TlsError;
pub(crate) use upload::Upload;
pub(crate) use version::{IfMatch, IfNoneMatch, Tag, Tagged};

use crate::Gateway;
use crate::{
    api_keys, audit, cells, connection, dashboard, health, identities, jobs, licences, live, members,
    organisations, problems, reviews, sending, siem, sign_in, sponsors,
};

/// What the OpenAPI document says of the whole.
#[derive(OpenApi)]
#[openapi(info(
    title = "Attaché gateway",
    description = "Organisations, their agent identities and their audit log.",
    license(name = "MIT OR Apache-2.0"),
))]
struct Described;

/// What the features serve to programs, with its description.
fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::with_openapi(Described::openapi())
        .merge(organisations::api())
        .merge(members::api())
        .merge(api_keys::api())
        .merge(identities::api())
        .merge(sponsors::api())
        .merge(cells::api())
        .merge(sending::api())
        .merge(connection::api())
        .merge(licences::api())
        .merge(reviews::api())
        .merge(audit::api())
        .merge(siem::api())
        .merge(jobs::api())
}

/// What the features serve to people.
fn pages() -> Pages {
    Pages::new()
        .merge(sign_in::pages())
        .merge(organisations::pages())
        .merge(members::pages())
        .merge(api_keys::pages())
        .merge(identities::pages())
        .merge(sponsors::pages())
        .merge(cells::pages())
        .merge(connection::pages())
        .merge(licences::pages())
        .merge(reviews::pages())
        .merge(audit::pages())
        .merge(siem::pages())
        .merge(jobs::pages())
        .merge(health::pages())
        .merge(live::pages())
        .merge(problems::pages())
}

/// The paths of all pages and of their forms, with their parameters in braces: the OpenAPI document names the rest.
pub fn page_paths() -> Vec<String> {
    pages().into_paths()
}

/// Everything that is served.
pub(crate) fn router(gateway: &Arc<Gateway>) -> Router {
    let (api, document) = api().split_for_parts();
    let document = document::finish(&document, gateway.config.is_https());
    let demands = demands::Demands::of(&document);
    let document: Arc<str> = document.to_string().into();
    Router::new()
        .merge(api)
        .merge(health::routes())
        .merge(dashboard::routes())
        .merge(pages().into_router())
        .route("/api/openapi.json", axum::routing::get(move || async move { described(&document) }))
        .fallback(|| async { Problem::not_found("page") })
        .layer(frame::Frame::new(gateway, demands))
        .with_state(Arc::clone(gateway))
}

fn described(document: &str) -> impl axum::response::IntoResponse + use<> {
    ([(http::header::CONTENT_TYPE, "application/json")], document.to_owned())
}
