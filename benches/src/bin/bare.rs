//! The limit for `attache mcp`: a server on the same SDK that has one tool and does nothing.

use std::sync::Arc;

use rmcp::ServerHandler;
use rmcp::ServiceExt;
use rmcp::model::{ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool};
use rmcp::service::{RequestContext, RoleServer};

struct Bare;

impl ServerHandler for Bare {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, rmcp::ErrorData> {
        let tool = Tool::new("nothing", "does nothing", Arc::new(rmcp::model::JsonObject::new()));
        Ok(ListToolsResult::with_all_items(vec![tool]))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    Bare.serve(rmcp::transport::stdio()).await?.waiting().await?;
    Ok(())
}
