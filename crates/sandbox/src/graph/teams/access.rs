//! Who may see a team: in a user's name its members.

use crate::graph::Group;
use crate::graph::call::Call;
use crate::graph::error::GraphError;

use super::roster;
use super::state::{Channel, Team};

impl Call<'_> {
    /// The team that the path names, if the caller may see it.
    pub(crate) fn team(&self) -> Result<&Team, GraphError> {
        self.team_and_group().map(|(team, _)| team)
    }

    /// The same, with the group that it belongs to.
    pub(super) fn team_and_group(&self) -> Result<(&Team, &Group), GraphError> {
        self.teams_user()?;
        let id = self.params.get("team").to_ascii_lowercase();
        if uuid::Uuid::try_parse(&id).is_err() {
            return Err(GraphError::unreadable(format!(
                "teamId needs to be a valid GUID: '{}' is none.",
                id.escape_default()
            )));
        }
        let found = self
            .tenant
            .team(&id, self.now)
            .ok_or_else(|| GraphError::not_found(format!("NotFound: no team found with Group Id {id}.")))?;
        match self.caller.user_id() {
            Some(user) if !roster::has(found.1, user) => Err(GraphError::forbidden(format!(
                "AclCheckFailed-Get Team: Initiator (8:orgid:{user}) is not a member of the team."
            ))),
            _ => Ok(found),
        }
    }

    /// The channel that the path names, and its team.
    pub(crate) fn channel(&self) -> Result<(&Team, &Channel), GraphError> {
        let team = self.team()?;
        let id = self.params.get("channel");
        if !crate::graph::chats::is_chat_id(id) {
            return Err(GraphError::unreadable(format!(
                "Channel id '{}' is not in the expected format.",
                id.escape_default()
            )));
        }
        let channel = team.channel(id);
        let channel = channel.ok_or_else(|| {
            GraphError::not_found(format!("NotFound: no channel with id '{id}' was found."))
        })?;
        Ok((team, channel))
    }
}
