//! Licences: what the tenant has bought, what is free, and giving one to a user (Entra reference §3.3).

use attache_terms::{SkuId, UserId};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::client::Call;
use crate::path::Path;
use crate::{Answered, Graph};

/// A product that the tenant has bought.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sku {
    /// What an assignment names.
    pub sku_id: SkuId,
    /// Its short name: `SPE_E3`.
    pub sku_part_number: String,
    /// `User` or `Company`.
    pub applies_to: Option<String>,
    /// `Enabled`, `Warning`, `Suspended`, …
    pub capability_status: Option<String>,
    /// The seats in use.
    #[serde(default)]
    pub consumed_units: i64,
    /// The seats bought.
    #[serde(default)]
    pub prepaid_units: PrepaidUnits,
    /// What is in it.
    #[serde(default)]
    pub service_plans: Vec<ServicePlan>,
}

/// Seats by state.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct PrepaidUnits {
    /// Usable.
    #[serde(default)]
    pub enabled: i64,
    /// Usable although the subscription has lapsed.
    #[serde(default)]
    pub warning: i64,
}

/// A service within a product.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePlan {
    /// Which.
    pub service_plan_id: Uuid,
    /// Its short name: `TEAMS1`, `EXCHANGE_S_STANDARD`.
    pub service_plan_name: Option<String>,
    /// How far it is: `Success`, `PendingProvisioning`, …
    pub provisioning_status: Option<String>,
}

/// A licence of a user and how far its services are.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LicenceDetails {
    /// Which.
    pub sku_id: SkuId,
    /// Its short name.
    pub sku_part_number: Option<String>,
    /// What is in it.
    #[serde(default)]
    pub service_plans: Vec<ServicePlan>,
}

const TEAMS: Uuid = Uuid::from_u128(0x57ff2da0_773e_42df_b2af_ffb7a2317929);

impl Sku {
    /// The seats that can be given now.
    pub fn free_seats(&self) -> i64 {
        (self.prepaid_units.enabled + self.prepaid_units.warning - self.consumed_units).max(0)
    }

    /// Whether it is called so: its part number or its id, however it is spelt.
    pub fn is_called(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.sku_part_number)
            || name.eq_ignore_ascii_case(&self.sku_id.to_string())
    }

    /// Whether it gives a user Teams.
    pub fn has_teams(&self) -> bool {
        self.service_plans.iter().any(|plan| plan.service_plan_id == TEAMS)
    }

    /// Whether it gives a user a mailbox: any Exchange plan but the foundation, which has none.
    pub fn has_mailbox(&self) -> bool {
        self.service_plans.iter().any(|plan| {
            plan.service_plan_name
                .as_deref()
                .is_some_and(|name| name.starts_with("EXCHANGE_S_") && name != "EXCHANGE_S_FOUNDATION")
        })
    }
}

impl Graph {
    /// What the tenant has bought (LicenseAssignment.Read.All).
    pub async fn subscribed_skus(&self) -> Answered<Vec<Sku>> {
        self.all(Path::new("/subscribedSkus")).await
    }

    /// The licences of a user.
    pub async fn licence_details(&self, user: UserId) -> Answered<Vec<LicenceDetails>> {
        self.all(Path::new(format!("/users/{user}/licenseDetails"))).await
    }

    /// Gives a user these licences and takes those away. Giving a licence again changes nothing.
    pub async fn assign_licences(&self, user: UserId, add: &[SkuId], remove: &[SkuId]) -> Answered<()> {
        let add: Vec<_> = add.iter().map(|sku| json!({ "skuId": sku, "disabledPlans": [] })).collect();
        let body = json!({ "addLicenses": add, "removeLicenses": remove });
        self.send_bare(Call::action(Path::new(format!("/users/{user}/assignLicense")), &body)).await
    }
}
