//! Taking its own identity out of the tenant again: the same loop, backwards, with a record of its own
//! (`removal.json`). It removes what the record of the provisioning knows and what a search by tag finds, so
//! that it works when the record is lost.

use attache_provision::{Ended, Left, Objects, Removal, RemovalAction, RemovalPlan, Target};
use serde::{Deserialize, Serialize};
use tracing::{debug, info};

use super::drive::{ended, until};
use super::settle::{Came, Unsettled};
use super::wish::{patience, tag};
use super::{Clients, Phase, Progress, Provisioning, ProvisioningError};
use crate::audit::Audit;
use crate::identity::{BlueprintKey, Identity};
use crate::profile::{Document, Lease, Persisted};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredRemoval {
    removal: Removal,
    /// What came of the last step that changed the tenant.
    #[serde(default)]
    came: Option<Came>,
}

impl Persisted for StoredRemoval {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "a removal";
}

impl Provisioning {
    /// What removal would remove.
    pub(crate) async fn plan_removal(&self, identity: &Identity) -> Result<RemovalPlan, ProvisioningError> {
        let target = self.target(identity)?;
        Ok(attache_provision::plan_removal(&self.clients().await?, &target).await?)
    }

    /// Remembers what is to be removed. From here on, nothing is provisioned until it is gone.
    pub(crate) fn begin_removal(&self, identity: &Identity) -> Result<(), ProvisioningError> {
        if self.removal_document().load()?.is_none() {
            let removal = Removal::new(self.target(identity)?);
            self.removal_document().save(&StoredRemoval { removal, came: None })?;
        }
        Ok(())
    }

    /// Whether a removal has begun and is not finished.
    pub(super) fn being_removed(&self) -> Result<bool, ProvisioningError> {
        Ok(self.removal_document().load()?.is_some())
    }

    /// Removes what [`Self::begin_removal`] remembered, in the right order, and gives what is left.
    pub(crate) async fn remove(
        &self,
        audit: &Audit,
        mut report: impl FnMut(&Progress) + Send,
    ) -> Result<Vec<Left>, ProvisioningError> {
        let (clock, rng) = (self.connections.clock(), self.connections.rng());
        let path = self.connections.settings().profile.lock("provisioning");
        let _lease = Lease::wait(&path, "deprovisioning", clock).await?;
        let clients = self.clients().await?;
        let document = self.removal_document();
        let mut stored = document.load()?.ok_or(ProvisioningError::Nothing)?;
        stored.removal.retry();
        let mut unsettled = Unsettled::of(audit, stored.came.as_ref()).await?;
        loop {
            let removal = &mut stored.removal;
            report(&self.publish_removal(removal));
            match attache_provision::next_removal(removal, clock.now()) {
                RemovalAction::Do(step) => {
                    removal.begin(step, rng.uuid());
                    let act = removal.act();
                    document.save(&stored)?;
                    let begun = match act {
                        Some(act) => Some((act.client_request_id, self.intend(audit, &act).await?)),
                        None => None,
                    };
                    let outcome = attache_provision::perform_removal(&clients, &stored.removal).await;
                    stored.removal.apply(&outcome, clock.now(), rng.fraction());
                    let ended = ended(&outcome.ended, outcome.correlation.as_ref());
                    if let Some((correlation, _)) = &begun {
                        stored.came = Some(Came::of(*correlation, &ended));
                    }
                    document.save(&stored)?;
                    debug!(%step, "a step of removal");
                    if let Some((_, begun)) = begun {
                        begun.ended(ended).await?;
                    }
                    if let (Some(act), Ended::Done { found }) = (step.act(), &outcome.ended) {
                        unsettled.done(audit, act, *found, None);
                    }
                }
                RemovalAction::WaitUntil { at, .. } => clock.sleep(until(at, clock.now())).await,
                RemovalAction::Failed(failure) => return Err(failure.into()),
                RemovalAction::Gone => {
                    let left = removal.left();
                    unsettled.close(audit).await?;
                    self.document.remove()?;
                    BlueprintKey::forget(&self.connections).await?;
                    document.remove()?;
                    report(&self.progress.send_replace(Progress::default()));
                    info!("its own identity is gone from the tenant");
                    return Ok(left);
                }
            }
        }
    }

    async fn clients(&self) -> Result<Clients, ProvisioningError> {
        let key = BlueprintKey::load_or_create(&self.connections).await?;
        Clients::connect(&self.connections, &key).await
    }

    fn target(&self, identity: &Identity) -> Result<Target, ProvisioningError> {
        if let Some(stored) = self.document.load()? {
            let (wish, known) = (stored.record.wish(), stored.record.objects().clone());
            return Ok(Target {
                blueprint: wish.blueprint.tag.clone(),
                agent: wish.agent.tag.clone(),
                known,
                keeps_blueprint: false,
                patience: wish.patience,
            });
        }
        let settings = self.connections.settings();
        let tag = tag(&settings.agent, identity)?;
        let patience = patience(settings.provision_scale);
        Ok(Target {
            blueprint: tag.clone(),
            agent: tag,
            known: Objects::default(),
            keeps_blueprint: false,
            patience,
        })
    }

    fn removal_document(&self) -> Document<StoredRemoval> {
        Document::at(self.connections.settings().profile.removal())
    }

    fn publish_removal(&self, removal: &Removal) -> Progress {
        let (done, total) = removal.progress();
        let step = removal.current().map(|step| step.to_string());
        let mut progress = Progress { state: Phase::Removing, done, total, step, ..Progress::default() };
        let now = self.connections.clock().now();
        if let RemovalAction::WaitUntil { at, reason } = attache_provision::next_removal(removal, now) {
            (progress.reason, progress.until) = (Some(reason.to_string()), Some(at));
        }
        self.progress.send_replace(progress.clone());
        progress
    }
}
