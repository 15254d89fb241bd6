//! Which of our tenants hosts an organisation, and whose a subdomain is. Entra holds at most 5,000 domains in a tenant
//! (Entra reference §13), so hosted identities spread over several tenants: an organisation gets one, the least full,
//! once and for good, since a domain does not move. A subdomain is claimed before it is used, and claimed once on this
//! gateway, and removed when the last identity has left it.

mod choose;
mod leave;
mod place;

use attache_store::{GatewayScope, Lookup, OrgId, OrgScope, Record, Unit};
use attache_terms::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use leave::{LEAVE, adding, goes_with, leave};
pub(crate) use place::{Taken, Wish, expected, place};

/// The tenant of ours that hosts an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Hosting {
    org: OrgId,
    tenant: TenantId,
    since: Timestamp,
}

impl Record for Hosting {
    const KIND: &'static str = "hosting";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.org.to_string()
    }
}

/// That a subdomain is an organisation's and nobody else's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    label: String,
    org: OrgId,
    /// The tenant that has the domain or is to have it; `None` while nothing is hosted there.
    tenant: Option<TenantId>,
    /// Whether we added the domain there, or are about to.
    #[serde(default)]
    added: bool,
    /// That it is being removed there; nobody comes to it meanwhile.
    #[serde(default)]
    leaving: bool,
    since: Timestamp,
}

impl Claim {
    /// The lookup that makes it the only one, whatever the tenant.
    const BY_LABEL: &'static str = "subdomain";

    fn new(label: &str, org: OrgId, tenant: Option<TenantId>, since: Timestamp) -> Self {
        Self { label: label.to_owned(), org, tenant, added: false, leaving: false, since }
    }
}

impl Record for Claim {
    const KIND: &'static str = "subdomain";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.label.clone()
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::unique_everywhere(Self::BY_LABEL, &self.label)]
    }
}

/// How many subdomains a tenant of ours has, or is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Load {
    tenant: TenantId,
    subdomains: u32,
}

impl Record for Load {
    const KIND: &'static str = "hosted_tenant";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.tenant.to_string()
    }
}

/// Claims a new organisation's short name as its subdomain, with the unit that makes the organisation.
pub(crate) fn claim_name(unit: &mut Unit, scope: OrgScope, slug: &str, now: Timestamp) {
    unit.create(scope, &Claim::new(slug, scope.org(), None, now));
}

/// The kind of record that two organisations may want at once.
pub(crate) const CLAIM: &str = Claim::KIND;
