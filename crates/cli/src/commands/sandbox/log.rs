//! `attache sandbox log`: every request that came in, what was decided and why.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::at::At;
use super::control::{Control, objects, text};
use super::duration;
use crate::args::Global;
use crate::output::{Failure, Output};
use crate::signals;

/// How long one look waits for the next request.
const LOOK: Duration = Duration::from_secs(20);

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Log {
    #[command(flatten)]
    at: At,
    /// Go on with requests as they come, until Ctrl-C
    #[arg(long, short, conflicts_with_all = ["clear", "wait"])]
    follow: bool,
    /// Wait so long for a request that fits, if there is none; fail if none comes
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    wait: Option<Duration>,
    /// Only requests of this method
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Only requests with this path: * is any characters but a slash, ** any at all
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Only requests answered so: 404, or 4xx
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only requests of this application or object id
    #[arg(long, value_name = "ID")]
    caller: Option<String>,
    /// Only requests with a greater number
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// Only the newest so many
    #[arg(long, value_name = "N")]
    last: Option<u64>,
    /// Forget the requests so far
    #[arg(long, conflicts_with = "wait")]
    clear: bool,
}

/// Prints, follows or forgets.
pub(super) async fn run(command: Log, global: &Global, output: Output) -> Result<(), Failure> {
    let wait = if command.follow { LOOK } else { command.wait.unwrap_or_default() };
    let control = Control::patient(command.at.find(global)?, wait)?;
    if command.clear {
        let answer = control.delete("requests").await?;
        if output.json {
            objects(&answer, output);
        } else {
            output.line("The log is empty.");
        }
        return Ok(());
    }
    let mut query: Vec<(&str, String)> = [
        ("method", command.method.clone()),
        ("path", command.path.clone()),
        ("status", command.status.clone()),
        ("caller", command.caller.clone()),
        ("after", command.after.map(|after| after.to_string())),
        ("limit", command.last.map(|last| last.to_string())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect();
    if !command.follow {
        query.extend(command.wait.map(|wait| ("wait", milliseconds(wait))));
        let found = control.ask("requests", &query).await?;
        print(&found, output);
        return some_if_awaited(&found, command.wait);
    }
    tokio::select! {
        followed = follow(&control, query, output) => followed,
        ended = signals::ended() => ended.map_err(|error| Failure::new("no_signals", error.to_string(), "end it with SIGKILL")),
    }
}

async fn follow(control: &Control, mut query: Vec<(&str, String)>, output: Output) -> Result<(), Failure> {
    loop {
        let found = control.ask("requests", &query).await?;
        print(&found, output);
        let last = found["value"].as_array().and_then(|all| all.last()?["number"].as_u64());
        query.retain(|(name, _)| *name != "limit" && *name != "wait" && (*name != "after" || last.is_none()));
        query.extend(last.map(|last| ("after", last.to_string())));
        query.push(("wait", milliseconds(LOOK)));
    }
}

/// A time as the control API takes it.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

/// Who waited for something wants to know by the exit status whether it came.
pub(super) fn some_if_awaited(found: &Value, wait: Option<Duration>) -> Result<(), Failure> {
    match wait {
        Some(wait) if found["value"].as_array().is_none_or(Vec::is_empty) => Err(Failure::new(
            "nothing_came",
            format!("nothing that fits came within {wait:?}"),
            "wait longer, or ask for less; `attache sandbox log` shows what did come in",
        )),
        _ => Ok(()),
    }
}

fn print(found: &Value, output: Output) {
    if output.json {
        objects(found, output);
    } else {
        found["value"].as_array().into_iter().flatten().for_each(|request| output.line(line(request)));
    }
}

/// When, what, the answer, and why it was refused.
fn line(request: &Value) -> String {
    let status = request["status"].as_u64().map_or("cut".to_owned(), |status| status.to_string());
    let query = request["query"].as_str().filter(|query| !query.is_empty());
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let grant = request["grant_type"].as_str().map(|grant| format!("  {grant}")).unwrap_or_default();
    let decision = &request["decision"];
    let why = [
        decision["error"].as_str().map(str::to_owned),
        decision["aadsts"].as_u64().map(|code| format!("AADSTS{code}")),
        decision["missing"]
            .as_array()
            .filter(|missing| !missing.is_empty())
            .map(|missing| format!("needs {}", missing.iter().map(text).collect::<Vec<_>>().join(" or "))),
        decision["limit"].as_str().map(|limit| format!("more than {limit}")),
        decision["fault"].as_u64().map(|fault| format!("by fault {fault}")),
    ];
    let why: Vec<String> = why.into_iter().flatten().collect();
    let why = if why.is_empty() { String::new() } else { format!("  {}", why.join(", ")) };
    format!(
        "{:>5}  {}  {status}  {} {}{query}{grant}{why}",
        text(&request["number"]),
        text(&request["at"]),
        text(&request["method"]),
        text(&request["path"]),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_why() {
        let request = json!({
            "number": 7, "at": "2030-01-01T00:00:00Z", "method": "GET", "path": "/v1.0/users", "query": "$top=1",
            "status": 403, "grant_type": null,
            "decision": { "error": "Authorization_RequestDenied", "missing": ["User.Read.All", "Directory.Read.All"] },
        });
        assert_eq!(
            line(&request),
            "    7  2030-01-01T00:00:00Z  403  GET /v1.0/users?$top=1  Authorization_RequestDenied, \
             needs User.Read.All or Directory.Read.All"
        );
    }
}
