//! What an operator runs on the gateway's machine, with its database in SQLite: beside the gateway while it runs, in the
//! wrong home, with files that cannot be read. Nothing is lost by it, and the answer says what to do.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use attache_tests::{Gateway, Home, Lines, Tenant};
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};

/// A home with the settings of a gateway for this tenant, as an operator writes them.
fn home(tenant: &Tenant) -> Result<Home> {
    let person = tenant.ready()["users"][0]["id"].as_str().context("a person")?;
    let client = tenant.ready()["apps"]["client"]["client_id"].as_str().context("a client")?;
    let home = Home::at(tenant)?.provisioning(tenant)?;
    Ok(home
        .with("ATTACHE_GATEWAY_SIGN_IN_CLIENT_ID", client)
        .with("ATTACHE_GATEWAY_SIGN_IN_CLIENT_SECRET", "what it is does not matter here")
        .with("ATTACHE_GATEWAY_PUBLIC_URL", "http://localhost:1/")
        .with("ATTACHE_GATEWAY_DOMAIN", "agents.contoso.example")
        .with("ATTACHE_GATEWAY_OPERATORS", &format!("{}/{person}", tenant.id()))
        .with("ATTACHE_GATEWAY_SPONSOR", person)
        .with("ATTACHE_GATEWAY_LISTEN", "127.0.0.1:0"))
}

/// Starts the gateway of a home; the object that it prints first.
async fn start(home: &Home) -> Result<(Lines, Value)> {
    let command = home.attache(["gateway", "--json"])?;
    let mut lines = Lines::start(command, &home.path().join("gateway.stderr"))?;
    let ready = lines.hear().await?;
    Ok((lines, ready))
}

/// Runs `attache gateway` to its end: its status, and the object that it printed.
async fn run(home: &Home, arguments: &[&str]) -> Result<(i32, Value)> {
    let mut command = home.attache(["gateway", "--json"])?;
    let output = command.args(arguments).output().await?;
    let said = serde_json::from_slice(&output.stdout).with_context(|| format!("{output:?}"))?;
    Ok((output.status.code().unwrap_or(-1), said))
}

/// What a command must say that is refused.
async fn refused(home: &Home, arguments: &[&str], code: &str) -> Result<String> {
    let (status, said) = run(home, arguments).await?;
    ensure!(status == 1 && said["error"]["code"] == code, "{arguments:?}: {status} {said}");
    Ok(said["error"]["message"].as_str().unwrap_or_default().to_owned())
}

fn folder(home: &Home) -> std::path::PathBuf {
    home.attache_home().join("gateway")
}

