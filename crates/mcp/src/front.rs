//! The server as the SDK sees it. It holds nothing but the agent; every answer comes from there.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use attache_agent::{Agent, tools};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorData, ExperimentalCapabilities, Implementation, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{NotificationContext, RequestContext, RoleServer};
use rmcp::{ServerHandler, model};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{answer, channel, listing};

/// How long calls in flight may take once the host is gone. The SDK waits five seconds of them itself.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Front {
    agent: Arc<Agent>,
    ending: Ending,
}

/// What must end before the process may.
#[derive(Clone)]
pub(crate) struct Ending {
    /// Calls in flight: an act that was begun is ended, though nobody waits for the answer any more.
    calls: TaskTracker,
    pushing: TaskTracker,
    stop: CancellationToken,
}

impl Ending {
    pub(crate) async fn end(&self, agent: &Agent) {
        self.calls.close();
        if tokio::time::timeout(PATIENCE, self.calls.wait()).await.is_err() {
            tracing::warn!(calls = self.calls.len(), "calls in flight are left; their acts end as unknown");
        }
        self.stop.cancel();
        self.pushing.close();
        self.pushing.wait().await;
        agent.stop().await;
    }
}

impl Front {
    pub(crate) fn new(agent: Arc<Agent>) -> Self {
        let ending =
            Ending { calls: TaskTracker::new(), pushing: TaskTracker::new(), stop: CancellationToken::new() };
        Self { agent, ending }
    }

    pub(crate) fn ending(&self) -> Ending {
        self.ending.clone()
    }
}

impl ServerHandler for Front {
    fn get_info(&self) -> ServerConfig {
        let channel = ExperimentalCapabilities::from([(channel::CAPABILITY.to_owned(), JsonObject::new())]);
        let capabilities =
            ServerCapabilities::builder().enable_tools().enable_experimental_with(channel).build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("attache", env!("CARGO_PKG_VERSION")).with_title("Attaché"))
            .with_instructions(include_str!("instructions.md"))
    }

    fn on_initialized(
        &self,
        context: NotificationContext<RoleServer>,
    ) -> impl Future<Output = ()> + Send + '_ {
        self.agent.start();
        let (agent, stop) = (self.agent.clone(), self.ending.stop.clone());
        self.ending.pushing.spawn(async move { channel::push(&agent, &context.peer, &stop).await });
        std::future::ready(())
    }

    fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<ListToolsResult, ErrorData>> + Send + '_ {
        std::future::ready(Ok(ListToolsResult::with_all_items(listing::tools().to_vec())))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        listing::tools().iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if !tools::TOOLS.iter().any(|tool| tool.name == call.name) {
            let shown: String = call.name.chars().take(60).collect();
            return Err(ErrorData::invalid_params(format!("there is no tool {shown:?}"), None));
        }
        // A host of the protocol without `initialize` starts with its first call.
        self.agent.start();
        let agent = self.agent.clone();
        // On its own: a host that gives up must not cut an act off between its intent and its outcome.
        let called = self.ending.calls.spawn(async move {
            let input = call.arguments.map_or(Value::Null, Value::Object);
            tools::call(&agent, &call.name, input).await
        });
        match called.await {
            Ok(result) => Ok(answer::result(result).into()),
            Err(error) => Err(model::ErrorData::internal_error(format!("the tool broke: {error}"), None)),
        }
    }
}
