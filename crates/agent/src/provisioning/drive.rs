//! The loop: decide, remember, record the intent, perform, remember, record the outcome.

use std::time::Duration;

use attache_entra::TokenError;
use attache_graph::Cause;
use attache_ledger::{Act, ActName, Actor, Code, Mode, Outcome, Target};
use attache_provision::{Action, Ended, Record};
use attache_terms::{Explain, ObjectId, UserId};
use jiff::Timestamp;
use tracing::{debug, info, warn};

use super::settle::{Came, Unsettled};
use super::{Clients, Progress, Provisioning, ProvisioningError, Stored};
use crate::audit::{Audit, Begun, recorded};
use crate::identity::{AgentIds, BlueprintKey, Identity, IdentityError, Person};
use crate::profile::{Lease, Taken};

/// How often another process's progress is looked at.
const LOOK: Duration = Duration::from_millis(250);

impl Provisioning {
    /// Goes on from wherever it stands until the identity is complete, or follows the process that does.
    pub(crate) async fn run(
        &self,
        identity: &Identity,
        audit: &Audit,
        mut report: impl FnMut(&Progress) + Send,
    ) -> Result<AgentIds, ProvisioningError> {
        let path = self.connections.settings().profile.lock("provisioning");
        loop {
            if let Some(ids) = self.whole(identity).await? {
                report(&self.progress.borrow().clone());
                return Ok(ids);
            }
            match Lease::take(&path, "provisioning")? {
                Taken::Yes(_lease) => {
                    let done = self.drive(identity, audit, &mut report).await;
                    if let Err(error) = &done {
                        self.progress.send_modify(|progress| *progress = progress.clone().failed(error));
                        report(&self.progress.borrow().clone());
                    }
                    return done;
                }
                Taken::By(holder) => {
                    if let Some(stored) = self.document.load()? {
                        report(&self.publish(&stored, holder));
                    }
                    self.connections.clock().sleep(LOOK).await;
                }
            }
        }
    }

