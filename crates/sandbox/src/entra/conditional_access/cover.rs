//! Whether a policy concerns a sign-in: user, group, role, guest, client, resource, flow, platform, location and
//! device.

use crate::directory::{ServicePrincipal, User};

use super::device_filter::DeviceRule;
use super::policy::{
    Applications, ClientApplications, Conditions, Devices, ExternalTenants, Externals, FilterMode, Locations,
    Platforms, Users,
};
use super::{Flow, Situation, Subject};

impl Conditions {
    pub(super) fn cover(&self, situation: &Situation<'_>) -> bool {
        // No sign-in here is risky.
        let has_no_risk =
            [&self.user_risk_levels, &self.sign_in_risk_levels, &self.service_principal_risk_levels]
                .iter()
                .all(|levels| levels.is_empty() || levels.iter().any(|level| level == "none"));
        let subject = match situation.subject {
            Subject::User(user) => {
                self.users.as_ref().is_some_and(|users| users.cover(user, situation))
                    && self.covers_client(situation)
            }
            Subject::Workload(principal) => {
                self.client_applications.as_ref().is_some_and(|clients| clients.cover(principal))
            }
        };
        has_no_risk
            && subject
            && self.applications.cover(situation)
            && self.covers_flow(situation)
            && self.platforms.as_ref().is_none_or(|platforms| platforms.cover(situation))
            && self.locations.as_ref().is_none_or(|locations| locations.cover(situation))
            && self.devices.as_ref().is_none_or(|devices| devices.cover(situation))
    }

    fn covers_client(&self, situation: &Situation<'_>) -> bool {
        let kind = if situation.flow == Flow::Browser { "browser" } else { "mobileAppsAndDesktopClients" };
        self.client_app_types.is_empty()
            || self.client_app_types.iter().any(|known| known == "all" || known == kind)
    }

    fn covers_flow(&self, situation: &Situation<'_>) -> bool {
        let methods = self.authentication_flows.as_ref().map_or("", |flows| &flows.transfer_methods);
        let mut wanted = methods.split(',').map(str::trim).filter(|one| !one.is_empty() && *one != "none");
        match wanted.next() {
            None => true,
            Some(first) => {
                situation.flow == Flow::DeviceCode
                    && std::iter::once(first).chain(wanted).any(|one| one == "deviceCodeFlow")
            }
        }
    }
}

fn names(list: &[String], name: &str) -> bool {
    list.iter().any(|one| one.eq_ignore_ascii_case(name))
}

impl Users {
    fn cover(&self, user: &User, situation: &Situation<'_>) -> bool {
        let is_agent = user.identity_parent_id().is_some();
        // Agent users are targeted by one scope, all of them together (§13).
        if is_agent && !names(&self.include_users, "AllAgentIdUsers") {
            return false;
        }
        let everybody = if is_agent { "AllAgentIdUsers" } else { "All" };
        let is = |users: &[String], groups: &[String], roles: &[String], externals: Option<&Externals>| {
            names(users, everybody)
                || names(users, &user.id)
                || (!is_agent && (is_in(groups, user, situation) || has_role(roles, user, situation)))
                || (names(users, "GuestsOrExternalUsers") && kind_of(user, situation).is_some())
                || externals.is_some_and(|externals| externals.cover(user, situation))
        };
        let including = self.include_guests_or_external_users.as_ref();
        let excluding = self.exclude_guests_or_external_users.as_ref();
        is(&self.include_users, &self.include_groups, &self.include_roles, including)
            && !is(&self.exclude_users, &self.exclude_groups, &self.exclude_roles, excluding)
    }
}

/// What kind of guest or external user somebody is, if any: invited ones have a home elsewhere.
fn kind_of(user: &User, situation: &Situation<'_>) -> Option<&'static str> {
    let is_guest = user.is_guest();
    match (situation.tenant.entra.guests.contains_key(&user.id), is_guest) {
        (true, true) => Some("b2bCollaborationGuest"),
        (true, false) => Some("b2bCollaborationMember"),
        (false, true) => Some("internalGuest"),
        (false, false) => None,
    }
}

impl Externals {
    fn cover(&self, user: &User, situation: &Situation<'_>) -> bool {
        let Some(kind) = kind_of(user, situation) else { return false };
        let home = situation.tenant.entra.guests.get(&user.id).and_then(|guest| guest.home.as_ref());
        // A guest whose password is kept here comes from no other tenant.
        let is_from = match &self.external_tenants {
            Some(ExternalTenants::Enumerated { members, .. }) if kind != "internalGuest" => {
                home.is_some_and(|home| names(members, &home.tenant))
            }
            Some(ExternalTenants::All { .. } | ExternalTenants::Enumerated { .. }) | None => true,
        };
        is_from && self.guest_or_external_user_types.split(',').any(|one| one.trim() == kind)
    }
}

impl Devices {
    fn cover(&self, situation: &Situation<'_>) -> bool {
        let Some(filter) = &self.device_filter else { return true };
        // What cannot be read was refused when it was set.
        let holds = DeviceRule::parse(&filter.rule)
            .is_some_and(|rule| rule.holds(situation.whereabouts.device.as_ref()));
        holds == (filter.mode == FilterMode::Include)
    }
}

/// Whether the user is in one of the groups, directly or through another.
fn is_in(groups: &[String], user: &User, situation: &Situation<'_>) -> bool {
    let around = || situation.tenant.groups_around(&user.id, true, situation.now);
    !groups.is_empty() && around().iter().any(|group| names(groups, group))
}

/// Whether the user has one of the roles, by the ids of their templates.
fn has_role(roles: &[String], user: &User, situation: &Situation<'_>) -> bool {
    !roles.is_empty() && situation.tenant.roles_of(&user.id).iter().any(|role| names(roles, role.id))
}

impl Platforms {
    /// A client that does not say what it runs on is on no platform but `all`.
    fn cover(&self, situation: &Situation<'_>) -> bool {
        let platform = situation.whereabouts.platform.unwrap_or_default();
        let is = |list: &[String]| names(list, "all") || names(list, platform);
        is(&self.include_platforms) && !is(&self.exclude_platforms)
    }
}

impl Locations {
    fn cover(&self, situation: &Situation<'_>) -> bool {
        let known = &situation.tenant.entra.named_locations;
        let here = |trusted: bool, id: Option<&str>| {
            known.iter().any(|location| {
                id.is_none_or(|id| location.id.eq_ignore_ascii_case(id))
                    && (!trusted || location.is_trusted())
                    && location.covers(situation.whereabouts)
            })
        };
        let is = |list: &[String]| {
            list.iter().any(|one| match one.as_str() {
                "All" => true,
                "AllTrusted" => here(true, None),
                id => here(false, Some(id)),
            })
        };
        is(&self.include_locations) && !is(&self.exclude_locations)
    }
}

impl ClientApplications {
    fn cover(&self, principal: &ServicePrincipal) -> bool {
        let (include, exclude, everybody) = match principal.blueprint_id() {
            Some(_) => {
                (&self.include_agent_id_service_principals, &self.exclude_agent_id_service_principals, "All")
            }
            None => (
                &self.include_service_principals,
                &self.exclude_service_principals,
                "ServicePrincipalsInMyTenant",
            ),
        };
        let is = |list: &[String]| names(list, everybody) || names(list, &principal.id);
        is(include) && !is(exclude)
    }
}

impl Applications {
    fn cover(&self, situation: &Situation<'_>) -> bool {
        let is = |list: &[String]| names(list, "All") || names(list, situation.resource_app_id);
        is(&self.include_applications) && !is(&self.exclude_applications)
    }
}
