//! schemathesis, unmodified, reads the control API's OpenAPI document and tries every operation with what fits it
//! and with what does not: no answer may be a server error or differ from what the document says.

use anyhow::{Context, Result, ensure};
use attache_tests::{Home, Tenant, interop_python};
use tokio::time::timeout;

/// It sends some thousand requests, on a machine that is busy with other tests.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(3);

/// Waiting is tried, but for a moment: a random time would be up to a minute.
const SETTINGS: &str = "
[parameters]
\"query.wait\" = \"1ms\"

# What a document asks for may be well formed and yet not be possible in the tenant.
[[operations]]
include-path = \"/_sandbox/seed\"
checks.positive_data_acceptance.expected-statuses = [200, 404, 422]

[[operations]]
include-path = \"/_sandbox/mail\"
checks.positive_data_acceptance.expected-statuses = [200, 201, 400, 404, 422]
";

#[tokio::test(flavor = "multi_thread")]
async fn the_control_api_does_what_its_document_says() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::new()?;
    std::fs::write(home.path().join("schemathesis.toml"), SETTINGS)?;
    let token = tenant.ready()["control_token"].as_str().context("the control token")?;
    let mut command = home.program(interop_python()?.with_file_name("st"));
    command
        .args(["--config-file", "schemathesis.toml", "run", "--no-color"])
        .arg(format!("{}/_sandbox/openapi.json", tenant.url()))
        .args(["--header", &format!("Authorization: Bearer {token}"), "--tls-verify"])
        .arg(tenant.ca())
        .args(["--max-examples", "8", "--generation-deterministic"])
        .args(["--phases", "examples,coverage,fuzzing", "--request-timeout", "20"]);
    let output = timeout(PATIENCE, command.kill_on_drop(true).output()).await.context("it did not end")??;
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}:\n{said}\n{errors}", output.status);
    Ok(())
}
