//! Identities over HTTP.

use std::sync::Arc;

use attache_store::{OrgScope, Versioned};
use attache_terms::UserId;
use axum::Extension;
use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::aliases::{self, Aliases};
use super::named::{deprovision_named, resume_named, suspend_named};
use super::names::{self, Names};
use super::service::{self, Wanted};
use super::{
    Fallback, FellBack, Identity, Method, Mode, State, Suspension, Trouble, Waiting, photo, removal, send,
};
use crate::access::{Allowed, AskForIdentity, InOrg, right};
use crate::server::{
    Answer, Cursor, IfMatch, IfNoneMatch, Json, Listed, Problem, Secretly, ShownOnce, Tag, Tagged,
};
use crate::{Gateway, limits, sending};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(provision))
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(suspend_identity))
        .routes(routes!(resume_identity))
        .routes(routes!(plan_removal))
        .routes(routes!(deprovision))
        .routes(routes!(test_send))
        .routes(routes!(read_aliases, want_aliases))
        .merge(names::api())
        .merge(photo::api())
}

/// What is wished of an identity. Everything has a default.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct ProvisionRequest {
    /// `default`, or a specialist's name.
    #[schema(min_length = 2, max_length = 40, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    template: Option<String>,
    /// Where it is to live; `hosted` unless said.
    mode: Option<Mode>,
    /// How it is to come to be; `create` unless said.
    method: Option<Method>,
    /// What is wanted where no agent user can be had: since the tenant makes none, or since mailbox or Teams do not
    /// come before the deadline. Nothing unless said; with an ordinary user, `method` and `fell_back` say so.
    fallback: Option<Fallback>,
    /// Its subdomain in a hosted tenant; the organisation's slug unless said.
    #[schema(min_length = 2, max_length = 40, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    subdomain: Option<String>,
    /// The name that people see.
    #[schema(
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"
    )]
    display_name: Option<String>,
    /// The job title in the directory; `AI Agent` unless said. Not for a user who is there already.
    #[schema(
        max_length = 128,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"
    )]
    job_title: Option<String>,
    /// The department in the directory; `AI Workforce` unless said. Not for a user who is there already.
    #[schema(
        max_length = 64,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"
    )]
    department: Option<String>,
    /// Extra addresses of the mailbox, at most twelve: `dev-team`, `cfo`.
    #[schema(max_items = 12, value_type = Vec<AliasName>)]
    aliases: Vec<String>,
    /// The object id of the person who answers for it.
    #[schema(format = "uuid")]
    sponsor: Option<String>,
    /// With `verify` and `adopt`, the object id of the user, if it is known.
    #[schema(format = "uuid")]
    user_id: Option<String>,
}

/// An agent identity.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IdentityView {
    /// Its id.
    id: String,
    /// `default`, or the specialist's name.
    template: String,
    /// Where it lives.
    mode: Mode,
    /// How it comes to be.
    method: Method,
    /// What its organisation wants where no agent user can be had.
    fallback: Fallback,
    /// That it is an ordinary user since no agent user could be had, and why.
    fell_back: Option<FellBack>,
    /// How it stands.
    state: State,
    /// What it waits for.
    waiting: Option<Waiting>,
    /// Why it cannot go on.
    trouble: Option<Trouble>,
    /// That it may not act for now.
    suspended: Option<Suspension>,
    /// Its sign-in name and address.
    address: Option<String>,
    /// The name that people see.
    display_name: String,
    /// Its job title in the directory, as the gateway wrote it; empty where it wrote none.
    job_title: String,
    /// Its department in the directory, as the gateway wrote it; empty where it wrote none.
    department: String,
    /// Extra addresses, wanted.
    aliases: Vec<String>,
    /// The tenant's id.
    tenant_id: Option<String>,
    /// The agent identity's client id.
    agent_identity_id: Option<String>,
    /// The user's object id.
    m365_user_id: Option<String>,
    /// The sponsor's object id.
    sponsor_id: Option<String>,
    /// Since when it exists here.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    changed: Timestamp,
}

impl From<Identity> for IdentityView {
    fn from(identity: Identity) -> Self {
        Self {
            id: identity.id.to_string(),
            template: identity.template,
            mode: identity.mode,
            method: identity.method,
            fallback: identity.fallback,
            fell_back: identity.fell_back,
            state: identity.state,
            waiting: identity.waiting,
            trouble: identity.trouble,
            suspended: identity.suspended,
            address: identity.address,
            display_name: identity.display_name,
            job_title: identity.job_title,
            department: identity.department,
            aliases: identity.aliases,
            tenant_id: identity.tenant.map(|id| id.to_string()),
            agent_identity_id: identity.agent.map(|id| id.to_string()),
            m365_user_id: identity.user.map(|id| id.to_string()),
            sponsor_id: identity.sponsor.map(|id| id.to_string()),
            created: identity.created,
            changed: identity.changed,
        }
    }
}

