//! The tenant itself and its domains (Graph documentation, "domain resource type": a subdomain of a verified
//! domain is verified by that).

use attache_terms::TenantId;
use serde::Deserialize;
use serde_json::json;

use crate::client::Call;
use crate::path::{Path, segment};
use crate::users::optional;
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

    /// A domain of the tenant, `None` when there is none.
    pub async fn domain(&self, name: &str) -> Answered<Option<Domain>> {
        optional(self.send(Call::get(Path::new(format!("/domains/{}", segment(name))))).await)
    }

    /// Adds a domain (Domain.ReadWrite.All).
    pub async fn add_domain(&self, name: &str) -> Answered<Domain> {
        self.send(Call::post(Path::new("/domains"), &json!({ "id": name }))).await
    }

    /// Removes a domain that nothing uses any more (Domain.ReadWrite.All).
    pub async fn delete_domain(&self, name: &str) -> Answered<()> {
        self.send_bare(Call::delete(Path::new(format!("/domains/{}", segment(name))))).await
    }

    /// The tenant (Organization.Read.All or Directory.Read.All): one item.
    pub async fn organization(&self) -> Answered<Vec<Organization>> {
        self.all(Path::new("/organization").query("$select", "id,displayName,countryLetterCode")).await
    }
}
