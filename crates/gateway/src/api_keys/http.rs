//! API keys over HTTP.

use std::sync::Arc;
use std::time::Duration;

use attache_store::{OrgStore, Versioned};
use attache_terms::Secret;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service::{self, GRACE, NewKey};
use super::{ApiKey, KeyId, last_use};
use crate::Gateway;
use crate::access::{Allowed, Grant, InOrg, Prefix, Scopes, right};
use crate::server::{
    Answer, Cursor, IfMatch, IfNoneMatch, Json, Listed, Problem, Secretly, ShownOnce, Tag, Tagged,
};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(read, revoke))
        .routes(routes!(rotate))
        .routes(routes!(scopes))
}

/// What a key is made from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateKey {
    /// What people call it.
    #[schema(
        example = "Nightly export",
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"
    )]
    name: String,
    /// What it may do; `GET /api/v1/scopes` lists what there is.
    #[schema(schema_with = scopes_wanted)]
    scopes: Scopes,
    /// From where it may be used, as IP addresses or prefixes (`192.0.2.0/24`, `2001:db8::/32`); from anywhere when empty.
    #[serde(default)]
    #[schema(schema_with = addresses_wanted)]
    allowed_from: Vec<String>,
    /// Until when; for ever when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
}

/// At least one of the scopes that there are.
fn scopes_wanted() -> Schema {
    let known = right::EVERY.iter().map(|(_, needs)| needs.scope);
    let scope = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(known));
    ArrayBuilder::new().items(scope).min_items(Some(1)).into()
}

/// Addresses of either version, or what they begin with.
fn addresses_wanted() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let address = |format: &str| text().format(Some(SchemaFormat::Custom(format.to_owned())));
    let prefix = text().pattern(Some("^[0-9A-Fa-f.:]+/[0-9]+$"));
    let any = AnyOfBuilder::new().item(address("ipv4")).item(address("ipv6")).item(prefix);
    ArrayBuilder::new().items(any).into()
}

/// What was given as a list of addresses.
pub(super) fn prefixes<'a>(given: impl Iterator<Item = &'a str>) -> Answer<Vec<Prefix>> {
    let remedy = "give IP addresses, or prefixes such as 192.0.2.0/24";
    let prefix = |text: &str| text.parse::<Prefix>();
    given.map(|text| prefix(text).map_err(|why| Problem::invalid("allowed_from", why, remedy))).collect()
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
struct KeyView {
    /// Its id.
    id: String,
    /// What people call it.
    name: String,
    /// What it may do.
    scopes: Scopes,
    /// From where it may be used.
    allowed_from: Vec<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// Until when.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked: Option<Timestamp>,
    /// The key that replaces it.
    successor: Option<String>,
    /// About when it was last used.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used: Option<Timestamp>,
}

/// A new API key, with its secret: it is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewKeyView {
    /// The secret, for `Authorization: Bearer`. An answer that is repeated by its `Idempotency-Key` lacks it.
    #[schema(example = "atk_…")]
    secret: Option<String>,
    /// The key.
    #[serde(flatten)]
    key: KeyView,
}

impl KeyView {
    /// With when it was last used.
    async fn read(store: OrgStore<'_>, key: ApiKey) -> Answer<Self> {
        let last_used = last_use::read(store, key.id).await?;
        Ok(Self { last_used, ..Self::from(key) })
    }
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            scopes: key.scopes,
            allowed_from: key.allowed_from.iter().map(ToString::to_string).collect(),
            created: key.created,
            expires: key.expires,
            revoked: key.revoked,
            successor: key.successor.map(|id| id.to_string()),
            last_used: None,
        }
    }
}

/// The answer to whoever has a key made. The secret is in no other one.
pub(super) fn created((key, secret): &(ApiKey, Secret)) -> (StatusCode, Secretly<NewKeyView>) {
    let view = NewKeyView { secret: Some(secret.expose().to_owned()), key: key.clone().into() };
    (StatusCode::CREATED, Secretly(ShownOnce("secret"), view))
}

/// Which key.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Which {
    /// The key's id.
    key: String,
}

/// Create an API key.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/api-keys", tag = "API keys", request_body = CreateKey,
    params(InOrg),
    responses((status = 201, body = NewKeyView), (status = "default", body = Problem)),
)]
async fn create(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageKeys>,
    Json(wanted): Json<CreateKey>,
) -> Answer<(StatusCode, Secretly<NewKeyView>)> {
    let allowed_from = prefixes(wanted.allowed_from.iter().map(String::as_str))?;
    let CreateKey { name, scopes, expires, .. } = wanted;
    let made = service::create(&gateway, &allowed, NewKey { name, scopes, allowed_from, expires }).await?;
    Ok(created(&made))
}

