//! An act outside, as every job does one: the intent is durable before it, the outcome recorded after it.

use std::future::Future;

use attache_graph::{Answered, Cause, GraphError};
use attache_ledger::{Act, ActName, Code, Correlation, Outcome, RequestId, Verdict};
use attache_store::{Scope, Unit};
use attache_terms::Explain as _;
use uuid::Uuid;

use super::{JobError, Turn};
use crate::Gateway;

/// Does one act. `call` gets the `client-request-id` that the intent names.
pub(crate) async fn outside<T, F: Future<Output = Answered<T>>>(
    gateway: &Gateway,
    turn: &Turn,
    scope: impl Scope,
    act: Act,
    call: impl FnOnce(Uuid) -> F,
) -> Result<Answered<T>, JobError> {
    turn.before_write().await?;
    let correlation = gateway.rng.uuid();
    let name: ActName = act.name.clone();
    let ours = Correlation { client_request_id: Some(correlation), ..act.correlation.clone() };
    let intent = gateway.intent(act.correlated(ours));
    let entry = intent.id();
    let mut unit = Unit::new();
    unit.record(scope, intent);
    turn.commit(unit).await?;
    let answered = call(correlation).await;
    let outcome = match &answered {
        Ok(answer) => Outcome::done().correlated(correlated(&answer.correlation)),
        Err(error) => judge(error),
    };
    let mut unit = Unit::new();
    unit.record(scope, gateway.outcome(entry, name, outcome));
    turn.commit(unit).await?;
    Ok(answered)
}

/// What a failed call means for its act: refused by the platform, failed on the way, or perhaps done.
fn judge(error: &GraphError) -> Outcome {
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
        Self::Failed(format!("{error}; {}", error.remedy()))
    }
}
