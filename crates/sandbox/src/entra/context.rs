//! What every sign-in request is judged by: the time, the key, the names.

use jiff::Timestamp;
use url::Url;

use crate::exchange::Request;
use crate::names::Names;
use crate::realm::Others;
use crate::tenant::Tenant;

use super::jwt::SigningKey;

/// One request and what it is judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) request: &'a Request,
    pub(crate) now: Timestamp,
    pub(crate) key: &'a SigningKey,
    pub(crate) names: &'a Names,
    /// The other tenants of the sandbox.
    #[allow(dead_code, reason = "federated users and multi-tenant applications")]
    pub(crate) others: &'a Others<'a>,
}

impl Context<'_> {
    /// The v2 issuer, as the client named the host.
    pub(crate) fn issuer(&self, tenant: &Tenant) -> String {
        format!("{}/{}/v2.0", self.request.origin, tenant.id)
    }

    /// The tenant id of a v2 issuer of this service, by any of its names.
    pub(crate) fn own_issuer(&self, issuer: &str) -> Option<String> {
        let url = Url::parse(issuer).ok().filter(|url| self.names.is_own(url))?;
        let tenant = url.path().strip_prefix('/')?.strip_suffix("/v2.0")?;
        uuid::Uuid::parse_str(tenant).ok().map(|id| id.to_string())
    }

    /// Whether a certificate assertion may be addressed so: the token endpoint or the issuer, by any of the
    /// service's names and any of the tenant's.
    pub(crate) fn is_accepted_audience(&self, tenant: &Tenant, audience: &str) -> bool {
        let Some(url) = Url::parse(audience).ok().filter(|url| self.names.is_own(url)) else {
            return false;
        };
        let mut segments = url.path().trim_matches('/').split('/');
        let named = segments.next().unwrap_or_default().to_ascii_lowercase();
        let is_tenant = named == tenant.id
            || tenant.domains.contains(&named)
            || matches!(named.as_str(), "common" | "organizations");
        let rest: Vec<&str> = segments.collect();
        is_tenant && matches!(rest.as_slice(), ["v2.0"] | ["oauth2", "v2.0", "token"])
    }
}
