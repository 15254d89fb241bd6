//! Gives an identity its tenant and its subdomain, in the unit that makes the identity: two that want the last place, or
//! the same subdomain, at once do not both get it.

use attache_store::{CommitError, GatewayScope, OrgScope, Page, Record as _, Unit, Versioned};
use http::StatusCode;

use super::choose::{Fill, least_full};
use super::{Claim, Hosting, Load};
use crate::Gateway;
use crate::config::HostedTenant;
use crate::identities::{Identity, Mode};
use crate::organisations::{Organisation, is_slug};
use crate::server::{Answer, Problem};

/// How many subdomains an organisation may have: the tenants are everybody's.
const MOST: u64 = 5;

/// Why a unit with a place was not applied.
pub(crate) enum Taken {
    /// Another organisation has the subdomain.
    Subdomain,
    /// Somebody else was faster at a place in a tenant: try again.
    Place,
}

impl Taken {
    /// What a refused commit means for a place; `None` if nothing.
    pub(crate) fn of(error: &CommitError) -> Option<Self> {
        match error {
            CommitError::Taken { kind, lookup: Claim::BY_LABEL } if *kind == super::CLAIM => {
                Some(Self::Subdomain)
            }
            CommitError::Taken { kind, .. } | CommitError::Conflict { kind, .. } => {
                let ours = [Hosting::KIND, Claim::KIND, Load::KIND];
                ours.contains(kind).then_some(Self::Place)
            }
            _ => None,
        }
    }

    /// That another organisation has the subdomain.
    pub(crate) fn refused() -> Problem {
        Problem::invalid("subdomain", "another organisation has it", "choose another subdomain")
    }
}

/// What is wished of a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// The subdomain.
    pub(crate) subdomain: &'a str,
    /// The address that the identity has already: its user is where the domain is.
    pub(crate) address: Option<&'a str>,
}

/// The tenant for an identity of this organisation under this subdomain. What makes the place the organisation's goes
/// into the unit.
pub(crate) async fn place<'a>(
    gateway: &'a Gateway,
    scope: OrgScope,
    organisation: &Organisation,
    Wish { subdomain, address }: Wish<'_>,
    unit: &mut Unit,
) -> Answer<&'a HostedTenant> {
    if !is_slug(subdomain) {
        return Err(Problem::invalid(
            "subdomain",
            "not one label of a host name",
            "take a name such as `acme`",
        ));
    }
    is_nobody_elses(gateway, organisation, subdomain).await?;
    let (org, now) = (organisation.id, gateway.clock.now());
    let store = gateway.store.org(scope);
    let claim = store.get::<Claim>(subdomain).await?;
    if claim.is_none() && store.count::<Claim>(None).await? >= MOST {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "subdomains_used_up",
            format!("the organisation has {MOST} subdomains, and may have no more"),
            "use one that it has",
        ));
    }
    if let Some(claim) = &claim {
        if claim.leaving {
            return Err(leaving(subdomain));
        }
        // Whoever closes it meanwhile is heard.
        unit.expect(claim);
    }
    let is_new = claim.as_ref().is_none_or(|claim| claim.tenant.is_none());
    let loads = loads(gateway).await?;
    let fill = |at: usize| fill(gateway, &loads, at);
    let at = match hosted_in(gateway, scope).await? {
        Some(tenant) => {
            let at = gateway.config.hosted.iter().position(|hosted| hosted.tenant == tenant);
            at.ok_or_else(|| not_configured(tenant))?
        }
        None => {
            let fills: Vec<Fill> = (0..gateway.config.hosted.len()).map(fill).collect();
            let at = has_domain_of(gateway, address).or_else(|| least_full(&fills));
            let at = at.ok_or_else(|| full(gateway))?;
            unit.create(scope, &Hosting { org, tenant: gateway.config.hosted[at].tenant, since: now });
            at
        }
    };
    let hosted = &gateway.config.hosted[at];
    if !is_new {
        return Ok(hosted);
    }
    if !fill(at).has_room() {
        return Err(full(gateway));
    }
    let since = claim.as_ref().map_or(now, |claim| claim.since);
    let claimed = Claim::new(subdomain, org, Some(hosted.tenant), since);
    match &claim {
        Some(claim) => unit.update(claim, &claimed),
        None => unit.create(scope, &claimed),
    };
    match &loads[at] {
        Some(load) => unit.update(load, &Load { tenant: hosted.tenant, subdomains: load.subdomains + 1 }),
        None => unit.create(GatewayScope::granted(), &Load { tenant: hosted.tenant, subdomains: 1 }),
    };
    Ok(hosted)
}

