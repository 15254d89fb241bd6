//! What is known about one provisioning: the wish, the objects, the steps that are done, and the step that
//! was begun. It is written down before and after each step and carries a version.

mod again;

use std::collections::{BTreeMap, BTreeSet};

use attache_terms::{AppId, Explain, ObjectId, Remedy, SkuId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::again::Ignored;
use crate::waits::Waits;
use crate::{Act, Ended, Failure, Outcome, Reason, Step, Told, Wish};

/// The version of the format that is written here.
const VERSION: u32 = 1;

/// One provisioning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    wish: Wish,
    objects: Objects,
    done: BTreeSet<Step>,
    doing: Option<Doing>,
    open: Option<Open>,
    waits: Waits,
    failure: Option<Failure>,
}

/// A step that was begun and has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Doing {
    pub(crate) step: Step,
    pub(crate) correlation: Uuid,
    pub(crate) since: Timestamp,
    /// Whether it only looks for what an earlier try may have made.
    pub(crate) looks_only: bool,
}

/// A creation of which nobody knows whether it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) step: Step,
    pub(crate) correlation: Uuid,
    /// Until when replication may hide what it made.
    pub(crate) until: Timestamp,
}

/// The objects of an identity, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Objects {
    /// The blueprint: its client id, which is its object id too.
    pub blueprint: Option<AppId>,
    /// The blueprint's principal.
    pub principal: Option<ObjectId>,
    /// The agent identity: its client id, which is its object id too.
    pub agent: Option<AppId>,
    /// The agent user.
    pub user: Option<UserId>,
    /// Its licence.
    pub licence: Option<SkuId>,
    /// The service principal of Microsoft Graph in this tenant.
    pub graph: Option<ObjectId>,
    /// The ids of the application permissions that are needed, by name.
    pub roles: BTreeMap<String, Uuid>,
}

/// Why a text is no record that can be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It was written by a newer version.
    #[error("the provisioning record has version {found}, this program knows {VERSION}")]
    Newer {
        /// Its version.
        found: u32,
    },
    /// It cannot be read.
    #[error("the provisioning record cannot be read: {0}")]
    Damaged(#[from] serde_json::Error),
}

impl Explain for RecordError {
    fn code(&self) -> &'static str {
        match self {
            Self::Newer { .. } => "record_newer",
            Self::Damaged(_) => "record_damaged",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Newer { .. } => Remedy::operator("use the newer version of attache that wrote it"),
            Self::Damaged(_) => Remedy::operator(
                "move the file away and run attache provision again: what exists in the tenant is found by its tag",
            ),
        }
    }
}

impl Record {
    /// The beginning.
    pub fn new(wish: Wish) -> Self {
        Self {
            version: VERSION,
            wish,
            objects: Objects::default(),
            done: BTreeSet::new(),
            doing: None,
            open: None,
            waits: Waits::default(),
            failure: None,
        }
    }

    /// Reads what [`Record::to_json`] wrote.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let found = serde_json::from_str::<Version>(text)?.version;
        if found > VERSION {
            return Err(RecordError::Newer { found });
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The record as it is persisted.
    #[expect(clippy::expect_used, reason = "every map in it has keys that are strings in JSON")]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a record is JSON")
    }

    /// What is wanted.
    pub fn wish(&self) -> &Wish {
        &self.wish
    }

    /// The objects, as far as they are known.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// How many steps are done, of how many.
    pub fn progress(&self) -> (usize, usize) {
        let wanted = Step::ALL.into_iter().filter(|step| self.wants(*step));
        (wanted.clone().filter(|step| self.done.contains(step)).count(), wanted.count())
    }

    /// Whether the wish has that step: where nothing is to be taken from the provisioner, there is nothing to record.
    fn wants(&self, step: Step) -> bool {
        step != Step::Strip || self.wish.strip.is_some()
    }

    /// The step that comes next; `None` when all are done.
    pub fn current(&self) -> Option<Step> {
        Step::ALL.into_iter().find(|step| self.wants(*step) && !self.done.contains(step))
    }

    /// The step of which nobody knows whether it has changed the tenant: it was begun and has not ended, its
    /// outcome is unknown, or it is to be tried again.
    pub fn unsettled(&self) -> Option<Step> {
        let begun = self.doing.filter(|doing| !doing.looks_only).map(|doing| doing.step);
        let open = self.open.map(|open| open.step).or(begun);
        let tried = || self.current().filter(|_| self.waits.begun());
        open.or_else(tried).filter(|step| step.act().is_some())
    }

