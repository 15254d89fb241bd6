//! What of licences an organisation uses: the seats of the tenants in which its identities live, and what those that are
//! not gone cost.

use std::collections::BTreeSet;

use attache_store::{OrgId, OrgScope, Versioned};
use attache_terms::TenantId;

use super::cost::{self, Bill, Costing};
use super::seats::TenantSeats;
use crate::Gateway;
use crate::identities::{Identity, State as IdentityState};
use crate::server::Answer;

/// The identities of an organisation that are not gone.
async fn identities(gateway: &Gateway, scope: OrgScope) -> Answer<Vec<Identity>> {
    let identities: Vec<Versioned<Identity>> = gateway.store.org(scope).every().await?;
    let is_there = |identity: &Identity| identity.state != IdentityState::Deprovisioned;
    Ok(identities.into_iter().map(|one| one.record).filter(is_there).collect())
}

/// The seats of the tenants that an organisation's identities live in.
pub(crate) async fn seats_of(gateway: &Gateway, scope: OrgScope) -> Answer<Vec<TenantSeats>> {
    seats_in(gateway, &identities(gateway, scope).await?).await
}

/// The tenant that an identity lives in, and its organisation where that is the organisation's own.
fn lives_in(identity: &Identity) -> Option<(TenantId, Option<OrgId>)> {
    identity.tenant.map(|tenant| (tenant, identity.owner()))
}

async fn seats_in(gateway: &Gateway, identities: &[Identity]) -> Answer<Vec<TenantSeats>> {
    let tenants: BTreeSet<_> = identities.iter().filter_map(lives_in).collect();
    let mut all = Vec::new();
    for (tenant, owner) in tenants {
        let seats = TenantSeats::of(gateway.system(), tenant, owner).await?;
        all.extend(seats.map(|seats| seats.record));
    }
    Ok(all)
}

/// The bill of an organisation, and the seats of the tenants that its identities live in.
pub(super) async fn bill(gateway: &Gateway, scope: OrgScope) -> Answer<(Bill<Identity>, Vec<TenantSeats>)> {
    let identities = identities(gateway, scope).await?;
    let seats = seats_in(gateway, &identities).await?;
    let costings = identities.into_iter().map(|identity| {
        let seats = seats.iter().find(|seats| Some((seats.tenant, seats.owner)) == lives_in(&identity));
        let named = |sku| (sku, seats.and_then(|seats| seats.part_number(sku)).map(str::to_owned));
        let licences = identity.licences.iter().copied().map(named).collect();
        // Who has no account of their own costs nobody a sponsor's licence.
        let sponsor = identity.sponsor.filter(|_| identity.user.is_some());
        Costing { licences, sponsor, identity }
    });
    let governance = &gateway.config.governance;
    let bill = cost::bill(costings.collect(), &governance.prices, governance.sponsor_price);
    Ok((bill, seats))
}
