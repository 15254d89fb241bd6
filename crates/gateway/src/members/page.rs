//! Members as people see them, and the page on which an invitation is taken up.

use std::sync::Arc;

use askama::Template;
use attache_store::{OrgScope, Page as Part, Versioned};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::invitation::{Invitation, InvitationId};
use super::{Member, http, service};
use crate::Gateway;
use crate::access::{Allowed, Caller, Role, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::organisations::Organisation;
use crate::server::{Answer, Cursor, Form, Listed, Nothing, Pages, Problem};

const PATH: &str = "/settings/members";

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
        .route("/orgs/{org}/settings/members", get(list).post(invite))
        .route("/orgs/{org}/settings/members/{member}/role", post(change))
        .route("/orgs/{org}/settings/members/{member}/remove", post(remove))
        .route("/orgs/{org}/settings/invitations/{invitation}/withdraw", post(withdraw))
        .route("/invitations/{secret}", get(invited).post(join))
}

#[derive(Template)]
#[template(path = "members/page.html")]
struct List {
    look: Look,
    place: PlaceOf,
    members: Vec<Member>,
    invitations: Vec<Invitation>,
    next: Option<String>,
    /// What else the way to the next part carries.
    kept: &'static str,
}

async fn list(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeMembers>,
    Query(cursor): Query<Cursor>,
) -> Page {
    let store = gateway.store.org(allowed.scope);
    let members: Vec<Versioned<Member>> = store.list(cursor.oldest()?).await?;
    let Listed { items: members, next } =
        cursor.listed(members, |row| row.id.to_string(), |row| row.record)?;
    let invitations: Vec<Versioned<Invitation>> = store.list(Part::newest(200)).await?;
    let now = gateway.clock.now();
    Ok(page(&List {
        look: Look::of(&gateway, &allowed.caller),
        place: PlaceOf::new(&allowed, PATH),
        members,
        invitations: invitations
            .into_iter()
            .map(|invitation| invitation.record)
            .filter(|invitation| invitation.ends > now)
            .collect(),
        next,
        kept: "",
    }))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    label: String,
    role: Role,
}

#[derive(Template)]
#[template(path = "members/invited.html")]
struct Invited {
    look: Look,
    place: PlaceOf,
    label: String,
    link: String,
}

async fn invite(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageMembers>,
    Form(wanted): Form<Wanted>,
) -> Page {
    let (invitation, link) = service::invite(&gateway, &allowed, wanted.label, wanted.role, None).await?;
    Ok(page(&Invited {
        look: Look::of(&gateway, &allowed.caller),
        place: PlaceOf::new(&allowed, PATH),
        label: invitation.label,
        link: link.expose().to_owned(),
    }))
}

#[derive(Debug, Deserialize)]
struct NewRole {
    role: Role,
}

async fn change(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageMembers>,
    Path((_, member)): Path<(String, String)>,
    Form(NewRole { role }): Form<NewRole>,
) -> Answer<Response> {
    let member = http::find(&gateway, &allowed, &member).await?;
    service::change_role(&gateway, &allowed, &member, role).await?;
    Ok(back(&allowed))
}

async fn remove(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageMembers>,
    Path((_, member)): Path<(String, String)>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    let member = http::find(&gateway, &allowed, &member).await?;
    service::remove(&gateway, &allowed, &member).await?;
    Ok(back(&allowed))
}

async fn withdraw(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageMembers>,
    Path((_, invitation)): Path<(String, String)>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    let id: InvitationId = invitation.parse().map_err(|_| Problem::not_found("invitation"))?;
    let found = gateway.store.org(allowed.scope).get::<Invitation>(id).await?;
    let invitation = found.ok_or_else(|| Problem::not_found("invitation"))?;
    service::withdraw(&gateway, &allowed, &invitation).await?;
    Ok(back(&allowed))
}

fn back(allowed: &Allowed<right::ManageMembers>) -> Response {
    Redirect::to(&format!("/orgs/{}{PATH}", allowed.organisation.slug)).into_response()
}

#[derive(Template)]
#[template(path = "members/join.html")]
struct Join {
    look: Look,
    organisation: String,
    role: Role,
}

async fn invited(
    State(gateway): State<Arc<Gateway>>,
    Path(secret): Path<String>,
    caller: Result<Caller, Problem>,
) -> Page {
    let invitation = service::invitation(&gateway, &secret).await?;
    let Ok(caller) = caller else {
        return Ok(Redirect::to(&format!("/sign-in?next=/invitations/{secret}")).into_response());
    };
    let store = gateway.store.org(OrgScope::granted(invitation.org));
    let organisation = store.get::<Organisation>(invitation.org).await?;
    let organisation = organisation.ok_or_else(|| Problem::not_found("organisation"))?;
    let look = Look::of(&gateway, &caller);
    Ok(page(&Join { look, organisation: organisation.name.clone(), role: invitation.role }))
}

async fn join(
    State(gateway): State<Arc<Gateway>>,
    Path(secret): Path<String>,
    caller: Caller,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    let invitation = service::invitation(&gateway, &secret).await?;
    let session = caller.session().ok_or_else(|| Problem::not_found("invitation"))?;
    service::join(&gateway, &caller, session, &invitation).await?;
    Ok(Redirect::to(&format!("/orgs/{}", invitation.org)).into_response())
}
