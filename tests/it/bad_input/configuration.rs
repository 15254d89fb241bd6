//! Wrong and missing settings, and files of a newer version.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use attache_tests::{Home, Tenant, sign_in};
use serde_json::Value;

use super::{Ended, end, run};

const ID: &str = "323626f5-1bfe-48cd-8902-ddfdfd44e1ce";

/// A file of the default profile.
fn profile(home: &Home, name: &str) -> PathBuf {
    home.attache_home().join("profiles/default").join(name)
}

fn write_config(home: &Home, text: &str) -> Result<()> {
    std::fs::create_dir_all(profile(home, ""))?;
    Ok(std::fs::write(profile(home, "config.toml"), text)?)
}

/// The command ended because of its configuration, before it did anything.
fn named(ended: &Ended, home: &Home, problems: &[&str]) -> Result<()> {
    ensure!(ended.status == 2, "it ended with {}: {:?}", ended.status, ended.said);
    ended.failed("configuration", &["attache config show"])?;
    let message = ended.error()?["message"].as_str().unwrap_or_default();
    for problem in problems {
        ensure!(message.matches(problem).count() == 1, "{problem:?} is not said once:\n{message}");
    }
    let listed = message.lines().filter(|line| line.trim_start().starts_with("- ")).count();
    ensure!(listed == problems.len(), "{listed} problems instead of {}:\n{message}", problems.len());
    ensure!(!profile(home, "logs").exists() && !profile(home, "ledger").exists(), "something was begun");
    Ok(())
}

#[tokio::test]
async fn every_wrong_setting_of_file_environment_and_flags_stands_in_one_message() -> Result<()> {
    let home = Home::new()?
        .with("ATTACHE_POLL", "soon")
        .with("ATTACHE_SECRET_STORE", "pocket")
        .with("ATTACHE_CHAT", "../me")
        .with("ATTACHE_CA", "/nowhere/ca.pem")
        .with("ATTACHE_PROVISIONER_CLIENT_SECRET", "hunter2");
    write_config(
        &home,
        "usage_location = \"usa\"\ntennant = \"x\"\npassphrase = \"hunter3\"\nprefix = true\n",
    )?;
    let flags = ["--tenant", "contoso", "--authority", "http://localhost", "--log", "attache=loud"];
    let problems = [
        "- poll (",
        "- secret_store (",
        "- chat (",
        "- ca: ",
        "- provisioner_client_secret is given without provisioner_client_id",
        "- usage_location (",
        "there is no setting \"tennant\"",
        "passphrase is a secret",
        "prefix is a boolean",
        "- tenant (flag)",
        "- authority (flag)",
        "- log (flag)",
        "- client_id is missing",
    ];
    for command in [&["whoami"][..], &["provision", "--plan"], &["sign-in"], &["mcp"]] {
        let ended = run(&home, &[command, &flags[..]].concat()).await?;
        named(&ended, &home, &problems).with_context(|| format!("{command:?}"))?;
        let all = format!("{:?}{}", ended.said, ended.complaint);
        ensure!(!all.contains("hunter"), "a secret is repeated: {all}");
    }
    Ok(())
}

#[tokio::test]
async fn a_profile_name_that_is_none_is_refused() -> Result<()> {
    let home = Home::new()?;
    let ended = run(&home, &["whoami", "--profile", "../other", "--tenant", ID]).await?;
    ensure!(ended.status == 2, "it ended with {}", ended.status);
    ended.failed("profile_name", &["../other", "lower-case letters"])?;
    ensure!(!home.attache_home().exists(), "a folder was made");
    Ok(())
}

#[tokio::test]
async fn people_read_the_problems_and_the_remedy_on_standard_error() -> Result<()> {
    let home = Home::new()?;
    let ended = end(home.attache(["whoami"])?).await?;
    ensure!(ended.status == 2 && ended.said.is_empty(), "{:?}", ended.said);
    for part in ["- tenant is missing", "--tenant", "ATTACHE_CLIENT_ID", "what to do: ", "config.toml"] {
        ensure!(ended.complaint.contains(part), "{part} is not said: {}", ended.complaint);
    }
    Ok(())
}

#[tokio::test]
async fn a_bundle_without_a_certificate_is_a_wrong_setting() -> Result<()> {
    let home = Home::new()?.with("ATTACHE_TENANT", ID).with("ATTACHE_CLIENT_ID", ID);
    let bundle = home.path().join("ca.pem");
    std::fs::write(&bundle, "-----BEGIN PRIVATE KEY-----\n")?;
    let ended = run(&home, &["sign-in", "--ca", &bundle.display().to_string()]).await?;
    named(&ended, &home, &["- ca: "])
}

#[tokio::test]
async fn a_file_that_is_no_toml_is_named() -> Result<()> {
    let home = Home::new()?.with("ATTACHE_TENANT", ID).with("ATTACHE_CLIENT_ID", ID);
    write_config(&home, "tenant = \n")?;
    named(&run(&home, &["whoami"]).await?, &home, &["is not TOML"])
}

#[tokio::test]
async fn a_command_line_that_is_none_ends_with_2() -> Result<()> {
    let home = Home::new()?;
    for arguments in [&["whoam"][..], &["audit", "show", "--last", "x"], &["try", "--listen", "here"]] {
        let ended = end(home.attache(arguments)?).await?;
        ensure!(ended.status == 2 && !ended.complaint.is_empty(), "{arguments:?}: {}", ended.status);
    }
    Ok(())
}

/// Whatever a newer version wrote is neither read wrongly nor overwritten.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_newer_version_are_refused_and_left_as_they_are() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::at(&tenant)?.provisioning(&tenant)?;
    sign_in(&home, &tenant, 1).await?;
    run(&home, &["provision"]).await?.succeeded()?;
    for (name, command, code) in [
        ("identity.json", "whoami", "profile_too_new"),
        ("identity.json", "sign-out", "profile_too_new"),
        ("provisioning.json", "provision", "profile_too_new"),
    ] {
        let path = profile(&home, name);
        let before = std::fs::read(&path)?;
        let mut content: Value = serde_json::from_slice(&before)?;
        content["version"] = 99.into();
        let newer = serde_json::to_vec(&content)?;
        std::fs::write(&path, &newer)?;
        let ended = run(&home, &[command]).await?;
        ended.failed(code, &[name, "99", "update"]).with_context(|| format!("{command} with {name}"))?;
        ensure!(std::fs::read(&path)? == newer, "{command} changed {name}");
        std::fs::write(&path, &before)?;
    }
    let path = profile(&home, "ledger");
    let ledger = std::fs::read_to_string(&path)?;
    let newer = ledger.replacen("attache-ledger\t1\t", "attache-ledger\t99\t", 1);
    std::fs::write(&path, &newer)?;
    run(&home, &["audit", "verify"]).await?.failed("ledger_newer", &["99", "version"])?;
    tenant.control().clear_requests();
    run(&home, &["sign-in", "--device-code"]).await?.failed("ledger_newer", &["99", "version"])?;
    ensure!(std::fs::read_to_string(&path)? == newer, "the ledger was changed");
    ensure!(tenant.control().requests().is_empty(), "it was done although it could not be recorded");
    Ok(())
}
