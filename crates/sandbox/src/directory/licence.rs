//! SKUs and licences (Entra reference §3.3).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A subscribed SKU. How many seats are used is counted, never stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sku {
    pub(crate) sku_id: String,
    pub(crate) part_number: String,
    /// `prepaidUnits.enabled`.
    pub(crate) seats: u32,
    pub(crate) plans: Vec<ServicePlan>,
}

/// A service plan of a SKU.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServicePlan {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A licence that a user has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AssignedLicence {
    pub(crate) sku_id: String,
    pub(crate) disabled_plans: Vec<String>,
    pub(crate) assigned: Timestamp,
    /// When the mailbox stands, and OneDrive with it, if a plan brings one.
    pub(crate) mailbox: Timestamp,
    /// When Teams is there, if a plan brings it.
    pub(crate) teams: Timestamp,
}

/// Plans of which a user has one of each line only: they are the same service, in several sizes.
const EXCLUSIVE: [&[&str]; 2] = [
    &["EXCHANGE_S_DESKLESS", "EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_STANDARD"],
    &["SHAREPOINTDESKLESS", "SHAREPOINTENTERPRISE", "SHAREPOINTSTANDARD"],
];

/// What a plan is of no use without, by ids: one of them is enough.
const DEPENDENT: [(&str, &[&str]); 1] = [
    // MCOMEETADV, audio conferencing: TEAMS1, MCOSTANDARD.
    (
        "3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40",
        &["57ff2da0-773e-42df-b2af-ffb7a2317929", "0feaeb32-d00e-4d66-bd5a-43b5b83db82c"],
    ),
];

impl ServicePlan {
    /// The ids of the plans of which who has this one has one at least; none if it stands by itself.
    pub(crate) fn depends_on(&self) -> &'static [&'static str] {
        DEPENDENT.iter().find(|(dependent, _)| *dependent == self.id).map_or(&[], |(_, needed)| needed)
    }

    /// Whether nobody can have both.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        let has = |plans: &&[&str], plan: &Self| plans.contains(&plan.name.as_str());
        self.id != other.id && EXCLUSIVE.iter().any(|plans| has(plans, self) && has(plans, other))
    }

    /// Whether the plan brings a mailbox (EXCHANGE_S_FOUNDATION does not).
    pub(crate) fn brings_mailbox(&self) -> bool {
        self.name.starts_with("EXCHANGE_S_") && self.name != "EXCHANGE_S_FOUNDATION"
    }

    /// Whether the plan brings OneDrive.
    pub(crate) fn brings_drive(&self) -> bool {
        self.name.starts_with("SHAREPOINT")
    }

    /// Whether the plan brings Teams.
    pub(crate) fn brings_teams(&self) -> bool {
        self.name == "TEAMS1"
    }
}
