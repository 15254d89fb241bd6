//! An act outside, as every job does one: the intent is durable before it, the outcome recorded after it.

use std::future::Future;

use attache_graph::{Answered, Cause, Graph, GraphError};
use attache_ledger::{Act, Code, Correlation, EntryId, Outcome, RequestId, Verdict};
use attache_store::{Scope, Unit};
use attache_terms::Explain as _;
use tracing::warn;

use super::{JobError, Turn};
use crate::Gateway;

/// Does one act. `call` gets a Graph whose requests carry the `client-request-id` that the intent names, and end while
/// the job is still ours.
pub(crate) async fn outside<T, F: Future<Output = Answered<T>>>(
    gateway: &Gateway,
    turn: &Turn,
    scope: impl Scope,
    act: Act,
    graph: &Graph,
    call: impl FnOnce(Graph) -> F,
) -> Result<Answered<T>, JobError> {
    let deadline = turn.before_write().await?;
    let request = gateway.rng.uuid();
    let ours = Correlation { client_request_id: Some(request), ..act.correlation.clone() };
    let mut unit = Unit::new();
    let intent = gateway.open_in(turn.job().id, &mut unit, scope, act.correlated(ours));
    turn.commit(unit).await?;
    let answered = call(graph.correlated(request).before(deadline)).await;
    let outcome = match &answered {
        Ok(answer) => Outcome::done().correlated(correlated(&answer.correlation)),
        Err(error) => judge(error),
    };
    if let Err(error) = close(gateway, intent, outcome.clone()).await {
        // A connection to the database was lost, or somebody gave the act up in this moment. It is known all the same.
        warn!(%error, "how an act outside ended is recorded at the second try");
        close(gateway, intent, outcome).await?;
    }
    Ok(answered)
}

/// Records how an act ended, which is so whoever has the job by now.
async fn close(gateway: &Gateway, intent: EntryId, outcome: Outcome) -> Result<(), JobError> {
    let mut unit = Unit::new();
    gateway.close(&mut unit, intent, outcome).await?;
    gateway.store.commit(unit).await?;
    Ok(())
}

/// Whether a write that failed so may have happened all the same.
pub(crate) fn is_unknown(error: &GraphError) -> bool {
    matches!(error.cause(), Cause::OutcomeUnknown { .. } | Cause::Malformed { .. } | Cause::TooLarge { .. })
}

/// What a failed call means for its act: refused by the platform, failed on the way, or perhaps done.
pub(crate) fn judge(error: &GraphError) -> Outcome {
    let code = Code::new(error.code());
    let outcome = match error.cause() {
        _ if is_unknown(error) => {
            Outcome { verdict: Verdict::Unknown, code: Some(code), ..Outcome::unknown() }
        }
        Cause::Unauthorised { .. }
        | Cause::Forbidden { .. }
        | Cause::NotFound { .. }
        | Cause::Conflict { .. }
        | Cause::Rejected { .. } => Outcome::refused(code),
        _ => Outcome::failed(code),
    };
    outcome.correlated(correlated(error.correlation()))
}

/// What finds a request again, as the log keeps it.
pub(crate) fn correlated(correlation: &attache_graph::Correlation) -> Correlation {
    let id = |text: &Option<String>| text.as_deref().and_then(RequestId::from_header);
    Correlation {
        client_request_id: Some(correlation.client_request_id),
        request_id: id(&correlation.request_id),
        token_request_id: id(&correlation.token_request_id),
        request: None,
    }
}

impl From<GraphError> for JobError {
    fn from(error: GraphError) -> Self {
        let (message, remedy) = (error.to_string(), error.remedy().to_string());
        match error.cause() {
            Cause::Forbidden { .. } => Self::Refused { code: error.code(), message, remedy },
            _ => Self::Failed(format!("{message}; {remedy}")),
        }
    }
}
