//! The audit log over HTTP.

use std::sync::Arc;

use attache_ledger::{ActName, Event};
use attache_store::{
    EntryQuery, EntryRow, GatewayScope, Order, OrgStore, Unit, prove_consistency, prove_inclusion,
};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::view::EntryView;
use super::{clerk, export, keeping, key, link};
use crate::Gateway;
use crate::access::{Allowed, InOrg, right};
use crate::record::on;
use crate::server::{Answer, Cursor, Json, Listed, Problem};

const EXPORTED: ActName = ActName::new("audit.exported");

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(entries))
        .routes(routes!(entry))
        .routes(routes!(checkpoint))
        .routes(routes!(consistency))
        .routes(routes!(export_log))
        .merge(link::api())
        .merge(keeping::api())
}

/// Which entries. What is not given lets everything through.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// None before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(super) since: Option<Timestamp>,
    /// None from this time on.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(super) until: Option<Timestamp>,
    /// Only acts whose name begins so: `identity.`.
    pub(super) act: Option<String>,
    /// Only what carries this id: an entry's, of what it is about, or of a request, here or at Graph.
    pub(super) about: Option<String>,
    /// Only what this one asked for: the id of a person, a key or an agent, or `system`.
    pub(super) by: Option<String>,
    /// Only what failed or was refused.
    #[serde(default)]
    pub(super) failures: bool,
    /// At most so many; 50 unless said, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    pub(super) limit: Option<usize>,
    /// `next` of the answer before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,19}$")]
    pub(super) cursor: Option<u64>,
}

/// The entries that are wanted, the newest first, and where the next part begins.
pub(super) async fn select(store: OrgStore<'_>, wanted: &Wanted) -> Answer<(Vec<EntryRow>, Option<u64>)> {
    let limit = Cursor::new(wanted.limit, None).limit()?;
    let given = |text: &'_ Option<String>| text.clone().filter(|text| !text.is_empty());
    let (act, about, by) = (given(&wanted.act), given(&wanted.about), given(&wanted.by));
    let query = EntryQuery {
        sequences: 0..wanted.cursor.unwrap_or(u64::MAX),
        since: wanted.since,
        until: wanted.until,
        act: act.as_deref(),
        term: about.as_deref(),
        by: by.as_deref(),
        failures: wanted.failures,
        order: Order::Descending,
        ..EntryQuery::all(store.own_log(), limit + 1)
    };
    let mut rows = store.entries(query).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.sequence);
    Ok((rows, next))
}

/// Search the audit log, the newest first.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/audit/entries", tag = "Audit",
    params(InOrg, Wanted),
    responses((status = 200, body = Listed<EntryView>), (status = "default", body = Problem)),
)]
async fn entries(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ReadAudit>,
    Query(wanted): Query<Wanted>,
) -> Answer<Json<Listed<EntryView>>> {
    let (rows, next) = select(gateway.store.org(allowed.scope), &wanted).await?;
    let items = rows.iter().map(EntryView::of).collect();
    Ok(Json(Listed { items, next: next.map(|sequence| sequence.to_string()) }))
}

/// Which entry.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Which {
    /// The entry's id, or its number.
    pub(super) entry: String,
}

/// An entry with the proof that it is in the log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProvedView {
    /// The entry.
    pub(super) entry: EntryView,
    /// The leaf, exactly as it is hashed; absent when retention has removed it.
    pub(super) leaf: Option<String>,
    /// The withheld fields with their salts, as JSON; `{}` when they were destroyed.
    pub(super) withheld: Option<String>,
    /// The inclusion proof (RFC 6962), from the leaf to the checkpoint's root: hashes in base64.
    #[schema(value_type = Object)]
    pub(super) proof: Value,
    /// The checkpoint, a signed note (C2SP tlog-checkpoint).
    pub(super) checkpoint: String,
    /// The key that signs it, as `golang.org/x/mod/sumdb/note` reads it.
    pub(super) key: String,
}

/// Read an entry, with its proof.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/audit/entries/{entry}", tag = "Audit", params(InOrg, Which),
    responses((status = 200, body = ProvedView), (status = "default", body = Problem)),
)]
async fn entry(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ReadAudit>,
    Path(which): Path<Which>,
) -> Answer<Json<ProvedView>> {
    let row = find(gateway.store.org(allowed.scope), &which.entry).await?;
    Ok(Json(proved(&gateway, gateway.store.org(allowed.scope), &row).await?))
}

/// The entry of this id or number.
pub(super) async fn find(store: OrgStore<'_>, named: &str) -> Answer<EntryRow> {
    let missing = || Problem::not_found("entry");
    let log = store.own_log();
    let mut rows = match named.parse::<u64>() {
        Ok(number) => {
            let end = number.checked_add(1).ok_or_else(missing)?;
            store.entries(EntryQuery { sequences: number..end, ..EntryQuery::all(log, 1) }).await?
        }
        Err(_) => {
            let query = EntryQuery { term: Some(named), ..EntryQuery::all(log, 10) };
            let rows = store.entries(query).await?;
            rows.into_iter().filter(|row| row.id.to_string() == named).collect()
        }
    };
    rows.pop().ok_or_else(missing)
}

