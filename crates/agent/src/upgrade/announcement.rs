//! Telling the sponsor of the upgrade, once in each chat. Chat messages carry no key by which the platform
//! would see a repetition, so the intent is remembered first, and an announcement whose outcome is unknown is
//! looked for in the chat, as long as the platform may be hiding it, before it is sent again.

use std::time::Duration;

use attache_graph::{Cause, Content, Graph};
use attache_ledger::{Act, ActName, Actor, Code, Outcome, Target};
use attache_terms::{ChatId, MessageId, UserId};
use jiff::Timestamp;

use super::{HIDDEN, UpgradeError, own};
use crate::agent::Agent;
use crate::audit::ActError;
use crate::identity::{Event, IdentityError, Place, Record};

/// The act's name in the ledger.
const ANNOUNCE: ActName = ActName::new("announce_upgrade");

/// By these words, and the agent user's name after them, an announcement is known again.
const WORDS: &str = "has an identity of its own now";

/// How often a chat is looked at while an announcement may be hidden: a chat takes one read a second (Entra
/// reference §5.4).
const LOOK: Duration = Duration::from_secs(2);

/// Who announces, and what.
struct Voice {
    graph: Graph,
    me: UserId,
    actor: Actor,
    text: String,
}

/// Announces, and remembers that before and after.
pub(super) async fn make(
    agent: &Agent,
    record: &Record,
    place: Place,
    chat: ChatId,
) -> Result<(), UpgradeError> {
    let at = agent.clock().now();
    let hidden = HIDDEN.mul_f64(agent.settings().provision_scale).max(Duration::from_secs(1));
    let trust = at.saturating_add(hidden).unwrap_or(Timestamp::MAX);
    let identity = agent.identity();
    identity.apply(Event::AnnouncementIntended { place, chat: chat.clone(), at, trust }).await?;
    let voice = match voice(agent, record, place).await {
        Ok(voice) => voice,
        Err(error @ IdentityError::TokenLost) if place == Place::Before => {
            // The sponsor's token cannot be had any more; the chat of now will tell them.
            identity.apply(Event::AnnouncementRefused { why: error.to_string() }).await?;
            return Ok(());
        }
        Err(error) => {
            identity.apply(Event::AnnouncementNotSent { place }).await?;
            return Err(error.into());
        }
    };
    let act =
        Act::new(ANNOUNCE, voice.actor.clone()).on(Target { chat: Some(chat.clone()), ..Target::default() });
    let (into, text) = (chat.clone(), voice.text.clone());
    let sent = agent
        .audit()
        .call(
            act,
            &voice.graph,
            |graph| async move { graph.send_message(&into, Content::Text(&text)).await },
            |message| Target { message: Some(message.id.clone()), ..Target::default() },
        )
        .await;
    match sent {
        Ok(answer) => {
            let message = answer.value.id;
            agent.remember_sent(&chat, &message).await;
            identity.apply(Event::AnnouncementMade { place, message }).await?;
            Ok(())
        }
        Err(ActError::Graph(error)) => match error.cause() {
            // Remembered as intended: the next look at the machine says to look for it.
            Cause::OutcomeUnknown { .. } | Cause::Malformed { .. } => Err(error.into()),
            Cause::Forbidden { .. }
            | Cause::NotFound { .. }
            | Cause::Rejected { .. }
            | Cause::Conflict { .. }
            | Cause::Unauthorised { .. }
            | Cause::Token(_)
                if place == Place::Before =>
            {
                identity.apply(Event::AnnouncementRefused { why: error.to_string() }).await?;
                Ok(())
            }
            _ => {
                identity.apply(Event::AnnouncementNotSent { place }).await?;
                Err(error.into())
            }
        },
        Err(unrecorded) => {
            identity.apply(Event::AnnouncementNotSent { place }).await?;
            Err(unrecorded.into())
        }
    }
}

