//! `attache sandbox` alone: an emulated tenant, until a signal ends it. While it runs, a run file tells the
//! other commands where it is.

use std::path::Path;

use attache_sandbox::{Config, LagProfile, Sandbox, Seed, StartError, Throttling};
use serde_json::Value;

use super::run_file::{self, RunFile};
use crate::args::{self, Global, Lag, Limits};
use crate::commands::place;
use crate::output::{Failure, Output};
use crate::signals;

/// Serves the tenant.
pub(super) async fn run(command: args::Sandbox, global: &Global, output: Output) -> Result<(), Failure> {
    let output = Output { json: output.json || command.json_by_environment };
    let strict = command.strict;
    let sandbox = Sandbox::start(config(command)?).await.map_err(|error| failure(&error))?;
    let ready = serde_json::to_value(sandbox.ready()).unwrap_or(Value::Null);
    let no_signals = |error: std::io::Error| {
        Failure::new("no_signals", error.to_string(), "free some memory or file descriptors")
    };
    // Both before the ready line: who reads that finds the sandbox, and may end it at once.
    let ended = signals::listen().map_err(no_signals)?;
    let run_file = leave_run_file(&ready, global, output);
    if output.json {
        output.object(&ready);
    } else {
        for line in people(&ready) {
            output.line(line);
        }
    }
    ended.await;
    drop(run_file);
    let missed = sandbox.control().not_emulated();
    sandbox.shutdown().await;
    if strict && missed > 0 {
        return Err(Failure::new(
            "not_emulated",
            format!("{missed} requests asked for something that Graph has and the sandbox does not emulate"),
            "see `attache sandbox log` for which they were while it runs, or leave out --strict",
        ));
    }
    Ok(())
}

/// What stands in the seed file.
fn document(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| seed_file(&error.to_string()))
}

fn seed_file(why: &str) -> Failure {
    let message = format!("the seed file cannot be used: {why}");
    Failure { status: 2, ..Failure::new("seed_file", message, "mend the file and start again") }
}

/// A home that cannot be written, as in a read-only container, is no reason not to serve.
fn leave_run_file(ready: &Value, global: &Global, output: Output) -> Option<RunFile> {
    let left = place(global).and_then(|place| {
        RunFile::write(&run_file::folder(&place.home), ready)
            .map_err(|error| Failure::new("run_file", error.to_string(), ""))
    });
    if let Err(failure) = &left {
        let why = &failure.message;
        output.note(format!(
            "note: other commands will need --url and --token, for there is no run file: {why}"
        ));
    }
    left.ok()
}

/// What went wrong with a sandbox. It has its own words, since it knows nothing of the other rooms: a sentence
/// for what happened, then what to do.
pub(crate) fn failure(error: &StartError) -> Failure {
    let (code, status) = match error {
        StartError::PortTaken(_) => ("port_taken", 1),
        StartError::FolderInUse(_) => ("folder_in_use", 1),
        StartError::WouldExposeConstants(_) => ("would_expose_constants", 2),
        StartError::WouldExposeKeys(_) => ("would_expose_keys", 2),
        StartError::Document(why) => return seed_file(why),
        _ => ("sandbox", 1),
    };
    let said = error.to_string();
    let (message, remedy) = said.split_once(". ").unwrap_or((&said, "see `attache sandbox --help`"));
    Failure { status, ..Failure::new(code, message, remedy) }
}

fn config(command: args::Sandbox) -> Result<Config, Failure> {
    let seed = match command.seed.as_deref() {
        None => Seed::Constants,
        Some("random") => Seed::Random,
        Some(text) => Seed::Number(text.parse().map_err(|_| {
            Failure::usage("seed", format!("--seed {text:?} is neither a number nor `random`"))
        })?),
    };
    if !(command.lag_scale.is_finite() && command.lag_scale >= 0.0) {
        return Err(Failure::usage("lag_scale", "--lag-scale must be a number from 0 upwards"));
    }
    let lag = match command.lag {
        Lag::None => LagProfile::None,
        Lag::Typical => LagProfile::Typical,
        Lag::Worst => LagProfile::Worst,
        Lag::Never => LagProfile::Never,
    };
    let throttling = match command.throttling {
        Limits::Off => Throttling::default(),
        Limits::Documented => Throttling::documented(),
    };
    Ok(Config {
        listen: command.listen,
        data: command.data,
        san: command.san,
        seed,
        expose: command.expose,
        fresh_keys: command.fresh_keys,
        document: command.seed_file.as_deref().map(document).transpose()?,
        lag,
        lag_scale: command.lag_scale,
        throttling,
        allow_http_webhooks: command.allow_http_webhooks,
        webhook_ca: command.webhook_ca,
        smtp_listen: command.smtp_listen,
        smtp_relay: command.smtp_relay,
        ..Config::default()
    })
}

fn people(ready: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut lines = vec![
        format!("The sandbox tenant is ready at {}", text(&ready["url"])),
        format!("  trust                {}", text(&ready["ca"])),
        format!("  tenant               {} ({})", text(&ready["tenant_id"]), text(&ready["domain"])),
        format!("  client               {}", text(&ready["apps"]["client"]["client_id"])),
        format!(
            "  provisioner          {}  secret {}",
            text(&ready["apps"]["provisioner"]["client_id"]),
            text(&ready["apps"]["provisioner"]["client_secret"])
        ),
        format!("  control token        {}", text(&ready["control_token"])),
    ];
    for user in ready["users"].as_array().into_iter().flatten() {
        lines.push(format!(
            "  {:<20} {}  password {}",
            text(&user["display_name"]),
            text(&user["upn"]),
            text(&user["password"])
        ));
    }
    lines.push(format!(
        "  pages                {}/?token={}",
        text(&ready["url"]),
        text(&ready["control_token"])
    ));
    lines.push("End it with Ctrl-C.".to_owned());
    lines
}