/// The answer to whoever asks for something that the gateway then goes on with by itself.
pub(super) fn accepted(identity: Identity) -> (StatusCode, Json<IdentityView>) {
    (StatusCode::ACCEPTED, Json(identity.into()))
}

/// Provision an identity. Idempotent: a second call goes on with the first one's identity.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/agent-identity/provision", tag = "Identities",
    params(InOrg),
    request_body = ProvisionRequest,
    responses((status = 202, body = IdentityView), (status = "default", body = Problem)),
)]
async fn provision(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<AskForIdentity>,
    Json(request): Json<ProvisionRequest>,
) -> Answer<(StatusCode, Json<IdentityView>)> {
    let usual = Wanted::default();
    let sponsor = request.sponsor.map(|text| text.parse::<UserId>()).transpose();
    let user = request.user_id.map(|text| text.parse::<UserId>()).transpose();
    let wanted = Wanted {
        template: request.template.unwrap_or(usual.template),
        mode: request.mode,
        method: request.method,
        fallback: request.fallback,
        subdomain: request.subdomain,
        names: Names {
            display_name: request.display_name,
            job_title: request.job_title,
            department: request.department,
        },
        aliases: request.aliases,
        sponsor: sponsor.map_err(|error| Problem::invalid("sponsor", error, "give the user's object id"))?,
        user: user.map_err(|error| Problem::invalid("user_id", error, "give the user's object id"))?,
    };
    let identity = service::provision(&gateway, &allowed, &wanted).await?;
    Ok(accepted(identity))
}

/// List an organisation's identities.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/agent-identities", tag = "Identities",
    params(InOrg, Cursor),
    responses((status = 200, body = Listed<IdentityView>), (status = "default", body = Problem)),
)]
async fn list(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
    Query(cursor): Query<Cursor>,
) -> Answer<Json<Listed<IdentityView>>> {
    let rows = gateway.store.org(allowed.scope).list::<Identity>(cursor.page()?).await?;
    Ok(Json(cursor.listed(rows, |row| row.id.to_string(), |row| row.record.into())?))
}

/// Which identity.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Which {
    /// The identity's id, or its template.
    pub(super) identity: String,
}

/// Read an identity.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/agent-identities/{identity}", tag = "Identities",
    params(InOrg, Which, IfNoneMatch),
    responses((status = 200, body = IdentityView), (status = 304), (status = "default", body = Problem)),
)]
async fn read(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
    Path(which): Path<Which>,
    has: IfNoneMatch,
) -> Answer<Response> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    Ok(has.show(Tagged(Tag::of(&identity), IdentityView::from(identity.record))))
}

/// The identity of this id or template.
pub(crate) async fn find(gateway: &Gateway, scope: OrgScope, named: &str) -> Answer<Versioned<Identity>> {
    let store = gateway.store.org(scope);
    let found = match named.parse::<super::IdentityId>() {
        Ok(id) => store.get::<Identity>(id).await?,
        Err(_) => store.find::<Identity>(Identity::BY_TEMPLATE, named).await?,
    };
    found.ok_or_else(|| Problem::not_found("identity"))
}

/// Why an identity is to be suspended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SuspendRequest {
    /// Why, for those who look at it later.
    reason: String,
}

/// Suspend an identity: it does nothing from now on, and the tenant is told to let it do nothing.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/agent-identities/{identity}/suspend", tag = "Identities", params(InOrg, Which),
    request_body = SuspendRequest,
    responses((status = 202, body = IdentityView), (status = "default", body = Problem)),
)]
async fn suspend_identity(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::SuspendIdentities>,
    Path(which): Path<Which>,
    Json(request): Json<SuspendRequest>,
) -> Answer<(StatusCode, Json<IdentityView>)> {
    let suspended = suspend_named(&gateway, &allowed, &which.identity, &request.reason).await?;
    Ok(accepted(suspended))
}

/// Let a suspended identity act again.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/agent-identities/{identity}/resume", tag = "Identities", params(InOrg, Which),
    responses((status = 202, body = IdentityView), (status = "default", body = Problem)),
)]
async fn resume_identity(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::SuspendIdentities>,
    Path(which): Path<Which>,
) -> Answer<(StatusCode, Json<IdentityView>)> {
    let resumed = resume_named(&gateway, &allowed, &which.identity).await?;
    Ok(accepted(resumed))
}

