//! The three identities under which provisioning speaks to Graph, for one cell in one tenant.

use std::sync::Arc;

use attache_entra::{ClientCredential, Resource};
use attache_graph::Graph;
use attache_terms::{AppId, TenantId, UserId};

use crate::Gateway;

/// As whom provisioning speaks.
pub(crate) struct TenantClients {
    gateway: Arc<Gateway>,
    tenant: TenantId,
    provisioner: (AppId, ClientCredential),
    blueprint: ClientCredential,
}

impl TenantClients {
    /// With the tenant's provisioner and the cell's key.
    pub(crate) fn new(
        gateway: &Arc<Gateway>,
        tenant: TenantId,
        provisioner: (AppId, ClientCredential),
        blueprint: ClientCredential,
    ) -> Self {
        Self { gateway: Arc::clone(gateway), tenant, provisioner, blueprint }
    }

    fn resource(&self) -> Resource {
        Resource::graph(self.gateway.entra.cloud())
    }

    fn application(&self, app: AppId, credential: &ClientCredential) -> Graph {
        let entra = &self.gateway.entra;
        self.gateway.graph(entra.application(self.tenant, app, credential.clone(), self.resource()))
    }
}

impl attache_provision::Clients for TenantClients {
    fn bootstrap(&self) -> Graph {
        let (app, credential) = &self.provisioner;
        self.application(*app, credential)
    }

    fn blueprint(&self, blueprint: AppId) -> Graph {
        self.application(blueprint, &self.blueprint)
    }

    fn agent_user(&self, blueprint: AppId, agent: AppId, user: UserId) -> Graph {
        self.gateway.as_agent_user(self.tenant, self.blueprint.clone(), blueprint, agent, user)
    }
}