    /// The complete identity, if there is nothing to do: its key is here, and nothing else is wished by now.
    async fn whole(&self, identity: &Identity) -> Result<Option<AgentIds>, ProvisioningError> {
        let Some(ids) = self.ready()? else { return Ok(None) };
        let Some(stored) = self.document.load()? else { return Ok(None) };
        let key = match BlueprintKey::load(&self.connections).await {
            Ok(key) => key,
            Err(IdentityError::KeyLost { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let proves = stored.record.wish().certificate == self.certificate(&key);
        let provisions = self.connections.settings().provisioner.is_some();
        let content = !provisions || (stored.ignored.is_empty() && !self.wishes_more(identity, &stored)?);
        Ok((proves && content && stands(identity, &ids).await?).then_some(ids))
    }

    async fn drive(
        &self,
        identity: &Identity,
        audit: &Audit,
        report: &mut (impl FnMut(&Progress) + Send),
    ) -> Result<AgentIds, ProvisioningError> {
        let (clock, rng) = (self.connections.clock(), self.connections.rng());
        let key = BlueprintKey::load_or_create(&self.connections).await?;
        let clients = Clients::connect(&self.connections, &key).await?;
        let mut stored = self.resume(identity, &clients, &key).await?;
        let mut unsettled = Unsettled::of(audit, stored.came.as_ref()).await?;
        loop {
            report(&self.publish(&stored, None));
            match attache_provision::next(&stored.record, clock.now()) {
                Action::Do(step) => {
                    stored.record.begin(step, rng.uuid(), clock.now());
                    self.document.save(&stored)?;
                    let begun = match stored.record.act() {
                        Some(act) => Some((act.client_request_id, self.intend(audit, &act).await?)),
                        None => None,
                    };
                    let outcome = attache_provision::perform(&clients, &stored.record).await;
                    stored.record.apply(&outcome, clock.now(), rng.fraction());
                    let ended = ended(&outcome.ended, outcome.correlation.as_ref());
                    if let Some((correlation, _)) = &begun {
                        stored.came = Some(Came::of(*correlation, &ended));
                    }
                    self.document.save(&stored)?;
                    let (word, said) = outcome.result();
                    debug!(%step, word, said, "a step of provisioning");
                    if let Some((_, begun)) = begun {
                        begun.ended(ended).await?;
                    }
                    if let (Some(act), Ended::Done { found }) = (step.act(), &outcome.ended) {
                        unsettled.done(audit, act, *found, outcome.resolves());
                    }
                }
                Action::WaitUntil { at, .. } => clock.sleep(until(at, clock.now())).await,
                Action::Failed(failure) => {
                    self.document.save(&stored)?;
                    return Err(failure.into());
                }
                Action::Ready => {
                    let ids = ids(&stored.record)?;
                    unsettled.close(audit).await?;
                    stored.ready = Some(ids.clone());
                    self.document.save(&stored)?;
                    report(&self.publish(&stored, None));
                    info!("its own identity is complete");
                    return Ok(ids);
                }
            }
        }
    }

    /// What was remembered, with what is wished by now, or a new record.
    async fn resume(
        &self,
        identity: &Identity,
        clients: &Clients,
        key: &BlueprintKey,
    ) -> Result<Stored, ProvisioningError> {
        if self.being_removed()? {
            return Err(ProvisioningError::BeingRemoved);
        }
        let now = self.connections.clock().now();
        let Some(mut stored) = self.document.load()? else {
            return Ok(Stored {
                record: Record::new(self.wish(identity, clients, key).await?),
                began: now,
                ready: None,
                licences: Some(self.connections.settings().agent.licences.clone()),
                ignored: Vec::new(),
                came: None,
            });
        };
        stored.record.set_certificate(self.certificate(key));
        if self.wishes_more(identity, &stored)? {
            self.wish_again(identity, clients, key, &mut stored).await?;
        } else {
            stored.ignored.clear();
        }
        for ignored in &stored.ignored {
            warn!("{ignored}");
        }
        match attache_provision::next(&stored.record, now) {
            Action::Failed(_) => stored.record.retry(),
            // It was complete, and what was made is no longer all there.
            Action::Ready if stored.ready.is_some() => stored.record.restart(),
            _ => {}
        }
        Ok(stored)
    }

    /// The intent of a step, durable.
    pub(super) async fn intend(
        &self,
        audit: &Audit,
        act: &attache_provision::Act,
    ) -> Result<Begun, ProvisioningError> {
        let actor = Actor {
            tenant: Some(self.connections.settings().tenant),
            mode: Some(Mode::Application),
            ..Actor::default()
        };
        let mut target = Target::default();
        for (kind, id) in &act.objects {
            match kind.as_str() {
                "agent_user" => target.user = id.parse::<UserId>().ok().or(target.user),
                _ => target.object = id.parse::<ObjectId>().ok().or(target.object),
            }
        }
        let name =
            act.name.parse::<ActName>().map_err(|_| ProvisioningError::Incomplete("the act's name"))?;
        Ok(audit.begin(Act::new(name, actor).on(target), Some(act.client_request_id)).await?)
    }
}

/// Whether the agent user can be spoken for. It cannot when an administrator took something away that was made:
/// the certificate, the consent, an object.
async fn stands(identity: &Identity, ids: &AgentIds) -> Result<bool, ProvisioningError> {
    match identity.agent_user(ids).await?.me().await {
        Ok(_) => Ok(true),
        Err(error) => match error.cause() {
            Cause::Token(fault) if TokenError::of(fault).is_some_and(TokenError::is_replication) => Ok(false),
            _ => Err(error.into()),
        },
    }
}

/// An end in the ledger's terms.
pub(super) fn ended(ended: &Ended, correlation: Option<&attache_graph::Correlation>) -> Outcome {
    let told = |code: &str| code.parse().unwrap_or(Code::new("waits"));
    let outcome = match ended {
        Ended::Done { found: false } => Outcome::done(),
        // Done, and not by this act.
        Ended::Done { found: true } => Outcome { code: Some(Code::new("already_there")), ..Outcome::done() },
        Ended::Waits { told: Some(error), .. } => Outcome::failed(told(&error.code)),
        Ended::Waits { .. } => Outcome::failed(Code::new("waits")),
        Ended::Failed(failure) => Outcome::refused(told(failure.code())),
        Ended::Unknown { told: error } => Outcome { code: Some(told(&error.code)), ..Outcome::unknown() },
    };
    match correlation {
        Some(correlation) => outcome.correlated(recorded(correlation)),
        None => outcome,
    }
}

/// The ids of a complete identity.
fn ids(record: &Record) -> Result<AgentIds, ProvisioningError> {
    let (objects, wish) = (record.objects(), record.wish());
    let lacks = ProvisioningError::Incomplete;
    Ok(AgentIds {
        tenant: wish.tenant,
        blueprint: objects.blueprint.ok_or(lacks("the blueprint"))?,
        blueprint_principal: objects.principal.ok_or(lacks("the blueprint principal"))?,
        agent_identity: objects.agent.ok_or(lacks("the agent identity"))?,
        agent_user: Person {
            id: objects.user.ok_or(lacks("the agent user"))?,
            upn: wish.user.user_principal_name.clone(),
            display_name: wish.user.display_name.clone(),
        },
    })
}

/// How long until then.
pub(super) fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}