/// The tenant that this organisation has, or would be given now; for its page.
pub(crate) async fn expected(gateway: &Gateway, scope: OrgScope) -> Answer<Option<&HostedTenant>> {
    if let Some(tenant) = hosted_in(gateway, scope).await? {
        return Ok(gateway.hosted(tenant));
    }
    let loads = loads(gateway).await?;
    let fills: Vec<Fill> = (0..gateway.config.hosted.len()).map(|at| fill(gateway, &loads, at)).collect();
    Ok(least_full(&fills).map(|at| &gateway.config.hosted[at]))
}

/// The organisation's tenant; of one that was hosted before this was remembered, that of its identities.
async fn hosted_in(gateway: &Gateway, scope: OrgScope) -> Answer<Option<attache_terms::TenantId>> {
    let store = gateway.store.org(scope);
    if let Some(hosting) = store.get::<Hosting>(scope.org()).await? {
        return Ok(Some(hosting.tenant));
    }
    let identities: Vec<Versioned<Identity>> = store.list(Page::first(200)).await?;
    let mut hosted = identities.iter().filter(|identity| identity.mode == Mode::Hosted);
    Ok(hosted.find_map(|identity| identity.tenant))
}

/// The tenant whose domain an address is below.
fn has_domain_of(gateway: &Gateway, address: Option<&str>) -> Option<usize> {
    let address = address?.to_ascii_lowercase();
    let below = |domain: &str| address.ends_with(&format!(".{}", domain.to_ascii_lowercase()));
    gateway.config.hosted.iter().position(|hosted| below(&hosted.domain))
}

/// How full each configured tenant is, in their order.
async fn loads(gateway: &Gateway) -> Answer<Vec<Option<Versioned<Load>>>> {
    let mut loads = Vec::new();
    for hosted in &gateway.config.hosted {
        loads.push(gateway.system().get::<Load>(hosted.tenant).await?);
    }
    Ok(loads)
}

fn fill(gateway: &Gateway, loads: &[Option<Versioned<Load>>], at: usize) -> Fill {
    let taken = loads[at].as_ref().map_or(0, |load| load.subdomains);
    Fill { taken, limit: gateway.config.hosted[at].subdomains }
}

/// Nobody takes a subdomain that is another organisation's short name, those from before claims included.
async fn is_nobody_elses(gateway: &Gateway, own: &Organisation, subdomain: &str) -> Answer<()> {
    let other = gateway.system().find::<Organisation>(Organisation::BY_SLUG, subdomain).await?;
    match other.filter(|other| other.id != own.id) {
        Some(_) => Err(Taken::refused()),
        None => Ok(()),
    }
}

fn full(gateway: &Gateway) -> Problem {
    if gateway.config.hosted.is_empty() {
        return Problem::invalid(
            "mode",
            "this gateway has no tenant of its own to host identities in",
            "choose own_tenant, or have an operator configure a hosted tenant",
        );
    }
    Problem::new(
        StatusCode::CONFLICT,
        "tenants_full",
        "the tenants of this gateway have no room for another subdomain",
        "have an operator configure one more tenant ([[tenants]] in gateway.toml), or raise `subdomains` of one while \
         Entra's limit of 5,000 domains allows it",
    )
}

fn leaving(subdomain: &str) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "subdomain_leaving",
        format!("the subdomain {subdomain} is being removed from its tenant, since nobody was left there"),
        "try again in a moment",
    )
    .after(std::time::Duration::from_secs(5))
}

fn not_configured(tenant: attache_terms::TenantId) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "tenant_not_configured",
        format!("the organisation is hosted in the tenant {tenant}, which is not configured on this gateway"),
        "have an operator configure it again",
    )
}
