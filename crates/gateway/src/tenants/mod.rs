//! The tenants in which identities live, and as whom the gateway speaks there: the provisioner of a
//! tenant, a cell's blueprint, an agent user.

mod clients;
mod home;

pub(crate) use clients::TenantClients;
pub(crate) use home::Home;

use attache_entra::{ClientCredential, Resource};
use attache_graph::Graph;
use attache_terms::{AppId, TenantId, UserId};

use crate::Gateway;
use crate::config::HostedTenant;

impl Gateway {
    /// A hosted tenant of ours.
    pub(crate) fn hosted(&self, tenant: TenantId) -> Option<&HostedTenant> {
        self.config.hosted.iter().find(|hosted| hosted.tenant == tenant)
    }

    /// Graph as the provisioner of a tenant in which identities live.
    pub(crate) fn provisioner(&self, home: &Home) -> Graph {
        let (app, resource) = (&home.provisioner, Resource::graph(self.entra.cloud()));
        self.graph(self.entra.application(home.tenant, app.client_id, app.credential(), resource))
    }

    /// Graph as an agent user, by three hops.
    pub(crate) fn as_agent_user(
        &self,
        tenant: TenantId,
        blueprint_credential: ClientCredential,
        blueprint: AppId,
        agent: AppId,
        user: UserId,
    ) -> Graph {
        let t1 = self.entra.own_assertion(tenant, blueprint, blueprint_credential);
        let resource = Resource::graph(self.entra.cloud());
        self.graph(self.entra.agent_user(tenant, t1, agent, user, resource))
    }

    /// Graph as whoever `source` gives tokens for.
    pub(crate) fn graph(&self, source: std::sync::Arc<dyn attache_entra::TokenSource>) -> Graph {
        let transport = self.entra.transport().clone();
        Graph::new(self.entra.cloud(), transport, source, self.clock.clone(), self.rng.clone())
    }
}