/// What a gateway of a real tenant cannot guess, each with its variable.
const NEEDED: [(&str, &str); 9] = [
    ("public_url", "ATTACHE_GATEWAY_PUBLIC_URL"),
    ("tenant", "ATTACHE_TENANT"),
    ("provisioner_client_id", "ATTACHE_PROVISIONER_CLIENT_ID"),
    ("provisioner_client_secret", "ATTACHE_PROVISIONER_CLIENT_SECRET"),
    ("domain", "ATTACHE_GATEWAY_DOMAIN"),
    ("sponsor", "ATTACHE_GATEWAY_SPONSOR"),
    ("sign_in_client_id", "ATTACHE_GATEWAY_SIGN_IN_CLIENT_ID"),
    ("sign_in_client_secret", "ATTACHE_GATEWAY_SIGN_IN_CLIENT_SECRET"),
    ("operators", "ATTACHE_GATEWAY_OPERATORS"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_was_told_nothing_names_each_key_that_it_lacks() -> Result<()> {
    let told_nothing = Home::new()?;
    let told_one = Home::new()?.with("ATTACHE_GATEWAY_DOMAIN", "agents.contoso.example");
    for (home, given) in [(told_nothing, None), (told_one, Some("domain"))] {
        let (status, said) = run(&home, &[]).await?;
        ensure!(status == 2 && said["error"]["code"] == "configuration", "{status} {said}");
        let message = said["error"]["message"].as_str().context("a message")?;
        let problems = message.lines().filter_map(|line| line.trim().strip_prefix("- "));
        let lacking: Vec<_> =
            problems.map(|line| line.split_once(" is missing").unwrap_or((line, ""))).collect();
        let needed: Vec<_> = NEEDED.into_iter().filter(|(name, _)| Some(*name) != given).collect();
        let names: Vec<_> = lacking.iter().map(|(name, _)| *name).collect();
        ensure!(names == needed.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "{message}");
        let how = needed.iter().zip(&lacking).all(|((_, variable), (_, how))| how.contains(variable));
        ensure!(how, "each is named with its variable: {message}");
        let remedy = said["error"]["remedy"].as_str().context("a remedy")?;
        ensure!(remedy.contains("gateway.toml") && remedy.contains("attache gateway --sandbox"), "{remedy}");
        ensure!(!folder(&home).exists(), "it left something behind");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gateway_in_a_home_leaves_the_firsts_tenant_alone() -> Result<()> {
    let gateway = Gateway::start().await?;
    let session = gateway.sign_in().await?;
    gateway.organisation(&session, "acme").await?;
    let second = ["--sandbox", "--listen", "127.0.0.1:0"];
    refused(gateway.home(), &second, "store_in_use").await?;
    // The first writes on, into the files that the second might have torn.
    let path = "api/v1/orgs/acme/agent-identity/provision";
    gateway.ask(&session, Method::POST, path, &json!({})).await?;
    let home = gateway.kill().await?;
    let again = Gateway::at(home).await.context("started again after it was killed")?;
    again.sign_in().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_in_a_real_home_is_refused_and_leaves_nothing() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = home(&tenant)?;
    let (gateway, _) = start(&home).await?;
    ensure!(gateway.terminate().await?.success());
    refused(&home, &["--sandbox", "--listen", "127.0.0.1:0"], "database_is_real").await?;
    ensure!(!folder(&home).join("sandbox").exists(), "it left a sandbox");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sandbox_does_not_use_is_not_passed_over() -> Result<()> {
    let home = Home::new()?.with("ATTACHE_GATEWAY_REGION", "eu");
    for (arguments, code) in [
        (&["--sandbox", "--public-url", "https://localhost:1"][..], "public_url"),
        (&["--sandbox", "link"], "sandbox"),
    ] {
        let (status, said) = run(&home, arguments).await?;
        ensure!(status == 2 && said["error"]["code"] == code, "{arguments:?}: {status} {said}");
    }
    let gateway = Gateway::at(home).await?;
    let log = std::fs::read_to_string(gateway.errors())?;
    ensure!(log.contains("does not use these settings") && log.contains("region"), "{log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_in_to_the_gateway_that_runs() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = home(&tenant)?;
    refused(&home, &["link"], "store_absent").await?;
    let (_gateway, ready) = start(&home).await?;
    let (status, said) = run(&home, &["link"]).await?;
    let path = said["link"].as_str().and_then(|link| link.strip_prefix("http://localhost:1/"));
    let path = path.with_context(|| format!("{status} {said}"))?;
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let link = format!("http://{}/{path}", ready["listen"].as_str().context("where it listens")?);
    let (first, second) =
        (client.post(&link).send().await?.status(), client.post(&link).send().await?.status());
    ensure!((first.as_u16(), second.as_u16()) == (303, 404), "{first}, and again {second}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_where_they_are_and_a_gateway_without_them_does_not_start() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = home(&tenant)?;
    refused(&home, &["rotate-key"], "store_absent").await?;
    ensure!(!folder(&home).exists(), "what was refused has made something");
    let (gateway, _) = start(&home).await?;
    ensure!(gateway.terminate().await?.success());
    let (status, said) = run(&home, &["rotate-key"]).await?;
    ensure!(status == 0 && said["data_keys"] == 1, "{status} {said}");

    let sealed = folder(&home).join("secrets.sealed");
    std::fs::write(&sealed, "what a disk left")?;
    let message = refused(&home, &[], "secret_store_damaged").await?;
    ensure!(names(&message, &sealed), "{message}");
    std::fs::remove_file(&sealed)?;
    refused(&home, &[], "master_key_differs").await?;
    let message = refused(&home, &["rotate-key"], "no_sealed_file").await?;
    ensure!(names(&message, &sealed) && !sealed.exists(), "{message}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_says_why_and_what_helps() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = home(&tenant)?;
    let copy = home.path().join("copy.db").display().to_string();
    let backup = ["backup", copy.as_str()];
    refused(&home, &backup, "store_absent").await?;
    let (_gateway, _) = start(&home).await?;
    let (status, said) = run(&home, &backup).await?;
    ensure!(status == 0, "{said}");
    let message = refused(&home, &backup, "store_file_exists").await?;
    ensure!(message.contains(&copy), "{message}");

    let elsewhere = ["--database", "postgres://nobody@127.0.0.1:1/x", "link"];
    let message = refused(&home, &elsewhere, "store_unavailable").await?;
    ensure!(message.contains("127.0.0.1:1, database x") && message.contains("refused"), "{message}");

    // The tenant speaks TLS by an authority of its own, as a gateway may.
    let port = Url::parse(tenant.url())?.port().context("its port")?;
    let private = Home::new()?
        .with("ATTACHE_GATEWAY_TLS_CERTIFICATE", "fullchain.pem")
        .with("ATTACHE_GATEWAY_PUBLIC_URL", "https://localhost:1/")
        .with("ATTACHE_GATEWAY_LISTEN", &format!("0.0.0.0:{port}"));
    let message = refused(&private, &["ready"], "not_ready").await?;
    ensure!(message.contains("certificate"), "{message}");
    // It is asked where it listens, by its public name; that there is a tenant in its place shows by the answer.
    let private = private.with("ATTACHE_CA", &tenant.ca().display().to_string());
    let message = refused(&private, &["ready"], "not_ready").await?;
    ensure!(message.contains(&format!("https://localhost:{port}/readyz: it answers 404")), "{message}");

    let (status, said) = run(&Home::new()?, &["resume", "--org", "acme"]).await?;
    let remedy = said["error"]["remedy"].as_str().unwrap_or_default();
    ensure!(status == 2 && !remedy.is_empty() && !remedy.contains("--sandbox"), "{status} {said}");
    Ok(())
}

fn names(message: &str, file: &Path) -> bool {
    message.contains(&file.display().to_string())
}
