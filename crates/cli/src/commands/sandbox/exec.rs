//! `attache sandbox exec -- CMD`: a program in the sandbox's environment. Signals and the exit status pass
//! through. With a tenant or a sandbox of its own, that ends when the program does.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, ExitStatus};

use attache_sandbox::{Config, Sandbox};
use clap::Args;
use serde_json::{Value, json};

use super::at::{At, Known};
use super::control::Control;
use super::variables::Variables;
use super::{env, serve};
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Exec {
    #[command(flatten)]
    at: At,
    /// Start a sandbox for it, on a free port, which ends with it
    #[arg(long, conflicts_with_all = ["fresh"])]
    start: bool,
    /// Give it a new tenant of the running sandbox, removed at its end
    #[arg(long)]
    fresh: bool,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Runs the program, and ends as it does.
pub(super) async fn run(exec: Exec, global: &Global, _output: Output) -> Result<(), Failure> {
    if exec.start {
        return in_its_own_sandbox(&exec.command, global).await;
    }
    let control = Control::of(exec.at.find(global)?)?;
    if exec.fresh {
        return in_a_fresh_tenant(&control, &exec.command, global).await;
    }
    let ready = control.get("ready").await?;
    replace(program(&exec.command, &env::of(&control, &ready, global)?))
}

async fn in_its_own_sandbox(line: &[OsString], global: &Global) -> Result<(), Failure> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let sandbox = Sandbox::start(Config { listen, ..Config::default() })
        .await
        .map_err(|error| serve::failure(&error))?;
    let ready = serde_json::to_value(sandbox.ready()).unwrap_or(Value::Null);
    let ran = match own(&ready, global) {
        Ok(variables) => child::run(program(line, &variables)).await,
        Err(failure) => Err(failure),
    };
    sandbox.shutdown().await;
    ended(ran?)
}

fn own(ready: &Value, global: &Global) -> Result<Variables, Failure> {
    let text = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
    let url = text("url").parse().map_err(|_| Failure::new("sandbox", "it has no address", "report this"))?;
    let known = Known { url, token: text("control_token"), ca: Some(text("ca").into()), tenant: None };
    env::of(&Control::of(known)?, ready, global)
}

async fn in_a_fresh_tenant(control: &Control, line: &[OsString], global: &Global) -> Result<(), Failure> {
    let ready = control.post("tenants", &json!({})).await?;
    let ran = match env::of(control, &ready, global) {
        Ok(variables) => child::run(program(line, &variables)).await,
        Err(failure) => Err(failure),
    };
    let id = ready["tenant_id"].as_str().unwrap_or_default();
    let removed = control.delete(&format!("tenants/{id}")).await;
    ended(ran?)?;
    removed.map(drop)
}

fn program(line: &[OsString], variables: &Variables) -> Command {
    let mut words = line.iter();
    let mut command = Command::new(words.next().cloned().unwrap_or_default());
    command.args(words).envs(variables.set.iter().map(|(name, value)| (name, value)));
    for name in variables.unset {
        command.env_remove(name);
    }
    command
}

/// Becomes the program: what it gets and how it ends is then nobody's business but its own.
#[cfg(unix)]
fn replace(mut command: Command) -> Result<(), Failure> {
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    Err(not_started(&command, &error))
}

#[cfg(not(unix))]
fn replace(mut command: Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| not_started(&command, &error))?;
    ended(status)
}

/// As shells do: 127 for what is not there, 126 for what cannot be run.
fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    let program = command.get_program().to_string_lossy();
    let status = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
    Failure {
        status,
        ..Failure::new(
            "not_started",
            format!("{program} cannot be started: {error}"),
            "give the program's path, or install it",
        )
    }
}

/// Our exit status is the program's; 128 and the signal's number when one ended it, as shells say it.
fn ended(status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = signal.map_or_else(|| status.code().unwrap_or(1), |signal| 128 + signal);
    Err(Failure { status: u8::try_from(code).unwrap_or(1), ..Failure::shown() })
}

#[cfg(unix)]
mod child {
    //! A program beside us, which gets the signals that we get.

    use std::io::IsTerminal;

    use rustix::process::{Pid, Signal, kill_process};
    use tokio::signal::unix::{SignalKind, signal};

    use super::{Command, ExitStatus, Failure, not_started};

    pub(super) async fn run(command: Command) -> Result<ExitStatus, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new("no_signals", error.to_string(), "free some memory or processes")
        };
        let mut command = tokio::process::Command::from(command);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
        let mut quit = signal(SignalKind::quit()).map_err(failed)?;
        // At a terminal the kernel sends Ctrl-C and Ctrl-\ to the program as well.
        let from_terminal = std::io::stdin().is_terminal();
        let mut child = command.spawn().map_err(|error| not_started(command.as_std(), &error))?;
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        loop {
            let sent = tokio::select! {
                status = child.wait() => return status.map_err(failed),
                _ = interrupt.recv() => if from_terminal { continue } else { Signal::INT },
                _ = quit.recv() => if from_terminal { continue } else { Signal::QUIT },
                _ = terminate.recv() => Signal::TERM,
                _ = hang_up.recv() => Signal::HUP,
            };
            if let Some(pid) = pid {
                // It may have ended this moment; then there is nobody to tell.
                let _ = kill_process(pid, sent);
            }
        }
    }
}

#[cfg(not(unix))]
mod child {
    //! A program beside us.

    use super::{Command, ExitStatus, Failure, not_started};

    pub(super) async fn run(command: Command) -> Result<ExitStatus, Failure> {
        let mut command = tokio::process::Command::from(command);
        let status = command.status().await;
        status.map_err(|error| not_started(command.as_std(), &error))
    }
}
