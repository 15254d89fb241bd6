//! Messages that came in. Claiming, keeping as unread and moving the cursor are one transaction: a message
//! is taken in exactly once, whichever process reads it and wherever that process is killed. Handing out is
//! by lease, so that what a killed process held comes back.

use attache_terms::{ChatId, MessageId, Untrusted, UserId};
use jiff::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior, params};
use uuid::Uuid;

use super::cursors::{Cursor, move_on};
use super::{State, StateError};

/// A message from outside, normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Whose chats it was found in.
    pub viewer: UserId,
    /// The chat.
    pub chat: ChatId,
    /// The message.
    pub message: MessageId,
    /// When the platform received it.
    pub sent: Timestamp,
    /// The platform's id of who wrote it.
    pub sender: String,
    /// The name that the sender chose.
    pub sender_name: Untrusted,
    /// Whether the sender is the sponsor, by id.
    pub sponsor: bool,
    /// What it says.
    pub content: Untrusted,
}

/// A message that nobody is known to have seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its place in the order of arrival.
    pub seq: i64,
    /// The message.
    pub arrival: Arrival,
    /// Whether it was handed to a host already, which may have dropped it.
    pub pushed: bool,
}

/// A process that hands messages out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner(pub Uuid);

/// How far behind its chat's cursor a claim is kept, in milliseconds of message time: further back than any
/// reading goes, so that no quiet spell makes an old message new.
const CLAIMS_KEPT: i64 = 24 * 3600 * 1000;
/// How long a message that was pushed, and of which nothing more was heard, stays on the unread list.
const PUSHED_KEPT: i64 = 24 * 3600 * 1000;

const COLUMNS: &str = "seq, viewer, chat, message, sent, sender, sender_name, sponsor, content, pushed";

impl State {
    /// Takes in what was read from one chat, and moves its cursor on. Returns how many were new.
    ///
    /// # Errors
    /// When the state cannot be written; then nothing of it was.
    pub async fn take_in(
        &self,
        viewer: UserId,
        chat: &ChatId,
        arrivals: Vec<Arrival>,
        cursor: Cursor,
        now: Timestamp,
    ) -> Result<usize, StateError> {
        let (viewer, chat) = (viewer.to_string(), chat.to_string());
        let now = now.as_millisecond();
        self.with(move |connection| {
            let unit = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut new = 0;
            for arrival in &arrivals {
                if claim(&unit, &viewer, &chat, &arrival.message)? {
                    keep(&unit, &viewer, &chat, arrival)?;
                    new += 1;
                }
            }
            move_on(&unit, &viewer, &chat, cursor)?;
            forget_claims(&unit, &viewer, &chat)?;
            unit.execute("DELETE FROM unread WHERE pushed < ?1", [now.saturating_sub(PUSHED_KEPT)])?;
            unit.commit()?;
            Ok(new)
        })
        .await
    }

