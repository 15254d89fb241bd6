//! What a call gives back. Success is structured content and the same as text. A failure is `isError` with
//! code, message and remedy as JSON text: hosts check structured content against the tool's output schema
//! even then, so it carries none.

use attache_agent::tools::ToolError;
use attache_terms::{Explain, Who};
use rmcp::model::{CallToolResult, ContentBlock};
use serde::Serialize;
use serde_json::Value;

/// A failure as a model and a person read it.
#[derive(Serialize)]
struct Failure {
    code: &'static str,
    message: String,
    remedy: String,
    /// Who must act: `caller`, `operator`, `platform` or `us`.
    who: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

pub(crate) fn result(called: Result<Value, ToolError>) -> CallToolResult {
    match called {
        Ok(output) => CallToolResult::structured(output),
        Err(error) => CallToolResult::error(vec![ContentBlock::text(failure(&error))]),
    }
}

fn failure(error: &ToolError) -> String {
    let remedy = error.remedy();
    let (who, retry_after_s) = match remedy.who {
        Who::Caller => ("caller", None),
        Who::Operator => ("operator", None),
        Who::Platform { retry_after } => ("platform", retry_after.map(|span| span.as_secs().max(1))),
        Who::Us => ("us", None),
    };
    let shown = Failure {
        code: error.code(),
        message: error.to_string(),
        remedy: remedy.to_string(),
        who,
        retry_after_s,
    };
    // Five texts always have a JSON form.
    serde_json::to_string(&shown).unwrap_or_default()
}
