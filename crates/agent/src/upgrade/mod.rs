//! Going over to the agent's own name, without a restart and without a lost message: the three hops are
//! verified by asking Graph whose token it is, the one-on-one with the sponsor is opened, both chats hear of
//! it, and only then do calls change over. The machine (`identity::machine`) decides; this performs, remembers
//! before and after, and may be killed anywhere.

mod announcement;
mod error;

use std::sync::Arc;
use std::time::Duration;

use attache_graph::UserKey;
use attache_ledger::{Act, ActName, Actor, Mode, Outcome, Target};
use attache_terms::ObjectId;
use tracing::info;

pub use error::UpgradeError;

use crate::agent::Agent;
use crate::identity::{AgentIds, Current, Event, IdentityError, IdentityMode, Next, Person};
use crate::profile::Lease;

/// How long a message may be on its way or hidden from readers; as long, an announcement whose outcome is
/// unknown is looked for before it is sent again.
const HIDDEN: Duration = Duration::from_secs(60);

/// Brings the agent to its own name, from wherever it stands. One process of a profile does it; the others
/// wait for the turn and find it done.
pub(crate) async fn upgrade(agent: &Agent) -> Result<Arc<Current>, UpgradeError> {
    let path = agent.settings().profile.lock("upgrade");
    let _lease = Lease::wait(&path, "upgrade the identity", agent.clock()).await?;
    loop {
        let record = agent.identity().record()?;
        match record.next(&agent.conversations().before()) {
            Next::SignIn => return Err(IdentityError::SignedOut.into()),
            Next::Nothing => return Ok(agent.current().await?),
            Next::Provision => {
                let ids = agent.provisioned().await?.ok_or(UpgradeError::NotProvisioned)?;
                agent.identity().apply(Event::Provisioned(ids)).await?;
            }
            Next::VerifyHops => {
                let ids = record.agent().ok_or(UpgradeError::NotProvisioned)?;
                let me = agent.identity().agent_user(ids).await?.me().await?.value;
                agent.identity().apply(Event::HopsVerified(me.id)).await?;
            }
            Next::OpenConversation => {
                let (Some(ids), Some(sponsor)) = (record.agent(), record.sponsor()) else {
                    return Err(UpgradeError::NotProvisioned);
                };
                open_conversation(agent, ids, sponsor).await?;
            }
            Next::Announce { place, chat } => announcement::make(agent, &record, place, chat).await?,
            Next::Recall { place, chat, intended, trust } => {
                announcement::recall(agent, &record, place, &chat, intended, trust).await?;
            }
            Next::Swap => swap(agent, record.agent()).await?,
        }
    }
}

/// The platform gives back the one-on-one that there is, so this may be repeated (Entra reference §5.1).
async fn open_conversation(agent: &Agent, ids: &AgentIds, sponsor: &Person) -> Result<(), UpgradeError> {
    let graph = agent.identity().agent_user(ids).await?;
    let act = Act::new(ActName::new("open_sponsor_conversation"), own(ids))
        .on(Target { user: Some(sponsor.id), ..Target::default() });
    let (me, other) = (ids.agent_user.id, UserKey::Id(sponsor.id));
    let made = agent
        .audit()
        .call(
            act,
            &graph,
            |graph| async move { graph.create_one_on_one(me, other).await },
            |chat| Target { chat: Some(chat.id.clone()), ..Target::default() },
        )
        .await?;
    agent.identity().apply(Event::ConversationReady(made.value.id)).await?;
    Ok(())
}

async fn swap(agent: &Agent, ids: Option<&AgentIds>) -> Result<(), UpgradeError> {
    let ids = ids.ok_or(UpgradeError::NotProvisioned)?;
    let begun = agent
        .audit()
        .begin(
            Act::new(ActName::new("upgrade_identity"), own(ids)).on(Target {
                user: Some(ids.agent_user.id),
                object: Some(ObjectId::new(ids.agent_identity.uuid())),
                ..Target::default()
            }),
            None,
        )
        .await?;
    agent.identity().apply(Event::Swapped(agent.clock().now())).await?;
    begun.end(Outcome::done());
    agent.identity_changed();
    info!(mode = IdentityMode::AgentUser.word(), "acts under its own name");
    Ok(())
}

/// The agent user as the ledger records it.
fn own(ids: &AgentIds) -> Actor {
    Actor {
        tenant: Some(ids.tenant),
        agent: Some(ObjectId::new(ids.agent_identity.uuid())),
        user: Some(ids.agent_user.id),
        mode: Some(Mode::AgentUser),
        ..Actor::default()
    }
}
