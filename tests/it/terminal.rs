//! What people type first: help, version, completions, and a reader that has seen enough.

use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use attache_tests::{DEADLINE, Home};
use tokio::time::timeout;

/// Every command, as the help of the one above lists it.
const COMMANDS: [&[&str]; 21] = [
    &[],
    &["try"],
    &["mcp"],
    &["sign-in"],
    &["sign-out"],
    &["whoami"],
    &["provision"],
    &["deprovision"],
    &["audit", "verify"],
    &["audit", "show"],
    &["sandbox"],
    &["gateway"],
    &["gateway", "link"],
    &["gateway", "backup"],
    &["gateway", "restore"],
    &["gateway", "rotate-key"],
    &["gateway", "import"],
    &["gateway", "ready"],
    &["doctor"],
    &["config", "show"],
    &["completions"],
];

async fn run(home: &Home, arguments: &[&str]) -> Result<Output> {
    let mut command = home.attache(arguments)?;
    command.stdin(Stdio::null()).kill_on_drop(true);
    timeout(DEADLINE, command.output()).await.context("it did not end")?.context("starting attache")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_what_it_does_without_a_home() -> Result<()> {
    let home = Home::new()?;
    let before = std::fs::read_dir(home.path())?.count();
    for command in COMMANDS {
        let output = run(&home, &[command, &["--help"]].concat()).await?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success() && output.stderr.is_empty(), "{command:?}: {}", output.status);
        ensure!(text.contains("Usage: attache") && text.lines().count() > 4, "{command:?}: {text}");
        if let [first, ..] = command {
            let all = String::from_utf8(run(&home, &["--help"]).await?.stdout)?;
            ensure!(all.contains(&format!("  {first} ")), "{first} is not listed: {all}");
        }
    }
    ensure!(std::fs::read_dir(home.path())?.count() == before, "asking for help wrote something");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_names_the_commit() -> Result<()> {
    let text = String::from_utf8(run(&Home::new()?, &["--version"]).await?.stdout)?;
    let commit = text.trim().split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')'));
    let commit = commit.with_context(|| text.clone())?;
    ensure!(text.starts_with("attache ") && commit.len() >= 7, "{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shell_has_its_completions() -> Result<()> {
    let home = Home::new()?;
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&home, &["completions", shell]).await?;
        let script = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "{shell}: {}", output.status);
        ensure!(script.contains("attache") && script.contains("deprovision"), "{shell}: {script}");
    }
    ensure!(run(&home, &["completions", "none"]).await?.status.code() == Some(2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_seen_enough_is_no_error() -> Result<()> {
    let home = Home::new()?;
    for arguments in [&["completions", "bash"][..], &["config", "show"]] {
        let mut command = home.attache(arguments)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        drop(child.stdout.take());
        let output = timeout(DEADLINE, child.wait_with_output()).await.context("it did not end")??;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() && said.is_empty(), "{arguments:?}: {} {said}", output.status);
    }
    Ok(())
}
