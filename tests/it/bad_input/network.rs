//! Authorities that cannot be reached or trusted, proxies, and clocks.

use std::time::Duration;

use anyhow::{Result, ensure};
use attache_sandbox::{Clock, Config};
use attache_tests::{Home, Mcp, Tenant, sign_in};
use serde_json::json;

use super::{cannot_send, made, newest_is, nothing_was_sent, refused, run, says_all, signed_in, upgraded};

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_gone_is_named_and_the_attempts_are_recorded() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::at(&tenant)?.with("ATTACHE_PROVISION", "off").provisioning(&tenant)?;
    sign_in(&home, &tenant, 1).await?;
    let host = tenant.url().trim_start_matches("https://").to_owned();
    // The certificates outlive their tenant, for a little longer than this test.
    let bundle = home.path().join("ca.pem");
    std::fs::copy(tenant.ca(), &bundle)?;
    let home = home.with("ATTACHE_CA", &bundle.display().to_string());
    drop(tenant);
    let says = [host.as_str(), "--authority", "HTTPS_PROXY"];

    says_all(&cannot_send(&home).await?, "authority_unreachable", &says)?;
    newest_is(&home, "send_teams_message", "authority_unreachable").await?;
    run(&home, &["sign-in", "--device-code"]).await?.failed("authority_unreachable", &says)?;
    newest_is(&home, "sign_in_device", "authority_unreachable").await?;
    run(&home, &["provision"]).await?.failed("authority_unreachable", &says)?;
    newest_is(&home, "provision", "authority_unreachable").await?;
    run(&home, &["provision", "--plan"]).await?.failed("authority_unreachable", &says)?;
    // What is known here is still known.
    run(&home, &["whoami"]).await?.succeeded()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_resolves_to_nothing_is_said_to_be_that() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::at(&tenant)?.with("ATTACHE_AUTHORITY", "https://login.invalid");
    let ended = run(&home, &["sign-in", "--device-code"]).await?;
    ended.failed("authority_unreachable", &["login.invalid", "lookup", "--authority"])?;
    newest_is(&home, "sign_in_device", "authority_unreachable").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_not_trusted_leads_to_ca() -> Result<()> {
    let (tenant, _, home) = signed_in().await?;
    let home = home.with("ATTACHE_CA", "");
    tenant.control().clear_requests();
    let says = ["not trusted", "--ca", "ATTACHE_CA"];
    says_all(&cannot_send(&home).await?, "authority_untrusted", &says)?;
    newest_is(&home, "send_teams_message", "authority_untrusted").await?;
    run(&home, &["sign-in", "--device-code"]).await?.failed("authority_untrusted", &says)?;
    run(&home, &["provision"]).await?.failed("authority_untrusted", &says)?;
    newest_is(&home, "provision", "authority_untrusted").await?;
    ensure!(tenant.control().requests().is_empty(), "it spoke to whom it does not trust");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_does_not_answer_is_named_as_the_proxy() -> Result<()> {
    let (tenant, _, home) = signed_in().await?;
    let home = home.with("HTTPS_PROXY", "http://127.0.0.1:1");
    tenant.control().clear_requests();
    let says = ["through the proxy 127.0.0.1", "HTTPS_PROXY", "NO_PROXY"];
    says_all(&cannot_send(&home).await?, "proxy_failed", &says)?;
    newest_is(&home, "send_teams_message", "proxy_failed").await?;
    run(&home, &["sign-in", "--device-code"]).await?.failed("proxy_failed", &says)?;
    ensure!(tenant.control().requests().is_empty(), "it went past the proxy");
    // And NO_PROXY is the way around it.
    let home = home.with("NO_PROXY", "localhost");
    let mut mcp = Mcp::start(&home)?;
    mcp.initialize().await?;
    let sent = mcp.call("send_teams_message", json!({ "text": "Hello." })).await?;
    ensure!(sent["isError"] != true, "{sent}");
    ensure!(mcp.end().await?.success(), "it did not end well");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_behind_is_said_to_be_so_and_by_how_much() -> Result<()> {
    let (tenant, _, home) = upgraded().await?;
    tenant.control().clock().advance(Duration::from_secs(20 * 60));
    let error = cannot_send(&home).await?;
    says_all(&error, "clock_wrong", &["hop 1", "clock is 20 min", "behind", "timedatectl"])?;
    newest_is(&home, "send_teams_message", "clock_wrong").await?;
    nothing_was_sent(&tenant)
}

#[tokio::test(flavor = "multi_thread")]
async fn provisioning_with_a_clock_that_is_ahead_says_so_and_goes_on_once_it_is_right() -> Result<()> {
    let (clock, wrong_by) = (Clock::running(), Duration::from_secs(20 * 60));
    clock.set(clock.now() - wrong_by);
    let tenant = Tenant::with(Config { clock: clock.clone(), ..Config::default() }).await?;
    let home = Home::at(&tenant)?.provisioning(&tenant)?;
    sign_in(&home, &tenant, 1).await?;
    let ended = run(&home, &["provision"]).await?;
    ended.failed("no_token", &["clock is", " min ", "ahead", "timedatectl"])?;
    newest_is(&home, "provision", "no_token").await?;
    // The tenant's clock is moved, which to the device is the same as its own being set.
    clock.advance(wrong_by);
    run(&home, &["provision"]).await?.succeeded()?;
    assert_eq!(made(&tenant), (1, 1), "made twice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_that_is_gone_after_the_token_is_named() -> Result<()> {
    let (tenant, _, home) = signed_in().await?;
    tenant.control().clear_requests();
    let home = home.with("ATTACHE_GRAPH", "https://graph.invalid");
    let mut mcp = Mcp::start(&home)?;
    mcp.initialize().await?;
    let error = refused(&mut mcp, "send_teams_message", json!({ "text": "Hello." })).await?;
    says_all(&error, "graph_unreachable", &["--graph"])?;
    ensure!(mcp.end().await?.success(), "it did not end well");
    newest_is(&home, "send_teams_message", "graph_unreachable").await?;
    nothing_was_sent(&tenant)
}
