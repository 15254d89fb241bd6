//! The pool: connections whose sessions give up rather than hold others up, statements prepared once each, and
//! questions that are asked again when it was only the connection that broke.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use attache_store::StoreError;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::OpenError;
use crate::ends::Ends;
use crate::error::{Trouble, silent, trouble, unavailable};

/// For how long an answer is waited for; longer than the server itself takes to give up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// For how long a free connection is waited for, or a new one.
const WAIT: Duration = Duration::from_secs(10);

/// A node that is stopped in the middle of a transaction, by a debugger or a frozen machine, must not hold its
/// rows for longer than others wait for them. Asynchronous commits would break the word that a unit is durable. A
/// plan that is kept and reads a whole table, since that was small when it was made, would stay when it has grown.
const SESSION: &str = "
    SET default_transaction_isolation = 'read committed';
    SET idle_in_transaction_session_timeout = '5s';
    SET lock_timeout = '10s';
    SET statement_timeout = '20s';
    SET enable_seqscan = off;
    SET jit = off;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Connections to one database.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: Pool,
    pub(crate) ends: Arc<Ends>,
}

pub(crate) type Param<'a> = &'a (dyn ToSql + Sync);

impl Connections {
    /// At most so many. None is made yet.
    pub(crate) fn new(config: Config, tls: MakeRustlsConnect, most: usize) -> Result<Self, OpenError> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let prepare = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(Manager::from_config(config, tls, recycling))
            .max_size(most)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .post_create(prepare)
            .build()
            .map_err(|error| OpenError::Address(error.to_string()))?;
        Ok(Self { pool, ends: Arc::default() })
    }

    /// A free connection, or a new one.
    pub(crate) async fn get(&self) -> Result<Object, StoreError> {
        use deadpool_postgres::PoolError;
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                unavailable("it cannot be reached", &error)
            }
            PoolError::Timeout(_) => silent("no connection to it became free", WAIT),
            error => StoreError::unavailable("no connection to it can be had", error.to_string()),
        })
    }

    /// Asks a question. It changes nothing, so it is asked again when the connection breaks.
    pub(crate) async fn ask(
        &self,
        what: &str,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        match self.try_once(what, sql, params).await {
            Err(Failed::Connection(_)) => self.once(what, sql, params).await,
            answer => answer.map_err(StoreError::from),
        }
    }

    /// Has something done once: when the connection breaks, nobody knows whether it was.
    pub(crate) async fn once(
        &self,
        what: &str,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.try_once(what, sql, params).await.map_err(StoreError::from)
    }

    /// The same, telling a broken connection from what the server refused.
    pub(crate) async fn try_once(
        &self,
        what: &str,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Failed> {
        loop {
            let connection = self.get().await.map_err(Failed::Unreachable)?;
            let answer = async {
                let statement = connection.prepare_cached(sql).await?;
                connection.query(&statement, params).await
            };
            match patient(answer).await {
                Some(Ok(rows)) => return Ok(rows),
                Some(Err(error)) => match trouble(&error) {
                    Trouble::Contended => {}
                    Trouble::Lost => return Err(Failed::Connection(unavailable(what, &error))),
                    Trouble::Refused => return Err(Failed::Server(what.to_owned(), error)),
                },
                None => {
                    // Whatever it still does must not meet the next one's question.
                    drop(Object::take(connection));
                    return Err(Failed::Connection(silent(what, PATIENCE)));
                }
            }
        }
    }
}

/// Why a single question has no answer.
#[derive(Debug)]
pub(crate) enum Failed {
    /// There is no connection; nothing was sent.
    Unreachable(StoreError),
    /// The connection broke, before or after the server did it.
    Connection(StoreError),
    /// The server refused it.
    Server(String, tokio_postgres::Error),
}

impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Unreachable(error) | Failed::Connection(error) => error,
            Failed::Server(what, error) => unavailable(&what, &error),
        }
    }
}

/// What comes of it within the time that is given to it.
pub(crate) async fn patient<T>(answer: impl Future<Output = T>) -> Option<T> {
    timeout(PATIENCE, answer).await.ok()
}
