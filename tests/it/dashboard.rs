//! Every page of the gateway's dashboard in a real browser, over a gateway that really provisions: reached by keyboard,
//! fit for a phone, in light and in dark, without a finding of axe's, and live. The scripts beside this file drive it;
//! the judgement is here. Screenshots stay in `target/screenshots`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use attache_tests::{Gateway, Lines, chromium, with_node_modules};
use serde_json::{Value, json};

/// Each is looked at in two widths and two schemes.
const PAGES: [&str; 47] = [
    "sign-in-link",
    "home-empty",
    "overview-empty",
    "identities-none",
    "settings-before",
    "settings-during",
    "settings-after",
    "home",
    "home-found",
    "overview",
    "identities",
    "identity",
    "appearance",
    "specialist",
    "aliases",
    "test-send",
    "deprovision",
    "sponsor",
    "sponsorships",
    "sponsor-named",
    "sponsorships-asked",
    "audit",
    "audit-entry",
    "jobs",
    "jobs-given-up",
    "health",
    "suspension",
    "blueprints",
    "gateway-jobs",
    "reviews",
    "licences",
    "own-tenant",
    "own-tenant-named",
    "own-tenant-connected",
    "invitation-made",
    "invitation",
    "members",
    "api-key-made",
    "api-keys",
    "audit-link",
    "problem-sign-in",
    "problem-missing",
    "problem-form",
    "problems",
    "suspended",
    "identity-suspended",
    "signed-out",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_uses_every_page_by_keyboard_and_axe_finds_nothing() -> Result<()> {
    let gateway = Gateway::start().await?;
    // Provisioning takes long enough to be looked at.
    let slowly = json!({ "path": "/v1.0/**", "count": 40, "effect": { "kind": "delay", "ms": 80 } });
    gateway.tell_tenant("faults", &slowly).await?;
    let home = gateway.home();
    let scripts =
        with_node_modules(&Path::new(env!("CARGO_MANIFEST_DIR")).join("it/dashboard"), home.path())?;
    let screenshots =
        std::env::current_exe()?.ancestors().nth(3).context("no target folder")?.join("screenshots");
    std::fs::create_dir_all(&screenshots)?;
    let mut command = home.program("node");
    command.arg(scripts.join("look.mjs"));
    command
        .env("GATEWAY", gateway.ready().to_string())
        .env("CHROMIUM", chromium()?)
        .env("SCREENSHOTS", &screenshots);
    let mut lines = Lines::start(command, &home.path().join("stderr.log"))?;

    let (mut looked, mut skipped, mut live, mut done) = (BTreeMap::new(), false, false, false);
    while !done {
        let said = lines.hear().await?;
        ensure!(said["wrong"].is_null(), "a page does what it may not: {said}");
        if let Some(page) = said["page"].as_str() {
            let how = format!("{page} at {} in {}", said["width"], said["scheme"]);
            ensure!(said["violations"] == json!([]), "axe on {how}: {}", said["violations"]);
            ensure!(said["overflows"] == false, "{how} is wider than the screen");
            ensure!(said["title"].as_str().is_some_and(|title| !title.is_empty()), "{page} has no title");
            *looked.entry(page.to_owned()).or_insert(0) += 1;
        }
        if let Some(first) = said["skip"].as_str() {
            ensure!(first.starts_with("Skip") && said["skipped"] == true, "skipping leads astray: {said}");
            skipped = true;
        }
        if let Some([first, last]) = said["live"].as_array().map(Vec::as_slice) {
            ensure!(said["stayed"] == true, "the page was loaded again: {said}");
            ensure!(first != last && last == "active 7", "the chain was not drawn to its end: {said}");
            live = true;
        }
        done = said["done"] == Value::Bool(true);
    }
    ensure!(skipped && live, "the script left something out");
    for page in PAGES {
        ensure!(looked.get(page) == Some(&4), "{page} was not looked at in every width and scheme");
    }
    Ok(())
}
