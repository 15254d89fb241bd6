//! What is packaged, judged by the system's own tools.

use std::path::Path;

use anyhow::{Result, ensure};
use attache_tests::attache;
use tokio::process::Command;

/// The exposure that `systemd-analyze security` may find, in tenths of its scale from 0 to 10.
const EXPOSURE: &str = "20";

#[tokio::test]
async fn systemd_understands_the_unit_and_finds_it_hardened() -> Result<()> {
    let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd/attache-gateway.service");
    let text = std::fs::read_to_string(packaged)?;
    let installed = "ExecStart=/usr/bin/attache ";
    ensure!(text.contains(installed), "another program is started than the package installs:\n{text}");
    let folder = tempfile::tempdir()?;
    let unit = folder.path().join("attache-gateway.service");
    std::fs::write(&unit, text.replace(installed, &format!("ExecStart={} ", attache()?.display())))?;

    for arguments in
        [&["verify", "--recursive-errors=no"][..], &["security", "--offline=true", "--threshold", EXPOSURE]]
    {
        let ended = Command::new("systemd-analyze").args(arguments).arg(&unit).output().await?;
        let said = String::from_utf8_lossy(&ended.stderr);
        let found = String::from_utf8_lossy(&ended.stdout);
        ensure!(ended.status.success(), "{arguments:?} ended with {}:\n{said}{found}", ended.status);
        ensure!(!said.contains("attache-gateway.service:"), "{arguments:?} complains:\n{said}");
    }
    Ok(())
}
