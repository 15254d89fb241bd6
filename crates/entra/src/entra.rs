//! One cloud's Entra ID, as this process speaks to it: the connections, the cache and the clocks that every
//! token source shares.

use std::sync::Arc;

use attache_keys::{SecretName, SecretStore};
use attache_terms::{AppId, Clock, Cloud, Rng, TenantId, UserId};

use crate::agent::{AgentIdentity, AgentUser, OwnAssertion};
use crate::application::Application;
use crate::cache::{CAPACITY, Cache};
use crate::delegated::Delegated;
use crate::{ClientCredential, Resource, Scopes, SignedIn, T1Source, TokenSource, Transport};

/// Entra ID of one cloud. Make one for a process, and every source from it.
pub struct Entra {
    cloud: Cloud,
    transport: Transport,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) cache: Arc<Cache>,
}

impl Entra {
    /// Nothing is read, sent or connected yet.
    pub fn new(cloud: Cloud, transport: Transport, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Arc<Self> {
        let cache = Cache::new(Arc::clone(&clock), CAPACITY);
        Arc::new(Self { cloud, transport, clock, rng, cache })
    }

    /// The cloud.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// What builds the HTTP client.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// An application's own tokens (client credentials): a provisioner's, or a blueprint's for its children.
    pub fn application(
        self: &Arc<Self>,
        tenant: TenantId,
        app: AppId,
        credential: ClientCredential,
        resource: Resource,
    ) -> Arc<dyn TokenSource> {
        Application::source(self, tenant, app, credential, resource)
    }

    /// T1 from the blueprint's own credential.
    pub fn own_assertion(
        self: &Arc<Self>,
        tenant: TenantId,
        blueprint: AppId,
        credential: ClientCredential,
    ) -> Arc<dyn T1Source> {
        Arc::new(OwnAssertion::new(self, tenant, blueprint, credential))
    }

    /// An agent identity's own, app-only tokens (hop 2 for an API).
    pub fn agent_identity(
        self: &Arc<Self>,
        tenant: TenantId,
        t1: Arc<dyn T1Source>,
        agent_identity: AppId,
        resource: Resource,
    ) -> Arc<dyn TokenSource> {
        AgentIdentity::source(self, tenant, t1, agent_identity, resource)
    }

    /// An agent user's tokens (hops 1 to 3).
    pub fn agent_user(
        self: &Arc<Self>,
        tenant: TenantId,
        t1: Arc<dyn T1Source>,
        agent_identity: AppId,
        user: UserId,
        resource: Resource,
    ) -> Arc<dyn TokenSource> {
        AgentUser::source(self, tenant, t1, agent_identity, user, resource)
    }

    /// A signed-in person's tokens, from the refresh token that the sign-in kept in `store` under `name`.
    pub fn delegated(
        self: &Arc<Self>,
        account: &SignedIn,
        client: AppId,
        scopes: Scopes,
        store: Arc<dyn SecretStore>,
        name: SecretName,
    ) -> Arc<dyn TokenSource> {
        Delegated::source(self, account, client, scopes, store, name)
    }

    /// Forgets the tokens of one user of one client, as a sign-out does.
    pub fn forget(&self, tenant: TenantId, client: AppId, user: UserId) {
        self.cache.forget(tenant, client, user);
    }
}
