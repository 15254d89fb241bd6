//! Whom the agent acts as: signing in and out, and the snapshot of identity and Graph that every call takes.
//! The remembered state decides (see `machine`); each call looks whether another process of the profile has
//! changed it, so that an upgrade or a sign-out counts everywhere from the next call on. A call under the
//! agent user that fails, fails: it is never tried again under the sponsor.

mod credential;
mod error;
mod machine;
mod sign_in;
mod store;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_entra::{Resource, Scopes, SignedIn};
use attache_graph::Graph;
use attache_ledger::{Actor, Mode};
use attache_terms::{ChatId, ObjectId, TenantId};
use serde::Serialize;
use tokio::sync::watch;

pub(crate) use credential::BlueprintKey;
pub use error::{Elsewhere, IdentityError};
pub use machine::{AgentIds, IdentityMode, Person};
pub(crate) use machine::{Event, Next, Place, Record, State};
pub use sign_in::DevicePrompt;
use store::{Known, Store};

use crate::connect::Connections;
use crate::profile::Stamp;

/// What the sponsor's token may do: as little as talking in Teams needs (Entra reference §5.3).
const SPONSOR_SCOPES: [&str; 4] = ["Chat.Create", "Chat.Read", "ChatMessage.Send", "User.Read"];

/// The purpose under which the sponsor's refresh token is kept.
const SPONSOR_TOKEN: &str = "sponsor-token";

/// How long a call that began before the upgrade, and the last look into the old chat, may need the sponsor's
/// token after it.
const IN_FLIGHT: Duration = Duration::from_secs(600);

/// One identity with its Graph, as of one moment. Take it once per call and use it throughout: a call in
/// flight keeps its snapshot when the agent is upgraded.
pub struct Current {
    /// Never [`IdentityMode::SignedOut`].
    pub mode: IdentityMode,
    /// Graph under this identity's token.
    pub graph: Graph,
    /// Whose token it is: the sponsor's, or the agent user's.
    pub me: Person,
    /// The human who is accountable.
    pub sponsor: Person,
    /// The agent's own identity: present from when it is complete, even before the upgrade.
    pub agent: Option<AgentIds>,
    /// What every text must begin with; present under the sponsor's token.
    pub prefix: Option<Arc<str>>,
    /// The agent user's one-on-one with the sponsor, after the upgrade.
    pub one_on_one: Option<ChatId>,
}

impl Current {
    /// The identity as the ledger records it.
    pub fn actor(&self) -> Actor {
        let own = self.agent.as_ref().filter(|_| self.mode == IdentityMode::AgentUser);
        Actor {
            tenant: own.map(|agent| agent.tenant),
            agent: own.map(|agent| ObjectId::new(agent.agent_identity.uuid())),
            user: Some(self.me.id),
            mode: Some(match self.mode {
                IdentityMode::AgentUser => Mode::AgentUser,
                IdentityMode::Sponsor | IdentityMode::SignedOut => Mode::Sponsor,
            }),
            ..Actor::default()
        }
    }

    /// The text as it may go out under this identity: marked when it goes out under the sponsor's token.
    pub fn marked(&self, text: &str) -> String {
        format!("{}{text}", self.prefix.as_deref().unwrap_or_default())
    }
}

/// What is known of the identity without asking anybody.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// As whom calls go out.
    pub identity_mode: IdentityMode,
    /// The tenant.
    pub tenant: TenantId,
    /// The human who is accountable, when one has signed in.
    pub sponsor: Option<Person>,
    /// The agent's own identity, once it is complete.
    pub agent: Option<AgentIds>,
    /// Whether its own identity is complete and it is about to go over to it.
    pub upgrading: bool,
    /// The agent user's one-on-one with the sponsor, once that stands.
    pub one_on_one: Option<ChatId>,
}

/// The identity of one profile.
pub(crate) struct Identity {
    connections: Arc<Connections>,
    store: Store,
    /// The snapshot that was made from this state.
    current: Mutex<Option<(Arc<Known>, Arc<Current>)>>,
    /// Counts what changed the identity in this process.
    changes: watch::Sender<u64>,
}

impl Identity {
    pub(crate) fn new(connections: Arc<Connections>) -> Self {
        let store = Store::new(connections.clone());
        Self { connections, store, current: Mutex::new(None), changes: watch::Sender::new(0) }
    }

    /// Tells those who wait for a change.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Sees every change that this process makes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Changes whenever any process changes the identity.
    pub(crate) fn stamp(&self) -> Stamp {
        self.store.stamp()
    }

    /// What is known without asking anybody.
    pub(crate) fn standing(&self) -> Result<Standing, IdentityError> {
        let record = self.record()?;
        Ok(Standing {
            identity_mode: record.mode(),
            tenant: self.connections.settings().tenant,
            sponsor: record.sponsor().cloned(),
            agent: record.agent().cloned(),
            upgrading: matches!(record.state, State::Upgrading { .. }),
            one_on_one: match record.state {
                State::Upgrading { conversation, .. } => conversation,
                State::AgentUser { conversation, .. } => Some(conversation),
                State::SignedOut | State::Sponsor { .. } => None,
            },
        })
    }

