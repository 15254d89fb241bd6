//! Developer commands: `cargo xtask test`, `cargo xtask bench`, `cargo xtask fuzz`, `cargo xtask dist`. They are
//! plain programs run in order, so that what continuous integration does and what a person does are one thing. It has
//! next to no dependencies, since everybody waits for it to compile.

mod book;
mod fuzz;
mod parts;
mod run;
mod stages;
mod test;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::run::{Repository, say};

const USAGE: &str = "\
Usage: cargo xtask <command>

  test [stage…] [-- argument…]   install what tests need, run every check and every test;
                                 with stage names only those; arguments go to the test runner
  bench [part…] [--organisations N]
                                 the benchmarks, in release mode; all, or these parts; N is how many organisations
                                 the part provisioning makes
  fuzz [--seconds N] [target…]   the sandbox's fuzz targets, a minute each unless N says otherwise
  dist                           the binary as it is packaged, target/dist/attache

Stages of test, in order: ";

fn main() -> ExitCode {
    match command(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("\nxtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether it went well, where what ran has already said why not; an error otherwise.
fn command(arguments: Vec<String>) -> Result<bool> {
    let repository = Repository::find()?;
    match arguments.split_first() {
        Some((command, rest)) if command == "test" => test::test(&repository, rest),
        Some((command, rest)) if command == "bench" => {
            // The benchmarks start the real binary, and a bare one beside it, so these must be as fresh as they are.
            for package in ["attache", "attache-bench"] {
                optimised(&repository, &["build", "--release", "--locked", "--package", package]).run()?;
            }
            let bench = ["run", "--release", "--locked", "--package", "attache-bench", "--"];
            optimised(&repository, &bench).args(rest).succeeds_in_view()
        }
        Some((command, rest)) if command == "fuzz" => fuzz::fuzz(&repository, rest),
        Some((command, [])) if command == "dist" => {
            optimised(&repository, &["build", "--profile", "dist", "--locked", "--package", "attache"])
                .succeeds_in_view()
        }
        Some((command, [])) if matches!(command.as_str(), "help" | "--help" | "-h") => {
            say(&format!("{USAGE}{}", test::names().join(", ")));
            Ok(true)
        }
        _ => bail!("unknown command\n\n{USAGE}{}", test::names().join(", ")),
    }
}

/// Cargo for what people run. Its AWS-LC seeds from the system and from the processor's generator; the third
/// source, the processor's jitter, takes some 30 ms of every start to gather, more than all the rest of one.
fn optimised(repository: &Repository, arguments: &[&str]) -> run::Program {
    repository.cargo(arguments).env("AWS_LC_SYS_NO_JITTER_ENTROPY", "1")
}
