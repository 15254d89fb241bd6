//! The loop: decide, remember, record the intent, perform, remember, record the outcome.

use std::time::Duration;

use attache_ledger::{Act, ActName, Actor, Code, Mode, Outcome, Target};
use attache_provision::{Action, Ended, Record};
use attache_terms::{Explain, ObjectId, UserId};
use jiff::Timestamp;
use tracing::{debug, info};

use super::{Clients, Progress, Provisioning, ProvisioningError, Stored};
use crate::audit::{Audit, Begun, LeftOver, recorded};
use crate::identity::{AgentIds, BlueprintKey, Identity, Person};
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
            if let Some(ids) = self.ready()? {
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
        let mut left_over = audit.dangling().await?;
        left_over.retain(LeftOver::is_provisioning);
        loop {
            report(&self.publish(&stored, None));
            match attache_provision::next(&stored.record, clock.now()) {
                Action::Do(step) => {
                    stored.record.begin(step, rng.uuid(), clock.now());
                    self.document.save(&stored)?;
                    let begun = match stored.record.act() {
                        Some(act) => Some(self.intend(audit, &act).await?),
                        None => None,
                    };
                    let outcome = attache_provision::perform(&clients, &stored.record).await;
                    stored.record.apply(&outcome, clock.now(), rng.fraction());
                    self.document.save(&stored)?;
                    let (word, said) = outcome.result();
                    debug!(%step, word, said, "a step of provisioning");
                    if let Some(begun) = begun {
                        begun.end(ended(&outcome.ended, outcome.correlation.as_ref()));
                    }
                    if let Some((correlation, happened)) = outcome.resolves() {
                        settle(&mut left_over, audit, correlation, happened);
                    }
                }
                Action::WaitUntil { at, .. } => clock.sleep(until(at, clock.now())).await,
                Action::Failed(failure) => return Err(failure.into()),
                Action::Ready => {
                    let ids = ids(&stored.record)?;
                    stored.ready = Some(ids.clone());
                    self.document.save(&stored)?;
                    report(&self.publish(&stored, None));
                    info!("its own identity is complete");
                    return Ok(ids);
                }
            }
        }
    }

    /// What was remembered, or a new record.
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
            let record = Record::new(self.wish(identity, clients, key).await?);
            return Ok(Stored { record, began: now, ready: None });
        };
        if matches!(attache_provision::next(&stored.record, now), Action::Failed(_)) {
            stored.record.retry();
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

/// An end in the ledger's terms.
pub(super) fn ended(ended: &Ended, correlation: Option<&attache_graph::Correlation>) -> Outcome {
    let told = |code: &str| code.parse().unwrap_or(Code::new("waits"));
    let outcome = match ended {
        Ended::Done { .. } => Outcome::done(),
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

/// Ends the intent of an earlier process, now that it is known what became of it.
fn settle(left_over: &mut Vec<LeftOver>, audit: &Audit, correlation: uuid::Uuid, happened: bool) {
    if let Some(at) = left_over.iter().position(|left| left.correlation() == Some(correlation)) {
        let outcome = if happened { Outcome::done() } else { Outcome::failed(Code::new("not_done")) };
        left_over.swap_remove(at).end(audit, outcome);
    }
}

/// How long until then.
pub(super) fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}
