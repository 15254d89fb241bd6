//! Secrets of a gateway stay where they belong: after a life with sign-in, keys, invitations, links and provisioning,
//! none is in anything that it has written or exported.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use attache_tests::{Gateway, Home};
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// What the sandbox's applications prove themselves with; everything in a sandbox is known.
const APPLICATION: &str = "sbx8Q~gateway-secret-of-the-sandbox";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_what_a_gateway_writes() -> Result<()> {
    let gateway = Gateway::at(Home::new()?.with("ATTACHE_LOG", "trace")).await?;
    let session = gateway.sign_in().await?;
    let key = gateway.organisation(&session, "acme").await?;
    let mut secrets = vec![APPLICATION.to_owned(), last(gateway.link()), last(&session), key.clone()];

    let ask = async |method, path: &str, body| gateway.ask(&session, method, path, &body).await;
    let invited = json!({ "label": "Grace", "role": "owner" });
    let invited = ask(Method::POST, "api/v1/orgs/acme/invitations", invited).await?;
    secrets.push(last(invited["link"].as_str().context("the invitation's link")?));
    let linked = ask(Method::POST, "api/v1/orgs/acme/audit/entries/0/links", Value::Null).await?;
    let linked = linked["link"].as_str().context("the entry's link")?.to_owned();
    secrets.push(last(&linked));
    ask(Method::POST, "api/v1/orgs/acme/agent-identity/provision", json!({})).await?;
    gateway.provisioned(&session, "acme").await?;

    // Each secret is used where it works, and where it does not.
    let client = Client::builder().build()?;
    for path in ["api/v1/orgs/acme", "api/v1/orgs/other", "nowhere", "api/v1/orgs/acme/audit/entries?limit=x"]
    {
        client.get(format!("{}{path}", gateway.url())).bearer_auth(&key).send().await?;
        client.get(format!("{}{path}", gateway.url())).bearer_auth(format!("{key}x")).send().await?;
    }
    for link in [gateway.link(), &linked] {
        client.get(link).send().await?;
        client.post(link).send().await?;
    }
    let mut written = Vec::new();
    for format in ["log", "jsonl"] {
        let export = format!("api/v1/orgs/acme/audit/export?format={format}");
        let text = client.get(format!("{}{export}", gateway.url())).bearer_auth(&key).send().await?;
        let text = text.error_for_status()?.text().await?;
        ensure!(text.contains("api_key.created") || text.contains("identity."), "the export is empty");
        written.push((PathBuf::from(format), text.into_bytes()));
    }
    let (errors, state) = (gateway.errors(), gateway.state());
    // While it runs, for what it deletes at its end; and after.
    read(&state, &mut written)?;
    let (_home, said) = gateway.end().await?;
    written.push((PathBuf::from("standard output"), said.join("\n").into_bytes()));
    written.push((PathBuf::from("standard error"), std::fs::read(&errors)?));
    read(&state, &mut written)?;

    ensure!(written.iter().any(|(name, _)| name.ends_with("gateway.db")), "the database was not found");
    let traced = |(name, bytes): &(PathBuf, Vec<u8>)| name.ends_with("attache.log") && holds(bytes, "TRACE");
    ensure!(written.iter().any(traced), "nothing was traced");
    for (name, bytes) in &written {
        for secret in &secrets {
            ensure!(!holds(bytes, secret), "{} holds the secret {secret}", name.display());
        }
        // Tokens of the tenant, and keys in the clear.
        for mark in ["eyJ0eXAi", "eyJhbGci", "PRIVATE KEY-----"] {
            ensure!(!holds(bytes, mark), "{} holds what begins with {mark}", name.display());
        }
    }
    Ok(())
}

/// The secret at the end of a link or a cookie.
fn last(text: &str) -> String {
    text.rsplit(['/', '=']).next().unwrap_or(text).to_owned()
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(secret)
}

/// Every file below a folder but what the sandbox keeps, which is another's: the tenant.
fn read(folder: &Path, into: &mut Vec<(PathBuf, Vec<u8>)>) -> Result<()> {
    for found in std::fs::read_dir(folder)? {
        let path = found?.path();
        if path.is_dir() {
            if !path.ends_with("sandbox") {
                read(&path, into)?;
            }
        } else if let Ok(bytes) = std::fs::read(&path) {
            into.push((path, bytes));
        }
    }
    Ok(())
}
