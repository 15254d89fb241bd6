//! The device agent: one value that holds its rooms together. Opening it does nothing; each room opens what
//! it needs when it is first asked.

use std::sync::Arc;

use attache_ledger::LedgerError;
use attache_provision::{Left, Plan, RemovalPlan};
use attache_terms::{ChatId, Clock, Explain, MessageId, Rng};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use url::Url;

use crate::audit::{self, Audit};
use crate::background;
use crate::connect::Connections;
use crate::conversation::Conversations;
use crate::identity::{
    AgentIds, Current, DevicePrompt, Identity, IdentityError, IdentityMode, Person, Standing,
};
use crate::inbox::{Inbox, Pace};
use crate::provisioning::{Progress, Provisioning, ProvisioningError};
use crate::settings::Settings;
use crate::state::State;
use crate::upgrade::{self, UpgradeError};

/// One device agent: one profile.
pub struct Agent {
    connections: Arc<Connections>,
    audit: Audit,
    identity: Identity,
    conversations: Conversations,
    provisioning: Provisioning,
    state: State,
    inbox: Inbox,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Agent {
    /// The agent of these settings. Nothing is read, opened or spawned.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Arc<Self> {
        let state = State::at(settings.profile.state());
        let inbox = Inbox::new(state.clone(), Pace::of(settings.poll));
        let conversations = Conversations::new(settings.conversation.clone());
        let connections = Arc::new(Connections::new(settings, clock.clone(), rng.clone()));
        Arc::new(Self {
            audit: Audit::new(connections.clone(), clock, rng),
            identity: Identity::new(connections.clone()),
            conversations,
            provisioning: Provisioning::new(connections.clone()),
            connections,
            state,
            inbox,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Starts what goes on in the background: listening, provisioning and the upgrade, ending what a killed
    /// process began. Returns at once; must be called inside a runtime. The second call does nothing.
    pub fn start(self: &Arc<Self>) {
        if self.tasks.close() {
            background::spawn(self, &self.tasks, &self.stop);
        }
    }

    /// Ends the background and waits until the ledger is durable.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = self.audit.flush().await {
            warn!(%error, "the ledger's last entries are not durable");
        }
    }

    /// What it was told.
    pub fn settings(&self) -> &Settings {
        self.connections.settings()
    }

    /// Its time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        self.connections.clock()
    }

    /// Its randomness.
    pub fn rng(&self) -> &Arc<dyn Rng> {
        self.connections.rng()
    }

    /// By which every act goes.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// What the device remembers of messages.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What arrives.
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// What an omitted chat means.
    pub fn conversations(&self) -> &Conversations {
        &self.conversations
    }

    /// The identity that a call must use now: take it once per call. Under the agent's own name from the
    /// upgrade on; a call that then fails, fails, and is never made under the sponsor instead.
    ///
    /// # Errors
    /// `sign_in_required` when nobody has signed in; else what keeps the identity from being used.
    pub async fn current(&self) -> Result<Arc<Current>, IdentityError> {
        self.identity.current().await
    }

    /// The mode that calls go out under. Reads one small file at most, and uses no network.
    ///
    /// # Errors
    /// When the profile cannot be read.
    pub fn mode(&self) -> Result<IdentityMode, IdentityError> {
        Ok(self.identity.record()?.mode())
    }

    /// What is known of the identity without asking anybody: no network, no secret store.
    ///
    /// # Errors
    /// When the profile cannot be read.
    pub fn standing(&self) -> Result<Standing, IdentityError> {
        self.identity.standing()
    }

    /// Signs the sponsor in through a browser; `open` gets the page's address.
    ///
    /// # Errors
    /// When the sign-in fails, or another person is signed in.
    pub async fn sign_in(&self, open: impl FnOnce(&Url) + Send) -> Result<Person, IdentityError> {
        let person = self.identity.sign_in(&self.audit, open).await?;
        self.identity_changed();
        Ok(person)
    }

    /// Signs the sponsor in by a code that they type on another device.
    ///
    /// # Errors
    /// When the sign-in fails, or another person is signed in.
    pub async fn sign_in_device(
        &self,
        show: impl FnOnce(&DevicePrompt) + Send,
    ) -> Result<Person, IdentityError> {
        let person = self.identity.sign_in_device(&self.audit, show).await?;
        self.identity_changed();
        Ok(person)
    }

