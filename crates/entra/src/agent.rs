//! The three hops to an agent user's token (Entra reference §1.10). T1 and T2 are bearer credentials of
//! about an hour; each is kept on its own, so that a warm T2 costs one request and not three.

use std::sync::Arc;

use async_trait::async_trait;
use attache_terms::{AppId, TenantId, UserId};

use crate::application::{Cached, Fetch, capabilities};
use crate::cache::{Key, Subject};
use crate::credential::assertion_fields;
use crate::endpoint::Form;
use crate::entra::Entra;
use crate::response::Grant;
use crate::sign_in::Authority;
use crate::{AccessToken, Claims, ClientCredential, Hop, Resource, TokenError, TokenFault, TokenSource};

/// Gives T1, the exchange token with which an agent identity proves itself. Our own comes from the
/// blueprint's credential; a gateway may give it to devices that do not have that credential.
#[async_trait]
pub trait T1Source: Send + Sync {
    /// T1 for this agent identity, valid now.
    async fn t1(&self, agent_identity: AppId) -> Result<AccessToken, TokenFault>;

    /// Says that Entra did not accept this T1: it must not be given again.
    fn refused(&self, agent_identity: AppId, token: &AccessToken);
}

/// T1 from the blueprint's own credential (hop 1).
pub(crate) struct OwnAssertion {
    shared: Arc<Blueprint>,
    tag: [u8; 16],
}

struct Blueprint {
    entra: Arc<Entra>,
    tenant: TenantId,
    blueprint: AppId,
    credential: ClientCredential,
    exchange: Resource,
}

impl OwnAssertion {
    pub(crate) fn new(
        entra: &Arc<Entra>,
        tenant: TenantId,
        blueprint: AppId,
        credential: ClientCredential,
    ) -> Self {
        let tag = credential.tag();
        let exchange = Resource::exchange(entra.cloud());
        let shared = Blueprint { entra: Arc::clone(entra), tenant, blueprint, credential, exchange };
        Self { shared: Arc::new(shared), tag }
    }
}

#[async_trait]
impl T1Source for OwnAssertion {
    async fn t1(&self, agent_identity: AppId) -> Result<AccessToken, TokenFault> {
        let key = Key {
            tenant: self.shared.tenant,
            client: self.shared.blueprint,
            subject: Subject::Exchange { credential: self.tag, agent_identity },
            scope: Arc::clone(self.shared.exchange.scope()),
            challenge: None,
        };
        let fetch = || {
            let shared = Arc::clone(&self.shared);
            async move { Ok(shared.hop_1(agent_identity).await?) }
        };
        self.shared.entra.cache.get(&key, fetch).await
    }

    fn refused(&self, _agent_identity: AppId, token: &AccessToken) {
        self.shared.entra.cache.refuse(token);
    }
}

impl Blueprint {
    async fn hop_1(&self, agent_identity: AppId) -> Result<Grant, TokenError> {
        let form = Form::new("client_credentials", self.blueprint)
            .with("scope", self.exchange.scope())
            .with("fmi_path", agent_identity)
            .proven(self.entra.prove(Hop::T1, self.tenant, self.blueprint, &self.credential).await?);
        self.entra.ask(Hop::T1, Authority::Tenant(self.tenant), form).await
    }
}

/// An agent identity that proves itself with T1.
pub(crate) struct AgentIdentity {
    entra: Arc<Entra>,
    tenant: TenantId,
    t1: Arc<dyn T1Source>,
    agent_identity: AppId,
    resource: Resource,
    hop: Hop,
}

impl AgentIdentity {
    /// The agent identity's app-only tokens for an API.
    pub(crate) fn source(
        entra: &Arc<Entra>,
        tenant: TenantId,
        t1: Arc<dyn T1Source>,
        agent_identity: AppId,
        resource: Resource,
    ) -> Arc<dyn TokenSource> {
        Self::of(entra, tenant, t1, agent_identity, resource, Hop::AgentIdentity)
    }

    fn of(
        entra: &Arc<Entra>,
        tenant: TenantId,
        t1: Arc<dyn T1Source>,
        agent_identity: AppId,
        resource: Resource,
        hop: Hop,
    ) -> Arc<dyn TokenSource> {
        let key = Key {
            tenant,
            client: agent_identity,
            subject: Subject::AgentIdentity,
            scope: Arc::clone(resource.scope()),
            challenge: None,
        };
        let fetch = Self { entra: Arc::clone(entra), tenant, t1, agent_identity, resource, hop };
        Arc::new(Cached::new(entra, key, fetch))
    }

