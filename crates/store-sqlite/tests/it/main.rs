//! The engine passes the suite that every engine passes, and keeps what a file promises besides.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod files;
mod full;
mod groups;
mod kept;
mod kill;
mod leases;

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use attache_ledger::{Act, ActName, Actor, By, ByKind, Composer, Draft, Verdict};
use attache_store::{Engine, OrgId, OrgScope, Record, Store, StoreError};
use attache_store_sqlite::{Sqlite, SqliteOptions};
use attache_terms::{Clock, ManualClock, SystemClock, SystemRng};
use serde::{Deserialize, Serialize};

async fn empty(clock: Arc<ManualClock>) -> (Arc<dyn Engine>, impl Any + Send + Sync) {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(&folder.path().join("gateway.db"), clock).unwrap();
    (Arc::new(engine) as Arc<dyn Engine>, folder)
}

attache_store::conformance!(empty);

fn open_with(path: &Path, clock: Arc<dyn Clock>) -> Result<Sqlite, StoreError> {
    Sqlite::open(SqliteOptions { path: path.to_owned(), clock, rng: Arc::new(SystemRng) })
}

fn open(path: &Path) -> Result<Sqlite, StoreError> {
    open_with(path, Arc::new(SystemClock))
}

fn store(path: &Path) -> Store {
    Store::new(Arc::new(open(path).unwrap()))
}

/// The one organisation of these tests.
fn org() -> OrgScope {
    OrgScope::granted("0197a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b".parse::<OrgId>().unwrap())
}

/// Something to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Page {
    key: String,
    text: String,
}

impl Page {
    fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), text: "what a page says, ".repeat(20) }
    }
}

impl Record for Page {
    const KIND: &'static str = "page";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.key.clone()
    }
}

/// An entry by somebody.
fn entry(by: &str) -> Draft {
    let composer = Composer::new(Arc::new(SystemClock), Arc::new(SystemRng));
    let actor = Actor { by: Some(By::new(ByKind::Person, by)), ..Actor::default() };
    composer.change(Act::new(const { ActName::new("page.write") }, actor), Verdict::Done, None)
}
