//! The people of the story, who look at the tenant with clients of their own: the sponsor in Teams, and an
//! administrator in the directory. What the agent claims is believed when they have seen it.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use attache_entra::{Authority, ClientCredential, Entra, Resource, Scopes, SignInRequest};
use attache_graph::{Content, Graph, Message, ProvisionedPlan, User};
use attache_keys::{MemoryStore, SecretName, SecretStore};
use attache_terms::{AppId, ChatId, MessageId, Rng, Secret, SystemClock, SystemRng, TenantId, UserId};

use super::browser;

/// Where the people go, and how they are known there.
pub(super) struct Directory {
    pub(super) entra: Arc<Entra>,
    pub(super) tenant: TenantId,
}

impl Directory {
    fn graph(&self, source: Arc<dyn attache_entra::TokenSource>) -> Graph {
        let clock = Arc::new(SystemClock);
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        Graph::new(self.entra.cloud(), self.entra.transport().clone(), source, clock, rng)
    }

    /// The administrator, with the rights of the provisioning application.
    pub(super) fn administrator(&self, app: AppId, secret: Secret) -> Graph {
        let resource = Resource::graph(self.entra.cloud());
        self.graph(self.entra.application(self.tenant, app, ClientCredential::Secret(secret), resource))
    }

    /// The sponsor, who signs in to Teams by name and password.
    pub(super) async fn sponsor(&self, client: AppId, name: &str, password: &str) -> anyhow::Result<Sponsor> {
        let store: Arc<dyn SecretStore> = Arc::new(MemoryStore::default());
        let place = SecretName::new("sponsor", "refresh-token");
        let scopes = Scopes::new(["Chat.ReadWrite", "ChatMessage.Send", "User.Read"]);
        let request = SignInRequest::new(
            Authority::Tenant(self.tenant),
            client,
            scopes.clone(),
            store.clone(),
            place.clone(),
        );
        let waiting = self.entra.sign_in(request).await?;
        let browser = self.entra.transport().client()?;
        let (played, signed_in) =
            tokio::join!(browser::sign_in(browser, waiting.url().clone(), name, password), waiting.finish());
        played?;
        let account = signed_in?;
        let source = self.entra.delegated(&account, client, scopes, store, place);
        Ok(Sponsor { graph: self.graph(source), id: account.user })
    }
}

/// The sponsor at their own Teams client.
pub(super) struct Sponsor {
    graph: Graph,
    pub(super) id: UserId,
}

impl Sponsor {
    /// Reads one message back.
    pub(super) async fn reads(&self, chat: &ChatId, message: &MessageId) -> anyhow::Result<Message> {
        Ok(self.graph.message(chat, message).await.context("the sponsor cannot read the message back")?.value)
    }

    /// Writes into a chat.
    pub(super) async fn writes(&self, chat: &ChatId, text: &str) -> anyhow::Result<MessageId> {
        Ok(self.graph.send_message(chat, Content::Text(text)).await?.value.id)
    }

    /// Whether a message of `author` in the chat contains `text`.
    pub(super) async fn finds(&self, chat: &ChatId, author: UserId, text: &str) -> anyhow::Result<()> {
        let mut page = Some(self.graph.messages(chat, None, 50).await?.value);
        while let Some(messages) = page {
            if messages.items.iter().any(|message| wrote(message, author) && says(message, text)) {
                return Ok(());
            }
            page = self.graph.next_page(&messages).await?.value;
        }
        bail!("the chat {chat} holds no message of {author} that says {text:?}")
    }
}

/// Whether this user wrote the message.
pub(super) fn wrote(message: &Message, author: UserId) -> bool {
    message.from.as_ref().and_then(|sender| sender.user_id) == Some(author)
}

/// Whether the message contains this text. The story's own sandbox wrote it; it is compared, never shown.
pub(super) fn says(message: &Message, text: &str) -> bool {
    message.body.content.judge().contains(text)
}

/// Reads the agent user back as an administrator sees it.
pub(super) async fn agent_user(administrator: &Graph, id: UserId) -> anyhow::Result<User> {
    Ok(administrator.user(id).await.context("the administrator cannot find the agent user")?.value)
}

/// Whether Exchange and Teams say to an administrator that they know this user.
pub(super) async fn served(administrator: &Graph, id: UserId) -> anyhow::Result<()> {
    let plans =
        administrator.provisioned_plans(id).await.context("the administrator cannot see its plans")?;
    for service in ["exchange", "TeamspaceAPI"] {
        let knows = |plan: &ProvisionedPlan| plan.service == service && plan.provisioning_status == "Success";
        ensure!(plans.value.iter().any(knows), "{service} does not know {id}");
    }
    Ok(())
}