    async fn hop_2(&self, t1: &AccessToken, challenge: Option<&Claims>) -> Result<Grant, TokenError> {
        let mut form = Form::new("client_credentials", self.agent_identity)
            .with("scope", self.resource.scope())
            .proven(assertion_fields((*t1.secret).clone()));
        if self.hop == Hop::AgentIdentity {
            form = form.with("claims", capabilities(self.hop, challenge)?);
        }
        self.entra.ask(self.hop, Authority::Tenant(self.tenant), form).await
    }
}

#[async_trait]
impl Fetch for AgentIdentity {
    async fn fetch(&self, challenge: Option<&Claims>) -> Result<Grant, TokenFault> {
        let t1 = self.t1.t1(self.agent_identity).await?;
        let error = match self.hop_2(&t1, challenge).await {
            Ok(grant) => return Ok(grant),
            Err(error) => error,
        };
        if !is_about_an_assertion(&error) {
            return Err(error.into());
        }
        // It may have been kept since before something changed; one that is new decides.
        self.t1.refused(self.agent_identity, &t1);
        let t1 = self.t1.t1(self.agent_identity).await?;
        Ok(self.hop_2(&t1, challenge).await?)
    }
}

/// An agent user, for whom its agent identity asks.
pub(crate) struct AgentUser {
    entra: Arc<Entra>,
    tenant: TenantId,
    t1: Arc<dyn T1Source>,
    t2: Arc<dyn TokenSource>,
    agent_identity: AppId,
    user: UserId,
    resource: Resource,
}

impl AgentUser {
    pub(crate) fn source(
        entra: &Arc<Entra>,
        tenant: TenantId,
        t1: Arc<dyn T1Source>,
        agent_identity: AppId,
        user: UserId,
        resource: Resource,
    ) -> Arc<dyn TokenSource> {
        let key = Key {
            tenant,
            client: agent_identity,
            subject: Subject::User(user),
            scope: Arc::clone(resource.scope()),
            challenge: None,
        };
        let exchange = Resource::exchange(entra.cloud());
        let t2 = AgentIdentity::of(entra, tenant, Arc::clone(&t1), agent_identity, exchange, Hop::T2);
        let fetch = Self { entra: Arc::clone(entra), tenant, t1, t2, agent_identity, user, resource };
        Arc::new(Cached::new(entra, key, fetch))
    }

    async fn hop_3(
        &self,
        t1: &AccessToken,
        t2: &AccessToken,
        challenge: Option<&Claims>,
    ) -> Result<Grant, TokenError> {
        let form = Form::new("user_fic", self.agent_identity)
            .with("scope", self.resource.scope())
            .with("user_id", self.user)
            .with("requested_token_use", "on_behalf_of")
            .with("claims", capabilities(Hop::AgentUser, challenge)?)
            .secret("user_federated_identity_credential", (*t2.secret).clone())
            .proven(assertion_fields((*t1.secret).clone()))
            .anchored(self.user, self.tenant);
        self.entra.ask(Hop::AgentUser, Authority::Tenant(self.tenant), form).await
    }
}

#[async_trait]
impl Fetch for AgentUser {
    async fn fetch(&self, challenge: Option<&Claims>) -> Result<Grant, TokenFault> {
        let t1 = self.t1.t1(self.agent_identity).await?;
        let t2 = self.t2.token(None).await?;
        let error = match self.hop_3(&t1, &t2, challenge).await {
            Ok(grant) => return Ok(grant),
            Err(error) => error,
        };
        if !is_about_an_assertion(&error) {
            return Err(error.into());
        }
        self.t1.refused(self.agent_identity, &t1);
        self.t2.refused(&t2);
        let t1 = self.t1.t1(self.agent_identity).await?;
        let t2 = self.t2.token(None).await?;
        Ok(self.hop_3(&t1, &t2, challenge).await?)
    }
}

/// Whether Entra did not like T1 or T2 themselves, rather than what was asked for with them.
fn is_about_an_assertion(error: &TokenError) -> bool {
    const ABOUT_ASSERTIONS: [u32; 9] =
        [50_013, 500_131, 500_133, 700_024, 700_211, 700_213, 7_000_272, 7_002_131, 7_002_137];
    matches!(error, TokenError::ClockWrong { .. })
        || error.codes().iter().any(|code| ABOUT_ASSERTIONS.contains(code))
}