/// List an organisation's API keys.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/api-keys", tag = "API keys",
    params(InOrg, Cursor),
    responses((status = 200, body = Listed<KeyView>), (status = "default", body = Problem)),
)]
async fn list(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeKeys>,
    Query(cursor): Query<Cursor>,
) -> Answer<Json<Listed<KeyView>>> {
    let store = gateway.store.org(allowed.scope);
    let used = last_use::of_page(store, cursor.page()?).await?;
    let rows = store.list::<ApiKey>(cursor.page()?).await?;
    let shown = |row: Versioned<ApiKey>| KeyView {
        last_used: used.get(&row.id).copied(),
        ..KeyView::from(row.record)
    };
    Ok(Json(cursor.listed(rows, |row| row.id.to_string(), shown)?))
}

/// Read an API key.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/api-keys/{key}", tag = "API keys", params(InOrg, Which, IfNoneMatch),
    responses((status = 200, body = KeyView), (status = 304), (status = "default", body = Problem)),
)]
async fn read(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeKeys>,
    Path(which): Path<Which>,
    has: IfNoneMatch,
) -> Answer<Response> {
    let key = find(&gateway, &allowed, &which.key).await?;
    let tag = Tag::of(&key);
    let view = KeyView::read(gateway.store.org(allowed.scope), key.record).await?;
    // That a key is used changes what is shown of it, and not the key.
    let tag = tag.with(view.last_used.map(Timestamp::as_second));
    Ok(has.show(Tagged(tag, view)))
}

/// How a key is rotated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct RotateKey {
    /// For how many seconds the old key works on; a day unless said, 30 days at most.
    #[schema(maximum = 2_592_000)]
    grace_seconds: Option<u32>,
}

/// Rotate an API key: a successor with the same rights, while the old one works on for a time.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/api-keys/{key}/rotate", tag = "API keys", params(InOrg, Which),
    request_body = RotateKey,
    responses((status = 201, body = NewKeyView), (status = "default", body = Problem)),
)]
async fn rotate(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageKeys>,
    Path(which): Path<Which>,
    Json(wanted): Json<RotateKey>,
) -> Answer<(StatusCode, Secretly<NewKeyView>)> {
    let old = find(&gateway, &allowed, &which.key).await?;
    let grace = wanted.grace_seconds.map_or(GRACE, |seconds| Duration::from_secs(seconds.into()));
    let made = service::rotate(&gateway, &allowed, &old, grace).await?;
    Ok(created(&made))
}

/// Revoke an API key, at once.
#[utoipa::path(
    delete, path = "/api/v1/orgs/{org}/api-keys/{key}", tag = "API keys", params(InOrg, Which, IfMatch),
    responses((status = 200, body = KeyView), (status = "default", body = Problem)),
)]
async fn revoke(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageKeys>,
    Path(which): Path<Which>,
    expected: IfMatch,
) -> Answer<Json<KeyView>> {
    let key = expected.seen(find(&gateway, &allowed, &which.key).await?)?;
    Ok(Json(expected.done(service::revoke(&gateway, &allowed, &key).await)?.into()))
}

/// A scope and what it is for.
#[derive(Debug, Serialize, ToSchema)]
struct ScopeView {
    /// The scope.
    scope: &'static str,
    /// The roles of members that have the same right.
    roles: Vec<&'static str>,
}

/// List the scopes that an API key can have.
#[utoipa::path(
    get, path = "/api/v1/scopes", tag = "API keys", security(()),
    responses((status = 200, body = Vec<ScopeView>)),
)]
async fn scopes() -> Json<Vec<ScopeView>> {
    let view = |(_, needs): &(&str, crate::access::Needs)| ScopeView {
        scope: needs.scope,
        roles: needs.roles.iter().map(|role| role.as_str()).collect(),
    };
    Json(right::EVERY.iter().map(view).collect())
}

/// The key of this id.
pub(super) async fn find(gateway: &Gateway, grant: &Grant, id: &str) -> Answer<Versioned<ApiKey>> {
    let id: KeyId = id.parse().map_err(|_| Problem::not_found("API key"))?;
    let found = gateway.store.org(grant.scope).get::<ApiKey>(id).await?;
    found.ok_or_else(|| Problem::not_found("API key"))
}
