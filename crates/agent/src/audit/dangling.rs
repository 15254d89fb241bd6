//! Acts that a killed process began: what became of each is read back where that is possible, and recorded as
//! unknown where it is not. Messages carry no key of ours, so a message counts as the one that was begun when
//! it is the only one of its sender that nobody accounts for in the minutes after the intent.

use std::time::Duration;

use attache_ledger::{ActName, Code, Dangling, Entry, LedgerError, Outcome, Target};
use attache_terms::{ChatId, Explain, MessageId};
use jiff::Timestamp;
use tracing::{info, warn};
use uuid::Uuid;

use super::Audit;
use crate::agent::Agent;
use crate::identity::{Current, IdentityMode};
use crate::profile::{Lease, Taken};

/// Our clock and the platform's differ by less.
const APART: Duration = Duration::from_secs(120);

/// An act that nobody ended.
pub(crate) struct LeftOver {
    dangling: Dangling,
}

impl LeftOver {
    fn entry(&self) -> &Entry {
        &self.dangling.entry
    }

    /// Whether it is such an act.
    pub(crate) fn is(&self, name: &ActName) -> bool {
        self.entry().act() == Some(name)
    }

    /// Whether it is an act of this name.
    pub(crate) fn named(&self, name: &str) -> bool {
        self.entry().act().is_some_and(|act| act.as_str() == name)
    }

    /// Whether it is a step of provisioning; only their names have dots.
    pub(crate) fn is_provisioning(&self) -> bool {
        self.entry().act().is_some_and(|name| name.as_str().contains('.'))
    }

    /// Where it was to happen.
    pub(crate) fn chat(&self) -> Option<&ChatId> {
        self.entry().target.chat.as_ref()
    }

    /// The client-request-id of its requests.
    pub(crate) fn correlation(&self) -> Option<Uuid> {
        self.entry().correlation.client_request_id
    }

    /// Records what became of it.
    pub(crate) fn end(self, audit: &Audit, outcome: Outcome) {
        drop(audit.ledger().outcome(self.dangling.intent, outcome));
    }
}

impl Audit {
    /// The acts of processes that are gone, which nobody ended.
    pub(crate) async fn dangling(&self) -> Result<Vec<LeftOver>, LedgerError> {
        if !self.exists() {
            return Ok(Vec::new());
        }
        let found = self.ledger().dangling().await?;
        Ok(found.into_iter().map(|dangling| LeftOver { dangling }).collect())
    }
}

/// Ends what killed processes began, save what the provisioning and the upgrade look after themselves. One
/// process of a profile does it.
pub(crate) async fn resolve(agent: &Agent, current: Option<&Current>) -> Result<(), LedgerError> {
    let path = agent.settings().profile.lock("dangling");
    let _lease = match Lease::take(&path, "resolve dangling acts") {
        Ok(Taken::Yes(lease)) => lease,
        Ok(Taken::By(_)) => return Ok(()),
        Err(error) => {
            warn!(%error, "dangling acts stay for the next start");
            return Ok(());
        }
    };
    for left in agent.audit().dangling().await? {
        let name = left.entry().act().map(|name| name.as_str().to_owned()).unwrap_or_default();
        let outcome = match name.as_str() {
            // A provisioning that this process goes on with reads back by itself, and so does an upgrade.
            _ if left.is_provisioning() && agent.provisions() => continue,
            "announce_upgrade" if current.is_none_or(|now| now.mode == IdentityMode::Sponsor) => continue,
            "send_teams_message" => match current {
                Some(current) => read_back(agent, current, left.entry()).await,
                None => Outcome::unknown(),
            },
            _ => Outcome::unknown(),
        };
        info!(act = name, verdict = ?outcome.verdict, "ended an act that a killed process began");
        left.end(agent.audit(), outcome);
    }
    Ok(())
}

async fn read_back(agent: &Agent, current: &Current, intent: &Entry) -> Outcome {
    // Another identity's chats cannot be read with this one's token.
    let Some(chat) = intent.target.chat.as_ref().filter(|_| intent.actor.user == Some(current.me.id)) else {
        return Outcome::unknown();
    };
    match unaccounted(agent, current, chat, intent.time).await {
        Ok(messages) => match <[MessageId; 1]>::try_from(messages) {
            Ok([message]) => {
                agent.remember_sent(chat, &message).await;
                Outcome::done().on(Target { message: Some(message), ..Target::default() })
            }
            Err(none) if none.is_empty() => Outcome::failed(Code::new("not_sent")),
            Err(_) => Outcome::unknown(),
        },
        Err(error) => {
            warn!(code = error.code(), "an act that a killed process began cannot be read back");
            Outcome::unknown()
        }
    }
}

/// The messages of this identity, soon after the intent, that nobody remembers sending.
async fn unaccounted(
    agent: &Agent,
    current: &Current,
    chat: &ChatId,
    intended: Timestamp,
) -> Result<Vec<MessageId>, attache_graph::GraphError> {
    let known = agent.state().sent_in(chat).await.unwrap_or_default();
    let from = intended.saturating_sub(APART).unwrap_or(Timestamp::MIN);
    let until = intended.saturating_add(APART).unwrap_or(Timestamp::MAX);
    let mut found = Vec::new();
    let mut page = current.graph.messages(chat, Some(from), 50).await?.value;
    loop {
        for message in &page.items {
            let ours = message.from.as_ref().and_then(|from| from.user_id) == Some(current.me.id);
            // Under the sponsor's token, what the sponsor types is from the same user; ours is marked.
            let marked = current
                .prefix
                .as_deref()
                .is_none_or(|prefix| message.body.content.judge().contains(prefix.trim()));
            let then = (from..=until).contains(&message.created);
            if ours && marked && then && !known.contains(&message.id) {
                found.push(message.id.clone());
            }
        }
        match current.graph.next_page(&page).await?.value {
            Some(next) => page = next,
            None => return Ok(found),
        }
    }
}
