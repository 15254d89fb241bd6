//! `attache sandbox trust` and `untrust` with Debian's own `update-ca-certificates`; curl, which is told nothing,
//! is the judge. The machine's authorities are left alone: all of it happens in a mount namespace.

#![cfg(target_os = "linux")]

use std::path::Path;

use anyhow::{Context, Result, ensure};
use attache_tests::{Home, attache};
use tokio::time::timeout;

/// `update-ca-certificates` takes seconds, three times.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_sandbox_is_trusted_by_the_system_until_it_is_not() -> Result<()> {
    let home = Home::new()?;
    let mut command = home.program("unshare");
    command.args(["--map-root-user", "--mount", "sh"]);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("it/trust/round.sh"));
    command.arg(attache()?).arg(home.path()).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.context("it did not end")??;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(output.status.success() && said.contains("all is as it was"), "{}:\n{said}", output.status);
    assert!(said.contains("localhost, 127.0.0.1, ::1"), "it says what the authority may vouch for:\n{said}");
    assert!(said.contains("give --yes"), "{said}");
    Ok(())
}
