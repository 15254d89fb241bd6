//! Sponsors over HTTP: of an identity, for those who manage it; and what somebody is asked to answer for, for them.

use std::sync::Arc;

use attache_store::OrgScope;
use attache_terms::UserId;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::handover;
use super::look::Finding;
use super::sponsorship::{Sponsorship, Successor};
use crate::Gateway;
use crate::access::{Allowed, AsPerson, Caller, InOrg, Session, person, right};
use crate::identities::{Identity, find};
use crate::organisations::Organisation;
use crate::server::{Answer, Json, Listed, Problem};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(read_sponsor, name_successor, withdraw_successor))
        .routes(routes!(check_sponsor))
        .routes(routes!(list_sponsorships))
        .routes(routes!(accept_sponsorship))
        .routes(routes!(decline_sponsorship))
}

/// Who answers for an identity.
#[derive(Debug, Serialize, ToSchema)]
struct SponsorView {
    /// The identity's id.
    identity: String,
    /// The sponsor's object id.
    sponsor_id: Option<String>,
    /// When Entra was asked last.
    #[schema(value_type = Option<String>, format = DateTime)]
    looked: Option<Timestamp>,
    /// What is amiss.
    amiss: Option<AmissView>,
    /// Who its sponsors are in Entra, by object id.
    in_entra: Vec<String>,
    /// Who is to succeed.
    successor: Option<SuccessorView>,
}

/// What is amiss with a sponsor.
#[derive(Debug, Serialize, ToSchema)]
struct AmissView {
    /// What.
    finding: Finding,
    /// The same, for people.
    message: &'static str,
    /// Since when it is known.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// Who is to succeed a sponsor, and how far that is.
#[derive(Debug, Serialize, ToSchema)]
struct SuccessorView {
    /// Their object id in the identity's tenant.
    user_id: String,
    /// When they were named.
    #[schema(value_type = String, format = DateTime)]
    named: Timestamp,
    /// When they accepted.
    #[schema(value_type = Option<String>, format = DateTime)]
    accepted: Option<Timestamp>,
    /// Since when they are the sponsor, in Entra and here.
    #[schema(value_type = Option<String>, format = DateTime)]
    changed: Option<Timestamp>,
    /// When it was tried that the identity, having been paused, acts again.
    #[schema(value_type = Option<String>, format = DateTime)]
    proved: Option<Timestamp>,
}

impl From<Successor> for SuccessorView {
    fn from(successor: Successor) -> Self {
        let Successor { user, named, accepted, changed, proved } = successor;
        Self { user_id: user.to_string(), named, accepted, changed, proved }
    }
}

impl SponsorView {
    fn of(identity: &Identity, known: Option<&Sponsorship>) -> Self {
        let amiss = known.and_then(|known| known.amiss);
        Self {
            identity: identity.id.to_string(),
            sponsor_id: identity.sponsor.map(|id| id.to_string()),
            looked: known.and_then(|known| known.looked),
            amiss: amiss.map(|(finding, since)| AmissView { finding, message: finding.words(), since }),
            in_entra: known
                .map(|known| known.in_entra.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            successor: known.and_then(|known| known.successor).map(SuccessorView::from),
        }
    }
}

/// Which identity.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Which {
    /// The identity's id, or its template.
    identity: String,
}

/// See who answers for an identity, and what the last look at them found.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/agent-identities/{identity}/sponsor", tag = "Sponsors", params(InOrg, Which),
    responses((status = 200, body = SponsorView), (status = "default", body = Problem)),
)]
async fn read_sponsor(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
    Path(which): Path<Which>,
) -> Answer<Json<SponsorView>> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    let known = Sponsorship::of(gateway.store.org(allowed.scope), identity.id).await?;
    Ok(Json(SponsorView::of(&identity, known.as_deref())))
}

/// Who is to answer for an identity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NameSuccessor {
    /// The object id of a person of the identity's tenant.
    #[schema(example = "0f8b4a0e-54cf-4a4e-9a39-6a2f0a1b8a11")]
    sponsor: String,
}

/// Name a successor of an identity's sponsor. They become the sponsor when they have accepted.
#[utoipa::path(
    put, path = "/api/v1/orgs/{org}/agent-identities/{identity}/sponsor", tag = "Sponsors", params(InOrg, Which),
    request_body = NameSuccessor,
    responses((status = 200, body = SponsorView), (status = "default", body = Problem)),
)]
async fn name_successor(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageSponsors>,
    Path(which): Path<Which>,
    Json(wanted): Json<NameSuccessor>,
) -> Answer<Json<SponsorView>> {
    let user = user(&wanted.sponsor)?;
    let (identity, known) = handover::name(&gateway, &allowed, &which.identity, user).await?;
    Ok(Json(SponsorView::of(&identity, Some(&known))))
}