/// What deprovisioning would do.
#[derive(Debug, Serialize, ToSchema)]
struct RemovalPlanView {
    /// What will be done, in order, in words.
    steps: Vec<String>,
    /// What will be deleted, in order, as `kind id`.
    deletes: Vec<String>,
    /// The licences that will be free again.
    frees: Vec<String>,
    /// What stays, and why.
    stays: Vec<String>,
}

/// See what deprovisioning would delete, before anything is.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/agent-identities/{identity}/deprovision", tag = "Identities", params(InOrg, Which),
    responses((status = 200, body = RemovalPlanView), (status = "default", body = Problem)),
)]
async fn plan_removal(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::RemoveIdentities>,
    Path(which): Path<Which>,
) -> Answer<Json<RemovalPlanView>> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    let plan = removal::plan(&gateway, &allowed, &identity).await?;
    Ok(Json(RemovalPlanView {
        steps: plan.steps,
        deletes: plan.deletes.into_iter().map(|(kind, id)| format!("{kind} {id}")).collect(),
        frees: plan.frees,
        stays: plan
            .stays
            .into_iter()
            .map(|left| format!("{} {}: {}", left.kind, left.id, left.why))
            .collect(),
    }))
}

/// Deprovision an identity: its record and audit stay.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/agent-identities/{identity}/deprovision", tag = "Identities", params(InOrg, Which),
    responses((status = 202, body = IdentityView), (status = "default", body = Problem)),
)]
async fn deprovision(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::RemoveIdentities>,
    Path(which): Path<Which>,
) -> Answer<(StatusCode, Json<IdentityView>)> {
    let leaving = deprovision_named(&gateway, &allowed, &which.identity).await?;
    Ok(accepted(leaving))
}

/// Where a test message is to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TestSendRequest {
    /// One address.
    #[schema(example = "ada@example.com", format = "email")]
    to: String,
}

/// What came of a test message.
#[derive(Debug, Serialize, ToSchema)]
struct TestSendView {
    /// The address that it came from.
    from: String,
    /// Its `Message-ID`.
    message_id: String,
    /// Where its entry can be seen, as its signature says. An answer that is repeated by its `Idempotency-Key` lacks
    /// it.
    audit: Option<String>,
}

/// Send a test message as the identity, through Microsoft Graph.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/agent-identities/{identity}/test-send", tag = "Identities", params(InOrg, Which),
    request_body = TestSendRequest,
    responses((status = 200, body = TestSendView), (status = "default", body = Problem)),
)]
async fn test_send(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Path(which): Path<Which>,
    Extension(headers): Extension<limits::Standing>,
    Json(request): Json<TestSendRequest>,
) -> Answer<Secretly<TestSendView>> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    let sent = send::test(&gateway, &allowed, &identity, &request.to).await;
    if identity.mode != Mode::OwnTenant {
        headers.note(sending::standing(&gateway, allowed.scope).await?.left());
    }
    let sent = sent?;
    let view = TestSendView { from: sent.from, message_id: sent.message_id, audit: Some(sent.audit) };
    Ok(Secretly(ShownOnce("audit"), view))
}

/// See which extra addresses are wanted, which the mailbox has, and what to do about the rest.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/agent-identities/{identity}/aliases", tag = "Identities", params(InOrg, Which),
    responses((status = 200, body = Aliases), (status = "default", body = Problem)),
)]
async fn read_aliases(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
    Path(which): Path<Which>,
) -> Answer<Json<Aliases>> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    Ok(Json(aliases::read(&gateway, allowed.scope, &identity).await?))
}

/// The part of an extra address before the @.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_]+([.-][A-Za-z0-9_]+)*$")]
#[expect(dead_code, reason = "only the document knows it")]
struct AliasName(String);

/// Which extra addresses are wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AliasesRequest {
    /// The parts before the @, at most twelve.
    #[schema(example = json!(["dev-team", "cfo", "security"]), max_items = 12, value_type = Vec<AliasName>)]
    aliases: Vec<String>,
}

/// Say which extra addresses are wanted.
#[utoipa::path(
    put, path = "/api/v1/orgs/{org}/agent-identities/{identity}/aliases", tag = "Identities",
    params(InOrg, Which, IfMatch),
    request_body = AliasesRequest,
    responses((status = 200, body = Aliases), (status = "default", body = Problem)),
)]
async fn want_aliases(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Path(which): Path<Which>,
    expected: IfMatch,
    Json(request): Json<AliasesRequest>,
) -> Answer<Json<Aliases>> {
    let identity = expected.seen(find(&gateway, allowed.scope, &which.identity).await?)?;
    let changed = expected.done(aliases::want(&gateway, &allowed, &identity, &request.aliases).await)?;
    Ok(Json(aliases::read(&gateway, allowed.scope, &changed).await?))
}
