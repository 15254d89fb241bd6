//! `cargo xtask test`: every check and every test, from a fresh machine. The cheap checks come first, and the
//! tests last, so that the test runner's own summary is the last thing on the screen.

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::book;
use crate::fuzz;
use crate::parts::{self, Parts};
use crate::run::{Program, Repository, present, say};
use crate::stages::Stages;

type Stage = (&'static str, fn(&Repository, &Parts) -> Result<()>);

/// The stages between installing and testing, in order. `--workspace` and `--all-targets` stand in each so
/// that all of them settle on one set of features and share what they build.
const CHECKS: [Stage; 8] = [
    ("fmt", fmt),
    ("deny", deny),
    ("clippy", clippy),
    ("halves", halves),
    ("doc", doc),
    ("build", build),
    ("doctests", doctests),
    ("fuzz", fuzz::briefly),
];

/// The names of all stages.
pub(crate) fn names() -> Vec<&'static str> {
    let checks = CHECKS.iter().map(|(name, _)| *name);
    std::iter::once("install").chain(checks).chain(["tests"]).collect()
}

/// Runs the stages that are asked for, or all; whether the tests passed, of which their runner has told.
pub(crate) fn test(repository: &Repository, arguments: &[String]) -> Result<bool> {
    let (wanted, for_runner) = match arguments.iter().position(|argument| argument == "--") {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (arguments, &arguments[..0]),
    };
    if let Some(stranger) = wanted.iter().find(|stage| !names().contains(&stage.as_str())) {
        bail!("there is no stage `{stranger}`; the stages are {}", names().join(", "));
    }
    let wants = |stage: &str| wanted.is_empty() || wanted.iter().any(|one| one == stage);

    let parts = Parts::of(repository);
    let mut stages = Stages::default();
    if wants("install") {
        stages.run("install", || parts::install(repository, &parts))?;
    }
    for (name, check) in CHECKS {
        if wants(name) {
            stages.run(name, || check(repository, &parts))?;
        }
    }
    if !stages.is_empty() {
        say(&stages.table());
    }
    if wants("tests") { tests(repository, &parts, for_runner) } else { Ok(true) }
}

fn fmt(repository: &Repository, _: &Parts) -> Result<()> {
    repository.cargo(["fmt", "--all", "--check"]).run()
}

fn deny(repository: &Repository, parts: &Parts) -> Result<()> {
    repository.cargo(["fetch", "--locked"]).run()?;
    let deny = match parts.cargo_deny() {
        Some(deny) => repository.program(deny),
        None => bail!("cargo-deny is missing; `cargo xtask test install` installs it"),
    };
    deny.args(["--offline", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]).run()
}

fn clippy(repository: &Repository, _: &Parts) -> Result<()> {
    repository.cargo(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()
}

/// Either half of the binary without the other, as a packager may build it. The whole workspace is named, so that
/// nothing but the binary is looked at again.
fn halves(repository: &Repository, _: &Parts) -> Result<()> {
    for half in ["attache/device", "attache/gateway"] {
        let half = ["clippy", "--locked", "--workspace", "--no-default-features", "--features", half];
        repository.cargo(half).args(["--", "-D", "warnings"]).run()?;
    }
    Ok(())
}

fn doc(repository: &Repository, _: &Parts) -> Result<()> {
    let doc = repository.cargo(["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"]);
    doc.env("RUSTDOCFLAGS", "-D warnings").run()
}

fn build(repository: &Repository, _: &Parts) -> Result<()> {
    repository.cargo(["build", "--locked", "--workspace", "--all-targets"]).run()
}

fn doctests(repository: &Repository, _: &Parts) -> Result<()> {
    repository.cargo(["test", "--locked", "--workspace", "--doc", "--quiet"]).run()
}

fn tests(repository: &Repository, parts: &Parts, for_runner: &[String]) -> Result<bool> {
    let nextest = repository.cargo(["nextest", "--version"]).succeeds();
    let runner: &[&str] = if nextest { &["nextest", "run"] } else { &["test"] };
    let scope = ["--locked", "--workspace", "--lib", "--bins", "--tests"];
    let line = [&["cargo"], runner, &scope].concat().into_iter().map(OsString::from);
    let line: Vec<OsString> = line.chain(for_runner.iter().map(OsString::from)).collect();
    let attache = repository.target.join("debug").join(format!("attache{}", std::env::consts::EXE_SUFFIX));
    let is_whole = for_runner.is_empty();
    if is_whole {
        book::begin(repository)?;
    }
    let passed = in_session(repository, parts, &line)?
        .env("ATTACHE_TEST_BINARY", attache)
        .env("ATTACHE_TEST_PYTHON", parts.python())
        .env("ATTACHE_TEST_INTEROP_PYTHON", parts.interop_python())
        .env("ATTACHE_TEST_NODE_MODULES", parts.node_modules())
        .env("ATTACHE_TEST_MSGRAPH_PYTHON", parts.msgraph_python())
        .env("ATTACHE_TEST_INSPECTOR", parts.inspector())
        .succeeds_in_view()?;
    // It says nothing unless the book is wrong, so that the runner's summary stays the last thing on the screen.
    Ok(passed && (!is_whole || book::is_borne_out(repository)?))
}

/// The Secret Service runs inside a D-Bus session of its own, with a key ring of its own that is already
/// unlocked: the developer's is neither read nor written.
const SESSION: &str = r#"
set -e
printf attache | XDG_DATA_HOME="$1" XDG_RUNTIME_DIR="$1" HOME="$1" \
  gnome-keyring-daemon --unlock --components=secrets >/dev/null
shift
exec "$@"
"#;

fn in_session(repository: &Repository, parts: &Parts, line: &[OsString]) -> Result<Program> {
    if !cfg!(target_os = "linux") {
        return Ok(repository.program(&line[0]).args(&line[1..]));
    }
    for program in ["dbus-run-session", "gnome-keyring-daemon"] {
        if !present(program) {
            bail!("{program} is missing; `cargo xtask test install` installs it");
        }
    }
    let keyring = parts.fresh_keyring()?;
    Ok(repository
        .program("dbus-run-session")
        .args(["--", "sh", "-c", SESSION, "session"])
        .args([keyring])
        .args(line)
        .env("ATTACHE_TEST_SECRET_SERVICE", "1"))
}
