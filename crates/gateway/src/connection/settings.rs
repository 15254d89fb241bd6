//! How a connected tenant is used: domain, address, sponsor, country, licence. Of which the tenant knows, it is asked.

use attache_ledger::ActName;
use attache_store::{Unit, Versioned};
use attache_terms::{SkuId, UserId};
use http::StatusCode;

use super::admin::unread;
use super::http::{TenantView, view};
use super::look;
use super::{Connection, not_connected};
use crate::Gateway;
use crate::access::Grant;
use crate::licences;
use crate::record::{on, thing};
use crate::server::{Answer, Json, Problem};

const CHANGED: ActName = ActName::new("tenant.settings_changed");
const LOOKED: ActName = ActName::new("tenant.looked_at");

/// What is to change; `None` leaves it.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) domain: Option<String>,
    pub(super) local_part: Option<String>,
    pub(super) sponsor: Option<String>,
    pub(super) usage_location: Option<String>,
    /// A licence that the tenant has, by part number or id; empty for any.
    pub(super) licence: Option<String>,
}

/// The connection of the organisation.
pub(super) async fn own(gateway: &Gateway, grant: &Grant) -> Answer<Versioned<Connection>> {
    Connection::of(gateway.store.org(grant.scope)).await?.ok_or_else(not_connected)
}

/// Changes how the tenant is used. Identities that exist stay as they are.
pub(super) async fn change(gateway: &Gateway, grant: &Grant, change: Change) -> Answer<Connection> {
    let before = own(gateway, grant).await?;
    let seen = look::look(gateway, before.tenant).await?;
    let mut after =
        Connection { granted: seen.granted, looked: gateway.clock.now(), ..before.record.clone() };
    if let Some(domain) = change.domain {
        let wanted = domain.trim().to_ascii_lowercase();
        let own = seen.domains.iter().find(|own| own.eq_ignore_ascii_case(&wanted));
        after.domain = own.cloned().ok_or_else(|| {
            let remedy = format!("take a verified domain of the tenant: {}", seen.domains.join(", "));
            Problem::invalid("domain", "no verified domain of the tenant", remedy)
        })?;
    }
    if let Some(local) = change.local_part {
        after.local_part = checked_local_part(local.trim())?;
    }
    if let Some(sponsor) = change.sponsor {
        after.sponsor = found(gateway, &before, sponsor.trim()).await?;
    }
    if let Some(country) = change.usage_location {
        let country = country.trim().to_ascii_uppercase();
        if !look::is_country(&country) {
            return Err(Problem::invalid(
                "usage_location",
                "no country",
                "write two letters, such as US or DE",
            ));
        }
        after.usage_location = country;
    }
    if let Some(licence) = change.licence {
        after.licence = match licence.trim() {
            "" => None,
            name => Some(bought(gateway, &before, name).await?),
        };
    }
    save(gateway, grant, &before, after, CHANGED).await
}

/// Looks again at what the tenant grants.
pub(super) async fn look_again(gateway: &Gateway, grant: &Grant) -> Answer<TenantView> {
    let before = own(gateway, grant).await?;
    let seen = look::look(gateway, before.tenant).await?;
    let after = Connection { granted: seen.granted, looked: gateway.clock.now(), ..before.record.clone() };
    let unit = changes(gateway, grant, &before, &after, LOOKED);
    let view = view(gateway, Some(after)).await?;
    gateway.commit_answered(&grant.caller, unit, || Json(&view)).await?;
    Ok(view)
}

/// Keeps a changed connection, with its entry.
pub(super) async fn save(
    gateway: &Gateway,
    grant: &Grant,
    before: &Versioned<Connection>,
    after: Connection,
    act: ActName,
) -> Answer<Connection> {
    gateway.commit(&grant.caller, changes(gateway, grant, before, &after, act)).await?;
    Ok(after)
}

fn changes(
    gateway: &Gateway,
    grant: &Grant,
    before: &Versioned<Connection>,
    after: &Connection,
    act: ActName,
) -> Unit {
    let mut unit = Unit::new();
    unit.update(before, after);
    unit.record(grant.scope, gateway.changed(&grant.caller, act, on([thing("tenant", after.tenant)])));
    // Another licence has other seats.
    unit.enqueue(licences::count_now(gateway, after.tenant, Some(grant.scope.org())));
    unit
}

/// The user of the tenant who is to answer for its agents.
async fn found(gateway: &Gateway, connection: &Connection, sponsor: &str) -> Answer<UserId> {
    let remedy = "give the object id of a user of the tenant";
    let user: UserId = sponsor.parse().map_err(|error| Problem::invalid("sponsor", error, remedy))?;
    match look::graph(gateway, connection.tenant)?.user(user).await {
        Ok(_) => Ok(user),
        Err(error) if error.is_not_found() => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "sponsor_unknown",
            "the tenant has no such user",
            remedy,
        )),
        Err(error) => Err(unread(&error)),
    }
}

/// The product of the tenant that is called so.
async fn bought(gateway: &Gateway, connection: &Connection, name: &str) -> Answer<SkuId> {
    let seen = look::graph(gateway, connection.tenant)?.subscribed_skus().await;
    let skus = seen.map_err(|error| unread(&error))?.value;
    skus.iter().find(|sku| sku.is_called(name)).map(|sku| sku.sku_id).ok_or_else(|| {
        let names: Vec<&str> = skus.iter().map(|sku| sku.sku_part_number.as_str()).collect();
        let remedy = format!("take one that it has, or leave it empty for any: {}", names.join(", "));
        Problem::invalid("licence", "no subscription of the tenant", remedy)
    })
}

fn checked_local_part(text: &str) -> Answer<String> {
    let plain = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        && !text.starts_with('.')
        && !text.ends_with('.')
        && !text.contains("..");
    if plain {
        return Ok(text.to_ascii_lowercase());
    }
    let remedy = "write 1 to 64 letters, digits, inner dots, hyphens or underscores";
    Err(Problem::invalid("local_part", "no part before the @", remedy))
}
