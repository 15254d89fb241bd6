//! The photo of an identity, as Teams and Outlook show it: a JPEG or PNG of at most 4 MB, set through Graph
//! (`PUT /users/{id}/photo/$value`, profilePhoto in Microsoft's documentation).

use std::sync::Arc;

use attache_graph::Graph;
use attache_ledger::ActName;
use attache_store::Versioned;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State as Shared};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use http::StatusCode;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::http::{Which, find};
use super::{Identity, written};
use crate::Gateway;
use crate::access::{Allowed, Grant, InOrg, right};
use crate::server::{Answer, Pages, Problem, Upload};

/// The largest photo, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// What a form may have around its picture, in bytes.
const AROUND: usize = 16 * 1024;

const SET: ActName = ActName::new("identity.photo_set");

/// The route. Its body may be larger than those of the others.
pub(super) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(put_photo)).layer(DefaultBodyLimit::max(LARGEST))
}

/// The page's form, whose body may be larger than those of others, too.
pub(super) fn pages() -> Pages {
    let form = post(send_photo).layer(DefaultBodyLimit::max(LARGEST + AROUND));
    Pages::new().route("/orgs/{org}/identities/{identity}/photo", form)
}

async fn send_photo(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Path(which): Path<Which>,
    Upload(picture): Upload,
) -> Answer<Response> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    if picture.len() > LARGEST {
        return Err(too_large());
    }
    set(&gateway, &allowed, &identity, picture).await?;
    let slug = &allowed.organisation.slug;
    Ok(Redirect::to(&format!("/orgs/{slug}/identities/{}", identity.id)).into_response())
}

/// The bytes of a JPEG or a PNG.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
struct Picture(#[expect(dead_code, reason = "it describes a body")] Vec<u8>);

/// Set the photo of an identity: a JPEG or PNG of at most 4 MB, ideally square.
#[utoipa::path(
    put, path = "/api/v1/orgs/{org}/agent-identities/{identity}/photo", tag = "Identities", params(InOrg, Which),
    request_body(content = Picture, content_type = "application/octet-stream", description = "The picture; that it is a JPEG or a PNG shows in its first bytes."),
    responses((status = 204), (status = "default", body = Problem)),
)]
async fn put_photo(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Path(which): Path<Which>,
    picture: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Answer<StatusCode> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    let picture = picture.map_err(|_| too_large())?;
    set(&gateway, &allowed, &identity, picture).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The media type of a picture, by its first bytes.
fn media(picture: &[u8]) -> Option<&'static str> {
    if picture.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if picture.starts_with(&[0xff, 0xd8, 0xff]) {
        Some("image/jpeg")
    } else {
        None
    }
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body",
        "the picture is larger than 4 MB, or came incomplete",
        "send a smaller one; 648 by 648 pixels are the most that Microsoft shows",
    )
}

async fn set(
    gateway: &Arc<Gateway>,
    grant: &Grant,
    identity: &Versioned<Identity>,
    picture: Bytes,
) -> Answer<()> {
    let media = media(&picture).ok_or_else(|| {
        Problem::invalid("photo", "neither JPEG nor PNG", "send a picture of one of the two")
    })?;
    let call = move |graph: Graph, user| async move { graph.set_photo(user, media, picture).await };
    written::write(gateway, grant, identity, SET, call, |identity| identity).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        assert_eq!(media(b"\x89PNG\r\n\x1a\n..."), Some("image/png"));
        assert_eq!(media(&[0xff, 0xd8, 0xff, 0xe0]), Some("image/jpeg"));
        assert_eq!(media(b"GIF89a"), None);
        assert_eq!(media(b""), None);
    }
}
