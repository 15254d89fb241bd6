//! `cargo xtask fuzz`: the sandbox's fuzz targets, each for a while, from the corpora that tests replay. What
//! they find new stays under the target folder; what breaks something is shown and belongs into the corpus.
//! Continuous integration runs each for a moment. They are ordinary libFuzzer targets, so that cargo-fuzz runs
//! them too; the instrumentation is asked for here, by flags of the stable compiler, so that none is needed.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::parts::Parts;
use crate::run::{Program, Repository, say};

/// How long each target runs unless one says otherwise, and in continuous integration.
const SECONDS: u32 = 60;
const A_MOMENT: u32 = 3;

/// Counts which edges were taken, and tells libFuzzer what was compared.
const INSTRUMENTATION: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

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
    build(repository, &wanted, Pace::Quick)?;
    let mut broken = Vec::new();
    for target in wanted {
        say(&format!("\n── {target}"));
        let run = libfuzzer(repository, target, Pace::Quick, seconds)?;
        if !run.args(["-print_final_stats=1"]).succeeds_in_view()? {
            broken.push(target.as_str());
        }
    }
    if !broken.is_empty() {
        say(&format!("\nbroken: {}", broken.join(", ")));
    }
    Ok(broken.is_empty())
}

/// Every target for a moment, as a stage of the tests; it is silent about what goes well.
pub(crate) fn briefly(repository: &Repository, _: &Parts) -> Result<()> {
    let known = targets(repository)?;
    build(repository, &known.iter().collect::<Vec<_>>(), Pace::SoonBuilt)?;
    for target in &known {
        let output = libfuzzer(repository, target, Pace::SoonBuilt, A_MOMENT)?.output();
        output.with_context(|| format!("the fuzz target `{target}` broke something"))?;
    }
    Ok(())
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

/// What a build is good for: a long run, or a short one.
#[derive(Debug, Clone, Copy)]
enum Pace {
    Quick,
    SoonBuilt,
}

impl Pace {
    /// Cargo's profile, and where it puts what it builds.
    fn profile(self) -> (&'static str, &'static str) {
        match self {
            Self::Quick => ("release", "release"),
            Self::SoonBuilt => ("dev", "debug"),
        }
    }
}

/// Builds targets. The machine is named, so that what runs at build time is not instrumented.
fn build(repository: &Repository, targets: &[&String], pace: Pace) -> Result<()> {
    let bins = targets.iter().flat_map(|target| ["--bin", target.as_str()]);
    repository
        .cargo(["build", "--locked", "--profile", pace.profile().0, "--target", &machine(repository)?])
        .args(["--manifest-path"])
        .args([folder(repository).join("Cargo.toml")])
        .args(bins)
        .env("CARGO_TARGET_DIR", repository.target.join("fuzz"))
        .env("RUSTFLAGS", INSTRUMENTATION.join(" "))
        .run()
}

fn machine(repository: &Repository) -> Result<String> {
    let told = repository.program("rustc").args(["-vV"]).output()?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say for which machine it builds")?.to_owned())
}

/// A target, about to run. Rust alone is looked at, which has no use for a sanitizer: nothing here is unsafe.
fn libfuzzer(repository: &Repository, target: &str, pace: Pace, seconds: u32) -> Result<Program> {
    let built = repository.target.join("fuzz").join(machine(repository)?).join(pace.profile().1).join(target);
    let (found, broken) = (repository.target.join("fuzz/corpus"), repository.target.join("fuzz/artifacts"));
    let (found, broken) = (found.join(target), broken.join(target));
    for folder in [&found, &broken] {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let seeds = repository.root.join("crates/sandbox/tests/corpus").join(target);
    Ok(repository
        .program(built)
        .args([found, seeds])
        .args(["-max_len=4096", "-timeout=20"])
        .args([format!("-max_total_time={seconds}"), format!("-artifact_prefix={}/", broken.display())]))
}