/// An entry with its proof, against the checkpoint of now.
pub(super) async fn proved(gateway: &Gateway, store: OrgStore<'_>, row: &EntryRow) -> Answer<ProvedView> {
    let log = store.own_log();
    let checkpoint = clerk::checkpoint(gateway, log).await?.ok_or_else(|| Problem::not_found("entry"))?;
    let engine = gateway.store.engine(GatewayScope::granted());
    let proof = prove_inclusion(&**engine, log, row.sequence, checkpoint.size).await?;
    let (leaf, withheld) = row.text.clone().unzip();
    Ok(ProvedView {
        entry: EntryView::of(row),
        leaf,
        withheld: withheld.map(|column| column.trim_end().to_owned()),
        proof: json!(proof),
        checkpoint: checkpoint.note,
        key: key::verifier(gateway, log).await?.to_string(),
    })
}

/// The checkpoint of now: a signed note. Keep one: with it you can later tell whether anything was altered.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/audit/checkpoint", tag = "Audit",
    params(InOrg),
    responses((status = 200, body = String, content_type = "text/plain"), (status = "default", body = Problem)),
)]
async fn checkpoint(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ReadAudit>,
) -> Answer<String> {
    let log = gateway.store.org(allowed.scope).own_log();
    let checkpoint = clerk::checkpoint(&gateway, log).await?;
    Ok(checkpoint.ok_or_else(|| Problem::not_found("checkpoint"))?.note)
}

/// From which size.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Since {
    /// How many entries the earlier checkpoint covers.
    size: u64,
}

/// Prove that the log of now begins with the log of an earlier checkpoint.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/audit/consistency", tag = "Audit",
    params(InOrg, Since),
    responses((status = 200, body = Object), (status = "default", body = Problem)),
)]
async fn consistency(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ReadAudit>,
    Query(since): Query<Since>,
) -> Answer<Json<Value>> {
    let log = gateway.store.org(allowed.scope).own_log();
    let checkpoint = clerk::checkpoint(&gateway, log).await?;
    let checkpoint = checkpoint.ok_or_else(|| Problem::not_found("checkpoint"))?;
    if since.size > checkpoint.size {
        let why = format!("the log has {} entries", checkpoint.size);
        return Err(Problem::invalid("size", why, "give the size of a checkpoint of this log"));
    }
    let engine = gateway.store.engine(GatewayScope::granted());
    let proof = prove_consistency(&**engine, log, since.size, checkpoint.size).await?;
    Ok(Json(json!({ "proof": proof, "checkpoint": checkpoint.note })))
}

/// In which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Form {
    /// `log` for a file that `attache audit verify` checks, `jsonl` for the entries as JSON lines.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// A file that `attache audit verify` checks.
    #[default]
    Log,
    /// JSON lines.
    Jsonl,
}

/// Export the whole log.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/audit/export", tag = "Audit",
    params(InOrg, Form),
    responses((status = 200, content((String = "text/plain"), (String = "application/jsonl"))), (status = "default", body = Problem)),
)]
async fn export_log(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ReadAudit>,
    Query(form): Query<Form>,
) -> Answer<Response> {
    let log = gateway.store.org(allowed.scope).own_log();
    let mut unit = Unit::new();
    unit.record(allowed.scope, gateway.changed(&allowed.caller, EXPORTED, on([])));
    gateway.commit(&allowed.caller, unit).await?;
    let (body, kind, name) = match form.format {
        Format::Log => {
            (export::file(Arc::clone(&gateway), log).await?, "text/plain; charset=utf-8", "audit.log")
        }
        Format::Jsonl => {
            let size = gateway.store.org(allowed.scope).log().await?.map_or(0, |head| head.frontier.size());
            (
                export::lines(Arc::clone(&gateway), allowed.organisation.record.clone(), log, size),
                "application/jsonl",
                "audit.jsonl",
            )
        }
    };
    let disposition = format!("attachment; filename=\"{}-{name}\"", allowed.organisation.slug);
    Ok(([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], body).into_response())
}

/// The outcome of the act that an intent announced, once there is one.
pub(super) async fn outcome(store: OrgStore<'_>, intent: &EntryRow) -> Answer<Option<EntryRow>> {
    let named = intent.id.to_string();
    let query = EntryQuery { term: Some(&named), ..EntryQuery::all(store.own_log(), 10) };
    let ends = |row: &EntryRow| {
        let entry = row.entry().and_then(Result::ok);
        entry.is_some_and(|entry| matches!(entry.event, Event::Outcome { intent: of, .. } if of == intent.id))
    };
    Ok(store.entries(query).await?.into_iter().find(ends))
}