    /// Forgets the sponsor and their tokens. What was provisioned stays as it is.
    ///
    /// # Errors
    /// When the secret store or the profile cannot be written.
    pub async fn sign_out(&self) -> Result<(), IdentityError> {
        self.identity.sign_out(&self.audit).await?;
        self.identity_changed();
        // The next sponsor must not get what was written to this one.
        if let Err(error) = self.state.forget_unread().await {
            warn!(%error, "unread messages stay on this device");
        }
        Ok(())
    }

    /// How far its own identity has come, whichever process of the profile works at it.
    pub fn provisioning(&self) -> watch::Receiver<Progress> {
        self.provisioning.progress()
    }

    /// What provisioning would make, without making it.
    ///
    /// # Errors
    /// When nobody has signed in, no provisioner is configured, or the tenant cannot be read.
    pub async fn plan(&self) -> Result<Plan, ProvisioningError> {
        self.provisioning.plan(&self.identity).await
    }

    /// Ends in the ledger what killed processes of this profile began: read back where that is possible, else
    /// as unknown. The background does it at its start. Gives `false` when there is an identity and it
    /// cannot be used now; nothing is judged then.
    ///
    /// # Errors
    /// When the ledger cannot be read or written.
    pub async fn resolve_left_over(&self) -> Result<bool, LedgerError> {
        let current = match self.current().await {
            Ok(current) => Some(current),
            Err(IdentityError::SignedOut | IdentityError::TokenLost) => None,
            Err(error) => {
                info!(code = error.code(), "no identity to read back with");
                return Ok(false);
            }
        };
        audit::resolve(self, current.as_deref()).await?;
        Ok(true)
    }

    /// Brings its own identity from wherever it stands to ready, and returns then. Waits as long as the
    /// platform makes it wait; may be dropped or killed anywhere and called again. When another process of
    /// the profile is at it, watches that one.
    ///
    /// # Errors
    /// When somebody must act first.
    pub async fn provision_now(
        &self,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<AgentIds, ProvisioningError> {
        let done = self.provisioning.run(&self.identity, &self.audit, progress).await;
        self.provisioning.record_refusal(&self.audit, done.as_ref().err()).await;
        done
    }

    /// Goes over to its own name, which must be provisioned.
    ///
    /// # Errors
    /// When that is not possible now; the agent then goes on under the sponsor's token.
    pub async fn upgrade_now(&self) -> Result<Arc<Current>, UpgradeError> {
        upgrade::upgrade(self).await
    }

    /// What deprovisioning would remove.
    ///
    /// # Errors
    /// When the tenant cannot be read.
    pub async fn plan_removal(&self) -> Result<RemovalPlan, ProvisioningError> {
        self.provisioning.plan_removal(&self.identity).await
    }

    /// Signs out and removes its own identity from the tenant. Gives what is left there.
    ///
    /// # Errors
    /// When somebody must act first; called again, it goes on.
    pub async fn deprovision(
        &self,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Vec<Left>, ProvisioningError> {
        self.provisioning.begin_removal(&self.identity)?;
        // Begun by a process that was killed, it may have come further.
        if self.mode()? != IdentityMode::SignedOut {
            self.sign_out().await?;
        }
        self.provisioning.remove(&self.audit, progress).await
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its own identity's ids, if that is complete.
    pub(crate) async fn provisioned(&self) -> Result<Option<AgentIds>, ProvisioningError> {
        self.provisioning.ready()
    }

    /// Whether this process can work at its own identity.
    pub(crate) fn provisions(&self) -> bool {
        self.settings().provisioner.is_some()
    }

    pub(crate) fn provisioning_room(&self) -> &Provisioning {
        &self.provisioning
    }

    /// Wakes whoever works under the identity.
    pub(crate) fn identity_changed(&self) {
        self.identity.changed();
        self.inbox.wake();
    }

    /// Remembers that a message is our own, so that it does not come back as somebody's.
    pub(crate) async fn remember_sent(&self, chat: &ChatId, message: &MessageId) {
        if let Err(error) = self.state.record_sent(chat, message, self.clock().now()).await {
            warn!(%error, "a message of ours may come back as if it were another's");
        }
    }
}
