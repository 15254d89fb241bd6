//! `attache`: parse what was said, put the rooms together, and talk to the terminal.

#[cfg(not(any(feature = "device", feature = "gateway")))]
compile_error!("take the feature `device`, the feature `gateway`, or both");

mod args;
mod commands;
mod config;
mod logs;
#[cfg(feature = "gateway")]
#[cfg_attr(not(feature = "device"), expect(dead_code, reason = "the story posts, and reads what comes back"))]
mod loopback;
mod output;
#[cfg(feature = "device")]
mod settings;
mod signals;
#[cfg(all(feature = "device", feature = "gateway"))]
mod story;
#[cfg(feature = "gateway")]
mod traces;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let output = output::Output { json: cli.global.json };
    match commands::run(cli, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.status)
        }
    }
}
