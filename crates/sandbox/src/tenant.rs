//! One tenant, whole, in memory: what Entra and Graph read and write. It serialises as it stands.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::changes::Change;
use crate::directory::{
    Application, DelegatedGrant, Objects, RoleAssignment, ServicePlan, ServicePrincipal, Sku, User,
    VerifiedDomains,
};
use crate::entra::Entra;
use crate::graph::Workloads;
use crate::sharing::{SnapshotList, parts, whole};

/// The app id of Microsoft Graph in every tenant.
pub(crate) const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// A directory and its workloads. Object maps are keyed by object id, in lower case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) created: Timestamp,
    /// Verified domains; the first is the default one.
    pub(crate) domains: VerifiedDomains,
    pub(crate) users: Objects<User>,
    pub(crate) applications: Objects<Application>,
    pub(crate) service_principals: Objects<ServicePrincipal>,
    pub(crate) grants: SnapshotList<DelegatedGrant>,
    pub(crate) role_assignments: SnapshotList<RoleAssignment>,
    pub(crate) skus: Vec<Sku>,
    /// Sign-in state: codes, device codes.
    pub(crate) entra: Entra,
    /// The state of workloads that only Graph looks at: chats, mail.
    #[serde(default)]
    pub(crate) workloads: Workloads,
    /// What the call in progress did; published when it stands.
    #[serde(skip)]
    pub(crate) changes: Vec<Change>,
}

parts!(Tenant {
    domains, users, applications, service_principals, grants, role_assignments, entra, workloads,
} whole {
    id, display_name, created, skus,
} but {
    changes,
});

whole!(User, Application, ServicePrincipal, DelegatedGrant, RoleAssignment);

impl Tenant {
    /// Notes a change, for subscriptions and for those who wait.
    pub(crate) fn changed(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// A user that readers see now, by object id or user principal name.
    pub(crate) fn user(&self, key: &str, now: Timestamp) -> Option<&User> {
        let key = key.to_ascii_lowercase();
        self.users.get(&key).or_else(|| self.user_by_upn(&key)).filter(|user| user.life.is_visible(now))
    }

    /// The user of that user principal name that is not deleted.
    pub(crate) fn user_by_upn(&self, upn: &str) -> Option<&User> {
        let users = self.users.named(upn).into_iter();
        users.filter(|user| user.upn.eq_ignore_ascii_case(upn)).find(|user| user.life.is_live())
    }

    /// The agent users of an agent identity that are not deleted.
    pub(crate) fn agent_users_of(&self, identity_id: &str) -> impl Iterator<Item = &User> {
        self.users.children(identity_id).into_iter().filter(|user| user.life.is_live())
    }

    /// An application that readers see now, by object id.
    pub(crate) fn application(&self, id: &str, now: Timestamp) -> Option<&Application> {
        self.applications.get(&id.to_ascii_lowercase()).filter(|app| app.life.is_visible(now))
    }

    /// An application that readers see now, by app (client) id: registered here, or in another tenant and used
    /// here.
    pub(crate) fn application_by_app_id(&self, app_id: &str, now: Timestamp) -> Option<&Application> {
        self.registered(app_id, now).or_else(|| {
            let foreign = self.workloads.foreign.get(&app_id.to_ascii_lowercase());
            foreign.map(|foreign| &foreign.application)
        })
    }

    /// An application that is registered here and that readers see now.
    pub(crate) fn registered(&self, app_id: &str, now: Timestamp) -> Option<&Application> {
        let apps = self.applications.named(app_id).into_iter();
        apps.filter(|app| app.app_id.eq_ignore_ascii_case(app_id)).find(|app| app.life.is_visible(now))
    }

    /// A service principal that readers see now, by object id.
    pub(crate) fn service_principal(&self, id: &str, now: Timestamp) -> Option<&ServicePrincipal> {
        self.service_principals.get(&id.to_ascii_lowercase()).filter(|sp| sp.life.is_visible(now))
    }

    /// A service principal that readers see now, by app (client) id.
    pub(crate) fn service_principal_by_app_id(
        &self,
        app_id: &str,
        now: Timestamp,
    ) -> Option<&ServicePrincipal> {
        self.principals_of(app_id).find(|sp| sp.life.is_visible(now))
    }

    /// The service principals of an app (client) id, deleted ones included.
    pub(crate) fn principals_of(&self, app_id: &str) -> impl Iterator<Item = &ServicePrincipal> {
        let named = self.service_principals.named(app_id).into_iter();
        named.filter(move |sp| sp.app_id.eq_ignore_ascii_case(app_id))
    }

    /// The agent identities of a blueprint, by its app id, deleted ones included.
    pub(crate) fn children_of(&self, blueprint_id: &str) -> impl Iterator<Item = &ServicePrincipal> {
        self.service_principals.children(blueprint_id).into_iter()
    }

    /// When the user has a mailbox (`mailbox`), if a licence brings one; compare with the clock.
    pub(crate) fn mailbox_due(&self, user: &User) -> Option<Timestamp> {
        self.licence_due(user, ServicePlan::brings_mailbox, |licence| licence.mailbox)
    }

    /// When the user has Teams, if a licence brings it; compare with the clock.
    pub(crate) fn teams_due(&self, user: &User) -> Option<Timestamp> {
        self.licence_due(user, ServicePlan::brings_teams, |licence| licence.teams)
    }

    /// When the user has a OneDrive, if a licence brings one; compare with the clock. It comes as the mailbox
    /// does.
    pub(crate) fn drive_due(&self, user: &User) -> Option<Timestamp> {
        self.licence_due(user, ServicePlan::brings_drive, |licence| licence.mailbox)
    }

    fn licence_due(
        &self,
        user: &User,
        brings: fn(&ServicePlan) -> bool,
        due: fn(&crate::directory::AssignedLicence) -> Timestamp,
    ) -> Option<Timestamp> {
        user.licences
            .iter()
            .filter(|licence| {
                self.skus.iter().filter(|sku| sku.sku_id == licence.sku_id).any(|sku| {
                    sku.plans.iter().any(|plan| brings(plan) && !licence.disabled_plans.contains(&plan.id))
                })
            })
            .map(due)
            .min()
    }

    /// The object id of Microsoft Graph's service principal here.
    pub(crate) fn graph_id(&self) -> &str {
        self.principals_of(GRAPH_APP_ID).next().map_or("", |sp| sp.id.as_str())
    }
}
