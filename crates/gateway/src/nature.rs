//! Whether a database belongs to a sandbox or to real tenants: what has seen the one is never opened for the
//! other.

use attache_store::{CommitError, GatewayScope, Record, Store, StoreError, Unit};
use attache_terms::{Explain, Remedy};
use serde::{Deserialize, Serialize};

/// What a database is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Nature {
    sandbox: bool,
}

impl Record for Nature {
    const KIND: &'static str = "nature";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        "nature".to_owned()
    }
}

/// The database is for something else.
#[derive(Debug, thiserror::Error)]
pub enum NatureError {
    /// It has seen a real tenant.
    #[error("this database has seen a real tenant, and cannot be opened with --sandbox")]
    Real,
    /// It has only seen a sandbox.
    #[error("this database belongs to a sandbox, and cannot be used for real tenants")]
    Sandbox,
    /// It cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be marked.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Explain for NatureError {
    fn code(&self) -> &'static str {
        match self {
            Self::Real => "database_is_real",
            Self::Sandbox => "database_is_a_sandboxs",
            Self::Store(error) => error.code(),
            Self::Commit(error) => error.code(),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Real => Remedy::operator("leave out --sandbox, or give another --database or --home"),
            Self::Sandbox => Remedy::operator("add --sandbox, or give another --database or --home"),
            Self::Store(error) => error.remedy(),
            Self::Commit(error) => error.remedy(),
        }
    }
}

/// Marks a new database, and refuses one of the other nature. Whoever makes something beside the database asks first.
pub async fn check_nature(store: &Store, sandbox: bool) -> Result<(), NatureError> {
    let scope = GatewayScope::granted();
    loop {
        match store.system(scope).get::<Nature>("nature").await? {
            Some(nature) if nature.sandbox == sandbox => return Ok(()),
            Some(_) if sandbox => return Err(NatureError::Real),
            Some(_) => return Err(NatureError::Sandbox),
            None => {}
        }
        let mut unit = Unit::new();
        unit.create(scope, &Nature { sandbox });
        match store.commit(unit).await {
            // Another node may have marked it at the same time.
            Ok(_) | Err(CommitError::Taken { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use attache_store::{Engine, Store};
    use attache_store_sqlite::{Sqlite, SqliteOptions};
    use attache_terms::{Clock, Rng, SystemClock, SystemRng};

    use super::*;

    #[tokio::test]
    async fn what_has_seen_the_one_is_never_opened_for_the_other() {
        for sandbox in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::new(SystemClock), Arc::new(SystemRng));
            let options = SqliteOptions {
                path: folder.path().join("gateway.db"),
                clock: Arc::clone(&clock),
                rng: Arc::clone(&rng),
            };
            let engine: Arc<dyn Engine> = Arc::new(Sqlite::open(options).unwrap());
            let store = Store::new(engine);
            for _ in 0..2 {
                check_nature(&store, sandbox).await.unwrap();
                let refused = check_nature(&store, !sandbox).await.unwrap_err();
                let code = if sandbox { "database_is_a_sandboxs" } else { "database_is_real" };
                assert_eq!(refused.code(), code);
            }
        }
    }
}