    /// Why it stopped.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    pub(crate) fn pending(&self, now: Timestamp) -> Option<(Timestamp, Reason)> {
        self.waits.pending(now)
    }

    pub(crate) fn doing(&self) -> Option<Doing> {
        self.doing
    }

    pub(crate) fn open(&self, step: Step) -> Option<Open> {
        self.open.filter(|open| open.step == step)
    }

    /// Notes that a step is about to be performed. Persist the record then: if the process dies, the next
    /// one knows that the step may have happened.
    pub fn begin(&mut self, step: Step, correlation: Uuid, now: Timestamp) {
        if let Some(killed) = self.doing.take()
            && killed.step.makes_one_more()
            && !killed.looks_only
        {
            self.open = Some(self.opened(killed, now));
        }
        let looks_only = self.open(step).is_some_and(|open| now < open.until);
        self.doing = Some(Doing { step, correlation, since: now, looks_only });
    }

    /// The act of the step that was begun; `None` when it only reads.
    pub fn act(&self) -> Option<Act> {
        let doing = self.doing.filter(|doing| !doing.looks_only)?;
        let name = doing.step.act()?.to_owned();
        let objects = &self.objects;
        let known = [
            ("blueprint", objects.blueprint.map(|id| id.to_string())),
            ("blueprint_principal", objects.principal.map(|id| id.to_string())),
            ("agent_identity", objects.agent.map(|id| id.to_string())),
            ("agent_user", objects.user.map(|id| id.to_string())),
            ("provisioner", self.wish.strip.filter(|_| doing.step == Step::Strip).map(|id| id.to_string())),
            ("licence", objects.licence.filter(|_| doing.step == Step::Licence).map(|id| id.to_string())),
        ];
        let objects = known.into_iter().filter_map(|(kind, id)| Some((kind.to_owned(), id?))).collect();
        Some(Act { name, objects, client_request_id: doing.correlation })
    }

    /// Takes in what came of the step that was begun. `jitter` is a fraction from 0 to 1.
    pub fn apply(&mut self, outcome: &Outcome, now: Timestamp, jitter: f64) {
        let Some(doing) = self.doing.take() else { return };
        self.objects.learn(&outcome.learnt);
        if outcome.resolves.is_some() {
            self.open = None;
        }
        match &outcome.ended {
            Ended::Done { .. } => {
                self.done.insert(outcome.step);
                if self.open.is_none() {
                    // What may have been made without an answer, its own step accounts for.
                    self.done.extend(&outcome.seen);
                }
                self.open = self.open.filter(|open| open.step != outcome.step);
                self.waits = Waits::default();
            }
            Ended::Waits { reason, at_least, told } => self.wait(*reason, *at_least, told, now, jitter),
            Ended::Unknown { told } => {
                let reason = if outcome.step.makes_one_more() {
                    self.open = Some(self.opened(doing, now));
                    Reason::Hidden
                } else {
                    Reason::Outage
                };
                self.wait(reason, None, &Some(told.clone()), now, jitter);
            }
            Ended::Failed(failure) => self.failure = Some(failure.clone()),
        }
    }

    /// Goes on after a failure, once someone has acted.
    pub fn retry(&mut self) {
        if self.failure.take().is_some() {
            self.waits = Waits::default();
            // Whoever acted may have changed what the survey saw.
            self.done.remove(&Step::Survey);
        }
    }

    /// Goes through every step again, since something that was made is no longer there. What exists is found.
    pub fn restart(&mut self) {
        self.failure = None;
        self.waits = Waits::default();
        self.objects = Objects::default();
        self.done.clear();
    }

    fn opened(&self, doing: Doing, now: Timestamp) -> Open {
        let until = now.saturating_add(self.wish.patience.hidden).unwrap_or(Timestamp::MAX);
        Open { step: doing.step, correlation: doing.correlation, until }
    }

    fn wait(
        &mut self,
        reason: Reason,
        at_least: Option<std::time::Duration>,
        told: &Option<Told>,
        now: Timestamp,
        jitter: f64,
    ) {
        if !self.waits.wait(reason, at_least, &self.wish.patience, now, jitter)
            && let Some(step) = self.current()
        {
            self.failure = Some(Failure::too_long(step, reason, told.clone()));
        }
    }
}

impl Objects {
    fn learn(&mut self, learnt: &Objects) {
        fn take<T: Copy>(known: &mut Option<T>, learnt: Option<T>) {
            *known = learnt.or(*known);
        }
        take(&mut self.blueprint, learnt.blueprint);
        take(&mut self.principal, learnt.principal);
        take(&mut self.agent, learnt.agent);
        take(&mut self.user, learnt.user);
        take(&mut self.licence, learnt.licence);
        take(&mut self.graph, learnt.graph);
        self.roles.extend(learnt.roles.clone());
    }
}
