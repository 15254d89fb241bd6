//! Show the agent to an MCP host
