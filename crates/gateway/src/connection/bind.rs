//! The third step: the administrator names the organisation, and the tenant is bound to it; and the end of it.

use attache_ledger::{ActName, Target};
use attache_store::{CommitError, GatewayScope, Record as _, Unit, Versioned};
use http::StatusCode;

use super::attempt::{Administrator, Attempt};
use super::look::{self, Seen};
use super::{BoundTenant, Connection, not_connected};
use crate::Gateway;
use crate::access::Grant;
use crate::identities::{Identity, Mode, State};
use crate::licences;
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

const CONNECTED: ActName = ActName::new("tenant.connected");
const RENEWED: ActName = ActName::new("tenant.consent_renewed");
const DISCONNECTED: ActName = ActName::new("tenant.disconnected");

/// What the administrator says of the tenant's organisations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Organisations {
    /// This one is to be the only one.
    One,
    /// There may be others on this gateway.
    Several,
}

/// Binds the administrator's tenant to the organisation that they named.
pub(super) async fn bind(
    gateway: &Gateway,
    grant: &Grant,
    attempt: &Versioned<Attempt>,
    administrator: &Administrator,
    allowed: Organisations,
) -> Answer<()> {
    let org = grant.scope.org();
    let existing = Connection::of(gateway.store.org(grant.scope)).await?;
    if let Some(other) = existing.as_ref().filter(|other| other.tenant != administrator.tenant) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "already_connected",
            format!("the organisation is connected with the tenant {}", other.tenant),
            "disconnect that one first, at Settings > Agent identity",
        ));
    }
    let seen = look::look(gateway, administrator.tenant).await?;
    let mut unit = Unit::new();
    unit.delete(attempt);
    admit(gateway, &mut unit, grant, administrator, allowed).await?;
    let now = gateway.clock.now();
    let act = match &existing {
        Some(before) => {
            let renewed = Connection {
                name: administrator.tenant_name.clone(),
                administrator: administrator.user,
                administrator_name: administrator.upn.clone(),
                granted: seen.granted,
                looked: now,
                ..before.record.clone()
            };
            unit.update(before, &renewed);
            RENEWED
        }
        None => {
            unit.create(grant.scope, &fresh(gateway, grant, administrator, seen)?);
            CONNECTED
        }
    };
    let about = Target { user: Some(administrator.user), ..on([thing("tenant", administrator.tenant)]) };
    unit.record(grant.scope, gateway.changed(&grant.caller, act, about));
    unit.enqueue(licences::count_now(gateway, administrator.tenant, Some(org)));
    match gateway.commit(&grant.caller, unit).await {
        Ok(_) => Ok(()),
        // Another organisation was faster.
        Err(CommitError::Taken { kind: BoundTenant::KIND, .. }) => Err(bound()),
        Err(error) => Err(error.into()),
    }
    .inspect(|()| tracing::info!(%org, "a tenant was connected"))
}

/// One tenant, one organisation, unless its administrator allows more.
async fn admit(
    gateway: &Gateway,
    unit: &mut Unit,
    grant: &Grant,
    administrator: &Administrator,
    allowed: Organisations,
) -> Answer<()> {
    let org = grant.scope.org();
    let bound_tenant: Option<Versioned<BoundTenant>> = gateway.system().get(administrator.tenant).await?;
    let Some(before) = bound_tenant else {
        let fresh = BoundTenant { tenant: administrator.tenant, organisations: [org].into() };
        unit.create(GatewayScope::granted(), &fresh);
        return Ok(());
    };
    let is_own = before.organisations.contains(&org);
    if !is_own && allowed == Organisations::One {
        return Err(bound());
    }
    let mut after = before.record.clone();
    after.organisations.insert(org);
    unit.update(&before, &after);
    Ok(())
}

fn fresh(gateway: &Gateway, grant: &Grant, administrator: &Administrator, seen: Seen) -> Answer<Connection> {
    let domain = seen.domains.first().cloned().ok_or_else(|| {
        let remedy = "verify one in the Microsoft 365 admin centre > Settings > Domains, then begin again";
        Problem::new(StatusCode::CONFLICT, "domain_not_verified", "the tenant has no verified domain", remedy)
    })?;
    let now = gateway.clock.now();
    Ok(Connection {
        org: grant.scope.org(),
        tenant: administrator.tenant,
        name: administrator.tenant_name.clone(),
        administrator: administrator.user,
        administrator_name: administrator.upn.clone(),
        domain,
        local_part: gateway.config.local_part.clone(),
        sponsor: administrator.user,
        usage_location: seen.country.unwrap_or_else(|| "US".to_owned()),
        licence: None,
        blueprint: None,
        granted: seen.granted,
        looked: now,
        asked: 0,
        since: now,
    })
}

/// Whose it is is nobody else's to know.
fn bound() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "tenant_bound",
        "the tenant is bound to another organisation of this gateway",
        "have that organisation disconnect it, or, as its administrator, allow several organisations when you confirm",
    )
}

/// Ends the connection. What lives in the tenant must be taken back first.
pub(super) async fn disconnect(gateway: &Gateway, grant: &Grant) -> Answer<()> {
    let store = gateway.store.org(grant.scope);
    let connection = Connection::of(store).await?.ok_or_else(not_connected)?;
    let identities: Vec<Versioned<Identity>> = store.every().await?;
    let lives = |one: &&Versioned<Identity>| one.mode == Mode::OwnTenant && one.state != State::Deprovisioned;
    if let Some(one) = identities.iter().find(lives) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "tenant_in_use",
            format!("the identity {} lives in the tenant", one.template),
            "deprovision the identities that live there first",
        ));
    }
    let mut unit = Unit::new();
    unit.delete(&connection);
    let bound: Option<Versioned<BoundTenant>> = gateway.system().get(connection.tenant).await?;
    if let Some(before) = bound {
        let mut after = before.record.clone();
        after.organisations.remove(&grant.scope.org());
        if after.organisations.is_empty() {
            unit.delete(&before);
        } else {
            unit.update(&before, &after);
        }
    }
    // What was counted goes with it.
    unit.enqueue(licences::count_now(gateway, connection.tenant, Some(grant.scope.org())));
    let about = on([thing("tenant", connection.tenant)]);
    unit.record(grant.scope, gateway.changed(&grant.caller, DISCONNECTED, about));
    gateway.commit(&grant.caller, unit).await?;
    Ok(())
}
