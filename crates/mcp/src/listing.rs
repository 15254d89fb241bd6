//! The tools as the protocol shows them, made when they are first asked for.

use std::sync::{Arc, OnceLock};

use attache_agent::tools::{TOOLS, Tool as AgentTool};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::Value;

/// Every tool, with its schemas and annotations.
pub(crate) fn tools() -> &'static [Tool] {
    static LISTED: OnceLock<Vec<Tool>> = OnceLock::new();
    LISTED.get_or_init(|| TOOLS.iter().map(listed).collect())
}

fn listed(tool: &AgentTool) -> Tool {
    let hints = ToolAnnotations::with_title(tool.title)
        .read_only(tool.hints.read_only)
        .destructive(tool.hints.destructive)
        .idempotent(tool.hints.idempotent)
        .open_world(tool.hints.open_world);
    Tool::new(tool.name, tool.description, object(tool.input_schema()))
        .with_title(tool.title)
        .with_raw_output_schema(object(tool.output_schema()))
        .with_annotations(hints)
}

fn object(schema: Value) -> Arc<JsonObject> {
    match schema {
        Value::Object(object) => Arc::new(object),
        // A schema that accepts anything is written `true`.
        _ => Arc::new(JsonObject::new()),
    }
}
