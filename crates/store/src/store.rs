//! The store as the gateway uses it: records instead of rows, and a scope before every question.

use std::sync::Arc;

use crate::known::{Asked, By, Known};
use crate::record::Versioned;
use crate::{
    CommitError, Committed, Engine, EntryQuery, EntryRow, GatewayScope, Job, JobQuery, ListQuery, Log,
    LogHead, Lookups, OrgScope, Page, Place, Record, Scope as _, StoreError, Tally, TallyQuery, Unit, Within,
};

/// The gateway's store. Cloning it costs nothing.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
    known: Arc<Known>,
}

impl Store {
    /// The store on this engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, known: Arc::default() }
    }

    /// Applies all of a unit or none of it. It is durable when this returns.
    pub async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        if unit.is_empty() {
            return Ok(Committed::default());
        }
        self.engine.commit(unit).await
    }

    /// An organisation's data.
    pub fn org(&self, scope: OrgScope) -> OrgStore<'_> {
        OrgStore { store: self, scope }
    }

    /// Everything; for workers, sign-in and operators' commands.
    pub fn system(&self, _: GatewayScope) -> SystemStore<'_> {
        SystemStore { store: self }
    }

    /// The engine, for the job runner, proofs and operators' commands.
    pub fn engine(&self, _: GatewayScope) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// The record that is asked for, from the engine unless it is known.
    async fn one<R: Record>(&self, asked: Asked) -> Result<Option<Arc<Versioned<R>>>, StoreError> {
        let generation = self.engine.generation();
        if let Some(known) = generation.and_then(|now| self.known.get(now, &asked)) {
            return Ok(Some(known));
        }
        let Asked { kind, by, value } = &asked;
        let row = match *by {
            By::Key(place) => self.engine.get(kind, place, value).await?,
            By::Lookup(name, within) => self.engine.find(Lookups { kind, within, name, value }).await?,
        };
        let Some(row) = row else { return Ok(None) };
        let bytes = row.body.len();
        let record = Arc::new(Versioned::read(row)?);
        if let Some(then) = generation {
            self.known.put(then, asked, Arc::clone(&record), bytes);
        }
        Ok(Some(record))
    }
}

/// How many records are read at once where every one is wanted.
const PART: usize = 200;

impl Store {
    /// Every record of a list, the first by key first, read in parts.
    async fn every<R: Record>(
        &self,
        within: Within,
        lookup: Option<(&'static str, &str)>,
    ) -> Result<Vec<Versioned<R>>, StoreError> {
        let (mut all, mut page) = (Vec::new(), Page::first(PART));
        loop {
            let rows = self.engine.list(ListQuery { kind: R::KIND, within, lookup, page }).await?;
            let is_last = rows.len() < PART;
            for row in rows {
                all.push(Versioned::read(row)?);
            }
            match all.last() {
                Some(last) if !is_last => page = Page::first(PART).beyond(last),
                _ => return Ok(all),
            }
        }
    }
}

/// The record to do with as one likes.
fn own<R: Record>(shared: Option<Arc<Versioned<R>>>) -> Option<Versioned<R>> {
    shared.map(Arc::unwrap_or_clone)
}

/// One organisation's data.
#[derive(Clone, Copy)]
pub struct OrgStore<'a> {
    store: &'a Store,
    scope: OrgScope,
}

