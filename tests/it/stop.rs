//! `attache gateway suspend` and `resume`, from the command line to the tenant and back with the proof.

use anyhow::{Context, Result, ensure};
use attache_tests::{Gateway, Home};
use reqwest::Method;
use serde_json::{Value, json};

/// What a command printed as JSON, and whether it succeeded.
async fn ran(gateway: &Gateway, key: &str, arguments: &[&str]) -> Result<(bool, Value)> {
    let url = gateway.url().to_owned();
    let mut command = gateway.home().attache(["gateway"].iter().chain(arguments).chain(&["--json"]))?;
    command.env("ATTACHE_GATEWAY_KEY", key).env("ATTACHE_GATEWAY_PUBLIC_URL", url);
    let output = command.output().await?;
    let said = String::from_utf8(output.stdout)?;
    let last = said.lines().last().with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok((output.status.success(), serde_json::from_str(last)?))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_and_a_blueprint_are_stopped_from_the_command_line() -> Result<()> {
    let made = Home::new()?.attache(["gateway", "operator-key", "--json"])?.output().await?;
    let made: Value = serde_json::from_slice(&made.stdout)?;
    let hash = made["operator_keys"].as_str().context("the key's hash")?;
    let gateway = Gateway::at(Home::new()?.with("ATTACHE_GATEWAY_OPERATOR_KEYS", hash)).await?;
    let session = gateway.sign_in().await?;
    let key = gateway.organisation(&session, "acme").await?;
    let ask = async |method, path: &str, body| gateway.ask(&session, method, path, &body).await;
    ask(Method::POST, "api/v1/orgs/acme/agent-identity/provision", json!({})).await?;
    gateway.provisioned(&session, "acme").await?;

    let stop = ["suspend", "--org", "acme", "--reason", "a drill"];
    let (done, stopped) = ran(&gateway, &key, &stop).await?;
    ensure!(done && stopped["proved"] == 1 && stopped["organisation"]["reason"] == "a drill", "{stopped}");
    let (done, again) = ran(&gateway, &key, &["resume", "--org", "acme"]).await?;
    ensure!(done && again["suspended"].is_null(), "{again}");

    let cells = ask(Method::GET, "api/v1/cells", Value::Null).await?;
    let cell = cells["items"][0]["id"].as_str().context("the blueprint")?.to_owned();
    let stop = ["suspend", "--blueprint", &cell, "--reason", "its key may have leaked"];
    let (done, refused) = ran(&gateway, &key, &stop).await?;
    ensure!(!done && refused["error"]["code"] == "operators_only", "{refused}");
    let operator = made["key"].as_str().context("the key")?;
    let (done, stopped) = ran(&gateway, operator, &stop).await?;
    ensure!(
        done && stopped["suspended"]["hop_1"].as_str().is_some_and(|word| word.contains("7000112")),
        "{stopped}"
    );
    ensure!(stopped["tokens_live_seconds"].as_i64().is_some_and(|seconds| seconds > 0), "{stopped}");
    Ok(())
}
