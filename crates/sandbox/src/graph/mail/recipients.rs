//! From an address to a mailbox: primary addresses, aliases and plus tags of the tenant's users (Graph reference
//! §3.2), and its groups; everything on other domains is outside.

use jiff::Timestamp;

use crate::directory::User;
use crate::graph::groups::{Closed, Group};
use crate::mail::Address;
use crate::tenant::Tenant;

/// Where mail for an address goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The mailboxes of these users, by object id: one, or a group's members.
    Mailboxes(Vec<String>),
    /// The address is on one of the tenant's domains, and nobody has it.
    Nobody,
    /// A group that does not take it.
    Closed(Closed),
    Outside,
}

/// The addresses of a user, the primary one first; the user principal name delivers too.
pub(crate) fn addresses(tenant: &Tenant, user: &User, now: Timestamp) -> Vec<String> {
    let mut all = tenant.addresses(user, now);
    if !all.iter().any(|one| one.eq_ignore_ascii_case(&user.upn)) {
        all.push(user.upn.clone());
    }
    all
}

/// The user's name and primary address.
pub(crate) fn address_of(tenant: &Tenant, user: &User, now: Timestamp) -> Address {
    let primary = tenant.primary_address(user, now).unwrap_or_else(|| user.upn.clone());
    Address::new(user.display_name.clone(), primary)
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
    tenant.user(address, now).or_else(|| tenant.user_by_address(address, now))
}

/// Where mail for an address goes. `sender` is the author's object id, none if the mail is from outside.
pub(crate) fn resolve(tenant: &Tenant, address: &str, sender: Option<&str>, now: Timestamp) -> Destination {
    let Some((_, domain)) = address.rsplit_once('@') else { return Destination::Nobody };
    if !tenant.domains.contains(domain) {
        return Destination::Outside;
    }
    let with_mailbox = |user: &&User| tenant.mailbox_due(user).is_some_and(|due| due <= now);
    match owner(tenant, address, now).filter(with_mailbox) {
        Some(user) => Destination::Mailboxes(vec![user.id.clone()]),
        None => match group(tenant, address, now).map(|group| group.mailboxes(tenant, sender, now)) {
            Some(Ok(owners)) => Destination::Mailboxes(owners),
            Some(Err(closed)) => Destination::Closed(closed),
            None => Destination::Nobody,
        },
    }
}

/// The group that has that address.
fn group<'a>(tenant: &'a Tenant, address: &str, now: Timestamp) -> Option<&'a Group> {
    tenant.workloads.groups.values().find(|group| group.is_called(address, now))
}
