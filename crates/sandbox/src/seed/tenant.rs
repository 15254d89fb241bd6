//! The seeded tenant: Contoso, its people, applications, subscriptions and consents.

use jiff::{Span, Timestamp};
use serde_json::json;

use crate::directory::{
    Application, ApplicationKind, ConsentType, DelegatedGrant, Life, Objects, PasswordCredential,
    RoleAssignment, ServicePlan, ServicePrincipal, ServicePrincipalKind, Sku, User, UserKind,
};
use crate::entra::Entra;
use crate::first_party::FIRST_PARTY;
use crate::graph::permission;
use crate::sharing::SnapshotList;
use crate::tenant::{GRAPH_APP_ID, Tenant};

use super::{Source, constants};

/// The app id of the token-exchange resource (`api://AzureADTokenExchange`), Entra reference §1.11.
pub(crate) const EXCHANGE_APP_ID: &str = "fb60f99c-7a34-4190-8149-302f77469936";

/// The application permissions of the provisioning chain (Entra reference §2.8), bootstrap included.
const PROVISIONER_ROLES: [&str; 18] = [
    "AgentIdentityBlueprint.Create",
    "AgentIdentityBlueprint.ReadWrite.All",
    "AgentIdentityBlueprint.AddRemoveCreds.All",
    "AgentIdentityBlueprint.DeleteRestore.All",
    "AgentIdentityBlueprintPrincipal.Create",
    "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    "AgentIdentityBlueprintPrincipal.DeleteRestore.All",
    "AgentIdentity.Read.All",
    "AgentIdentity.ReadWrite.All",
    "AgentIdentity.DeleteRestore.All",
    "AgentIdUser.ReadWrite.All",
    "Application.Read.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "LicenseAssignment.ReadWrite.All",
    "Organization.Read.All",
    "Domain.Read.All",
    "User.Read.All",
];

/// What the client app may do in everybody's name.
const CLIENT_SCOPES: &str = "openid profile email offline_access User.Read User.ReadBasic.All Chat.Create \
     Chat.Read Chat.ReadWrite ChatMessage.Send ChatMember.Read ChatMember.ReadWrite Mail.ReadBasic \
     Files.ReadWrite Files.ReadWrite.All";

/// The tenant at `now`.
pub(crate) fn tenant(source: &Source, now: Timestamp) -> Tenant {
    let mut seed = Seeding { source, now, tenant: empty(source, now) };
    let graph = seed.resource("a77ac4e0-0000-4000-8000-000000000301", GRAPH_APP_ID, "Microsoft Graph");
    seed.resource("a77ac4e0-0000-4000-8000-000000000302", EXCHANGE_APP_ID, "AAD Token Exchange");
    seed.first_party();
    seed.people();
    seed.provisioner(&graph);
    seed.client(&graph);
    seed.tenant
}

fn empty(source: &Source, now: Timestamp) -> Tenant {
    let sku = |sku_id: &str, part_number: &str, seats, plans: &[(&str, &str)]| Sku {
        sku_id: sku_id.to_owned(),
        part_number: part_number.to_owned(),
        seats,
        plans: plans
            .iter()
            .map(|(id, name)| ServicePlan { id: (*id).to_owned(), name: (*name).to_owned() })
            .collect(),
    };
    const TEAMS: (&str, &str) = ("57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1");
    const PREMIUM: (&str, &str) = ("41781fb2-bc02-4b7c-bd55-b576c07bb09d", "AAD_PREMIUM");
    const EXCHANGE_STANDARD: (&str, &str) = ("9aaf7827-d63c-4b61-89c3-182f06f82e5c", "EXCHANGE_S_STANDARD");
    const EXCHANGE_ENTERPRISE: (&str, &str) =
        ("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE");
    const SHAREPOINT_STANDARD: (&str, &str) = ("c7699d2e-19aa-44de-8edf-1736da088ca1", "SHAREPOINTSTANDARD");
    const SHAREPOINT_ENTERPRISE: (&str, &str) =
        ("5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE");
    const AUDIO_CONFERENCING: (&str, &str) = ("3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40", "MCOMEETADV");
    Tenant {
        id: source.id(constants::TENANT_ID),
        display_name: "Contoso".to_owned(),
        created: now,
        domains: source.domains().iter().collect(),
        users: Objects::new(),
        applications: Objects::new(),
        service_principals: Objects::new(),
        grants: SnapshotList::default(),
        role_assignments: SnapshotList::default(),
        skus: vec![
            sku(
                "3b555118-da6a-4418-894f-7df1e2096870",
                "O365_BUSINESS_ESSENTIALS",
                25,
                &[EXCHANGE_STANDARD, TEAMS, SHAREPOINT_STANDARD],
            ),
            sku(
                "05e9a617-0261-4cee-bb44-138d3ef5d965",
                "SPE_E3",
                10,
                &[EXCHANGE_ENTERPRISE, TEAMS, SHAREPOINT_ENTERPRISE, PREMIUM],
            ),
            sku(
                "dcf0408c-aaec-446c-afd4-43e3683943ea",
                "Microsoft_365_E3_(no_Teams)",
                2,
                &[EXCHANGE_ENTERPRISE, SHAREPOINT_ENTERPRISE, PREMIUM],
            ),
            sku("0c266dff-15dd-4b49-8397-2bb16070ed52", "MCOMEETADV", 10, &[AUDIO_CONFERENCING]),
        ],
        entra: Entra::new(&source.secret("the key of codes, refresh tokens and sessions")),
        changes: Vec::new(),
        workloads: crate::graph::Workloads::default(),
    }
}

struct Seeding<'a> {
    source: &'a Source,
    now: Timestamp,
    tenant: Tenant,
}

