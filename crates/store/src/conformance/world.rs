//! What the sentences of the suite speak of: an empty database, its clock, notes, settings and entries.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{
    Act, ActName, Actor, By, ByKind, Code, Composer, Correlation, Draft, Name, Target, Thing, Verdict,
};
use attache_terms::{ManualClock, SystemRng};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Claim, CommitError, Engine, GatewayScope, JobId, JobQuery, Lease, Lookup, NewJob, NodeId, OrgId,
    OrgScope, OrgStore, Record, Store, SystemStore, Unit, Versioned,
};

/// Who asks for everything here.
pub(super) const ADA: &str = "ada@contoso.example";

/// An engine with an empty database, and what a sentence needs beside it.
pub struct World {
    pub(super) store: Store,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) clock: Arc<ManualClock>,
    composer: Composer,
    _kept: Box<dyn Any + Send + Sync>,
}

impl World {
    /// The clock of the suite: it stands still until a sentence moves it.
    pub fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::new(at(0)))
    }

    /// A world on this engine, whose database is empty. What is `kept` is dropped with it.
    pub fn new(engine: Arc<dyn Engine>, clock: Arc<ManualClock>, kept: impl Any + Send + Sync) -> Self {
        let composer = Composer::new(clock.clone(), Arc::new(SystemRng));
        Self { store: Store::new(engine.clone()), engine, clock, composer, _kept: Box::new(kept) }
    }

    /// An organisation that is new.
    pub(super) fn org(&self) -> OrgScope {
        OrgScope::granted(OrgId::make(self.clock.as_ref(), &SystemRng))
    }

    pub(super) fn of(&self, org: OrgScope) -> OrgStore<'_> {
        self.store.org(org)
    }

    pub(super) fn all(&self) -> SystemStore<'_> {
        self.store.system(GatewayScope::granted())
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Commits what is put into a unit.
    pub(super) async fn commit(&self, fill: impl FnOnce(&mut Unit)) -> Result<Vec<u64>, CommitError> {
        let mut unit = Unit::new();
        fill(&mut unit);
        self.store.commit(unit).await.map(|committed| committed.sequences)
    }

    /// Adds a note and reads it back.
    pub(super) async fn add(&self, org: OrgScope, note: &Note) -> Versioned<Note> {
        self.commit(|unit| _ = unit.create(org, note)).await.unwrap();
        self.note(org, &note.key).await.unwrap()
    }

    pub(super) async fn note(&self, org: OrgScope, key: &str) -> Option<Versioned<Note>> {
        self.of(org).get(key).await.unwrap()
    }

    pub(super) fn node(&self) -> NodeId {
        NodeId::make(self.clock.as_ref(), &SystemRng)
    }

    pub(super) fn job(&self, kind: &'static str, org: Option<OrgScope>) -> NewJob {
        let id = JobId::make(self.clock.as_ref(), &SystemRng);
        NewJob::new(id, kind, org.map(OrgScope::org), &serde_json::json!({ "of": kind }))
    }

    pub(super) async fn enqueue(&self, job: NewJob) -> JobId {
        let id = job.id;
        self.commit(|unit| _ = unit.enqueue(job)).await.unwrap();
        id
    }

    /// Claims jobs for a minute.
    pub(super) async fn claim(&self, kinds: &[&'static str], limit: usize) -> Vec<Lease> {
        let claim = Claim { node: self.node(), kinds, lease: Duration::from_secs(60), limit };
        self.engine.claim(claim).await.unwrap()
    }

    pub(super) async fn claim_one(&self, kind: &'static str) -> Option<Lease> {
        self.claim(&[kind], 1).await.pop()
    }

    pub(super) async fn job_as_it_stands(&self, id: JobId) -> crate::Job {
        let all = JobQuery { limit: 1000, ..JobQuery::default() };
        self.engine.jobs(all).await.unwrap().into_iter().find(|job| job.id == id).unwrap()
    }

    /// An entry about a thing, by a person.
    pub(super) fn entry(&self, act: &'static str, thing: &str) -> Draft {
        self.composer.change(self.act(act, thing), Verdict::Done, None)
    }

    pub(super) fn refusal(&self, act: &'static str, thing: &str) -> Draft {
        self.composer.refusal(self.act(act, thing), Code::new("not_allowed"))
    }

    fn act(&self, act: &'static str, thing: &str) -> Act {
        let actor = Actor { by: Some(By::new(ByKind::Person, ADA)), ..Actor::default() };
        let thing = Thing::new(Name::new("note"), thing.parse().unwrap());
        let correlation = Correlation { request: Some(request_of(act)), ..Correlation::default() };
        Act::new(ActName::new(act), actor)
            .on(Target { things: vec![thing], ..Target::default() })
            .correlated(correlation)
    }

    /// Adds so many entries to a log, a few with each unit.
    pub(super) async fn write(&self, scope: impl crate::Scope, entries: usize) {
        let mut left = entries;
        while left > 0 {
            let now = left.min(100);
            let fill = |unit: &mut Unit| {
                (0..now).for_each(|_| _ = unit.record(scope, self.entry("note.change", "n-1")));
            };
            self.commit(fill).await.unwrap();
            left -= now;
        }
    }
}

/// The request that entries of this act name.
pub(super) fn request_of(act: &str) -> Uuid {
    let mut bytes = [0x40; 16];
    bytes.iter_mut().zip(act.bytes()).for_each(|(byte, of)| *byte = of);
    Uuid::from_bytes(bytes)
}

/// So many seconds after the beginning.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// An organisation's record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) key: String,
    pub(super) text: String,
    /// What many may share.
    pub(super) tags: Vec<String>,
    /// Unique in its place.
    pub(super) name: Option<String>,
    /// Unique everywhere.
    pub(super) address: Option<String>,
    pub(super) expires: Option<Timestamp>,
}

impl Note {
    pub(super) fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), ..Self::default() }
    }

    pub(super) fn text(self, text: &str) -> Self {
        Self { text: text.into(), ..self }
    }

    pub(super) fn tagged(mut self, tag: &str) -> Self {
        self.tags.push(tag.into());
        self
    }

    pub(super) fn named(self, name: &str) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    pub(super) fn addressed(self, address: &str) -> Self {
        Self { address: Some(address.into()), ..self }
    }

    pub(super) fn expiring(self, at: Timestamp) -> Self {
        Self { expires: Some(at), ..self }
    }
}

impl Record for Note {
    const KIND: &'static str = "note";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.key.clone()
    }

    fn lookups(&self) -> Vec<Lookup> {
        let mut lookups: Vec<Lookup> = self.tags.iter().map(|tag| Lookup::many("tag", tag)).collect();
        lookups.extend(self.name.iter().map(|name| Lookup::unique("name", name)));
        lookups.extend(self.address.iter().map(|address| Lookup::unique_everywhere("address", address)));
        lookups
    }

    fn expires(&self) -> Option<Timestamp> {
        self.expires
    }
}

/// A record of the gateway's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Setting {
    pub(super) key: String,
}

impl Record for Setting {
    const KIND: &'static str = "setting";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.key.clone()
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::unique("name", &self.key)]
    }
}