    /// What is remembered, as the last process left it.
    pub(crate) fn record(&self) -> Result<Record, IdentityError> {
        Ok(self.store.known()?.record.clone())
    }

    /// Takes in an event: remembered durably when this returns.
    pub(crate) async fn apply(&self, event: Event) -> Result<Record, IdentityError> {
        Ok(self.store.apply(event).await?.record.clone())
    }

    /// The identity that a call must use now.
    pub(crate) async fn current(&self) -> Result<Arc<Current>, IdentityError> {
        let known = self.store.known()?;
        if let Some((of, current)) = &*self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
            && Arc::ptr_eq(of, &known)
        {
            return Ok(current.clone());
        }
        self.leave(known.record.sponsor());
        let current = Arc::new(self.connect(&known.record).await?);
        *self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) =
            Some((known, current.clone()));
        Ok(current)
    }

    /// Drops the last snapshot, and with it the tokens in memory of whoever was signed in and is not any more,
    /// whichever process signed them out.
    fn leave(&self, now: Option<&Person>) {
        let before = self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some((_, before)) = before
            && now.is_none_or(|sponsor| sponsor.id != before.sponsor.id)
        {
            self.forget_in_memory(&before.sponsor);
        }
    }

    fn forget_in_memory(&self, sponsor: &Person) {
        let settings = self.connections.settings();
        if let Some(entra) = self.connections.opened_entra() {
            entra.forget(settings.tenant, settings.client_id, sponsor.id);
        }
    }

    async fn connect(&self, record: &Record) -> Result<Current, IdentityError> {
        match &record.state {
            State::SignedOut => Err(IdentityError::SignedOut),
            State::Sponsor { sponsor } => self.as_sponsor(sponsor, None).await,
            State::Upgrading { sponsor, agent, .. } => self.as_sponsor(sponsor, Some(agent)).await,
            State::AgentUser { sponsor, agent, conversation, .. } => Ok(Current {
                mode: IdentityMode::AgentUser,
                graph: self.agent_user(agent).await?,
                me: agent.agent_user.clone(),
                sponsor: sponsor.clone(),
                agent: Some(agent.clone()),
                prefix: None,
                one_on_one: Some(conversation.clone()),
            }),
        }
    }

    async fn as_sponsor(&self, sponsor: &Person, agent: Option<&AgentIds>) -> Result<Current, IdentityError> {
        let store = self.connections.secrets().await?;
        let name = self.connections.secret(SPONSOR_TOKEN);
        let account = SignedIn::load(&**store, &name).await?.ok_or(IdentityError::TokenLost)?;
        if account.user != sponsor.id {
            return Err(IdentityError::TokenLost);
        }
        let settings = self.connections.settings();
        let entra = self.connections.entra().await?;
        let source =
            entra.delegated(&account, settings.client_id, Scopes::new(SPONSOR_SCOPES), store.clone(), name);
        Ok(Current {
            mode: IdentityMode::Sponsor,
            graph: self.connections.graph(source).await?,
            me: sponsor.clone(),
            sponsor: sponsor.clone(),
            agent: agent.cloned(),
            prefix: Some(settings.prefix.clone()),
            one_on_one: None,
        })
    }

    /// Graph as the agent user, by the three hops (Entra reference §1.10).
    pub(crate) async fn agent_user(&self, agent: &AgentIds) -> Result<Graph, IdentityError> {
        let credential = BlueprintKey::load(&self.connections).await?.credential();
        let entra = self.connections.entra().await?;
        let t1 = entra.own_assertion(agent.tenant, agent.blueprint, credential);
        let resource = Resource::graph(entra.cloud());
        let source = entra.agent_user(agent.tenant, t1, agent.agent_identity, agent.agent_user.id, resource);
        Ok(self.connections.graph(source).await?)
    }

    /// Graph under the sponsor's token, for as long as there is one.
    pub(crate) async fn sponsor(&self, record: &Record) -> Result<Current, IdentityError> {
        let sponsor = record.sponsor().ok_or(IdentityError::SignedOut)?;
        self.as_sponsor(sponsor, record.agent()).await
    }

    /// Forgets the sponsor's token once the agent has gone over to its own name and no call under the old one
    /// can be in flight any more. Gives how long that is still to go.
    pub(crate) async fn retire_token(&self) -> Result<Option<Duration>, IdentityError> {
        let State::AgentUser { since, .. } = self.record()?.state else { return Ok(None) };
        let age = self.connections.clock().now().duration_since(since);
        let left = IN_FLIGHT.saturating_sub(Duration::try_from(age).unwrap_or_default());
        if left.is_zero() {
            self.forget_token().await?;
            return Ok(None);
        }
        Ok(Some(left))
    }

    /// Forgets the sponsor's token.
    async fn forget_token(&self) -> Result<(), IdentityError> {
        let store = self.connections.secrets().await?;
        store.delete(&self.connections.secret(SPONSOR_TOKEN)).await?;
        store.delete(&self.connections.secret(sign_in::STAGED)).await?;
        if let Some(sponsor) = self.record()?.sponsor() {
            self.forget_in_memory(sponsor);
        }
        Ok(())
    }
}
