//! From an address to a mailbox: primary addresses, aliases and plus tags of the tenant's users (Graph reference
//! §3.2); everything on other domains is outside.

use jiff::Timestamp;
use serde_json::Value;

use crate::directory::User;
use crate::mail::Address;
use crate::tenant::Tenant;

/// Where mail for an address goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The mailboxes of these users, by object id: one, or a group's members.
    Mailboxes(Vec<String>),
    /// The address is on one of the tenant's domains, and nobody has it.
    Nobody,
    Outside,
}

/// The addresses of a user, the primary one first.
pub(crate) fn addresses(user: &User) -> Vec<String> {
    let primary = primary(user);
    let mut all = vec![primary];
    let proxies = user.other.get("proxyAddresses").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let proxies = proxies.iter().filter_map(Value::as_str).filter_map(|proxy| {
        let (kind, address) = proxy.split_once(':')?;
        kind.eq_ignore_ascii_case("smtp").then(|| address.to_owned())
    });
    for address in proxies.chain([user.upn.clone()]) {
        if !all.iter().any(|one| one.eq_ignore_ascii_case(&address)) {
            all.push(address);
        }
    }
    all
}

/// The address that a user's mail is sent from.
pub(crate) fn primary(user: &User) -> String {
    let proxies = user.other.get("proxyAddresses").and_then(Value::as_array);
    let marked = proxies
        .and_then(|list| list.iter().filter_map(Value::as_str).find_map(|proxy| proxy.strip_prefix("SMTP:")));
    marked.or(user.mail.as_deref()).unwrap_or(&user.upn).to_owned()
}

/// The user's name and primary address.
pub(crate) fn address_of(user: &User) -> Address {
    Address::new(user.display_name.clone(), primary(user))
}

/// The user who has that address, with or without a plus tag.
pub(crate) fn owner<'a>(tenant: &'a Tenant, address: &str, now: Timestamp) -> Option<&'a User> {
    find(tenant, address, now).or_else(|| {
        let (local, domain) = address.rsplit_once('@')?;
        let (plain, _) = local.split_once('+')?;
        find(tenant, &format!("{plain}@{domain}"), now)
    })
}

fn find<'a>(tenant: &'a Tenant, address: &str, now: Timestamp) -> Option<&'a User> {
    tenant.users.values().filter(|user| user.life.is_visible(now)).find(|user| {
        user.upn.eq_ignore_ascii_case(address)
            || user.mail.as_deref().is_some_and(|mail| mail.eq_ignore_ascii_case(address))
            || (user.other.contains_key("proxyAddresses")
                && addresses(user).iter().any(|one| one.eq_ignore_ascii_case(address)))
    })
}

/// Where mail for an address goes.
pub(crate) fn resolve(tenant: &Tenant, address: &str, now: Timestamp) -> Destination {
    let Some((_, domain)) = address.rsplit_once('@') else { return Destination::Nobody };
    if !tenant.domains.iter().any(|one| one.eq_ignore_ascii_case(domain)) {
        return Destination::Outside;
    }
    let with_mailbox = |user: &&User| tenant.mailbox_due(user).is_some_and(|due| due <= now);
    match owner(tenant, address, now).filter(with_mailbox) {
        Some(user) => Destination::Mailboxes(vec![user.id.clone()]),
        None => Destination::Nobody,
    }
}