    /// Leases the oldest messages that were not handed out to `owner`, until `until`.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn lease(
        &self,
        owner: Owner,
        now: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Result<Vec<Waiting>, StateError> {
        if !self.exists() {
            return Ok(Vec::new());
        }
        let (now, until) = (now.as_millisecond(), until.as_millisecond());
        self.with(move |connection| {
            let unit = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let waiting = {
                let mut rows = unit.prepare_cached(&format!(
                    "UPDATE unread SET owner = ?1, lease = ?2 WHERE seq IN (
                         SELECT seq FROM unread
                         WHERE pushed IS NULL AND (owner IS NULL OR owner = ?1 OR lease <= ?3)
                         ORDER BY seq LIMIT ?4)
                     RETURNING {COLUMNS}"
                ))?;
                let found = rows.query_map(params![owner.0.to_string(), until, now, most], waiting)?;
                found.collect::<Result<Vec<_>, _>>()?
            };
            unit.commit()?;
            let mut waiting = waiting;
            waiting.sort_by_key(|message| message.seq);
            Ok(waiting)
        })
        .await
    }

    /// Says that these were handed to a host.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn pushed(&self, seqs: Vec<i64>, now: Timestamp) -> Result<(), StateError> {
        let now = now.as_millisecond();
        self.with(move |connection| {
            each(
                connection,
                &seqs,
                "UPDATE unread SET pushed = ?2, owner = NULL, lease = NULL WHERE seq = ?1",
                now,
            )
        })
        .await
    }

    /// Gives back what `owner` has leased and not handed out.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn release(&self, owner: Owner) -> Result<(), StateError> {
        if !self.exists() {
            return Ok(());
        }
        self.with(move |connection| {
            connection
                .execute(
                    "UPDATE unread SET owner = NULL, lease = NULL WHERE owner = ?1",
                    [owner.0.to_string()],
                )
                .map(drop)
        })
        .await
    }

    /// The oldest messages that nobody is known to have seen, of one chat or of all.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn unread(&self, chat: Option<&ChatId>, most: u32) -> Result<Vec<Waiting>, StateError> {
        let chat = chat.map(ToString::to_string);
        self.with(move |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM unread WHERE ?1 IS NULL OR chat = ?1 ORDER BY seq LIMIT ?2"
                ))?
                .query_map(params![chat, most], waiting)?
                .collect()
        })
        .await
    }

    /// How many messages were neither handed out nor read.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn unread_count(&self) -> Result<u64, StateError> {
        if !self.exists() {
            return Ok(0);
        }
        self.with(|connection| {
            connection
                .query_row("SELECT count(*) FROM unread WHERE pushed IS NULL", [], |row| row.get::<_, i64>(0))
        })
        .await
        .map(i64::unsigned_abs)
    }

    /// Says that these have been seen.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn seen(&self, seqs: Vec<i64>) -> Result<(), StateError> {
        self.with(move |connection| {
            each(connection, &seqs, "DELETE FROM unread WHERE seq = ?1 AND ?2 = 0", 0)
        })
        .await
    }

    /// Forgets what nobody has seen: another person may sign in next.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn forget_unread(&self) -> Result<(), StateError> {
        if !self.exists() {
            return Ok(());
        }
        self.with(|connection| connection.execute("DELETE FROM unread", []).map(drop)).await
    }

    /// Says that these messages of a chat have been seen.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn seen_in(
        &self,
        viewer: UserId,
        chat: &ChatId,
        ids: Vec<MessageId>,
    ) -> Result<(), StateError> {
        let (viewer, chat) = (viewer.to_string(), chat.to_string());
        self.with(move |connection| {
            let waiting: i64 = connection
                .prepare_cached("SELECT count(*) FROM unread WHERE chat = ?1")?
                .query_row([&chat], |row| row.get(0))?;
            if waiting == 0 {
                return Ok(());
            }
            let unit = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for id in &ids {
                unit.prepare_cached("DELETE FROM unread WHERE viewer = ?1 AND chat = ?2 AND message = ?3")?
                    .execute(params![viewer, chat, id.as_str()])?;
            }
            unit.commit()
        })
        .await
    }

    /// Says that what was pushed of this chat has been seen: it was answered.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn answered(&self, chat: &ChatId) -> Result<(), StateError> {
        let chat = chat.to_string();
        self.with(move |connection| {
            connection.execute("DELETE FROM unread WHERE chat = ?1 AND pushed IS NOT NULL", [chat]).map(drop)
        })
        .await
    }
}

fn claim(unit: &Connection, viewer: &str, chat: &str, message: &MessageId) -> Result<bool, rusqlite::Error> {
    unit.prepare_cached("INSERT OR IGNORE INTO claim (viewer, chat, message) VALUES (?1, ?2, ?3)")?
        .execute(params![viewer, chat, message.as_str()])
        .map(|rows| rows == 1)
}

/// Message ids count milliseconds (Entra reference §5.3), so they compare with the cursor.
fn forget_claims(unit: &Connection, viewer: &str, chat: &str) -> Result<(), rusqlite::Error> {
    unit.prepare_cached(
        "DELETE FROM claim WHERE viewer = ?1 AND chat = ?2 AND CAST(message AS INTEGER) <
             (SELECT at FROM cursor WHERE viewer = ?1 AND chat = ?2) - ?3",
    )?
    .execute(params![viewer, chat, CLAIMS_KEPT])
    .map(drop)
}

fn keep(unit: &Connection, viewer: &str, chat: &str, arrival: &Arrival) -> Result<(), rusqlite::Error> {
    unit.prepare_cached(
        "INSERT INTO unread (viewer, chat, message, sent, sender, sender_name, sponsor, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        viewer,
        chat,
        arrival.message.as_str(),
        arrival.sent.as_millisecond(),
        arrival.sender,
        arrival.sender_name.judge(),
        arrival.sponsor,
        arrival.content.judge(),
    ])
    .map(drop)
}

fn each(connection: &mut Connection, seqs: &[i64], sql: &str, value: i64) -> Result<(), rusqlite::Error> {
    let unit = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for seq in seqs {
        unit.prepare_cached(sql)?.execute(params![seq, value])?;
    }
    unit.commit()
}

fn waiting(row: &Row<'_>) -> Result<Waiting, rusqlite::Error> {
    Ok(Waiting {
        seq: row.get(0)?,
        arrival: Arrival {
            viewer: parsed(row, 1)?,
            chat: parsed(row, 2)?,
            message: parsed(row, 3)?,
            sent: Timestamp::from_millisecond(row.get(4)?).unwrap_or(Timestamp::UNIX_EPOCH),
            sender: row.get(5)?,
            sender_name: Untrusted::new(row.get::<_, String>(6)?),
            sponsor: row.get(7)?,
            content: Untrusted::new(row.get::<_, String>(8)?),
        },
        pushed: row.get::<_, Option<i64>>(9)?.is_some(),
    })
}

fn parsed<T>(row: &Row<'_>, column: usize) -> Result<T, rusqlite::Error>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    row.get::<_, String>(column)?.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

#[cfg(test)]
mod tests;
