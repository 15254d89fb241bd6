//! The seats of a tenant, as they were counted last: what can be given to agents, and whether that is little.

use attache_graph::Sku;
use attache_store::{GatewayScope, OrgId, Record, StoreError, SystemStore, Versioned};
use attache_terms::{SkuId, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The seats of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TenantSeats {
    /// Which tenant.
    pub(crate) tenant: TenantId,
    /// The organisation whose own tenant it is, as whose connection it was counted; `None` for one of ours.
    pub(crate) owner: Option<OrgId>,
    /// Its products.
    pub(crate) products: Vec<Product>,
    /// Whether few seats are left for agents.
    pub(crate) low: bool,
    /// When they were counted.
    pub(crate) counted: Timestamp,
}

/// A product of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Product {
    /// Which.
    pub(crate) sku: SkuId,
    /// Its short name: `O365_BUSINESS_ESSENTIALS`.
    pub(crate) part_number: String,
    /// The seats that were bought.
    pub(crate) bought: i64,
    /// Those in use.
    pub(crate) used: i64,
    /// Those that can be given now.
    pub(crate) free: i64,
    /// Whether agents are given it.
    pub(crate) for_agents: bool,
}

impl TenantSeats {
    /// Those of a tenant of ours, or of this organisation's own.
    pub(crate) async fn of(
        store: SystemStore<'_>,
        tenant: TenantId,
        owner: Option<OrgId>,
    ) -> Result<Option<Versioned<Self>>, StoreError> {
        store.get(key(tenant, owner)).await
    }

    /// The seats that remain for agents.
    pub(crate) fn free(&self) -> i64 {
        self.products.iter().filter(|product| product.for_agents).map(|product| product.free).sum()
    }

    /// The short name of a product.
    pub(crate) fn part_number(&self, sku: SkuId) -> Option<&str> {
        self.products.iter().find(|product| product.sku == sku).map(|product| product.part_number.as_str())
    }
}

/// What a tenant has, for agents that are given one of `licences` (by part number or id), or, where none is named, any
/// product with mailbox and Teams.
pub(super) fn products(skus: &[Sku], licences: &[String]) -> Vec<Product> {
    let for_agents = |sku: &Sku| {
        let usable = matches!(sku.capability_status.as_deref(), Some("Enabled" | "Warning") | None)
            && sku.applies_to.as_deref() != Some("Company");
        usable
            && if licences.is_empty() {
                sku.has_mailbox() && sku.has_teams()
            } else {
                licences.iter().any(|name| sku.is_called(name))
            }
    };
    let product = |sku: &Sku| Product {
        sku: sku.sku_id,
        part_number: sku.sku_part_number.clone(),
        bought: sku.prepaid_units.enabled + sku.prepaid_units.warning,
        used: sku.consumed_units,
        free: sku.free_seats(),
        for_agents: for_agents(sku),
    };
    skus.iter().map(product).collect()
}

/// Whether the tenant has bought one of `licences`, where some are named.
pub(crate) fn is_known(skus: &[Sku], licences: &[String]) -> bool {
    licences.is_empty() || skus.iter().any(|sku| licences.iter().any(|name| sku.is_called(name)))
}

/// The product to give the next agent: of those that agents are given, the one with the most free seats.
pub(crate) fn seat(skus: &[Sku], licences: &[String]) -> Option<SkuId> {
    let products = products(skus, licences).into_iter();
    let free = products.filter(|product| product.for_agents && product.free > 0);
    free.max_by_key(|product| (product.free, product.sku)).map(|product| product.sku)
}

/// Organisations that share a tenant may each give their agents another licence.
fn key(tenant: TenantId, owner: Option<OrgId>) -> String {
    match owner {
        Some(org) => format!("{tenant}/{org}"),
        None => tenant.to_string(),
    }
}

impl Record for TenantSeats {
    const KIND: &'static str = "tenant_seats";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        key(self.tenant, self.owner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sku(id: &str, name: &str, status: &str, free: i64, plans: &[&str]) -> Sku {
        let plans: Vec<_> = plans
            .iter()
            .map(|name| {
                let id = if *name == "TEAMS1" {
                    "57ff2da0-773e-42df-b2af-ffb7a2317929"
                } else {
                    "9aaf7827-d63c-4b61-89c3-182f06f82e5c"
                };
                json!({ "servicePlanId": id, "servicePlanName": name })
            })
            .collect();
        serde_json::from_value(json!({
            "skuId": id, "skuPartNumber": name, "appliesTo": "User", "capabilityStatus": status,
            "consumedUnits": 1, "prepaidUnits": { "enabled": free + 1 }, "servicePlans": plans,
        }))
        .unwrap()
    }

    fn free(skus: &[Sku], licences: &[&str]) -> i64 {
        let licences: Vec<String> = licences.iter().map(|&licence| licence.to_owned()).collect();
        let (tenant, counted) = (TenantId::new(uuid::Uuid::nil()), Timestamp::UNIX_EPOCH);
        let products = products(skus, &licences);
        TenantSeats { tenant, owner: None, products, low: false, counted }.free()
    }

    #[test]
    fn what_remains_for_agents_is_what_they_are_given() {
        let skus = [
            sku(
                "3b555118-da6a-4418-894f-7df1e2096870",
                "BASIC",
                "Enabled",
                3,
                &["EXCHANGE_S_STANDARD", "TEAMS1"],
            ),
            sku(
                "05e9a617-0261-4cee-bb44-138d3ef5d965",
                "SUITE",
                "Enabled",
                4,
                &["EXCHANGE_S_STANDARD", "TEAMS1"],
            ),
            sku("44575883-256e-4a79-9da4-ebe9acabe2b2", "F1", "Enabled", 50, &["TEAMS1"]),
            sku(
                "18181a46-0d4e-45cd-891e-60aabd171b4e",
                "OLD",
                "Suspended",
                9,
                &["EXCHANGE_S_STANDARD", "TEAMS1"],
            ),
        ];
        assert_eq!(free(&skus, &[]), 7);
        assert_eq!(free(&skus, &["basic"]), 3);
        assert_eq!(free(&skus, &["05e9a617-0261-4cee-bb44-138d3ef5d965"]), 4);
        assert_eq!(free(&skus, &["OLD"]), 0);
        assert!(is_known(&skus, &["old".to_owned()]) && !is_known(&skus, &["NEW".to_owned()]));
    }
}
