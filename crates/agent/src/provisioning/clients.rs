//! The three identities under which provisioning speaks to Graph: the provisioner application for what only an
//! administrator's grant allows, the blueprint for its own children, the agent user for the last proofs.

use std::sync::Arc;

use attache_entra::{ClientCredential, Entra, Resource};
use attache_graph::Graph;
use attache_terms::{AppId, Clock, Rng, TenantId, UserId};

use super::ProvisioningError;
use crate::connect::Connections;
use crate::identity::BlueprintKey;

pub(super) struct Clients {
    entra: Arc<Entra>,
    tenant: TenantId,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    provisioner: (AppId, ClientCredential),
    blueprint: ClientCredential,
}

impl Clients {
    pub(super) async fn connect(
        connections: &Connections,
        key: &BlueprintKey,
    ) -> Result<Self, ProvisioningError> {
        let settings = connections.settings();
        let provisioner = settings.provisioner.clone().ok_or(ProvisioningError::NoProvisioner)?;
        Ok(Self {
            entra: connections.entra().await?.clone(),
            tenant: settings.tenant,
            clock: connections.clock().clone(),
            rng: connections.rng().clone(),
            provisioner: (provisioner.client_id, ClientCredential::Secret(provisioner.client_secret)),
            blueprint: key.credential(),
        })
    }

    fn graph(&self, source: Arc<dyn attache_entra::TokenSource>) -> Graph {
        let (cloud, transport) = (self.entra.cloud(), self.entra.transport().clone());
        Graph::new(cloud, transport, source, self.clock.clone(), self.rng.clone())
    }

    fn resource(&self) -> Resource {
        Resource::graph(self.entra.cloud())
    }
}

impl attache_provision::Clients for Clients {
    fn bootstrap(&self) -> Graph {
        let (app, credential) = self.provisioner.clone();
        self.graph(self.entra.application(self.tenant, app, credential, self.resource()))
    }

    fn blueprint(&self, blueprint: AppId) -> Graph {
        let credential = self.blueprint.clone();
        self.graph(self.entra.application(self.tenant, blueprint, credential, self.resource()))
    }

    fn agent_user(&self, blueprint: AppId, agent: AppId, user: UserId) -> Graph {
        let t1 = self.entra.own_assertion(self.tenant, blueprint, self.blueprint.clone());
        self.graph(self.entra.agent_user(self.tenant, t1, agent, user, self.resource()))
    }
}
