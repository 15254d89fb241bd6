//! Pushing what comes in: Claude Code's channel notifications (code.claude.com/docs/en/channels-reference).
//! Hosts that know none of it ignore them, and Claude Code drops them unless it was started for this
//! channel, so a message counts as seen only once it is answered or read.

use attache_agent::Agent;
use attache_agent::inbox::Delivery;
use rmcp::model::{CustomNotification, ServerNotification};
use rmcp::service::{Peer, RoleServer};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The capability, and the notification's name after `notifications/`.
pub(crate) const CAPABILITY: &str = "claude/channel";

/// Pushes messages until `stop`, or until the host is gone.
pub(crate) async fn push(agent: &Agent, host: &Peer<RoleServer>, stop: &CancellationToken) {
    let mut messages = agent.inbox().subscribe(agent.clock().clone(), agent.rng().clone());
    while let Some(delivery) = stop.run_until_cancelled(messages.next()).await {
        if let Err(error) = host.send_notification(notification(&delivery)).await {
            tracing::debug!(%error, "the host is gone; messages wait for the next one");
            break;
        }
        if let Err(error) = messages.delivered(&delivery).await {
            tracing::warn!(%error, "a message that was pushed may be pushed again");
        }
    }
    if let Err(error) = messages.close().await {
        tracing::warn!(%error, "messages that were not pushed come back when their lease ends");
    }
}

fn notification(delivery: &Delivery) -> ServerNotification {
    let meta: serde_json::Map<String, Value> =
        delivery.meta.iter().map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str()))).collect();
    let params = json!({ "content": delivery.envelope, "meta": meta });
    ServerNotification::CustomNotification(CustomNotification::new(
        format!("notifications/{CAPABILITY}"),
        Some(params),
    ))
}
