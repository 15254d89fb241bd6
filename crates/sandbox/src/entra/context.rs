//! What every sign-in request is judged by: the time, the keys, the names; and what is noted of it.

use jiff::Timestamp;
use url::Url;

use crate::exchange::Request;
use crate::names::Names;
use crate::realm::Others;
use crate::tenant::Tenant;

use super::attempt::Attempt;
use super::error::Ids;
use super::federation::Issuers;
use super::keys::KeyRing;

/// Which generation of endpoints a request came to; the tokens' version is the resource's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `/oauth2/…`, with `resource`.
    V1,
    /// `/oauth2/v2.0/…`, with `scope`.
    V2,
}

/// One request and what it is judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) request: &'a Request,
    pub(crate) now: Timestamp,
    pub(crate) key: &'a KeyRing,
    pub(crate) names: &'a Names,
    /// The other tenants of the sandbox.
    pub(crate) others: &'a Others<'a>,
    pub(crate) issuers: &'a Issuers,
    pub(crate) ids: &'a Ids,
    pub(crate) attempt: &'a Attempt,
    pub(crate) endpoint: Endpoint,
}

impl Context<'_> {
    /// The v2 issuer, as the client named the host.
    pub(crate) fn issuer(&self, tenant: &Tenant) -> String {
        format!("{}/{}/v2.0", self.request.origin, tenant.id)
    }

    /// The tenant id of a v2 issuer of this service, by any of its names.
    pub(crate) fn own_v2_issuer(&self, issuer: &str) -> Option<String> {
        self.own_issuer(issuer).filter(|_| issuer.ends_with("/v2.0"))
    }

    /// The tenant id of an issuer of this service, v2 by any of its names, or v1.
    pub(crate) fn own_issuer(&self, issuer: &str) -> Option<String> {
        let url = Url::parse(issuer).ok()?;
        let tenant = match url.host_str() {
            Some("sts.windows.net") => url.path().trim_matches('/').to_owned(),
            _ if self.names.is_own(&url) => url.path().strip_prefix('/')?.strip_suffix("/v2.0")?.to_owned(),
            _ => return None,
        };
        uuid::Uuid::parse_str(&tenant).ok().map(|id| id.to_string())
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
        let is_endpoint = match rest.as_slice() {
            ["v2.0"] | ["oauth2", "v2.0", "token"] => true,
            ["oauth2", "token"] => self.endpoint == Endpoint::V1,
            _ => false,
        };
        is_tenant && is_endpoint
    }
}
