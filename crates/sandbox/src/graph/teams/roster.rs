//! A team is a Microsoft 365 group with channels: its name, who may join and who is in it are the group's, and it is
//! there as long as the group is.

use jiff::Timestamp;

use crate::graph::Group;
use crate::graph::chat_messages::Sender;
use crate::graph::chats::Member;
use crate::graph::teamwork::Teamwork;
use crate::tenant::Tenant;

use super::state::Team;

/// What a group's `resourceProvisioningOptions` say of one with a team.
pub(super) const TEAM: &str = "Team";

impl Tenant {
    /// The team of that id and its group, if readers see them.
    pub(super) fn team(&self, id: &str, now: Timestamp) -> Option<(&Team, &Group)> {
        let Teamwork { teams, .. } = &self.workloads.teamwork;
        let group = self.workloads.groups.get(id).filter(|group| group.life.is_visible(now))?;
        Some((teams.get(id)?, group))
    }

    /// All of them.
    pub(super) fn teams(&self, now: Timestamp) -> impl Iterator<Item = (&Team, &Group)> {
        self.workloads.teamwork.teams.values().filter_map(move |team| self.team(&team.id, now))
    }
}

/// The members of a team: people who own the group, or belong to it.
pub(super) fn members(tenant: &Tenant, group: &Group) -> Vec<Member> {
    let owners = group.owners.iter().map(|id| (id, "owner"));
    let others = group.members.iter().filter(|id| !group.owners.contains(id)).map(|id| (id, ""));
    let people = owners.chain(others).filter_map(|(id, role)| Some((tenant.users.get(id)?, role)));
    let member = |(user, role): (&crate::directory::User, &str)| {
        let role = if user.is_guest() { "guest" } else { role };
        let mut member = Member::new(Sender::user(&user.id), role.to_owned(), None);
        member.id = membership(tenant, group, &user.id);
        member
    };
    people.map(member).collect()
}

/// Whether that user is in the team.
pub(super) fn has(group: &Group, user: &str) -> bool {
    group.owners.iter().chain(&group.members).any(|id| id == user)
}

/// The id of a membership, as Teams makes it: the tenant's, the team's and the user's.
fn membership(tenant: &Tenant, group: &Group, user: &str) -> String {
    use base64::Engine as _;
    let names = format!("{}##{}##{user}", tenant.id, group.id);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(names)
}
