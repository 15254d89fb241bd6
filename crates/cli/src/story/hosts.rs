//! What to paste into each MCP host, with absolute paths.

use std::path::Path;

use serde_json::json;

use crate::config::Place;

/// The instructions for every host, as text for a terminal.
pub(super) fn instructions(program: &Path, place: &Place) -> String {
    let program = program.display().to_string();
    let home = place.home.display().to_string();
    let profile = place.profile.name().as_str();
    let server = json!({ "command": program, "args": ["mcp"], "env": { "ATTACHE_HOME": home, "ATTACHE_PROFILE": profile } });
    let with = |more: serde_json::Value| {
        let mut server = server.clone();
        if let (Some(server), Some(more)) = (server.as_object_mut(), more.as_object()) {
            server.extend(more.clone());
        }
        server
    };
    let for_code = json!({ "servers": { "attache": with(json!({ "type": "stdio" })) } });
    let for_cursor = json!({ "mcpServers": { "attache": server } });
    let for_copilot =
        json!({ "mcpServers": { "attache": with(json!({ "type": "local", "tools": ["*"] })) } });
    format!(
        "Put this agent into your MCP host:

  Claude Code
    claude mcp add attache --env ATTACHE_HOME={home} --env ATTACHE_PROFILE={profile} -- {program} mcp
    claude --dangerously-load-development-channels server:attache
    The flag lets messages arrive by themselves; without it the agent pulls them with read_teams_messages.

  Codex, in ~/.codex/config.toml
    [mcp_servers.attache]
    command = {program:?}
    args = [\"mcp\"]
    env = {{ ATTACHE_HOME = {home:?}, ATTACHE_PROFILE = {profile:?} }}

  Copilot CLI, in ~/.copilot/mcp-config.json
    {for_copilot}

  Cursor, in ~/.cursor/mcp.json
    {for_cursor}

  VS Code, in .vscode/mcp.json
    {for_code}
"
    )
}
