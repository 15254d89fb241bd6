//! A unit of work, as a value.

use attache_ledger::Draft;
use jiff::Timestamp;

use crate::{JobEnd, Lease, Log, Lookup, NewJob, Place, Record, Scope, Versioned};

/// What is to be applied together or not at all. Changes are applied in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// The lease that it is applied under: it is refused when another worker has the job.
    pub under: Option<Lease>,
    /// Changes of records.
    pub changes: Vec<Change>,
    /// Jobs that ended, by their leases.
    pub ended: Vec<(Lease, JobEnd)>,
    /// Jobs to be done.
    pub jobs: Vec<NewJob>,
    /// Audit entries, in order, each for its log.
    pub entries: Vec<(Log, Draft)>,
    /// Withheld fields of entries to be destroyed: the log and the entry's number.
    pub erased: Vec<(Log, u64)>,
}

/// A change of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is.
    pub kind: &'static str,
    /// To whom it belongs.
    pub place: Place,
    /// Its key.
    pub key: String,
    /// The version that it must have, or else the unit conflicts; `None` when it must not exist, or else its key is
    /// taken.
    pub expects: Option<u64>,
    /// What becomes of it.
    pub becomes: Becomes,
}

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Becomes {
    /// This; the version grows by one.
    Body {
        /// The record, in JSON.
        body: String,
        /// What it is found by.
        lookups: Vec<Lookup>,
        /// When it may be swept away.
        expires: Option<Timestamp>,
    },
    /// What it was.
    Same,
    /// Nothing.
    Nothing,
}

/// What a commit came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// The numbers that the entries got, in the order of the unit.
    pub sequences: Vec<u64>,
}

impl Unit {
    /// A unit that does nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record that must not exist.
    pub fn create<R: Record>(&mut self, scope: R::Scope, record: &R) -> &mut Self {
        let becomes = Becomes::of(record);
        self.change(R::KIND, scope.place(), record.key(), None, becomes)
    }

    /// Replaces a record that must still be as it was read. The key must be the same.
    pub fn update<R: Record>(&mut self, before: &Versioned<R>, after: &R) -> &mut Self {
        debug_assert_eq!(before.record.key(), after.key(), "a record keeps its key");
        let becomes = Becomes::of(after);
        self.change(R::KIND, before.place, before.record.key(), Some(before.version), becomes)
    }

    /// Removes a record that must still be as it was read.
    pub fn delete<R: Record>(&mut self, before: &Versioned<R>) -> &mut Self {
        self.change(R::KIND, before.place, before.record.key(), Some(before.version), Becomes::Nothing)
    }

    /// Whether it removes a record.
    pub fn removes<R: Record>(&self, seen: &Versioned<R>) -> bool {
        let key = seen.record.key();
        let same =
            |change: &Change| change.kind == R::KIND && change.place == seen.place && change.key == key;
        self.changes.iter().any(|change| same(change) && change.becomes == Becomes::Nothing)
    }

    /// Demands that a record is still as it was read.
    pub fn expect<R: Record>(&mut self, seen: &Versioned<R>) -> &mut Self {
        self.change(R::KIND, seen.place, seen.record.key(), Some(seen.version), Becomes::Same)
    }

    /// Adds a job.
    pub fn enqueue(&mut self, job: NewJob) -> &mut Self {
        self.jobs.push(job);
        self
    }

    /// Demands that no other worker has the job, and that none takes it before the unit is applied. A lease that
    /// lapsed holds as long as nobody has taken the job over.
    pub fn under(&mut self, lease: &Lease) -> &mut Self {
        self.under = Some(lease.clone());
        self
    }

    /// Ends a claimed job. The unit is refused when the lease is lost.
    pub fn end(&mut self, lease: &Lease, end: JobEnd) -> &mut Self {
        self.ended.push((lease.clone(), end));
        self
    }

    /// Adds an audit entry to the log of the scope.
    pub fn record(&mut self, scope: impl Scope, entry: Draft) -> &mut Self {
        self.entries.push((Log(scope.place()), entry));
        self
    }

    /// Destroys the withheld fields of an entry.
    pub fn erase(&mut self, scope: impl Scope, sequence: u64) -> &mut Self {
        self.erased.push((Log(scope.place()), sequence));
        self
    }

    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        self.under.is_none()
            && self.changes.is_empty()
            && self.ended.is_empty()
            && self.jobs.is_empty()
            && self.entries.is_empty()
            && self.erased.is_empty()
    }

    fn change(
        &mut self,
        kind: &'static str,
        place: Place,
        key: String,
        expects: Option<u64>,
        becomes: Becomes,
    ) -> &mut Self {
        self.changes.push(Change { kind, place, key, expects, becomes });
        self
    }
}

impl Becomes {
    #[expect(clippy::expect_used, reason = "records are plain values with string keys")]
    fn of<R: Record>(record: &R) -> Self {
        let body = serde_json::to_string(record).expect("a record becomes JSON");
        Self::Body { body, lookups: record.lookups(), expires: record.expires() }
    }
}
