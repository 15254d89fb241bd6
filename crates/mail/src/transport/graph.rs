//! Microsoft Graph: `sendMail` from a mailbox of the tenant (Graph reference §4.1). MIME rather than JSON, since
//! JSON has one body and not two, no headers but five that begin with `x-`, and no place for a Message-ID.

use async_trait::async_trait;
use attache_graph::{Cause, Graph, GraphError, Mailbox};
use uuid::Uuid;

use crate::{Message, Outcome, SendError, Sent, Transport};

/// Sends from one mailbox.
#[derive(Clone)]
pub struct GraphMail {
    graph: Graph,
    mailbox: Mailbox,
}

impl GraphMail {
    /// From this mailbox: [`Mailbox::Mine`] with a user's token and the permission `Mail.Send`, or that of
    /// any user with an application's.
    pub fn new(graph: Graph, mailbox: Mailbox) -> Self {
        Self { graph, mailbox }
    }
}

#[async_trait]
impl Transport for GraphMail {
    fn name(&self) -> &'static str {
        "graph"
    }

    async fn send(&self, message: &Message, request: Uuid) -> Result<Sent, SendError> {
        let graph = self.graph.correlated(request);
        match graph.send_mail(self.mailbox, &message.mime()).await {
            Ok(answer) => Ok(Sent {
                transport: self.name(),
                message_id: message.message_id().to_owned(),
                correlation: answer.correlation,
            }),
            Err(error) => {
                let correlation = error.correlation().clone();
                Err(SendError::new(self.name(), message, outcome(&error), correlation, error))
            }
        }
    }
}

/// An answer that is no refusal leaves it open whether the message left.
fn outcome(error: &GraphError) -> Outcome {
    match error.cause() {
        Cause::OutcomeUnknown { .. } | Cause::TooLarge { .. } => Outcome::Unknown,
        _ => Outcome::NotSent,
    }
}
