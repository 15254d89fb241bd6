//! Looking for messages: one request says which chats changed, and only those are read, to the end of what
//! is new (Entra reference §5.1, §5.3). Errors end in a longer wait, never in a lost message: the cursor
//! moves in the same transaction in which the messages are taken in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use attache_graph::{ChatExpand, GraphError, Message};
use attache_terms::{Boot, ChatId, Explain, MessageId, Remedy, Who};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::decide::{self, Ear, OVERLAP};
use super::{Inbox, Trouble};
use crate::state::{Cursor, State, StateError};
use crate::{Agent, Current, IdentityMode};

/// The largest page that Graph gives of chats and of messages.
const PAGE: u8 = 50;
/// More pages than this of one chat are not read at once; ten thousand messages.
const MOST_PAGES: usize = 200;
/// How often a chat is read again whose newest message is announced but not shown yet.
const MOST_MISSES: u8 = 5;
/// For how long the sponsor's own chat is still read after the upgrade, for what was written there just
/// before.
const FADING: Duration = Duration::from_secs(300);

pub(super) async fn run(inbox: &Inbox, agent: &Agent, stop: &CancellationToken) {
    let mut looker = Looker::new(inbox.clone(), agent);
    let mut failures = 0;
    loop {
        let wait = match stop.run_until_cancelled(looker.look()).await {
            None => return,
            Some(Ok(())) => {
                failures = 0;
                inbox.report(None);
                looker.pause()
            }
            Some(Err(error)) => {
                failures += 1;
                inbox.report(Some(Trouble::of(&error)));
                inbox.shared.pace.after_failure(failures, error.retry_after(), agent.rng().fraction())
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = agent.clock().sleep(wait) => {}
            // After a failure the wait stands: the platform may have asked for it.
            () = inbox.shared.wake.notified(), if failures == 0 => {}
        }
    }
}

struct Looker<'a> {
    inbox: Inbox,
    agent: &'a Agent,
    current: Option<Arc<Current>>,
    /// The identity before this one, and until when it is still listened with.
    fading: Option<(Arc<Current>, Boot)>,
    last_heard: Boot,
    /// What this process has taken in or passed over lately, so that reading it again costs no write.
    known: HashSet<(ChatId, MessageId)>,
    misses: HashMap<ChatId, u8>,
}

impl<'a> Looker<'a> {
    fn new(inbox: Inbox, agent: &'a Agent) -> Self {
        Self {
            inbox,
            agent,
            current: None,
            fading: None,
            last_heard: agent.clock().boot(),
            known: HashSet::new(),
            misses: HashMap::new(),
        }
    }

    fn pause(&self) -> Duration {
        let quiet = self.last_heard.until(self.agent.clock().boot());
        self.inbox.shared.pace.next(quiet, self.agent.rng().fraction())
    }

    fn state(&self) -> &State {
        &self.inbox.shared.state
    }

    /// Looks once, with the identity of the moment.
    async fn look(&mut self) -> Result<(), LookError> {
        if self.agent.mode().is_ok_and(|mode| mode == IdentityMode::SignedOut) {
            (self.current, self.fading) = (None, None);
            return Ok(());
        }
        let current = self.agent.current().await.map_err(|error| LookError::Identity(Box::new(error)))?;
        self.follow(&current);
        if let Some((before, _)) = self.fading.clone() {
            // The old token may be gone already; then there is nothing more to hear with it.
            if let Err(error) = self.listen(&before).await {
                tracing::debug!(code = error.code(), "the sponsor's own chat is no longer read");
                self.fading = None;
            }
        }
        self.listen(&current).await
    }

    /// Notices a change of identity.
    fn follow(&mut self, current: &Arc<Current>) {
        let now = self.agent.clock().boot();
        if let Some(before) = self.current.replace(current.clone())
            && before.me.id != current.me.id
        {
            self.fading = Some((before, now.after(FADING)));
            self.last_heard = now;
        }
        if self.fading.as_ref().is_some_and(|(_, until)| *until <= now) {
            self.fading = None;
        }
    }

    async fn listen(&mut self, current: &Current) -> Result<(), LookError> {
        let now = self.agent.clock().now();
        let since = self.state().watching_since(current.me.id, now).await?;
        match current.mode {
            IdentityMode::SignedOut => Ok(()),
            IdentityMode::Sponsor => {
                let chat = self.agent.conversations().of(current);
                let cursor = self.state().cursor(current.me.id, &chat).await?;
                match self.read(current, &chat, since, cursor).await {
                    // It comes into being with the first message.
                    Err(LookError::Graph(error)) if error.is_not_found() => Ok(()),
                    read => read.map(drop),
                }
            }
            IdentityMode::AgentUser => self.listen_everywhere(current, since).await,
        }
    }

