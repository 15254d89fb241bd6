//! schemathesis, unmodified, reads the gateway's OpenAPI document and tries every operation with what fits it and with
//! what does not: no answer may be a server error or differ from what the document says.

use anyhow::{Context, Result, ensure};
use attache_tests::{Gateway, Home, interop_python};
use serde_json::{Value, json};
use tokio::time::timeout;

/// It sends some thousand requests, on a machine that is busy with other tests.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(5);

/// An organisation that is there and one object of each kind, so that what is tried gets past the names; and what a
/// schema cannot say: that a value must fit what is kept. A key makes no organisation.
fn settings(objects: &[(&str, String)]) -> String {
    let named = objects.iter().map(|(name, value)| format!("\"path.{name}\" = {}\n", json!(value)));
    format!(
        "[parameters]\n\"path.org\" = \"acme\"\n\"header.If-Match\" = \"*\"\n{}{}",
        named.collect::<String>(),
        EXPECTED
    )
}

const EXPECTED: &str = "
# The log is shorter than a checkpoint that never was.
[[operations]]
include-path = \"/api/v1/orgs/{org}/audit/consistency\"
checks.positive_data_acceptance.expected-statuses = [200, 404, 422]

# A time is over, a subdomain is somebody else's, a tenant is not configured; or a key came with another body before.
[[operations]]
include-method = \"POST\"
checks.positive_data_acceptance.expected-statuses = [200, 201, 202, 204, 401, 403, 404, 409, 422, 502]

# A host is none of the public ones.
[[operations]]
include-path = \"/api/v1/orgs/{org}/audit/siem\"
checks.positive_data_acceptance.expected-statuses = [200, 204, 401, 403, 404, 409, 422]

# The platform refuses: the identity is not at a point at which it can act, or the tenant has no such user.
[[operations]]
include-path-regex = \"/(aliases|sponsor|photo|blueprint|agent-identities/[{]identity[}])$\"
checks.positive_data_acceptance.expected-statuses = [200, 404, 409, 422, 502]
";

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_does_what_its_document_says() -> Result<()> {
    let home = Home::new()?;
    let home = home.with("ATTACHE_GATEWAY_KEY_RATE", "0").with("ATTACHE_GATEWAY_ORGANISATION_RATE", "0");
    let gateway = Gateway::at(home).await?;
    let session = gateway.sign_in().await?;
    let key = gateway.organisation(&session, "acme").await?;
    let identity = json!({ "mode": "shared" });
    let post = reqwest::Method::POST;
    let path = "api/v1/orgs/acme/agent-identity/provision";
    gateway.ask(&session, post.clone(), path, &identity).await?;
    let invitation = json!({ "label": "Grace", "role": "auditor" });
    gateway.ask(&session, post, "api/v1/orgs/acme/invitations", &invitation).await?;
    let mut objects = vec![("identity", "default".to_owned()), ("entry", "0".to_owned())];
    for (name, list) in [("member", "members"), ("invitation", "invitations"), ("job", "jobs")] {
        let path = format!("api/v1/orgs/acme/{list}");
        let listed = gateway.ask(&session, reqwest::Method::GET, &path, &Value::Null).await?;
        let id = listed["items"][0]["id"].as_str().with_context(|| format!("{list}: {listed}"))?;
        objects.push((name, id.to_owned()));
    }
    let home = gateway.home();
    std::fs::write(home.path().join("schemathesis.toml"), settings(&objects))?;
    let mut command = home.program(interop_python()?.with_file_name("st"));
    command
        .args(["--config-file", "schemathesis.toml", "run", "--no-color"])
        .arg(format!("{}api/openapi.json", gateway.url()))
        .args(["--header", &format!("Authorization: Bearer {key}")])
        .args(["--max-examples", "8", "--generation-deterministic"])
        .args(["--phases", "examples,coverage,fuzzing", "--request-timeout", "25"]);
    let output = timeout(PATIENCE, command.kill_on_drop(true).output()).await.context("it did not end")??;
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}:\n{said}\n{errors}", output.status);
    Ok(())
}
