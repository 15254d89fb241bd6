//! Members and invitations over HTTP.

use std::sync::Arc;

use attache_store::Versioned;
use attache_terms::{Secret, UserId};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::invitation::{Invitation, InvitationId};
use super::{Member, MemberId, service};
use crate::Gateway;
use crate::access::{Allowed, Grant, InOrg, Role, right};
use crate::server::{
    Answer, Cursor, IfMatch, IfNoneMatch, Json, Listed, Problem, Secretly, ShownOnce, Tag, Tagged,
};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read, change, remove))
        .routes(routes!(invite, invitations))
        .routes(routes!(withdraw))
}

/// A member.
#[derive(Debug, Serialize, ToSchema)]
struct MemberView {
    /// Their id here.
    id: String,
    /// The name that people see.
    name: String,
    /// The sign-in name.
    upn: String,
    /// Their directory.
    tenant_id: String,
    /// Their object id there.
    user_id: String,
    /// What they are.
    role: Role,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            id: member.id.to_string(),
            name: member.name,
            upn: member.upn,
            tenant_id: member.tenant.to_string(),
            user_id: member.user.to_string(),
            role: member.role,
            since: member.since,
        }
    }
}

/// An invitation, without its link.
#[derive(Debug, Serialize, ToSchema)]
struct InvitationView {
    /// Its id.
    id: String,
    /// For whom it is.
    label: String,
    /// What they will be.
    role: Role,
    /// The only person who may use it, by object id.
    user_id: Option<String>,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    ends: Timestamp,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            label: invitation.label,
            role: invitation.role,
            user_id: invitation.user.map(|id| id.to_string()),
            ends: invitation.ends,
        }
    }
}

/// A new invitation, with its link: it is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewInvitationView {
    /// The link that makes whoever signs in with it a member. An answer that is repeated by its `Idempotency-Key`
    /// lacks it.
    link: Option<String>,
    /// The invitation.
    #[serde(flatten)]
    invitation: InvitationView,
}

/// Which member.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct WhichMember {
    /// The member's id.
    member: String,
}

/// List an organisation's members.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/members", tag = "Members",
    params(InOrg, Cursor),
    responses((status = 200, body = Listed<MemberView>), (status = "default", body = Problem)),
)]
async fn list(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeMembers>,
    Query(cursor): Query<Cursor>,
) -> Answer<Json<Listed<MemberView>>> {
    let rows = gateway.store.org(allowed.scope).list::<Member>(cursor.page()?).await?;
    Ok(Json(cursor.listed(rows, |row| row.id.to_string(), |row| row.record.into())?))
}

/// Read a member.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/members/{member}", tag = "Members", params(InOrg, WhichMember, IfNoneMatch),
    responses((status = 200, body = MemberView), (status = 304), (status = "default", body = Problem)),
)]
async fn read(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeMembers>,
    Path(which): Path<WhichMember>,
    has: IfNoneMatch,
) -> Answer<Response> {
    let member = find(&gateway, &allowed, &which.member).await?;
    Ok(has.show(Tagged(Tag::of(&member), MemberView::from(member.record))))
}

/// What a member is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeMember {
    /// The role.
    role: Role,
}

/// Give a member another role.
#[utoipa::path(
    patch, path = "/api/v1/orgs/{org}/members/{member}", tag = "Members", params(InOrg, WhichMember, IfMatch),
    request_body = ChangeMember,
    responses((status = 200, body = MemberView), (status = "default", body = Problem)),
)]
async fn change(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageMembers>,
    Path(which): Path<WhichMember>,
    expected: IfMatch,
    Json(wanted): Json<ChangeMember>,
) -> Answer<Tagged<MemberView>> {
    let member = expected.seen(find(&gateway, &allowed, &which.member).await?)?;
    let changed = service::change_role(&gateway, &allowed, &member, wanted.role).await;
    let changed = member.replaced(expected.done(changed)?);
    Ok(Tagged(Tag::of(&changed), changed.record.into()))
}

/// Remove a member.
#[utoipa::path(
    delete, path = "/api/v1/orgs/{org}/members/{member}", tag = "Members", params(InOrg, WhichMember, IfMatch),
    responses((status = 204), (status = "default", body = Problem)),
)]
async fn remove(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageMembers>,
    Path(which): Path<WhichMember>,
    expected: IfMatch,
) -> Answer<StatusCode> {
    let member = expected.seen(find(&gateway, &allowed, &which.member).await?)?;
    expected.done(service::remove(&gateway, &allowed, &member).await)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Invite {
    /// For whom it is, for the people who look at the list.
    #[schema(
        example = "Ada from accounting",
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"
    )]
    label: String,
    /// What they will be.
    role: Role,
    /// The only person who may use it, by object id; whoever has the link when absent.
    #[schema(format = "uuid")]
    user_id: Option<String>,
}

/// Invite somebody. The link is in no other answer.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/invitations", tag = "Members", request_body = Invite,
    params(InOrg),
    responses((status = 201, body = NewInvitationView), (status = "default", body = Problem)),
)]
async fn invite(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageMembers>,
    Json(wanted): Json<Invite>,
) -> Answer<(StatusCode, Secretly<NewInvitationView>)> {
    let user = wanted.user_id.map(|text| text.parse::<UserId>()).transpose();
    let user = user.map_err(|error| Problem::invalid("user_id", error, "give the user's object id"))?;
    Ok(created(&service::invite(&gateway, &allowed, wanted.label, wanted.role, user).await?))
}

/// The answer to whoever invites. The link is in no other one.
pub(super) fn created(
    (invitation, link): &(Invitation, Secret),
) -> (StatusCode, Secretly<NewInvitationView>) {
    let view =
        NewInvitationView { link: Some(link.expose().to_owned()), invitation: invitation.clone().into() };
    (StatusCode::CREATED, Secretly(ShownOnce("link"), view))
}

/// List open invitations.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/invitations", tag = "Members",
    params(InOrg, Cursor),
    responses((status = 200, body = Listed<InvitationView>), (status = "default", body = Problem)),
)]
async fn invitations(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeMembers>,
    Query(cursor): Query<Cursor>,
) -> Answer<Json<Listed<InvitationView>>> {
    let rows = gateway.store.org(allowed.scope).list::<Invitation>(cursor.page()?).await?;
    Ok(Json(cursor.listed(rows, |row| row.id.to_string(), |row| row.record.into())?))
}

/// Which invitation.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct WhichInvitation {
    /// The invitation's id.
    invitation: String,
}

/// Take an invitation back.
#[utoipa::path(
    delete, path = "/api/v1/orgs/{org}/invitations/{invitation}", tag = "Members", params(InOrg, WhichInvitation),
    responses((status = 204), (status = "default", body = Problem)),
)]
async fn withdraw(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageMembers>,
    Path(which): Path<WhichInvitation>,
) -> Answer<StatusCode> {
    let id: InvitationId = which.invitation.parse().map_err(|_| Problem::not_found("invitation"))?;
    let found = gateway.store.org(allowed.scope).get::<Invitation>(id).await?;
    let invitation = found.ok_or_else(|| Problem::not_found("invitation"))?;
    service::withdraw(&gateway, &allowed, &invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The member of this id.
pub(super) async fn find(gateway: &Gateway, grant: &Grant, id: &str) -> Answer<Versioned<Member>> {
    let id: MemberId = id.parse().map_err(|_| Problem::not_found("member"))?;
    let found = gateway.store.org(grant.scope).get::<Member>(id).await?;
    found.ok_or_else(|| Problem::not_found("member"))
}
