//! `cargo xtask fuzz`: the sandbox's fuzz targets, each for a while, from the corpora that tests replay. What
//! they find new stays under the target folder; what breaks something is shown and belongs into the corpus.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::run::{Repository, present, say};

/// How long each target runs unless one says otherwise.
const SECONDS: u32 = 60;

/// The version that is installed where there is none.
const CARGO_FUZZ: &str = "0.13.2";

/// Runs the named targets, or all.
pub(crate) fn fuzz(repository: &Repository, arguments: &[String]) -> Result<bool> {
    let (seconds, named) = match arguments {
        [option, seconds, named @ ..] if option == "--seconds" => {
            (seconds.parse().with_context(|| format!("{seconds} is no number of seconds"))?, named)
        }
        named => (SECONDS, named),
    };
    let known = targets(repository)?;
    if let Some(stranger) = named.iter().find(|target| !known.contains(target)) {
        bail!("there is no fuzz target `{stranger}`; the targets are {}", known.join(", "));
    }
    let wanted: Vec<&String> = known.iter().filter(|one| named.is_empty() || named.contains(one)).collect();
    let mut broken = Vec::new();
    for target in wanted {
        say(&format!("\n── {target}"));
        if !run(repository, target, seconds)? {
            broken.push(target.as_str());
        }
    }
    if !broken.is_empty() {
        say(&format!("\nbroken: {}", broken.join(", ")));
    }
    Ok(broken.is_empty())
}

fn folder(repository: &Repository) -> PathBuf {
    repository.root.join("crates/sandbox/fuzz")
}

/// The names of the targets: one file each.
fn targets(repository: &Repository) -> Result<Vec<String>> {
    let folder = folder(repository).join("fuzz_targets");
    let files = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Whether it went well. Rust alone is looked at, which has no use for a sanitizer: nothing here is unsafe.
fn run(repository: &Repository, target: &str, seconds: u32) -> Result<bool> {
    let found = repository.target.join("fuzz/corpus").join(target);
    fs::create_dir_all(&found).with_context(|| format!("creating {}", found.display()))?;
    let seeds = repository.root.join("crates/sandbox/tests/corpus").join(target);
    repository
        .program(cargo_fuzz(repository)?)
        .args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"])
        .args([folder(repository)])
        .args([target])
        .args([found, seeds])
        .args(["--", "-max_len=4096", "-timeout=20", "-print_final_stats=1"])
        .args([format!("-max_total_time={seconds}")])
        // Instrumentation is an unstable part of the stable compiler.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", repository.target.join("fuzz"))
        .succeeds_in_view()
}

/// cargo-fuzz: the developer's own, or else ours.
fn cargo_fuzz(repository: &Repository) -> Result<PathBuf> {
    if present("cargo-fuzz") {
        return Ok("cargo-fuzz".into());
    }
    let ours = repository.target.join("parts/cargo-fuzz");
    let program = ours.join("bin/cargo-fuzz");
    if !program.is_file() {
        say("installing cargo-fuzz");
        let install = ["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ, "--root"];
        repository.cargo(install).args([ours]).run()?;
    }
    Ok(program)
}
