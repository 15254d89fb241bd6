//! Nothing is done unaudited: a thin layer over the ledger by which every act goes. The intent is durable
//! before the call, the outcome queued as soon as the call ends, with what finds it again in Microsoft's logs;
//! an act whose caller went away is recorded as unknown.

mod dangling;

use std::future::Future;
use std::sync::{Arc, OnceLock};

use attache_graph::{Answer, Answered, Cause, Graph, GraphError};
use attache_ledger::{
    Act, Code, Correlation, Ed25519Key, Intent, KeyError, KeySource, Ledger, LedgerError, LedgerOptions,
    NoteSigner, Outcome, Receipt, RequestId, Target, Verdict,
};
use attache_terms::{Clock, Explain, Remedy, Rng, SecretBytes};
use tokio::runtime::Handle;
use uuid::Uuid;

pub(crate) use dangling::{LeftOver, resolve};

use crate::connect::Connections;

/// The audit of one profile. Nothing is opened before the first act.
pub struct Audit {
    connections: Arc<Connections>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    ledger: OnceLock<Ledger>,
}

impl Audit {
    pub(crate) fn new(connections: Arc<Connections>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { connections, clock, rng, ledger: OnceLock::new() }
    }

    /// Does one act on Graph. `call` gets a Graph whose requests carry the intent's correlation, and `found`
    /// says what the act touched or made, as the answer tells. When the intent cannot be written, nothing is
    /// called; when the outcome cannot, the act stands and the intent is left for the next start to resolve.
    pub async fn call<T, F>(
        &self,
        act: Act,
        graph: &Graph,
        call: impl FnOnce(Graph) -> F,
        found: impl FnOnce(&T) -> Target,
    ) -> Result<Answer<T>, ActError>
    where
        F: Future<Output = Answered<T>>,
    {
        let correlation = self.rng.uuid();
        let begun = self.begin(act, Some(correlation)).await?;
        match call(graph.correlated(correlation)).await {
            Ok(answer) => {
                let target = found(&answer.value);
                begun.end(Outcome::done().on(target).correlated(recorded(&answer.correlation)));
                Ok(answer)
            }
            Err(error) => {
                begun.end(outcome_of(&error));
                Err(ActError::Graph(error))
            }
        }
    }

    /// Writes the intent of an act, durably. `correlation` is the client-request-id that its requests will
    /// carry. Whoever gets this must end it; dropped, it is recorded as unknown.
    pub async fn begin(&self, act: Act, correlation: Option<Uuid>) -> Result<Begun, LedgerError> {
        let act = match correlation {
            Some(id) => act.correlated(Correlation { client_request_id: Some(id), ..Correlation::default() }),
            None => act,
        };
        let ledger = self.ledger();
        let intent = ledger.intent(act).await?;
        Ok(Begun { ledger: ledger.clone(), intent: Some(intent) })
    }

    /// Records an attempt that was refused before anything was sent: a chat id that is none, nobody signed in.
    pub async fn refused(&self, act: Act, error: &(dyn Explain + Sync)) -> Result<Receipt, LedgerError> {
        self.ledger().refusal(act, Code::new(error.code())).await
    }

    /// Waits until everything so far is durable.
    pub async fn flush(&self) -> Result<(), LedgerError> {
        match self.ledger.get() {
            Some(ledger) => ledger.flush().await,
            None => Ok(()),
        }
    }

    /// Whether anything was ever recorded; the ledger's file is not made by asking.
    pub(crate) fn exists(&self) -> bool {
        self.ledger.get().is_some() || self.connections.settings().profile.ledger().exists()
    }

    /// The ledger itself. Must be called inside a runtime.
    pub(crate) fn ledger(&self) -> &Ledger {
        self.ledger.get_or_init(|| {
            let profile = &self.connections.settings().profile;
            Ledger::new(LedgerOptions {
                path: profile.ledger(),
                origin: format!("attache/{}", profile.name()),
                key: Arc::new(CheckpointKey {
                    connections: self.connections.clone(),
                    fresh: Ed25519Key::generate_seed(&*self.rng),
                    runtime: Handle::current(),
                }),
                clock: self.clock.clone(),
                rng: self.rng.clone(),
            })
        })
    }
}

/// An act whose intent is durable.
#[must_use = "an act that is not ended is recorded as unknown"]
pub struct Begun {
    ledger: Ledger,
    intent: Option<Intent>,
}

impl Begun {
    /// Records what became of it.
    pub fn end(mut self, outcome: Outcome) {
        if let Some(intent) = self.intent.take() {
            // Queued at once; whether it is durable, `flush` tells. Should it be lost, the next start resolves
            // the intent.
            drop(self.ledger.outcome(intent, outcome));
        }
    }

    /// Records what became of it, durably.
    pub(crate) async fn ended(mut self, outcome: Outcome) -> Result<(), LedgerError> {
        match self.intent.take() {
            Some(intent) => self.ledger.outcome(intent, outcome).await.map(drop),
            None => Ok(()),
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(intent) = self.intent.take() {
            drop(self.ledger.outcome(intent, Outcome::unknown()));
        }
    }
}

/// The key that signs checkpoints stands with the other secrets of the profile.
struct CheckpointKey {
    connections: Arc<Connections>,
    fresh: SecretBytes,
    runtime: Handle,
}

impl KeySource for CheckpointKey {
    fn load(&self) -> Result<Arc<dyn NoteSigner>, KeyError> {
        let seed = self.runtime.block_on(async {
            let store = self.connections.secrets().await.map_err(|error| KeyError::new(error.to_string()))?;
            let name = self.connections.secret("ledger-key");
            store.get_or_put(&name, &self.fresh).await.map_err(|error| KeyError::new(error.to_string()))
        })?;
        Ok(Arc::new(Ed25519Key::from_seed(&seed)?))
    }
}

/// Graph's correlation in the ledger's terms.
pub(crate) fn recorded(correlation: &attache_graph::Correlation) -> Correlation {
    let id = |text: &Option<String>| text.as_deref().and_then(RequestId::from_header);
    Correlation {
        client_request_id: Some(correlation.client_request_id),
        request_id: id(&correlation.request_id),
        token_request_id: id(&correlation.token_request_id),
        ..Correlation::default()
    }
}

/// What a failed call means for its act: refused by the platform, failed on the way, or perhaps done.
pub(crate) fn outcome_of(error: &GraphError) -> Outcome {
    let code = Code::new(error.code());
    let outcome = match error.cause() {
        Cause::OutcomeUnknown { .. } => {
            Outcome { verdict: Verdict::Unknown, code: Some(code), ..Outcome::unknown() }
        }
        Cause::Unauthorised { .. }
        | Cause::Forbidden { .. }
        | Cause::NotFound { .. }
        | Cause::Conflict { .. }
        | Cause::Rejected { .. } => Outcome::refused(code),
        _ => Outcome::failed(code),
    };
    outcome.correlated(recorded(error.correlation()))
}

/// Why an act was not done, or not done for certain.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The intent could not be written, so nothing was sent.
    #[error("nothing was sent, since the intent could not be recorded: {0}")]
    Unrecorded(#[from] LedgerError),
    /// Graph did not do it.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl Explain for ActError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unrecorded(error) => error.code(),
            Self::Graph(error) => error.code(),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Unrecorded(error) => error.remedy(),
            Self::Graph(error) => error.remedy(),
        }
    }
}
