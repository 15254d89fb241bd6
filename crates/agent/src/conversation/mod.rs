//! The sponsor conversation: what an omitted `chat_id` means. Under the sponsor's token it is the sponsor's
//! chat with themselves; that Teams takes a message there is field knowledge and no promise (Entra reference
//! §13, "Self-chat"), so a chat that the sponsor chose stands behind it. After the upgrade it is the agent
//! user's one-on-one with the sponsor.

use std::sync::atomic::{AtomicBool, Ordering};

use attache_graph::{Cause, GraphError};
use attache_terms::ChatId;

use crate::identity::Current;

/// Where agent and sponsor talk.
pub struct Conversations {
    chosen: Option<ChatId>,
    /// Whether Teams has refused the self-chat; a new process asks it again.
    self_chat_refused: AtomicBool,
}

impl Conversations {
    pub(crate) fn new(chosen: Option<ChatId>) -> Self {
        Self { chosen, self_chat_refused: AtomicBool::new(false) }
    }

    /// What an omitted `chat_id` means under this identity.
    pub fn of(&self, current: &Current) -> ChatId {
        match (&current.one_on_one, &self.chosen) {
            (Some(chat), _) => chat.clone(),
            (None, Some(chosen)) if self.self_chat_refused.load(Ordering::Relaxed) => chosen.clone(),
            _ => ChatId::notes(),
        }
    }

    /// Where to go instead, when a message to `chat` failed so: the chat that the sponsor chose, if `chat` is
    /// the self-chat and Teams would not have it. Remembered for as long as this process lives.
    pub fn instead(&self, current: &Current, chat: &ChatId, error: &GraphError) -> Option<ChatId> {
        let refused = matches!(
            error.cause(),
            Cause::Forbidden { .. } | Cause::NotFound { .. } | Cause::Rejected { .. }
        );
        if !refused || current.one_on_one.is_some() || *chat != ChatId::notes() {
            return None;
        }
        self.self_chat_refused.store(true, Ordering::Relaxed);
        self.chosen.clone()
    }

    /// The chats in which the sponsor may be spoken to under their own token, the preferred first.
    pub(crate) fn before(&self) -> Vec<ChatId> {
        std::iter::once(ChatId::notes()).chain(self.chosen.clone()).collect()
    }
}