impl OrgStore<'_> {
    /// The organisation.
    pub fn scope(&self) -> OrgScope {
        self.scope
    }

    /// The record with this key.
    pub async fn get<R: Record<Scope = OrgScope>>(
        &self,
        key: impl ToString,
    ) -> Result<Option<Versioned<R>>, StoreError> {
        self.get_shared(key).await.map(own)
    }

    /// The same without a copy, for what every request looks at.
    pub async fn get_shared<R: Record<Scope = OrgScope>>(
        &self,
        key: impl ToString,
    ) -> Result<Option<Arc<Versioned<R>>>, StoreError> {
        let by = By::Key(self.scope.place());
        self.store.one(Asked { kind: R::KIND, by, value: key.to_string() }).await
    }

    /// The record with this unique lookup.
    pub async fn find<R: Record<Scope = OrgScope>>(
        &self,
        name: &'static str,
        value: &str,
    ) -> Result<Option<Versioned<R>>, StoreError> {
        let by = By::Lookup(name, self.within());
        self.store.one(Asked { kind: R::KIND, by, value: value.to_owned() }).await.map(own)
    }

    /// Records of a type.
    pub async fn list<R: Record<Scope = OrgScope>>(
        &self,
        page: Page,
    ) -> Result<Vec<Versioned<R>>, StoreError> {
        self.select(None, page).await
    }

    /// Records of a type with a lookup.
    pub async fn list_by<R: Record<Scope = OrgScope>>(
        &self,
        name: &'static str,
        value: &str,
        page: Page,
    ) -> Result<Vec<Versioned<R>>, StoreError> {
        self.select(Some((name, value)), page).await
    }

    /// Every record of a type, the first by key first. It is read in parts: whatever comes or goes meanwhile may be
    /// among them or not.
    pub async fn every<R: Record<Scope = OrgScope>>(&self) -> Result<Vec<Versioned<R>>, StoreError> {
        self.store.every(self.within(), None).await
    }

    /// How many records of a type there are.
    pub async fn count<R: Record<Scope = OrgScope>>(
        &self,
        lookup: Option<(&'static str, &str)>,
    ) -> Result<u64, StoreError> {
        self.store.engine.count(R::KIND, self.within(), lookup).await
    }

    /// How the organisation's log stands.
    pub async fn log(&self) -> Result<Option<LogHead>, StoreError> {
        self.store.engine.log(self.own_log()).await
    }

    /// Entries of the organisation's log; the query's log is set here.
    pub async fn entries(&self, query: EntryQuery<'_>) -> Result<Vec<EntryRow>, StoreError> {
        self.store.engine.entries(EntryQuery { log: self.own_log(), ..query }).await
    }

    /// How many entries of the organisation's log fell into each slot; the query's log is set here.
    pub async fn tally(&self, query: TallyQuery) -> Result<Vec<Tally>, StoreError> {
        self.store.engine.tally(TallyQuery { log: self.own_log(), ..query }).await
    }

    /// The organisation's jobs; the query's organisation is set here.
    pub async fn jobs(&self, query: JobQuery<'_>) -> Result<Vec<Job>, StoreError> {
        self.store.engine.jobs(JobQuery { org: Some(self.scope.org()), ..query }).await
    }

    /// The organisation's log.
    pub fn own_log(&self) -> Log {
        Log(self.scope.place())
    }

    fn within(&self) -> Within {
        Within::Place(self.scope.place())
    }

    async fn select<R: Record>(
        &self,
        lookup: Option<(&'static str, &str)>,
        page: Page,
    ) -> Result<Vec<Versioned<R>>, StoreError> {
        let query = ListQuery { kind: R::KIND, within: self.within(), lookup, page };
        self.store.engine.list(query).await?.into_iter().map(Versioned::read).collect()
    }
}

/// Everything, across organisations.
#[derive(Clone, Copy)]
pub struct SystemStore<'a> {
    store: &'a Store,
}

impl SystemStore<'_> {
    /// The gateway's own record with this key.
    pub async fn get<R: Record<Scope = GatewayScope>>(
        &self,
        key: impl ToString,
    ) -> Result<Option<Versioned<R>>, StoreError> {
        let by = By::Key(Place::Gateway);
        self.store.one(Asked { kind: R::KIND, by, value: key.to_string() }).await.map(own)
    }

    /// The record with this lookup, which is unique everywhere.
    pub async fn find<R: Record>(
        &self,
        name: &'static str,
        value: &str,
    ) -> Result<Option<Versioned<R>>, StoreError> {
        self.find_shared(name, value).await.map(own)
    }

    /// The same without a copy, for what every request looks at.
    pub async fn find_shared<R: Record>(
        &self,
        name: &'static str,
        value: &str,
    ) -> Result<Option<Arc<Versioned<R>>>, StoreError> {
        let by = By::Lookup(name, Within::Anywhere);
        self.store.one(Asked { kind: R::KIND, by, value: value.to_owned() }).await
    }

    /// Records of a type, whosever they are.
    pub async fn list<R: Record>(&self, page: Page) -> Result<Vec<Versioned<R>>, StoreError> {
        self.select(None, page).await
    }

    /// Records of a type with a lookup, whosever they are.
    pub async fn list_by<R: Record>(
        &self,
        name: &'static str,
        value: &str,
        page: Page,
    ) -> Result<Vec<Versioned<R>>, StoreError> {
        self.select(Some((name, value)), page).await
    }

    /// Every record of a type, whosever they are, as [`OrgStore::every`] reads them.
    pub async fn every<R: Record>(&self) -> Result<Vec<Versioned<R>>, StoreError> {
        self.store.every(Within::Anywhere, None).await
    }

    /// The same of those with a lookup.
    pub async fn every_by<R: Record>(
        &self,
        name: &'static str,
        value: &str,
    ) -> Result<Vec<Versioned<R>>, StoreError> {
        self.store.every(Within::Anywhere, Some((name, value))).await
    }

    /// How many records of a type there are, whosever they are.
    pub async fn count<R: Record>(&self, lookup: Option<(&'static str, &str)>) -> Result<u64, StoreError> {
        self.store.engine.count(R::KIND, Within::Anywhere, lookup).await
    }

    /// Jobs, whosever they are.
    pub async fn jobs(&self, query: JobQuery<'_>) -> Result<Vec<Job>, StoreError> {
        self.store.engine.jobs(query).await
    }

    async fn select<R: Record>(
        &self,
        lookup: Option<(&'static str, &str)>,
        page: Page,
    ) -> Result<Vec<Versioned<R>>, StoreError> {
        let query = ListQuery { kind: R::KIND, within: Within::Anywhere, lookup, page };
        self.store.engine.list(query).await?.into_iter().map(Versioned::read).collect()
    }
}
