//! Our own messages. Those sent under the sponsor's token look like the sponsor's, so they are remembered
//! by id, or they would come back as if the sponsor had written them.

use std::collections::HashSet;

use attache_terms::{ChatId, MessageId};
use jiff::Timestamp;
use rusqlite::params;

use super::{State, StateError};

/// More than any page that is compared with it.
const RECENT: i64 = 1_000;

impl State {
    /// Remembers that we posted this message.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn record_sent(
        &self,
        chat: &ChatId,
        message: &MessageId,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let (chat, message) = (chat.to_string(), message.to_string());
        let at = now.as_millisecond();
        self.with(move |connection| {
            connection
                .prepare_cached("INSERT OR IGNORE INTO sent (chat, message, at) VALUES (?1, ?2, ?3)")?
                .execute(params![chat, message, at])
                .map(drop)
        })
        .await
    }

    /// The newest messages of this chat that we posted.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn sent_in(&self, chat: &ChatId) -> Result<HashSet<MessageId>, StateError> {
        let chat = chat.to_string();
        let texts: Vec<String> = self
            .with(move |connection| {
                connection
                    .prepare_cached("SELECT message FROM sent WHERE chat = ?1 ORDER BY at DESC LIMIT ?2")?
                    .query_map(params![chat, RECENT], |row| row.get(0))?
                    .collect()
            })
            .await?;
        Ok(texts.iter().filter_map(|text| text.parse().ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_sent_is_remembered_across_processes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        let message: MessageId = "1795310835683".parse().unwrap();
        let notes = ChatId::notes();
        State::at(&path).record_sent(&notes, &message, Timestamp::UNIX_EPOCH).await.unwrap();
        State::at(&path).record_sent(&notes, &message, Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(State::at(&path).sent_in(&notes).await.unwrap(), HashSet::from([message]));
        let other = "19:x@thread.v2".parse().unwrap();
        assert!(State::at(&path).sent_in(&other).await.unwrap().is_empty());
    }
}
