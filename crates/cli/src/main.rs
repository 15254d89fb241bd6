//! `attache`: parse what was said, put the rooms together, and talk to the terminal.

mod args;
mod commands;
mod config;
mod logs;
mod output;
mod settings;
mod signals;
mod story;

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