/// Looks for an announcement whose outcome is unknown, until it is found or known to be absent, and ends the
/// intent that its process left in the ledger.
pub(super) async fn recall(
    agent: &Agent,
    record: &Record,
    place: Place,
    chat: &ChatId,
    intended: Timestamp,
    trust: Timestamp,
) -> Result<(), UpgradeError> {
    let identity = agent.identity();
    let voice = match voice(agent, record, place).await {
        Ok(voice) => voice,
        Err(error @ IdentityError::TokenLost) if place == Place::Before => {
            identity.apply(Event::AnnouncementRefused { why: error.to_string() }).await?;
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    loop {
        let looked = agent.clock().now();
        let found = match look(&voice, record, chat, intended).await {
            Err(error)
                if place == Place::Before
                    && matches!(
                        error.cause(),
                        Cause::Forbidden { .. } | Cause::NotFound { .. } | Cause::Rejected { .. }
                    ) =>
            {
                identity.apply(Event::AnnouncementRefused { why: error.to_string() }).await?;
                return Ok(());
            }
            looked => looked?,
        };
        if let Some(message) = found {
            let target = Target { message: Some(message.clone()), ..Target::default() };
            end_left_over(agent, chat, || Outcome::done().on(target.clone())).await?;
            agent.remember_sent(chat, &message).await;
            identity.apply(Event::AnnouncementMade { place, message }).await?;
            return Ok(());
        }
        if looked >= trust {
            end_left_over(agent, chat, || Outcome::failed(Code::new("not_sent"))).await?;
            identity.apply(Event::AnnouncementAbsent { place, looked }).await?;
            return Ok(());
        }
        let left = Duration::try_from(trust.duration_since(looked)).unwrap_or_default();
        agent.clock().sleep(left.min(LOOK)).await;
    }
}

/// The message, if it stands in the chat.
async fn look(
    voice: &Voice,
    record: &Record,
    chat: &ChatId,
    intended: Timestamp,
) -> Result<Option<MessageId>, attache_graph::GraphError> {
    /// Our clock and the platform's differ by less.
    const APART: Duration = Duration::from_secs(300);
    let Some(ids) = record.agent() else { return Ok(None) };
    let since = intended.saturating_sub(APART).unwrap_or(Timestamp::MIN);
    let mut page = voice.graph.messages(chat, Some(since), 50).await?.value;
    loop {
        let found = page.items.iter().find(|message| {
            let text = message.body.content.judge();
            message.from.as_ref().and_then(|from| from.user_id) == Some(voice.me)
                && message.deleted.is_none()
                && text.contains(WORDS)
                && text.contains(&ids.agent_user.upn)
        });
        if let Some(message) = found {
            return Ok(Some(message.id.clone()));
        }
        match voice.graph.next_page(&page).await?.value {
            Some(next) => page = next,
            None => return Ok(None),
        }
    }
}

/// Ends what a killed process began.
async fn end_left_over(
    agent: &Agent,
    chat: &ChatId,
    outcome: impl Fn() -> Outcome,
) -> Result<(), UpgradeError> {
    for left in agent.audit().dangling().await? {
        if left.is(&ANNOUNCE) && left.chat() == Some(chat) {
            left.end(agent.audit(), outcome());
        }
    }
    Ok(())
}

async fn voice(agent: &Agent, record: &Record, place: Place) -> Result<Voice, IdentityError> {
    let ids = record.agent().ok_or(IdentityError::SignedOut)?;
    let (name, upn) = (&ids.agent_user.display_name, &ids.agent_user.upn);
    Ok(match place {
        Place::Before => {
            let sponsor = agent.identity().sponsor(record).await?;
            let text = sponsor.marked(&format!(
                "Your agent {WORDS}: {name} ({upn}). From here on it writes to you under that name, in a chat of its own."
            ));
            Voice { me: sponsor.me.id, actor: sponsor.actor(), graph: sponsor.graph, text }
        }
        Place::Now => Voice {
            graph: agent.identity().agent_user(ids).await?,
            me: ids.agent_user.id,
            actor: own(ids),
            text: format!(
                "Hello, your agent {WORDS}: {name} ({upn}). What I write comes from this account, no longer from yours."
            ),
        },
    })
}