    async fn listen_everywhere(&mut self, current: &Current, since: Cursor) -> Result<(), LookError> {
        let cursors = self.state().cursors(current.me.id).await?;
        let first = decide::first_cursor(current.mode, since, &HashSet::new());
        let mut page = current.graph.chats(ChatExpand::LastMessage, PAGE).await?.value;
        loop {
            for (chat, _) in decide::changed(&page.items, &cursors, first) {
                let cursor = cursors.get(&chat).copied();
                let reached = self.read(current, &chat, since, cursor).await?;
                let announced = page.items.iter().find(|item| item.id == chat);
                if let Some(preview) = announced.and_then(|chat| chat.last_message.as_ref()) {
                    self.settle(current, &chat, Cursor::at(preview.created), reached).await?;
                }
            }
            match current.graph.next_page(&page).await?.value {
                Some(next) => page = next,
                None => return Ok(()),
            }
        }
    }

    /// A message may be announced in the list before it is shown in the chat: the chat is read again, for a
    /// while. Some (events) are never shown.
    async fn settle(
        &mut self,
        current: &Current,
        chat: &ChatId,
        announced: Cursor,
        reached: Cursor,
    ) -> Result<(), LookError> {
        if reached >= announced {
            self.misses.remove(chat);
            return Ok(());
        }
        let misses = self.misses.entry(chat.clone()).or_insert(0);
        *misses += 1;
        if *misses >= MOST_MISSES {
            self.misses.remove(chat);
            let now = self.agent.clock().now();
            self.state().take_in(current.me.id, chat, Vec::new(), announced, now).await?;
        }
        Ok(())
    }

    /// Reads what is new in a chat and takes it in. Returns how far it has been read.
    async fn read(
        &mut self,
        current: &Current,
        chat: &ChatId,
        since: Cursor,
        cursor: Option<Cursor>,
    ) -> Result<Cursor, LookError> {
        let known_place = cursor.is_some();
        let sent_before = self.state().sent_in(chat).await?;
        let first = decide::first_cursor(current.mode, since, &sent_before);
        let cursor = cursor.unwrap_or(first);
        let messages = everything_since(current, chat, cursor.back(OVERLAP)).await?;
        // Only now: what we posted while it was read must not come back.
        let sent = self.state().sent_in(chat).await?;
        let reading = decide::read(&Ear::of(current), chat, &sent, first, cursor, &messages);
        let unknown: Vec<_> = reading
            .arrivals
            .into_iter()
            .filter(|arrival| !self.known.contains(&(chat.clone(), arrival.message.clone())))
            .collect();
        if unknown.is_empty() && reading.cursor == cursor && known_place {
            return Ok(cursor);
        }
        let ids: Vec<_> = unknown.iter().map(|arrival| (chat.clone(), arrival.message.clone())).collect();
        let now = self.agent.clock().now();
        let new = self.state().take_in(current.me.id, chat, unknown, reading.cursor, now).await?;
        self.remember(ids);
        if new > 0 {
            self.last_heard = self.agent.clock().boot();
            self.inbox.arrived();
        }
        Ok(reading.cursor)
    }

    fn remember(&mut self, ids: Vec<(ChatId, MessageId)>) {
        const MOST: usize = 10_000;
        if self.known.len() > MOST {
            self.known.clear();
        }
        self.known.extend(ids);
    }
}

async fn everything_since(
    current: &Current,
    chat: &ChatId,
    since: Cursor,
) -> Result<Vec<Message>, GraphError> {
    let since = Timestamp::from_millisecond(since.0).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut page = current.graph.messages(chat, Some(since), PAGE).await?.value;
    let mut messages = Vec::new();
    for _ in 0..MOST_PAGES {
        let next = current.graph.next_page(&page).await?.value;
        messages.append(&mut page.items);
        match next {
            Some(next) => page = next,
            None => return Ok(messages),
        }
    }
    tracing::warn!(
        read = messages.len(),
        "a chat has more new messages than are read at once; older ones were left"
    );
    Ok(messages)
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error("{0}")]
    Identity(Box<dyn Explain + Send + Sync>),
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error(transparent)]
    State(#[from] StateError),
}

impl LookError {
    fn cause(&self) -> &dyn Explain {
        match self {
            Self::Identity(error) => &**error,
            Self::Graph(error) => error,
            Self::State(error) => error,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self.remedy().who {
            Who::Platform { retry_after } => retry_after,
            _ => None,
        }
    }
}

impl Explain for LookError {
    fn code(&self) -> &'static str {
        self.cause().code()
    }

    fn remedy(&self) -> Remedy {
        self.cause().remedy()
    }
}
