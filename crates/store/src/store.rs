//! The store as the gateway uses it: records instead of rows, and a scope before every question.

use std::sync::Arc;

use crate::record::Versioned;
use crate::{
    CommitError, Committed, Engine, EntryQuery, EntryRow, GatewayScope, Job, JobQuery, ListQuery, Log,
    LogHead, Lookups, OrgScope, Page, Place, Record, Scope as _, StoreError, Tally, TallyQuery, Unit, Within,
};

/// The gateway's store. Cloning it costs nothing.
#[derive(Clone)]
pub struct Store(Arc<dyn Engine>);

impl Store {
    /// The store on this engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self(engine)
    }

    /// Applies all of a unit or none of it. It is durable when this returns.
    pub async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        if unit.is_empty() {
            return Ok(Committed::default());
        }
        self.0.commit(unit).await
    }

    /// An organisation's data.
    pub fn org(&self, scope: OrgScope) -> OrgStore<'_> {
        OrgStore { engine: self.0.as_ref(), scope }
    }

    /// Everything; for workers, sign-in and operators' commands.
    pub fn system(&self, _: GatewayScope) -> SystemStore<'_> {
        SystemStore { engine: self.0.as_ref() }
    }

    /// The engine, for the job runner, proofs and operators' commands.
    pub fn engine(&self, _: GatewayScope) -> &Arc<dyn Engine> {
        &self.0
    }
}

/// One organisation's data.
#[derive(Clone, Copy)]
pub struct OrgStore<'a> {
    engine: &'a dyn Engine,
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
        let row = self.engine.get(R::KIND, self.scope.place(), &key.to_string()).await?;
        row.map(Versioned::read).transpose()
    }

    /// The record with this unique lookup.
    pub async fn find<R: Record<Scope = OrgScope>>(
        &self,
        name: &'static str,
        value: &str,
    ) -> Result<Option<Versioned<R>>, StoreError> {
        let lookup = Lookups { kind: R::KIND, within: self.within(), name, value };
        self.engine.find(lookup).await?.map(Versioned::read).transpose()
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

    /// How many records of a type there are.
    pub async fn count<R: Record<Scope = OrgScope>>(
        &self,
        lookup: Option<(&'static str, &str)>,
    ) -> Result<u64, StoreError> {
        self.engine.count(R::KIND, self.within(), lookup).await
    }

    /// How the organisation's log stands.
    pub async fn log(&self) -> Result<Option<LogHead>, StoreError> {
        self.engine.log(self.own_log()).await
    }

    /// Entries of the organisation's log; the query's log is set here.
    pub async fn entries(&self, query: EntryQuery<'_>) -> Result<Vec<EntryRow>, StoreError> {
        self.engine.entries(EntryQuery { log: self.own_log(), ..query }).await
    }

    /// How many entries of the organisation's log fell into each slot; the query's log is set here.
    pub async fn tally(&self, query: TallyQuery) -> Result<Vec<Tally>, StoreError> {
        self.engine.tally(TallyQuery { log: self.own_log(), ..query }).await
    }

    /// The organisation's jobs; the query's organisation is set here.
    pub async fn jobs(&self, query: JobQuery<'_>) -> Result<Vec<Job>, StoreError> {
        self.engine.jobs(JobQuery { org: Some(self.scope.org()), ..query }).await
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
        self.engine.list(query).await?.into_iter().map(Versioned::read).collect()
    }
}

/// Everything, across organisations.
#[derive(Clone, Copy)]
pub struct SystemStore<'a> {
    engine: &'a dyn Engine,
}

impl SystemStore<'_> {
    /// The gateway's own record with this key.
    pub async fn get<R: Record<Scope = GatewayScope>>(
        &self,
        key: impl ToString,
    ) -> Result<Option<Versioned<R>>, StoreError> {
        let row = self.engine.get(R::KIND, Place::Gateway, &key.to_string()).await?;
        row.map(Versioned::read).transpose()
    }

    /// The record with this lookup, which is unique everywhere.
    pub async fn find<R: Record>(
        &self,
        name: &'static str,
        value: &str,
    ) -> Result<Option<Versioned<R>>, StoreError> {
        let lookup = Lookups { kind: R::KIND, within: Within::Anywhere, name, value };
        self.engine.find(lookup).await?.map(Versioned::read).transpose()
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

    /// How many records of a type there are, whosever they are.
    pub async fn count<R: Record>(&self, lookup: Option<(&'static str, &str)>) -> Result<u64, StoreError> {
        self.engine.count(R::KIND, Within::Anywhere, lookup).await
    }

    /// Jobs, whosever they are.
    pub async fn jobs(&self, query: JobQuery<'_>) -> Result<Vec<Job>, StoreError> {
        self.engine.jobs(query).await
    }

    async fn select<R: Record>(
        &self,
        lookup: Option<(&'static str, &str)>,
        page: Page,
    ) -> Result<Vec<Versioned<R>>, StoreError> {
        let query = ListQuery { kind: R::KIND, within: Within::Anywhere, lookup, page };
        self.engine.list(query).await?.into_iter().map(Versioned::read).collect()
    }
}
