//! Logs and traces are content-free: after a life in which people wrote names, reasons and recipients, none of it is in
//! the log at `debug`, nor in what a collector got, while both tell of what was done.

use anyhow::{Result, ensure};
use attache_tests::{Gateway, Home};
use reqwest::Method;
use serde_json::{Value, json};

use crate::traces::collector;

/// What each field was given begins or ends so, in whatever form it is kept.
const MARK: &str = "canary";

const IDENTITY: &str = "api/v1/orgs/acme/agent-identities/default";

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_is_in_no_log_and_in_no_trace() -> Result<()> {
    let (endpoint, mut received) = collector().await?;
    let home = Home::new()?.with("ATTACHE_LOG", "debug").with("ATTACHE_GATEWAY_OTLP_ENDPOINT", &endpoint);
    let gateway = Gateway::at(home).await?;
    let session = gateway.sign_in().await?;
    gateway.organisation(&session, "acme").await?;
    let ask = async |method, path: &str, body| gateway.ask(&session, method, path, &body).await;
    let post = async |path: &str, body| ask(Method::POST, path, body).await;
    post("api/v1/orgs", json!({ "slug": "canary-org", "name": "Canary Limited" })).await?;
    post("api/v1/orgs/acme/invitations", json!({ "label": "canary label", "role": "auditor" })).await?;
    let key = json!({ "name": "canary key", "scopes": ["audit:read"] });
    post("api/v1/orgs/acme/api-keys", key).await?;
    let wanted = json!({
        "display_name": "Canary Assistant", "job_title": "Canary keeper", "department": "Canaries",
        "subdomain": "canary", "aliases": ["canary-team"],
    });
    post("api/v1/orgs/acme/agent-identity/provision", wanted).await?;
    gateway.provisioned(&session, "acme").await?;
    post(&format!("{IDENTITY}/test-send"), json!({ "to": "canary@example.org" })).await?;
    post(&format!("{IDENTITY}/suspend"), json!({ "reason": "the canary stopped singing" })).await?;
    ask(Method::GET, "api/v1/orgs/acme/audit/entries?about=canary", Value::Null).await?;

    let (errors, state) = (gateway.errors(), gateway.state());
    let (_home, said) = gateway.end().await?;
    let mut traced = String::new();
    // The last of it was sent before the gateway ended.
    while let Ok((_, body)) = received.try_recv() {
        traced += &body;
    }
    let log = std::fs::read_to_string(state.join("attache.log"))?;
    ensure!(log.contains("DEBUG") && log.contains("agent-identity/provision"), "nothing was logged: {log}");
    ensure!(traced.contains("identity.provision") && traced.contains("test-send"), "nothing was traced");
    let written = [
        ("log", log),
        ("standard error", std::fs::read_to_string(&errors)?),
        ("traces", traced),
        ("output", said.join("\n")),
    ];
    for (name, text) in &written {
        let found = text.lines().find(|line| line.to_lowercase().contains(MARK));
        ensure!(found.is_none(), "what somebody wrote is in the {name}: {found:?}");
    }
    Ok(())
}
