//! How far each chat has been read, and when listening began.

use std::collections::HashMap;

use attache_terms::{ChatId, UserId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{State, StateError};

/// A place in a chat: the creation time of a message, in milliseconds since 1970. Everything at or before
/// it has been seen, but for what the platform shows late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(pub i64);

impl Cursor {
    /// The place of a message of this time.
    pub fn at(time: Timestamp) -> Self {
        Self(time.as_millisecond())
    }

    /// The place this many milliseconds earlier.
    pub fn back(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_sub(milliseconds))
    }
}

impl State {
    /// When `viewer` began to listen: at the first call, and the same ever after.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn watching_since(&self, viewer: UserId, now: Timestamp) -> Result<Cursor, StateError> {
        let viewer = viewer.to_string();
        let now = Cursor::at(now);
        self.with(move |connection| {
            connection.execute(
                "INSERT OR IGNORE INTO watch (viewer, since) VALUES (?1, ?2)",
                params![viewer, now.0],
            )?;
            connection
                .query_row("SELECT since FROM watch WHERE viewer = ?1", [viewer], |row| row.get(0))
                .map(Cursor)
        })
        .await
    }

    /// How far `viewer` has read in each chat.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn cursors(&self, viewer: UserId) -> Result<HashMap<ChatId, Cursor>, StateError> {
        let viewer = viewer.to_string();
        let rows: Vec<(String, i64)> = self
            .with(move |connection| {
                connection
                    .prepare_cached("SELECT chat, at FROM cursor WHERE viewer = ?1")?
                    .query_map([viewer], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .await?;
        Ok(rows.into_iter().filter_map(|(chat, at)| Some((chat.parse().ok()?, Cursor(at)))).collect())
    }

    /// How far `viewer` has read in this chat.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn cursor(&self, viewer: UserId, chat: &ChatId) -> Result<Option<Cursor>, StateError> {
        let (viewer, chat) = (viewer.to_string(), chat.to_string());
        self.with(move |connection| {
            connection
                .prepare_cached("SELECT at FROM cursor WHERE viewer = ?1 AND chat = ?2")?
                .query_row(params![viewer, chat], |row| row.get(0))
                .optional()
        })
        .await
        .map(|at| at.map(Cursor))
    }
}

/// Moves a cursor on; it never moves back, whichever process is slower.
pub(super) fn move_on(
    connection: &Connection,
    viewer: &str,
    chat: &str,
    cursor: Cursor,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO cursor (viewer, chat, at) VALUES (?1, ?2, ?3)
             ON CONFLICT (viewer, chat) DO UPDATE SET at = max(at, excluded.at)",
        )?
        .execute(params![viewer, chat, cursor.0])
        .map(drop)
}
