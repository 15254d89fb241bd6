//! A user's addresses as Exchange keeps them: `mail` is the primary one, `proxyAddresses` shows it with a
//! capital prefix and the others without, and Graph can add none directly (Entra reference §3.2).

use jiff::Timestamp;
use serde_json::json;

use crate::directory::User;
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::tenant::Tenant;

impl Tenant {
    /// The address that a user's mail comes from: `mail`, or the user principal name once there is a mailbox.
    pub(crate) fn primary_address(&self, user: &User, now: Timestamp) -> Option<String> {
        let has_mailbox = || self.mailbox_due(user).is_some_and(|due| due <= now);
        user.mail.clone().or_else(|| has_mailbox().then(|| user.upn.clone()))
    }

    /// Every address that delivers to the user, the primary one first.
    pub(crate) fn addresses(&self, user: &User, now: Timestamp) -> Vec<String> {
        let mut addresses: Vec<String> = self.primary_address(user, now).into_iter().collect();
        let aliases = self.workloads.profiles.get(&user.id).into_iter().flat_map(|profile| &profile.aliases);
        for alias in aliases {
            if !addresses.iter().any(|known| known.eq_ignore_ascii_case(alias)) {
                addresses.push(alias.clone());
            }
        }
        addresses
    }

    /// The user to whom an address delivers, aliases included.
    pub(crate) fn user_by_address(&self, address: &str, now: Timestamp) -> Option<&User> {
        self.perhaps_at(address)
            .into_iter()
            .filter(|user| user.life.is_visible(now))
            .find(|user| self.addresses(user, now).iter().any(|one| one.eq_ignore_ascii_case(address)))
    }

    /// Everybody who has that address as a name or as mail, or has had it, in the order of their ids.
    fn perhaps_at(&self, address: &str) -> Vec<&User> {
        let mut users = self.users.named(address);
        let former = self.workloads.profiles.entries_named(address).into_iter();
        users.extend(former.filter_map(|(id, _)| self.users.get(id)));
        users.sort_by_key(|user| &user.id);
        users
    }
}

/// `proxyAddresses`.
pub(super) fn proxy_addresses(tenant: &Tenant, user: &User, now: Timestamp) -> Vec<String> {
    let prefixed = |(at, address): (usize, String)| match at {
        0 => format!("SMTP:{address}"),
        _ => format!("smtp:{address}"),
    };
    let has_primary = tenant.primary_address(user, now).is_some();
    let skip = usize::from(!has_primary);
    tenant.addresses(user, now).into_iter().enumerate().map(|(at, one)| prefixed((at + skip, one))).collect()
}

/// Refuses an address that is another's, be it a user's or a group's.
pub(super) fn check_address(call: &Call<'_>, address: &str, except: Option<&str>) -> Result<(), GraphError> {
    let of_user = call.tenant.perhaps_at(address).into_iter().any(|user| {
        user.life.is_live()
            && Some(user.id.as_str()) != except
            && (user.upn.eq_ignore_ascii_case(address)
                || call.tenant.addresses(user, call.now).iter().any(|one| one.eq_ignore_ascii_case(address)))
    });
    let of_group = call.tenant.workloads.groups.named(address).into_iter().any(|group| {
        group.life.is_live() && group.mail.as_ref().is_some_and(|mail| mail.eq_ignore_ascii_case(address))
    });
    if !of_user && !of_group {
        return Ok(());
    }
    let message = "Another object with the same value for property proxyAddresses already exists.";
    let mut error = GraphError::bad_request(message);
    error.details.push(json!({ "code": "ObjectConflict", "message": message, "target": "proxyAddresses" }));
    Err(error)
}

/// The address that stops being the primary one goes on delivering.
pub(super) fn keep(call: &mut Call<'_>, user: &User, earlier: Option<String>) {
    let Some(earlier) = earlier else { return };
    let current = call.tenant.primary_address(user, call.now);
    let aliases = &mut call.tenant.workloads.profiles.get_or_default(&user.id).aliases;
    // The new primary address is no alias any more.
    aliases.retain(|one| !current.as_ref().is_some_and(|current| current.eq_ignore_ascii_case(one)));
    let is_current = current.as_ref().is_some_and(|current| current.eq_ignore_ascii_case(&earlier));
    if !is_current && !aliases.iter().any(|one| one.eq_ignore_ascii_case(&earlier)) {
        aliases.push(earlier);
    }
}
