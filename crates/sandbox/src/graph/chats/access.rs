//! Who may see a chat: its members, if Teams is there for them (Entra reference §3.3, §5.3).

use std::borrow::Cow;

use crate::directory::User;
use crate::graph::call::Call;
use crate::graph::error::GraphError;

use super::state::{Chat, Chats, SELF_CHAT, is_chat_id};

impl Call<'_> {
    /// The signed-in user, who has Teams by now; none for an app.
    pub(crate) fn teams_user(&self) -> Result<Option<&User>, GraphError> {
        let Some(id) = self.caller.user_id() else { return Ok(None) };
        let user = self.tenant.users.get(id).ok_or_else(no_licence)?;
        if self.has_teams(user) { Ok(Some(user)) } else { Err(no_licence()) }
    }

    /// Whether Teams is there for that user.
    pub(crate) fn has_teams(&self, user: &User) -> bool {
        self.tenant.teams_due(user).is_some_and(|due| due <= self.now)
    }

    /// The key of the chat that the path names, after everything that can be wrong with it.
    pub(crate) fn chat_key(&self) -> Result<String, GraphError> {
        self.teams_user()?;
        self.check_same_user()?;
        let id = self.params.get("chat");
        if !is_chat_id(id) {
            return Err(GraphError::unreadable(format!("Chat id '{}' is malformed.", id.escape_default())));
        }
        let user = self.caller.user_id();
        let key = Chats::key(id, user);
        let chat = self.tenant.workloads.chats.get(&key);
        match (chat, user) {
            (Some(chat), Some(user)) if chat.member(user).is_none() => Err(not_a_member(user)),
            (Some(_), _) => Ok(key),
            // Everybody has notes; they begin with the first word in them.
            (None, Some(_)) if id == SELF_CHAT => Ok(key),
            (None, _) => Err(no_chat(id)),
        }
    }

    /// The chat of that key.
    pub(super) fn chat(&self, key: &str) -> Result<Cow<'_, Chat>, GraphError> {
        self.tenant.workloads.chats.seen(key, self.now).ok_or_else(|| no_chat(key))
    }

    /// The chat of that key, to be changed.
    pub(super) fn chat_mut(&mut self, key: &str) -> Result<&mut Chat, GraphError> {
        self.tenant.workloads.chats.open(key, self.now).ok_or_else(|| no_chat(key))
    }

    /// `/users/{id}/chats` in a user's name is about that user alone.
    pub(super) fn check_same_user(&self) -> Result<(), GraphError> {
        if self.path.segments.first().is_some_and(|first| first.eq_ignore_ascii_case("me")) {
            self.signed_in_user()?;
        }
        let (named, Some(caller)) = (self.params.get("user"), self.caller.user_id()) else { return Ok(()) };
        let same =
            named.is_empty() || self.tenant.user(named, self.now).is_some_and(|user| user.id == caller);
        if same {
            return Ok(());
        }
        Err(GraphError::forbidden("Requested API is not supported in delegated context for another user."))
    }
}

pub(super) fn no_chat(id: &str) -> GraphError {
    GraphError::not_found(format!("NotFound: no chat with id '{id}' was found."))
}

/// What Teams answers until it has heard of the licence (§3.3).
fn no_licence() -> GraphError {
    let mut error = GraphError::forbidden(
        "Failed to get license information for the user. Ensure user has a valid Office365 license assigned to them.",
    );
    error.inner_code = Some("Forbidden");
    error
}

fn not_a_member(user: &str) -> GraphError {
    GraphError::forbidden(format!(
        "AclCheckFailed-Get Thread: Initiator (8:orgid:{user}) is not allowed to read the thread: not a member."
    ))
}
