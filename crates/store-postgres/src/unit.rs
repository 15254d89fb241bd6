//! Units of work: two round trips. The first begins a transaction, makes every change in order, and locks the
//! logs last; the second adds the numbered entries and commits. What others were in the way of is tried again,
//! and what broke with the connection is looked up by its transaction's number, so that the caller hears what
//! really became of it.

use std::time::{Duration, SystemTime};

use attache_store::{CommitError, Committed, JobEnd, Lease, StoreError, Unit};
use deadpool_postgres::Object;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Row, SimpleQueryMessage};

use crate::connections::{Connections, Failed, PATIENCE, patient};
use crate::ends::Ended;
use crate::error::{Trouble, damaged, silent, trouble, unavailable};
use crate::pipeline::{Asked, pipelined};
use crate::statement::Statement;
use crate::{changes, jobs, log};

/// How often a unit is tried when others are in its way, or its connections break before it is committed.
const TRIES: u32 = 8;

/// How far apart the fate of a transaction is asked for.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

const WHAT: &str = "applying a unit of work";

/// The number that the transaction has, the process that serves it, and the server's timeline: after a failover
/// another transaction may have the same number.
const BEGIN: &str = "
    BEGIN;
    SELECT pg_current_xact_id(), pg_backend_pid(), left(pg_walfile_name(pg_current_wal_lsn()), 8)";

/// What became of a transaction. One that the server still holds open is ended: its client is gone.
const FATE: &str = "
    SELECT pg_xact_status($1::text::xid8),
        (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid = $2 AND backend_xid = $1::text::xid8::xid)
    WHERE left(pg_walfile_name(pg_current_wal_lsn()), 8) = $3";

