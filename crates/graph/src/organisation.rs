//! The tenant itself and its domains.

use attache_terms::TenantId;
use serde::Deserialize;

use crate::path::Path;
use crate::{Answered, Graph};

/// A domain of the tenant.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// Its name.
    pub id: String,
    /// Whether the tenant has proved that it owns it; only then may a user be named in it.
    #[serde(default)]
    pub is_verified: bool,
    /// Whether it is the tenant's default.
    #[serde(default)]
    pub is_default: bool,
}

/// The tenant.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub display_name: Option<String>,
    /// Its country, ISO 3166 alpha-2.
    pub country_letter_code: Option<String>,
}

impl Graph {
    /// The tenant's domains (Domain.Read.All or Directory.Read.All).
    pub async fn domains(&self) -> Answered<Vec<Domain>> {
        self.all(Path::new("/domains")).await
    }

    /// The tenant (Organization.Read.All or Directory.Read.All): one item.
    pub async fn organization(&self) -> Answered<Vec<Organization>> {
        self.all(Path::new("/organization").query("$select", "id,displayName,countryLetterCode")).await
    }
}
