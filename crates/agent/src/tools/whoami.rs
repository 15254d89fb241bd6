//! Says who the agent is, for whom, and how it stands. What the device remembers answers; there is no
//! network use, so that it answers when nothing else does.

use attache_terms::Explain;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Hints, ToolError};
use crate::Agent;
use crate::identity::{AgentIds, Person};
use crate::provisioning::Phase;

pub(super) const TITLE: &str = "Who am I";
pub(super) const DESCRIPTION: &str = "Says under which identity you act, who your sponsor is, which chat the sponsor \
    conversation is, how far your own identity is, and whether messages come in. Call it first when something fails.";
pub(super) const HINTS: Hints = Hints { open_world: false, ..Hints::LOOKS };

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// "signed_out", "sponsor" (the sponsor's token, every message marked) or "agent_user" (your own).
    mode: &'static str,
    /// The profile on this device.
    profile: String,
    /// The sponsor's directory.
    tenant_id: String,
    /// As whom you act.
    #[serde(skip_serializing_if = "Option::is_none")]
    me: Option<User>,
    /// Who is accountable for you.
    #[serde(skip_serializing_if = "Option::is_none")]
    sponsor: Option<User>,
    /// The objects of your own identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<Objects>,
    /// Whether your own identity is complete and you are about to go over to it.
    upgrading: bool,
    /// What an omitted chat_id means.
    #[serde(skip_serializing_if = "Option::is_none")]
    sponsor_conversation: Option<String>,
    /// How many messages wait to be read (read_teams_messages with unread = true).
    unread: u64,
    /// How far your own identity is, while it is being made.
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioning: Option<Provisioning>,
    /// Why something does not work, and what to do about it.
    troubles: Vec<Trouble>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct User {
    /// The directory's id.
    id: String,
    /// The user principal name.
    upn: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Objects {
    /// The directory.
    tenant_id: String,
    /// The blueprint's application id.
    blueprint_id: String,
    /// The agent identity's id.
    agent_identity_id: String,
    /// The agent user's id.
    agent_user_id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Provisioning {
    /// "not_started", "working", "waiting", "ready", "failed" or "removing".
    state: Phase,
    /// How many steps are done.
    done: usize,
    /// How many there are.
    total: usize,
    /// What is done, waited for, or has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    doing: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Trouble {
    /// What it concerns: "identity", "provisioning", "inbox" or "state".
    about: &'static str,
    /// A word for programs.
    code: String,
    /// What happened, and what to do.
    message: String,
}

impl Trouble {
    fn of(about: &'static str, error: &dyn Explain) -> Self {
        Self { about, code: error.code().to_owned(), message: format!("{error}; {}", error.remedy()) }
    }
}

pub(super) async fn run(agent: &Agent, _: Input) -> Result<Output, ToolError> {
    let standing = agent.standing()?;
    let mut troubles = Vec::new();
    let unread = agent.state().unread_count().await.unwrap_or_else(|error| {
        troubles.push(Trouble::of("state", &error));
        0
    });
    if let Some(trouble) = agent.inbox().trouble() {
        troubles.push(Trouble { about: "inbox", code: trouble.code.to_owned(), message: trouble.message });
    }
    // The secret store may fail where the profile's memory does not.
    let current = match agent.current().await {
        Ok(current) => Some(current),
        Err(error) => {
            troubles.push(Trouble::of("identity", &error));
            None
        }
    };
    let ignored = agent.provisioning().borrow().ignored.clone();
    troubles.extend(ignored.into_iter().map(|message| Trouble {
        about: "provisioning",
        code: "wish_ignored".to_owned(),
        message,
    }));
    Ok(Output {
        mode: standing.identity_mode.word(),
        profile: agent.settings().profile.name().to_string(),
        tenant_id: standing.tenant.to_string(),
        me: current.as_ref().map(|current| user(&current.me)),
        sponsor: standing.sponsor.as_ref().map(user),
        agent: standing.agent.as_ref().map(objects),
        upgrading: standing.upgrading,
        sponsor_conversation: current.as_ref().map(|current| agent.conversations().of(current).to_string()),
        unread,
        provisioning: provisioning(agent),
        troubles,
    })
}

/// What this process sees of it; another one may be at it.
fn provisioning(agent: &Agent) -> Option<Provisioning> {
    let progress = agent.provisioning().borrow().clone();
    let begun = progress.state != Phase::NotStarted;
    let doing = progress.reason.or(progress.step);
    begun.then_some(Provisioning { state: progress.state, done: progress.done, total: progress.total, doing })
}

fn user(person: &Person) -> User {
    User { id: person.id.to_string(), upn: person.upn.clone() }
}

fn objects(agent: &AgentIds) -> Objects {
    Objects {
        tenant_id: agent.tenant.to_string(),
        blueprint_id: agent.blueprint.to_string(),
        agent_identity_id: agent.agent_identity.to_string(),
        agent_user_id: agent.agent_user.id.to_string(),
    }
}
