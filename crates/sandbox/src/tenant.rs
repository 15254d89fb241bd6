//! One tenant, whole, in memory: what Entra and Graph read and write. It serialises as it stands.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::changes::Change;
use crate::directory::{
    Application, DelegatedGrant, Objects, RoleAssignment, ServicePlan, ServicePrincipal, Sku, User,
};
use crate::entra::Entra;
use crate::graph::Workloads;

/// The app id of Microsoft Graph in every tenant.
pub(crate) const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// A directory and its workloads. Object maps are keyed by object id, in lower case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) created: Timestamp,
    /// Verified domains; the first is the default one.
    pub(crate) domains: Vec<String>,
    pub(crate) users: Objects<User>,
    pub(crate) applications: Objects<Application>,
    pub(crate) service_principals: Objects<ServicePrincipal>,
    pub(crate) grants: Vec<DelegatedGrant>,
    pub(crate) role_assignments: Vec<RoleAssignment>,
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

impl Tenant {
    /// Notes a change, for subscriptions and for those who wait.
    pub(crate) fn changed(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// A user that readers see now, by object id or user principal name.
    pub(crate) fn user(&self, key: &str, now: Timestamp) -> Option<&User> {
        let key = key.to_ascii_lowercase();
        self.users
            .get(&key)
            .or_else(|| self.users.named(&key).into_iter().find(|user| user.life.is_live()))
            .filter(|user| user.life.is_visible(now))
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
        self.applications.named(app_id).into_iter().find(|app| app.life.is_visible(now))
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
        self.service_principals.named(app_id).into_iter().find(|sp| sp.life.is_visible(now))
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
        self.service_principals.named(GRAPH_APP_ID).first().map_or("", |sp| sp.id.as_str())
    }
}
