//! Every page of the sandbox in a real browser: reached by keyboard, fit for a phone, without a finding of axe's.
//! The script beside this file drives it; the judgement is here. Screenshots stay in `target/screenshots`.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use attache_tests::{Home, Lines, Tenant, chromium, with_node_modules};
use serde_json::{Value, json};

const PAGES: [&str; 16] = [
    "sign-in",
    "sign-in-refused",
    "consent",
    "approval",
    "admin-sign-in",
    "admin-consent",
    "device",
    "device-done",
    "token",
    "overview",
    "chats",
    "chat",
    "mail",
    "letter",
    "log",
    "controls",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_person_uses_every_page_by_keyboard_and_axe_finds_nothing() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::new()?;
    let scripts = with_node_modules(&Path::new(env!("CARGO_MANIFEST_DIR")).join("it/pages"), home.path())?;
    let screenshots =
        std::env::current_exe()?.ancestors().nth(3).context("no target folder")?.join("screenshots");
    std::fs::create_dir_all(&screenshots)?;
    let mut command = home.program("node");
    command.arg(scripts.join("look.mjs"));
    command
        .env("SANDBOX", tenant.ready().to_string())
        .env("CHROMIUM", chromium()?)
        .env("SCREENSHOTS", &screenshots);
    let mut lines = Lines::start(command, &home.path().join("stderr.log"))?;

    let (mut looked, mut done) = (Vec::new(), false);
    while !done {
        let said = lines.hear().await?;
        ensure!(said["wrong"].is_null(), "a script of the page failed: {said}");
        if let Some(page) = said["page"].as_str() {
            ensure!(
                said["violations"] == json!([]),
                "axe on {page} at {}: {}",
                said["width"],
                said["violations"]
            );
            ensure!(said["overflows"] == false, "{page} is wider than {} pixels", said["width"]);
            ensure!(said["title"].as_str().is_some_and(|title| !title.is_empty()), "{page} has no title");
            looked.push((page.to_owned(), said["width"].clone()));
        }
        if let Some(landed) = said["landed"].as_str() {
            ensure!(landed.contains("code=") && landed.contains("state=s"), "signed in to {landed}");
        }
        if let Some(text) = said["said"].as_str() {
            ensure!(said["shown"] == text, "{said}");
        }
        ensure!(said["sent"].is_null() || said["sent"] == 1, "the letter is not among the sent ones: {said}");
        done = said["done"] == Value::Bool(true);
    }
    for width in [1280, 360] {
        for page in PAGES {
            ensure!(
                looked.contains(&(page.to_owned(), json!(width))),
                "{page} was not looked at in {width} pixels"
            );
        }
    }
    Ok(())
}
