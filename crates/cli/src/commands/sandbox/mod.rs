//! `attache sandbox`: an emulated tenant, and commands for one that runs. One file a subcommand.

mod at;
mod bundle;
mod chat;
mod control;
mod duration;
mod env;
mod exec;
mod fault;
mod keys;
mod lag;
mod log;
mod mail;
mod not_emulated;
mod notification;
mod reset;
mod run_file;
mod seed;
mod serve;
mod shell;
mod snapshot;
mod tenants;
mod throttling;
mod time;
mod trust;
mod variables;
mod wait;

#[cfg(feature = "gateway")]
pub(crate) use serve::failure;

use clap::Subcommand;

use super::{one_thread, threads};
use crate::args::{self, Global};
use crate::output::{Failure, Output};

/// What can be asked of a sandbox that runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Wait until the sandbox is ready
    Wait(wait::Wait),
    /// Print what a shell must set so that programs use the sandbox
    Env(env::Env),
    /// Run a program with everything set that it needs to use the sandbox
    Exec(exec::Exec),
    /// Show what requests came in, what was decided and why
    Log(log::Log),
    /// Show or move the tenant's clock
    Time(time::Time),
    /// Show or change how much the tenant lags behind
    Lag(lag::Lag),
    /// Show or change how much a client may ask before it is refused
    Throttling(throttling::Throttling),
    /// Add what a document describes: users, applications, agents, groups, chats, mail
    Seed(seed::Seed),
    /// Roll the keys that sign tokens
    Keys(keys::Keys),
    /// Show what was asked for that Graph has and the sandbox does not emulate
    NotEmulated(not_emulated::NotEmulated),
    /// Make requests fail, wait or break off
    Fault(fault::Fault),
    /// Take the tenant back to how it was made
    Reset(reset::Reset),
    /// Keep what the tenant holds, and put it back
    Snapshot(snapshot::Snapshot),
    /// Read what was said in chats, wait for it, and say something as anybody
    Chat(chat::Chat),
    /// Read what mail arrived and left, wait for it, and deliver mail from outside
    Mail(mail::Mail),
    /// Read what was posted to subscribers, and wait for it
    Notification(notification::Notification),
    /// List, add and remove tenants
    Tenants(tenants::Tenants),
    /// Make this machine's programs trust the sandbox's authority for loopback names
    Trust(trust::Trust),
    /// Undo `trust`
    Untrust(trust::Untrust),
}

/// Serves a tenant, or does what was asked of one that runs.
pub(super) fn run(sandbox: args::Sandbox, global: &Global, output: Output) -> Result<(), Failure> {
    match sandbox.command {
        None => threads(serve::run(sandbox, global, output)),
        Some(Command::Wait(command)) => one_thread(wait::run(command, global, output)),
        Some(Command::Env(command)) => one_thread(env::run(command, global, output)),
        Some(Command::Exec(command)) => threads(exec::run(command, global, output)),
        Some(Command::Log(command)) => one_thread(log::run(command, global, output)),
        Some(Command::Reset(command)) => one_thread(reset::run(command, global, output)),
        Some(Command::Snapshot(command)) => one_thread(snapshot::run(command, global, output)),
        Some(Command::Chat(command)) => one_thread(chat::run(command, global, output)),
        Some(Command::Mail(command)) => one_thread(mail::run(command, global, output)),
        Some(Command::Notification(command)) => one_thread(notification::run(command, global, output)),
        Some(Command::Time(command)) => one_thread(time::run(command, global, output)),
        Some(Command::Lag(command)) => one_thread(lag::run(command, global, output)),
        Some(Command::Throttling(command)) => one_thread(throttling::run(command, global, output)),
        Some(Command::Seed(command)) => one_thread(seed::run(command, global, output)),
        Some(Command::Keys(command)) => one_thread(keys::run(command, global, output)),
        Some(Command::NotEmulated(command)) => one_thread(not_emulated::run(command, global, output)),
        Some(Command::Fault(command)) => one_thread(fault::run(command, global, output)),
        Some(Command::Tenants(command)) => one_thread(tenants::run(command, global, output)),
        Some(Command::Trust(command)) => trust::trust(&command, global, output),
        Some(Command::Untrust(command)) => trust::untrust(&command, output),
    }
}