impl Seeding<'_> {
    fn life(&self) -> Life {
        Life::new(self.now, self.now)
    }

    fn principal(&mut self, constant: &str, app_id: &str, name: &str) -> String {
        let id = self.source.id(constant);
        let life = self.life();
        let principal = ServicePrincipal::new(
            id.clone(),
            app_id.to_owned(),
            life,
            ServicePrincipalKind::Application,
            name,
        );
        self.tenant.service_principals.insert(id.clone(), principal);
        id
    }

    /// A resource of Microsoft's: its object id differs per tenant.
    fn resource(&mut self, constant: &str, app_id: &str, name: &str) -> String {
        self.principal(constant, app_id, name)
    }

    /// What no API stands behind here.
    fn first_party(&mut self) {
        for (number, known) in (303..).zip(&FIRST_PARTY) {
            self.resource(&format!("a77ac4e0-0000-4000-8000-000000000{number}"), known.app_id, known.name);
        }
    }

    fn people(&mut self) {
        for (id, given, family, password, is_admin) in [
            (constants::ADA_ID, "Ada", "Lovelace", constants::ADA_PASSWORD, true),
            (constants::GRACE_ID, "Grace", "Hopper", constants::GRACE_PASSWORD, false),
            (constants::ALAN_ID, "Alan", "Turing", constants::ALAN_PASSWORD, false),
        ] {
            let id = self.source.id(id);
            let nickname = given.to_lowercase();
            let upn = format!("{nickname}@{}", self.tenant.domains.first().unwrap_or_default());
            let user = User {
                id: id.clone(),
                life: self.life(),
                kind: UserKind::Person,
                upn: upn.clone(),
                display_name: format!("{given} {family}"),
                mail_nickname: nickname,
                mail: Some(upn),
                account_enabled: true,
                usage_location: Some("GB".to_owned()),
                usage_location_effective: self.now,
                password: Some(self.source.secret(password)),
                must_change_password: false,
                registered: None,
                is_admin,
                sessions_valid_from: self.now,
                licences: vec![crate::directory::AssignedLicence {
                    sku_id: "05e9a617-0261-4cee-bb44-138d3ef5d965".to_owned(),
                    disabled_plans: Vec::new(),
                    assigned: self.now,
                    mailbox: self.now,
                    teams: self.now,
                }],
                sponsors: Vec::new(),
                other: [("givenName".to_owned(), json!(given)), ("surname".to_owned(), json!(family))]
                    .into_iter()
                    .collect(),
            };
            self.tenant.users.insert(id, user);
        }
    }

    fn provisioner(&mut self, graph: &str) {
        let app_id = self.source.id(constants::PROVISIONER_CLIENT_ID);
        let mut app = self.application("a77ac4e0-0000-4000-8000-000000000201", &app_id, "Provisioner");
        app.passwords.push(PasswordCredential {
            key_id: self.source.id("a77ac4e0-0000-4000-8000-000000000401"),
            secret: self.source.secret(constants::PROVISIONER_SECRET),
            display_name: Some("sandbox".to_owned()),
            start: self.now,
            end: self.now.to_zoned(jiff::tz::TimeZone::UTC).saturating_add(Span::new().years(20)).timestamp(),
            effective: self.now,
        });
        self.tenant.applications.insert(app.id.clone(), app);
        let principal = self.principal("a77ac4e0-0000-4000-8000-000000000311", &app_id, "Provisioner");
        for (index, role) in PROVISIONER_ROLES.iter().enumerate() {
            let Some(role_id) = permission(role).and_then(|permission| permission.role_id) else { continue };
            self.tenant.role_assignments.push(RoleAssignment {
                id: self.source.id(&format!("a77ac4e0-0000-4000-8000-0000000005{index:02}")),
                principal_id: principal.clone(),
                resource_id: graph.to_owned(),
                role_id: role_id.to_owned(),
                created: self.now,
                effective: self.now,
            });
        }
    }

    fn client(&mut self, graph: &str) {
        let app_id = self.source.id(constants::CLIENT_ID);
        let mut app = self.application("a77ac4e0-0000-4000-8000-000000000202", &app_id, "Desktop client");
        app.public_redirects = vec!["http://localhost".to_owned(), "http://127.0.0.1".to_owned()];
        app.is_public = true;
        self.tenant.applications.insert(app.id.clone(), app);
        let principal = self.principal("a77ac4e0-0000-4000-8000-000000000312", &app_id, "Desktop client");
        let mut grant =
            DelegatedGrant::new(&principal, ConsentType::AllPrincipals, graph, CLIENT_SCOPES, self.now);
        grant.id = self.source.id("a77ac4e0-0000-4000-8000-000000000601").replace('-', "");
        self.tenant.grants.push(grant);
    }

    fn application(&self, constant: &str, app_id: &str, name: &str) -> Application {
        let id = self.source.id(constant);
        Application::new(id, app_id.to_owned(), self.life(), ApplicationKind::Ordinary, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Seed;

    #[test]
    fn every_role_and_scope_of_the_seeded_apps_is_one_that_graph_publishes() {
        for role in PROVISIONER_ROLES {
            assert!(permission(role).is_some_and(|permission| permission.role_id.is_some()), "{role}");
        }
        for scope in CLIENT_SCOPES.split_whitespace() {
            assert!(permission(scope).is_some_and(|permission| permission.scope_id.is_some()), "{scope}");
        }
    }

    #[test]
    fn the_seeded_ids_are_all_different() {
        let tenant = tenant(&Source::new(Seed::Constants), Timestamp::UNIX_EPOCH);
        let mut ids: Vec<&str> = tenant.users.keys().collect();
        ids.extend(tenant.applications.keys());
        ids.extend(tenant.service_principals.keys());
        ids.extend(tenant.role_assignments.iter().map(|assignment| assignment.id.as_str()));
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
