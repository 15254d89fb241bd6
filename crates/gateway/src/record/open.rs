//! Acts outside, from their intent to their outcome. The unit that records an intent keeps it as an open act, and the
//! unit that records the outcome removes that: so each intent gets one outcome. What a process leaves open when it
//! dies, or loses its database, is said to be unknown by whichever node is there: as soon as the job that it was part
//! of comes to an end, or else some minutes later.

use std::time::Duration;

use attache_ledger::{Act, ActName, Code, EntryId, Outcome};
use attache_store::{
    CommitError, GatewayScope, JobId, OrgId, OrgScope, Page, Place, Record, Scope, StoreError, Unit,
    Versioned,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Gateway;

/// How long an act may be open: longer than a request and all its repetitions, and than a job rests whose worker
/// died. A job that takes its act up again by then knows better how it ended.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// How many are read at once.
const PAGE: usize = 100;

/// An act whose outcome is not recorded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OpenAct {
    /// Its intent.
    intent: EntryId,
    name: ActName,
    /// In whose log; `None` for the gateway's own.
    org: Option<OrgId>,
    /// In a turn at which job; `None` for what somebody asked for and waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    since: Timestamp,
}

impl Record for OpenAct {
    const KIND: &'static str = "open_act";
    type Scope = GatewayScope;

    /// Ids of entries are in the order of time.
    fn key(&self) -> String {
        self.intent.to_string()
    }
}

impl Gateway {
    /// An act outside is about to be done. Commit the unit before the act.
    pub(crate) fn open(&self, unit: &mut Unit, scope: impl Scope, act: Act) -> EntryId {
        self.open_for(None, unit, scope, act)
    }

    /// The same in a turn at a job. It stays open no longer than until a turn at that job has come to an end.
    pub(crate) fn open_in(&self, job: JobId, unit: &mut Unit, scope: impl Scope, act: Act) -> EntryId {
        self.open_for(Some(job), unit, scope, act)
    }

    fn open_for(&self, job: Option<JobId>, unit: &mut Unit, scope: impl Scope, act: Act) -> EntryId {
        let name = act.name.clone();
        let intent = self.composer.intent(act);
        let org = match scope.place() {
            Place::Org(org) => Some(org),
            Place::Gateway => None,
        };
        let open = OpenAct { intent: intent.id(), name, org, job, since: intent.time() };
        unit.create(GatewayScope::granted(), &open);
        unit.record(scope, intent);
        open.intent
    }

    /// How an act outside ended. What was said to be unknown meanwhile stays so.
    pub(crate) async fn close(
        &self,
        unit: &mut Unit,
        intent: EntryId,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        if let Some(open) = self.system().get::<OpenAct>(intent).await? {
            self.end(unit, &open, outcome);
        }
        Ok(())
    }

    /// A job comes to an end in this unit. What earlier turns at it left open, and the unit does not close, nobody can
    /// tell of any more.
    pub(crate) async fn give_up_acts_of(&self, job: JobId, unit: &mut Unit) -> Result<(), StoreError> {
        let open: Vec<Versioned<OpenAct>> = self.system().every().await?;
        for open in open.iter().filter(|open| open.job == Some(job)) {
            if !unit.removes(open) {
                self.give_up(unit, open);
            }
        }
        Ok(())
    }

    fn give_up(&self, unit: &mut Unit, open: &Versioned<OpenAct>) {
        let unknown = Outcome { code: Some(Code::new("interrupted")), ..Outcome::unknown() };
        self.end(unit, open, unknown);
    }

    fn end(&self, unit: &mut Unit, open: &Versioned<OpenAct>, outcome: Outcome) {
        let entry = self.composer.outcome(open.intent, open.name.clone(), outcome);
        match open.org {
            Some(org) => unit.record(OrgScope::granted(org), entry),
            None => unit.record(GatewayScope::granted(), entry),
        };
        unit.delete(open);
    }
}

/// Says of acts that have been open for longer than any takes that nobody can tell how they ended.
pub(crate) async fn give_up_open_acts(gateway: &Gateway) -> Result<(), StoreError> {
    let begun = gateway.clock.now().saturating_sub(LONGEST).unwrap_or(Timestamp::MIN);
    loop {
        let open: Vec<Versioned<OpenAct>> = gateway.system().list(Page::first(PAGE)).await?;
        let (read, mut ended) = (open.len(), 0);
        for open in open.iter().take_while(|open| open.since < begun) {
            let mut unit = Unit::new();
            gateway.give_up(&mut unit, open);
            match gateway.store.commit(unit).await {
                Ok(_) | Err(CommitError::Conflict { .. }) => ended += 1,
                Err(CommitError::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::error!(%error, intent = %open.intent, "an act stays open");
                    return Ok(());
                }
            }
        }
        if ended < read || read < PAGE {
            return Ok(());
        }
    }
}