/// A user's object id.
pub(super) fn user(text: &str) -> Answer<UserId> {
    let parsed = text.trim().parse::<UserId>();
    parsed.map_err(|error| Problem::invalid("sponsor", error, "give the user's object id"))
}

/// Ask the named successor no longer.
#[utoipa::path(
    delete, path = "/api/v1/orgs/{org}/agent-identities/{identity}/sponsor", tag = "Sponsors", params(InOrg, Which),
    responses((status = 204), (status = "default", body = Problem)),
)]
async fn withdraw_successor(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageSponsors>,
    Path(which): Path<Which>,
) -> Answer<StatusCode> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    handover::withdraw(&gateway, &allowed, &identity).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have an identity's sponsor looked at now.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/agent-identities/{identity}/sponsor/check", tag = "Sponsors", params(InOrg, Which),
    responses((status = 202), (status = "default", body = Problem)),
)]
async fn check_sponsor(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageSponsors>,
    Path(which): Path<Which>,
) -> Answer<StatusCode> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    handover::check(&gateway, &allowed.caller, &identity).await?;
    Ok(StatusCode::ACCEPTED)
}

/// What somebody is asked to answer for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AskedView {
    /// The identity's id.
    pub(super) identity: String,
    /// Its name.
    pub(super) display_name: String,
    /// Its address.
    pub(super) address: Option<String>,
    /// The organisation's name.
    pub(super) organisation: String,
    /// Since when they are asked.
    #[schema(value_type = String, format = DateTime)]
    pub(super) named: Timestamp,
}

/// List the identities that whoever is signed in is asked to answer for.
#[utoipa::path(
    get, path = "/api/v1/sponsorships", tag = "Sponsors",
    responses((status = 200, body = Listed<AskedView>), (status = "default", body = Problem)),
)]
async fn list_sponsorships(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
) -> Answer<Json<Listed<AskedView>>> {
    let items = asked(&gateway, person(&caller)?).await?;
    Ok(Json(Listed { items, next: None }))
}

/// What they are asked, with names.
pub(super) async fn asked(gateway: &Gateway, session: &Session) -> Answer<Vec<AskedView>> {
    let mut views = Vec::new();
    for known in handover::asked(gateway, session).await? {
        let store = gateway.store.org(OrgScope::granted(known.org));
        let identity = store.get::<Identity>(known.identity).await?;
        let organisation = store.get::<Organisation>(known.org).await?;
        let (Some(identity), Some(organisation), Some(successor)) = (identity, organisation, known.successor)
        else {
            continue;
        };
        views.push(AskedView {
            identity: identity.id.to_string(),
            display_name: identity.display_name.clone(),
            address: identity.address.clone(),
            organisation: organisation.name.clone(),
            named: successor.named,
        });
    }
    Ok(views)
}

/// Which identity, for those who need not belong to its organisation.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct WhichAsked {
    /// The identity's id.
    identity: String,
}

/// Accept to answer for an identity. Only who was named can.
#[utoipa::path(
    post, path = "/api/v1/sponsorships/{identity}/accept", tag = "Sponsors", params(WhichAsked),
    responses((status = 202), (status = "default", body = Problem)),
)]
async fn accept_sponsorship(
    State(gateway): State<Arc<Gateway>>,
    AsPerson(caller): AsPerson,
    Path(which): Path<WhichAsked>,
) -> Answer<StatusCode> {
    handover::accept(&gateway, &caller, person(&caller)?, &which.identity).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Decline to answer for an identity.
#[utoipa::path(
    post, path = "/api/v1/sponsorships/{identity}/decline", tag = "Sponsors", params(WhichAsked),
    responses((status = 204), (status = "default", body = Problem)),
)]
async fn decline_sponsorship(
    State(gateway): State<Arc<Gateway>>,
    AsPerson(caller): AsPerson,
    Path(which): Path<WhichAsked>,
) -> Answer<StatusCode> {
    handover::decline(&gateway, &caller, person(&caller)?, &which.identity).await?;
    Ok(StatusCode::NO_CONTENT)
}
