//! Organisations: the customers of a gateway.

mod http;
mod page;
mod search;
mod service;
mod stop_page;
mod suspension;

use attache_store::{Lookup, OrgId, OrgScope, Record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use http::api;
pub(crate) use page::pages;
pub(crate) use service::{NewOrganisation, is_slug};
pub(crate) use suspension::{OrgSuspension, SuspensionId, follow, plain};

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Organisation {
    /// Its id.
    pub(crate) id: OrgId,
    /// Its short name in addresses: `acme`. Unique on this gateway.
    pub(crate) slug: String,
    /// The name that people see.
    pub(crate) name: String,
    /// Where its data is to be kept, as its contract says; a gateway serves one region.
    pub(crate) region: Option<String>,
    /// For how many days its audit entries keep their text; for ever when `None`.
    #[serde(default)]
    pub(crate) audit_days: Option<u32>,
    /// That nothing is done for it for now.
    #[serde(default)]
    pub(crate) suspended: Option<OrgSuspension>,
    /// Since when.
    pub(crate) created: Timestamp,
}

impl Organisation {
    /// The lookup by slug.
    pub(crate) const BY_SLUG: &'static str = "slug";
}

impl Record for Organisation {
    const KIND: &'static str = "organisation";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::unique_everywhere(Self::BY_SLUG, &self.slug)]
    }
}