/// Why one try of a unit came to nothing.
enum Stopped {
    /// It cannot be applied.
    Refused(CommitError),
    /// It may be tried again; this is why it was not applied.
    Again(StoreError),
    /// Its end is not known: the transaction, what it would have come to, and what broke.
    Unknown(Begun, Committed, StoreError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<CommitError> for Stopped {
    fn from(error: CommitError) -> Self {
        Self::Refused(error)
    }
}

/// A transaction that has begun.
struct Begun {
    transaction: String,
    process: i32,
    timeline: String,
}

/// What became of a transaction.
enum Fate {
    Committed,
    Aborted,
    Unknown,
}

impl Connections {
    pub(crate) async fn applied(
        &self,
        unit: &Unit,
        now: Option<SystemTime>,
    ) -> Result<Committed, CommitError> {
        if let ([(lease, end)], true) = (&unit.ended[..], only_ends(unit)) {
            return match self.ended_with_others(lease, end, now).await {
                Ended::Done => Ok(Committed::default()),
                Ended::LeaseLost => Err(CommitError::LeaseLost),
                Ended::Alone { may_have_ended } => self.ended_alone(lease, end, now, may_have_ended).await,
            };
        }
        let mut tries = 1;
        loop {
            let error = match self.try_unit(unit, now).await {
                Ok(committed) => return Ok(committed),
                Err(Stopped::Refused(error)) => return Err(error),
                Err(Stopped::Again(error)) => error,
                Err(Stopped::Unknown(begun, committed, error)) => match patient(self.fate(&begun)).await {
                    Some(Fate::Committed) => return Ok(committed),
                    Some(Fate::Aborted) => error,
                    Some(Fate::Unknown) | None => {
                        let what = "whether a unit of work was applied is not known";
                        return Err(StoreError::unavailable(what, error).into());
                    }
                },
            };
            if tries == TRIES {
                return Err(error.into());
            }
            tries += 1;
        }
    }

    /// Ends one job, after the statement that it shared with others has failed. When the connection breaks it is
    /// simply sent again: the token tells whether the first was applied.
    async fn ended_alone(
        &self,
        lease: &Lease,
        end: &JobEnd,
        now: Option<SystemTime>,
        mut may_have_ended: bool,
    ) -> Result<Committed, CommitError> {
        let ends = [(lease.clone(), end.clone())];
        let Some(statement) = jobs::ended(&ends, now) else { return Ok(Committed::default()) };
        let settle = async {
            loop {
                let answer = self.try_once(WHAT, statement.sql, &statement.params()).await;
                match answer {
                    Ok(rows) if !rows.is_empty() => return Ok(Committed::default()),
                    Ok(_) if !may_have_ended => return Err(CommitError::LeaseLost),
                    Ok(_) => match self.was_ended_by(lease).await {
                        Ok(true) => return Ok(Committed::default()),
                        Ok(false) => return Err(CommitError::LeaseLost),
                        Err(_) => tokio::time::sleep(BETWEEN_LOOKS).await,
                    },
                    Err(Failed::Connection(_)) => may_have_ended = true,
                    Err(Failed::Unreachable(_)) if may_have_ended => {
                        tokio::time::sleep(BETWEEN_LOOKS).await;
                    }
                    Err(failed) => return Err(StoreError::from(failed).into()),
                }
            }
        };
        patient(settle).await.unwrap_or_else(|| Err(silent(WHAT, PATIENCE).into()))
    }

    async fn was_ended_by(&self, lease: &Lease) -> Result<bool, StoreError> {
        Ok(!self.ask(WHAT, jobs::ENDED_BY, &[&lease.job.id.uuid(), &lease.token]).await?.is_empty())
    }

    async fn try_unit(&self, unit: &Unit, now: Option<SystemTime>) -> Result<Committed, Stopped> {
        let mut transaction = Transaction::on(self.get().await?);
        let places = log::places(&unit.entries);
        let mut statements = changes::statements(&unit.changes);
        statements.extend(unit.under.as_ref().map(jobs::held));
        statements.extend(jobs::ended(&unit.ended, now));
        statements.extend(jobs::added(&unit.jobs, now));
        statements.extend(log::erased(&unit.erased));
        // Last, for whoever else adds to the log waits for it.
        if !places.is_empty() {
            statements.push(Statement::new(log::HEADS).with(places.clone()));
        }
        let (begun, answers) = transaction.begin(&statements).await?;
        let mut rows = Vec::new();
        for (statement, answer) in statements.iter().zip(answers) {
            rows = answer;
            if let Err(refused) = statement.check(&rows) {
                transaction.roll_back().await;
                return Err(refused.into());
            }
        }
        if !places.is_empty() && rows.len() < places.len() {
            rows = transaction.begin_logs(&places).await?;
        }
        let mut heads = if places.is_empty() { Default::default() } else { log::heads(&rows)? };
        let entries = log::numbered(&mut heads, &unit.entries);
        let sequences = entries.iter().map(|(_, entry)| entry.row.sequence).collect();
        transaction.commit(&log::added(&entries, &heads), begun, Committed { sequences }).await
    }

    /// What became of a transaction whose connection broke.
    async fn fate(&self, begun: &Begun) -> Fate {
        let Begun { transaction, process, timeline } = begun;
        loop {
            match self.ask("asking what became of a unit", FATE, &[transaction, process, timeline]).await {
                Ok(rows) => {
                    let status: Option<String> = rows.first().and_then(|row| row.try_get(0).ok()).flatten();
                    match status.as_deref() {
                        Some("committed") => return Fate::Committed,
                        Some("aborted") => return Fate::Aborted,
                        Some(_) => {}
                        // The server no longer knows, or it is another one.
                        None => return Fate::Unknown,
                    }
                }
                // It may be starting again.
                Err(StoreError::Unavailable { .. }) => {}
                Err(_) => return Fate::Unknown,
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

fn only_ends(unit: &Unit) -> bool {
    unit.under.is_none()
        && unit.changes.is_empty()
        && unit.jobs.is_empty()
        && unit.entries.is_empty()
        && unit.erased.is_empty()
}

/// A connection with an open transaction. It goes back to the pool only after the transaction's end; dropped
/// before that, it is closed, and the server rolls back.
struct Transaction {
    connection: Option<Object>,
}

enum Answer {
    Begun(Vec<SimpleQueryMessage>),
    Rows(Vec<Row>),
    Ended,
}

type Answered = Result<Answer, tokio_postgres::Error>;

impl Transaction {
    fn on(connection: Object) -> Self {
        Self { connection: Some(connection) }
    }

    fn connection(&self) -> Result<&Object, StoreError> {
        self.connection.as_ref().ok_or_else(|| StoreError::unavailable(WHAT, "the transaction has ended"))
    }

    /// Begins it with these statements: one round trip.
    async fn begin(&mut self, statements: &[Statement<'_>]) -> Result<(Begun, Vec<Vec<Row>>), Stopped> {
        let mut begun = None;
        let mut answers = Vec::with_capacity(statements.len());
        for answer in self.send(Some(BEGIN), statements, None).await? {
            match answer {
                Ok(Answer::Begun(messages)) => begun = Some(read_begun(&messages)?),
                Ok(Answer::Rows(rows)) => answers.push(rows),
                Ok(Answer::Ended) => {}
                Err(error) => return Err(self.stop(error).await),
            }
        }
        let begun = begun.ok_or_else(|| damaged("transaction", "number", "it has none"))?;
        Ok((begun, answers))
    }

    /// Begins the logs that are missing, and locks all.
    async fn begin_logs(&mut self, places: &[uuid::Uuid]) -> Result<Vec<Row>, Stopped> {
        let empty = attache_ledger::Frontier::default().to_bytes();
        let begin = Statement::new(log::BEGIN_LOGS).with(places.to_vec()).with(empty);
        let lock = Statement::new(log::HEADS).with(places.to_vec());
        let mut heads = Vec::new();
        for answer in self.send(None, &[begin, lock], None).await? {
            match answer {
                Ok(Answer::Rows(rows)) => heads = rows,
                Ok(Answer::Begun(_) | Answer::Ended) => {}
                Err(error) => return Err(self.stop(error).await),
            }
        }
        Ok(heads)
    }

    /// Commits it with these statements: one round trip.
    async fn commit(
        mut self,
        statements: &[Statement<'_>],
        begun: Begun,
        committed: Committed,
    ) -> Result<Committed, Stopped> {
        let answers = match self.send(None, statements, Some("COMMIT")).await {
            Ok(answers) => answers,
            Err(Stopped::Again(error)) => return Err(Stopped::Unknown(begun, committed, error)),
            Err(stopped) => return Err(stopped),
        };
        for answer in answers {
            let Err(error) = answer else { continue };
            return Err(match trouble(&error) {
                Trouble::Lost => Stopped::Unknown(begun, committed, unavailable(WHAT, &error)),
                Trouble::Contended | Trouble::Refused => self.stop(error).await,
            });
        }
        drop(self.connection.take());
        Ok(committed)
    }

    /// Sends all this without waiting in between.
    async fn send(
        &mut self,
        before: Option<&'static str>,
        statements: &[Statement<'_>],
        after: Option<&'static str>,
    ) -> Result<Vec<Answered>, Stopped> {
        let connection = self.connection()?;
        let answers = async {
            let mut prepared = Vec::with_capacity(statements.len());
            for statement in statements {
                prepared.push((connection.prepare_cached(statement.sql).await?, statement.params()));
            }
            let mut asked: Vec<Asked<'_, Answered>> = Vec::with_capacity(statements.len() + 2);
            if let Some(before) = before {
                asked.push(Box::pin(async move { connection.simple_query(before).await.map(Answer::Begun) }));
            }
            for (statement, params) in &prepared {
                asked.push(Box::pin(
                    async move { connection.query(statement, params).await.map(Answer::Rows) },
                ));
            }
            if let Some(after) = after {
                asked.push(Box::pin(
                    async move { connection.batch_execute(after).await.map(|()| Answer::Ended) },
                ));
            }
            Ok(pipelined(asked).await)
        };
        match patient(answers).await {
            Some(Ok(answers)) => Ok(answers),
            Some(Err(error)) => Err(self.stop(error).await),
            None => Err(Stopped::Again(silent(WHAT, PATIENCE))),
        }
    }

    /// What an error of PostgreSQL's makes of the unit, before it is committed.
    async fn stop(&mut self, error: tokio_postgres::Error) -> Stopped {
        let what = unavailable(WHAT, &error);
        match trouble(&error) {
            Trouble::Lost => Stopped::Again(what),
            Trouble::Contended => {
                self.roll_back().await;
                Stopped::Again(what)
            }
            Trouble::Refused => {
                self.roll_back().await;
                let db = error.as_db_error();
                let is = |constraint| db.is_some_and(|error| error.constraint() == Some(constraint));
                match error.code() {
                    Some(&SqlState::UNIQUE_VIOLATION) if is("jobs_pkey") => {
                        Stopped::Refused(CommitError::Taken { kind: "job", lookup: "key" })
                    }
                    _ => Stopped::Refused(what.into()),
                }
            }
        }
    }

    async fn roll_back(&mut self) {
        let Some(connection) = &self.connection else { return };
        if let Some(Ok(())) = patient(connection.batch_execute("ROLLBACK")).await {
            drop(self.connection.take());
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

fn read_begun(messages: &[SimpleQueryMessage]) -> Result<Begun, StoreError> {
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let transaction = row.and_then(|row| row.get(0)).map(ToOwned::to_owned);
    let process = row.and_then(|row| row.get(1)).and_then(|text| text.parse().ok());
    let timeline = row.and_then(|row| row.get(2)).map(ToOwned::to_owned);
    match (transaction, process, timeline) {
        (Some(transaction), Some(process), Some(timeline)) => Ok(Begun { transaction, process, timeline }),
        _ => Err(damaged("transaction", "number", "the server did not tell it")),
    }
}
