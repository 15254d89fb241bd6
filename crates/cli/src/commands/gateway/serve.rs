//! `attache gateway` against real tenants: until a signal ends it.

use std::path::PathBuf;

use attache_gateway::{Gateway, Running};
use serde_json::json;
use tracing_subscriber::Layer as _;

use super::{config, open};
use crate::config::Values;
use crate::logs;
use crate::output::{Failure, Output};
use crate::signals;
use crate::traces::{self, Traces};

/// Serves.
pub(super) async fn serve(home: PathBuf, values: Values, output: Output) -> Result<(), Failure> {
    let given = config::judge(&home, &values).map_err(|problems| Failure::configuration(&problems))?;
    let traces = start_logging(&home, &values)?;
    let parts = open::parts(&given.database, given.keys).await?;
    let url = given.config.public_url.to_string();
    let ended = listen_for_signals()?;
    let running = Gateway::start(given.config, parts).await?;
    announce(output, &running, &url, &json!({}));
    ended.await;
    running.stop().await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    Ok(())
}

/// Signals from now on.
pub(super) fn listen_for_signals() -> Result<impl Future<Output = ()>, Failure> {
    signals::listen().map_err(|error| {
        Failure::new("no_signals", error.to_string(), "free some memory or file descriptors")
    })
}

/// Says that it answers.
pub(super) fn announce(output: Output, running: &Running, url: &str, more: &serde_json::Value) {
    if output.json {
        let (listen, node) = (running.address(), running.node().to_string());
        let mut line = json!({ "event": "ready", "url": url, "listen": listen, "node": node });
        if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
            line.extend(more.clone());
        }
        output.object(&line);
    } else {
        output.line(format!("The gateway is ready at {url}"));
    }
}

/// Logs go to a file of the gateway's beside standard error, and traces to a collector if one is named.
pub(super) fn start_logging(home: &std::path::Path, values: &Values) -> Result<Option<Traces>, Failure> {
    let filter = values.get("log").map_or("info", |value| value.text.as_str());
    let wrong = |problems| Failure::configuration(&problems);
    let format = config::log_format(home, values).map_err(wrong)?;
    let endpoint = config::traces(home, values).map_err(wrong)?;
    let ca = values.get("ca").map(|value| value.text.clone().into());
    let traces = endpoint.map(|endpoint| Traces::start(endpoint, ca)).transpose();
    let traces = traces.map_err(|problem| Failure::usage("otlp_endpoint", problem))?;
    let (collect, traces) = traces.unzip();
    let collect = collect.map(|collect| collect.with_filter(traces::ours()).boxed());
    logs::start(filter, format, &config::folder(home), collect)
        .map_err(|problem| Failure::usage("log", problem))?;
    Ok(traces)
}
