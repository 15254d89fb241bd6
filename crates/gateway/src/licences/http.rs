//! Licences over HTTP: what an organisation's identities cost and whether seats remain for more, and for operators the
//! seats of every tenant of ours.

use std::sync::Arc;

use attache_store::OrgScope;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cost::Bill;
use super::in_use;
use super::seats::TenantSeats;
use crate::Gateway;
use crate::access::{Allowed, AsOperator, InOrg, right};
use crate::identities::IdentityId;
use crate::server::{Answer, Json, Listed, Problem};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(read_licences)).routes(routes!(list_seats))
}

/// What an organisation's identities cost a month. Amounts are decimal numbers as text.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BillView {
    /// The currency of every amount.
    pub(super) currency: String,
    /// Each identity.
    pub(super) identities: Vec<CostView>,
    /// How many people answer for them: each needs a licence, once.
    pub(super) sponsors: usize,
    /// What the licence of a sponsor costs.
    pub(super) sponsor_price: String,
    /// All of it.
    pub(super) total: String,
    /// Whether every price is known; what has none is not in the total.
    pub(super) complete: bool,
    /// The seats that remain, by tenant.
    pub(super) seats: Vec<SeatsView>,
}

/// What one identity costs a month.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CostView {
    /// The identity's id.
    pub(super) id: String,
    /// `default`, or the specialist's name.
    pub(super) template: String,
    /// The name that people see.
    pub(super) display_name: String,
    /// Its licences.
    pub(super) licences: Vec<LicenceView>,
    /// Its share of its sponsor's licence.
    pub(super) sponsor_share: String,
    /// Both, as far as prices are known.
    pub(super) total: String,
}

/// A licence of an identity.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LicenceView {
    /// Its part number, or its id while that is not known.
    pub(super) name: String,
    /// What it costs; absent when nobody has said.
    pub(super) price: Option<String>,
}

/// The seats that remain for agents in a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeatsView {
    /// The tenant.
    pub(super) tenant_id: String,
    /// How many seats remain.
    pub(super) free: i64,
    /// At how many the alarm begins.
    pub(super) alarm_at: u32,
    /// Whether there are that few.
    pub(super) low: bool,
    /// When they were counted.
    #[schema(value_type = String, format = DateTime)]
    pub(super) counted: Timestamp,
    /// The products that agents are given.
    pub(super) products: Vec<ProductView>,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProductView {
    /// Its part number.
    pub(super) part_number: String,
    /// Its id.
    pub(super) sku_id: String,
    /// The seats that can be given now.
    pub(super) free: i64,
    /// The seats that were bought; for operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bought: Option<i64>,
    /// The seats in use; for operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) used: Option<i64>,
}

/// What an organisation's identities cost a month, and whether seats remain for more.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/licences", tag = "Licences",
    params(InOrg),
    responses((status = 200, body = BillView), (status = "default", body = Problem)),
)]
async fn read_licences(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
) -> Answer<Json<BillView>> {
    Ok(Json(view(&gateway, allowed.scope).await?))
}

/// The seats of every tenant of ours.
#[utoipa::path(
    get, path = "/api/v1/licences", tag = "Licences",
    responses((status = 200, body = Listed<SeatsView>), (status = "default", body = Problem)),
)]
async fn list_seats(
    State(gateway): State<Arc<Gateway>>,
    _operator: AsOperator,
) -> Answer<Json<Listed<SeatsView>>> {
    let mut items = Vec::new();
    for hosted in &gateway.config.hosted {
        let seats = TenantSeats::of(gateway.system(), hosted.tenant, None).await?;
        items.extend(seats.map(|seats| seats_view(&gateway, &seats, true)));
    }
    Ok(Json(Listed { items, next: None }))
}

/// What an identity costs a month, as people read it; `None` while it has no account.
pub(crate) async fn monthly(
    gateway: &Gateway,
    scope: OrgScope,
    identity: IdentityId,
) -> Answer<Option<String>> {
    let BillView { identities, currency, .. } = view(gateway, scope).await?;
    let cost = identities.into_iter().find(|cost| cost.id == identity.to_string());
    Ok(cost.filter(|cost| !cost.licences.is_empty()).map(|cost| format!("{} {currency}", cost.total)))
}

/// The bill of an organisation, and the seats of the tenants that its identities live in.
pub(super) async fn view(gateway: &Gateway, scope: OrgScope) -> Answer<BillView> {
    let (bill, seats) = in_use::bill(gateway, scope).await?;
    let Bill { identities, sponsors, total, complete } = bill;
    let governance = &gateway.config.governance;
    Ok(BillView {
        currency: governance.currency.clone(),
        identities: identities
            .into_iter()
            .map(|cost| CostView {
                id: cost.identity.id.to_string(),
                template: cost.identity.template,
                display_name: cost.identity.display_name,
                licences: cost
                    .licences
                    .into_iter()
                    .map(|(name, price)| LicenceView { name, price: price.map(|price| price.to_string()) })
                    .collect(),
                sponsor_share: cost.sponsor_share.to_string(),
                total: cost.total.to_string(),
            })
            .collect(),
        sponsors,
        sponsor_price: governance.sponsor_price.to_string(),
        total: total.to_string(),
        complete,
        seats: seats.iter().map(|seats| seats_view(gateway, seats, false)).collect(),
    })
}

fn seats_view(gateway: &Gateway, seats: &TenantSeats, whole: bool) -> SeatsView {
    SeatsView {
        tenant_id: seats.tenant.to_string(),
        free: seats.free(),
        alarm_at: gateway.config.governance.seats_low,
        low: seats.low,
        counted: seats.counted,
        products: seats
            .products
            .iter()
            .filter(|product| whole || product.for_agents)
            .map(|product| ProductView {
                part_number: product.part_number.clone(),
                sku_id: product.sku.to_string(),
                free: product.free,
                bought: whole.then_some(product.bought),
                used: whole.then_some(product.used),
            })
            .collect(),
    }
}
