//! The fixtures and snippets under `examples/`, run by the real pytest and the real `node --test`, with
//! Microsoft's libraries unmodified: MSAL and azure-identity for Python, MSAL for Node, the Graph SDKs for Python
//! and JavaScript; and curl.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use attache_tests::{Home, attache, interop_python, msgraph_python, with_node_modules};
use tokio::process::Command;
use tokio::time::timeout;

/// These start interpreters and sandboxes of their own, on a machine that is busy with other tests.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(2);

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

async fn run(mut command: Command) -> Result<String> {
    let output = timeout(PATIENCE, command.kill_on_drop(true).output()).await.context("it did not end")??;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(output.status.success(), "{command:?} ended with {}:\n{said}", output.status);
    Ok(said)
}

fn pytest(command: &mut Command) -> &mut Command {
    command.args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]).arg(examples().join("python"))
}

#[tokio::test(flavor = "multi_thread")]
async fn pytest_starts_a_sandbox_of_its_own() -> Result<()> {
    let home = Home::new()?;
    let mut command = home.program(interop_python()?);
    pytest(&mut command).env("ATTACHE_BINARY", attache()?);
    let said = run(command).await?;
    ensure!(said.contains(" passed") && !said.contains("skipped"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pytest_takes_fresh_tenants_of_the_sandbox_that_runs() -> Result<()> {
    let home = Home::new()?;
    let mut command = home.attache(["sandbox", "exec", "--start", "--"])?;
    command.arg(interop_python()?);
    pytest(&mut command).env("ATTACHE_BINARY", "/nowhere");
    let said = run(command).await?;
    ensure!(said.contains(" passed") && !said.contains("skipped"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn node_starts_a_sandbox_of_its_own() -> Result<()> {
    let home = Home::new()?;
    let mut command = home.program("node");
    command.arg("--test").arg(examples().join("node/start-tenant.test.mjs"));
    command.env("ATTACHE_BINARY", attache()?);
    let said = run(command).await?;
    ensure!(said.contains("# fail 0") && said.contains("# skipped 0"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn node_takes_fresh_tenants_of_the_sandbox_that_runs() -> Result<()> {
    let home = Home::new()?;
    let scripts = with_node_modules(&examples().join("node"), home.path())?;
    let mut command = home.attache(["sandbox", "exec", "--start", "--", "node", "--test"])?;
    command.args(["start-tenant.test.mjs", "snippets.test.mjs"].map(|script| scripts.join(script)));
    let said = run(command).await?;
    ensure!(said.contains("# fail 0") && said.contains("# skipped 0"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_sdk_for_python_finds_the_sandbox_that_runs() -> Result<()> {
    let home = Home::new()?;
    let mut command = home.attache(["sandbox", "exec", "--start", "--"])?;
    command.arg(msgraph_python()?).arg("-B").arg(examples().join("python/graph_sdk.py"));
    let said = run(command).await?;
    ensure!(said.contains("ada@contoso.example") && said.contains("grace@contoso.example"), "{said}");
    Ok(())
}

#[test]
fn a_fixture_is_short_enough_to_copy() -> Result<()> {
    for fixture in ["python/attache_sandbox.py", "node/start-tenant.mjs"] {
        let lines = std::fs::read_to_string(examples().join(fixture))?.lines().count();
        ensure!(lines < 200, "{fixture} has {lines} lines");
    }
    Ok(())
}
