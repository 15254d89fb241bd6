//! openapi-spec-validator, unmodified, finds that both OpenAPI documents are what the specification says; those who
//! generate clients from them get nothing otherwise.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use attache_tests::{Home, Tenant, interop_python};

async fn valid(home: &Home, document: &Path) -> Result<()> {
    let mut command = home.program(interop_python()?);
    let output = command.args(["-m", "openapi_spec_validator"]).arg(document).output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{}:\n{said}", document.display());
    Ok(())
}

#[tokio::test]
async fn the_gateways_document_is_valid() -> Result<()> {
    // A test of the gateway's holds that this is what is served.
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("crates/gateway/openapi.json");
    valid(&Home::new()?, &document).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_of_the_sandboxs_control_api_is_valid() -> Result<()> {
    let (tenant, home) = (Tenant::start().await?, Home::new()?);
    let authorities = reqwest::Certificate::from_pem_bundle(&std::fs::read(tenant.ca())?)?;
    let client = reqwest::Client::builder().tls_certs_merge(authorities).build()?;
    let token = tenant.ready()["control_token"].as_str().context("the control token")?;
    let asked = client.get(format!("{}/_sandbox/openapi.json", tenant.url())).bearer_auth(token);
    let document = home.path().join("openapi.json");
    std::fs::write(&document, asked.send().await?.error_for_status()?.bytes().await?)?;
    valid(&home, &document).await
}
