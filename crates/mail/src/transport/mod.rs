//! The ways that mail leaves, one file each, and what they have in common: what a caller gets back, and what it
//! has to know when it gets nothing.

pub(crate) mod graph;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use attache_graph::Correlation;
use attache_terms::{Explain, Remedy, Who};
use uuid::Uuid;

use crate::Message;

/// One way to send mail.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Its name, for records: `graph`.
    fn name(&self) -> &'static str;

    /// Sends the message, once. `request` is the id under which the request is found in the platform's logs;
    /// the caller makes it, so that its intent can name the request before that leaves.
    async fn send(&self, message: &Message, request: Uuid) -> Result<Sent, SendError>;
}

/// A message was taken for delivery, which is not yet delivery: what does not arrive comes back as mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Who took it.
    pub transport: &'static str,
    /// The `Message-ID` that it was given.
    pub message_id: String,
    /// The ids of the request, the service's own and that of its token among them.
    pub correlation: Correlation,
}

/// What is known after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It certainly did not leave; it may be sent again, by another transport too.
    NotSent,
    /// It may have left: look for its `Message-ID` before it is sent again.
    Unknown,
}

/// A message did not leave, or may not have.
pub struct SendError(Box<Inner>);

struct Inner {
    transport: &'static str,
    message_id: String,
    outcome: Outcome,
    correlation: Correlation,
    fault: Box<dyn Explain + Send + Sync>,
}

impl SendError {
    pub(crate) fn new(
        transport: &'static str,
        message: &Message,
        outcome: Outcome,
        correlation: Correlation,
        fault: impl Explain + Send + Sync + 'static,
    ) -> Self {
        let message_id = message.message_id().to_owned();
        Self(Box::new(Inner { transport, message_id, outcome, correlation, fault: Box::new(fault) }))
    }

    /// Which way it was to go.
    pub fn transport(&self) -> &'static str {
        self.0.transport
    }

    /// Whether it may have left all the same.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// The ids of the request.
    pub fn correlation(&self) -> &Correlation {
        &self.0.correlation
    }

    /// How long the service wants to be left alone, where it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0.fault.remedy().who {
            Who::Platform { retry_after } => retry_after,
            _ => None,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.outcome {
            Outcome::NotSent => write!(f, "the mail was not sent: {}", self.0.fault),
            Outcome::Unknown => write!(f, "the mail may have been sent: {}", self.0.fault),
        }
    }
}

impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError")
            .field("transport", &self.0.transport)
            .field("message_id", &self.0.message_id)
            .field("outcome", &self.0.outcome)
            .field("correlation", &self.0.correlation)
            .field("fault", &self.0.fault)
            .finish()
    }
}

impl std::error::Error for SendError {}

impl Explain for SendError {
    fn code(&self) -> &'static str {
        match self.0.outcome {
            Outcome::NotSent => self.0.fault.code(),
            Outcome::Unknown => "outcome_unknown",
        }
    }

    fn remedy(&self) -> Remedy {
        match self.0.outcome {
            Outcome::NotSent => self.0.fault.remedy(),
            Outcome::Unknown => Remedy::caller(format!(
                "look in the sender's Sent Items for the message {} before it is sent again",
                self.0.message_id
            )),
        }
    }
}
