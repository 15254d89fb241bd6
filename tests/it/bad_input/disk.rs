//! A disk that takes nothing: a home that cannot be made, a ledger that cannot grow.

use anyhow::{Result, ensure};
use attache_tests::{Home, Mcp, Tenant, attache};
use serde_json::json;

use super::{end, ledger, nothing_was_sent, refused, run, signed_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_home_below_a_file_is_a_wrong_setting() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::at(&tenant)?.provisioning(&tenant)?;
    std::fs::write(home.path().join("file"), "not a folder")?;
    let below = home.path().join("file/attache").display().to_string();
    tenant.control().clear_requests();
    for command in [&["sign-in"][..], &["whoami"], &["sign-out"], &["provision"], &["mcp"]] {
        let ended = run(&home, &[command, &["--home", &below]].concat()).await?;
        ensure!(ended.status == 2, "{command:?} ended with {}", ended.status);
        ended.failed("configuration", &["file/attache", "ATTACHE_HOME"])?;
    }
    ensure!(tenant.control().requests().is_empty(), "something was sent");
    Ok(())
}

/// `/proc` takes no folder, not even from root: as a file system that is mounted read-only.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_cannot_be_written_stops_every_act() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::at(&tenant)?.provisioning(&tenant)?;
    tenant.control().clear_requests();
    for command in [&["sign-in"][..], &["sign-in", "--device-code"], &["sign-out"], &["provision"]] {
        let ended = run(&home, &[command, &["--home", "/proc/attache"]].concat()).await?;
        let error = ended.error()?.to_string();
        ensure!(error.contains("/proc/attache"), "{command:?} does not name the path: {error}");
    }
    let mut mcp = Mcp::start_program(home.attache(["mcp", "--home", "/proc/attache"])?, &home)?;
    mcp.initialize().await?;
    refused(&mut mcp, "send_teams_message", json!({ "text": "Hello." })).await?;
    ensure!(mcp.end().await?.success(), "it did not end well");
    ensure!(tenant.control().requests().is_empty(), "something was sent");
    Ok(())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_on_which_nothing_can_grow_stops_every_act() -> Result<()> {
    let (tenant, _, home) = signed_in().await?;
    let before = ledger(&home).await?;
    tenant.control().clear_requests();
    // No file may grow beyond what it has: writing fails as on a full disk.
    let limited = |arguments: &str| -> Result<_> {
        let mut command = home.program("sh");
        command.args(["-c", &format!("trap '' XFSZ; ulimit -f 0; exec \"$0\" {arguments}")]).arg(attache()?);
        Ok(command)
    };
    let mut mcp = Mcp::start_program(limited("mcp")?, &home)?;
    mcp.initialize().await?;
    let error = refused(&mut mcp, "send_teams_message", json!({ "text": "Hello." })).await?;
    let text = error.to_string();
    ensure!(text.contains("nothing was sent") && text.contains("ledger"), "{error}");
    ensure!(error["code"] == "ledger_full", "{error}");
    ensure!(mcp.end().await?.success(), "it did not end well");

    let ended = end(limited("--json sign-in --device-code")?).await?;
    ended.failed("ledger_full", &["nothing was recorded"])?;
    nothing_was_sent(&tenant)?;
    ensure!(tenant.control().requests().iter().all(|one| one.grant_type.is_none()), "Entra was asked");
    assert_eq!(ledger(&home).await?, before, "the ledger is whole");
    Ok(())
}
