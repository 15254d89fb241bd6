//! Microsoft's Graph SDK for Python, unmodified, against the sandbox. The script beside this file reads and
//! writes each resource and looks strictly at what the SDK understood (Entra reference §10): nothing left over,
//! nothing lost. The judgement is here.

use std::path::Path;

use anyhow::{Result, ensure};
use attache_sandbox::Config;
use attache_tests::{Home, Lines, Tenant, msgraph_python, user_token};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_sdk_reads_and_writes_every_resource() -> Result<()> {
    let tenant = Tenant::with(Config { allow_http_webhooks: true, ..Config::default() }).await?;
    let home = Home::new()?;
    let mut command = home.program(msgraph_python()?);
    command
        .args(["-u", "-B"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("it/msgraph/read_and_write.py"))
        .env("SANDBOX", tenant.ready().to_string())
        .env("SSL_CERT_FILE", tenant.ca());
    let mut lines = Lines::start(command, &home.path().join("stderr.log"))?;

    let (mut table, mut faults, mut sections) = (String::new(), 0, Vec::<String>::new());
    loop {
        let said = lines.hear().await?;
        if let Some(user) = said["sign_in"].as_u64() {
            let token =
                user_token(&tenant, usize::try_from(user)?, "https://graph.microsoft.com/.default").await?;
            lines.say(&json!({ "token": token })).await?;
            continue;
        }
        if said["end"] == true {
            break;
        }
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let (section, call, fault) = (text("section"), text("call"), text("fault"));
        faults += usize::from(!fault.is_empty());
        let outcome = if fault.is_empty() { "as sent" } else { &fault };
        table.push_str(&format!("| {section} | {call} | {outcome} |\n"));
        if sections.last() != Some(&section) {
            sections.push(section);
        }
    }
    let (status, rest) = lines.end().await?;
    // A failing test shows the table.
    println!("{table}");
    ensure!(status.success() && rest.is_empty(), "{status}, and it still said {rest:?}");
    ensure!(faults == 0, "{faults} calls went wrong:\n{table}");
    let calls = table.lines().count();
    ensure!(sections.len() >= 40 && calls >= 800, "only {calls} calls in {sections:?}");
    Ok(())
}
