//! The three identities under which provisioning speaks to Graph, for one cell in one tenant.

use std::sync::Arc;

use attache_entra::{ClientCredential, Resource};
use attache_graph::Graph;
use attache_terms::{AppId, Boot, TenantId, UserId};

use crate::Gateway;
use crate::config::ClientApp;

/// As whom provisioning speaks.
pub(crate) struct TenantClients {
    gateway: Arc<Gateway>,
    tenant: TenantId,
    provisioner: ClientApp,
    blueprint: ClientCredential,
    deadline: Option<Boot>,
}

impl TenantClients {
    /// With the tenant's provisioner and the cell's key.
    pub(crate) fn new(
        gateway: &Arc<Gateway>,
        tenant: TenantId,
        provisioner: ClientApp,
        blueprint: ClientCredential,
    ) -> Self {
        Self { gateway: Arc::clone(gateway), tenant, provisioner, blueprint, deadline: None }
    }

    /// From now on, nothing is sent after this.
    pub(crate) fn send_before(&mut self, deadline: Boot) {
        self.deadline = Some(deadline);
    }

    fn in_time(&self, graph: Graph) -> Graph {
        match self.deadline {
            Some(deadline) => graph.before(deadline),
            None => graph,
        }
    }

    fn resource(&self) -> Resource {
        Resource::graph(self.gateway.entra.cloud())
    }

    fn application(&self, app: AppId, credential: ClientCredential) -> Graph {
        let source = self.gateway.entra.application(self.tenant, app, credential, self.resource());
        self.in_time(self.gateway.graph(source))
    }
}

impl attache_provision::Clients for TenantClients {
    fn bootstrap(&self) -> Graph {
        self.application(self.provisioner.client_id, self.provisioner.credential())
    }

    fn blueprint(&self, blueprint: AppId) -> Graph {
        self.application(blueprint, self.blueprint.clone())
    }

    fn agent_user(&self, blueprint: AppId, agent: AppId, user: UserId) -> Graph {
        let credential = self.blueprint.clone();
        self.in_time(self.gateway.as_agent_user(self.tenant, credential, blueprint, agent, user))
    }
}
