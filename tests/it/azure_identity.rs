//! Microsoft's azure-identity for Python, unmodified, against the sandbox: what the snippets of `examples/python`
//! leave out. The script beside this file drives it; the judgement is here.

use anyhow::Result;
use attache_tests::{Browser, Script, interop_python};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn certificates_a_device_code_and_a_browser_are_credentials() -> Result<()> {
    let mut script = Script::python(interop_python()?, "azure_identity/credentials.py").await?;
    for form in ["PEM", "PFX"] {
        let said = script.about(form).await?;
        assert_eq!(
            (&said["claims"]["appid"], &said["claims"]["appidacr"]),
            (&said["app"], &json!("2")),
            "{form}"
        );
    }
    let stranger = script.about("stranger").await?;
    assert!(stranger["error"].as_str().is_some_and(|error| error.contains("AADSTS700027")), "{stranger}");

    let mut browser = Browser::of(&script.tenant, 1)?;
    let told = script.says().await?;
    script.enter_code(&mut browser, &told).await?;
    for flow in ["device code", "browser"] {
        if flow == "browser" {
            script.sign_in(&mut browser).await?;
        }
        let said = script.about(flow).await?;
        let (id, upn) = (script.ready("/users/1/id"), script.ready("/users/1/upn"));
        assert_eq!((&said["username"], &said["me"]["userPrincipalName"]), (&upn, &upn), "{flow}");
        assert_eq!((&said["claims"]["oid"], &said["claims"]["appidacr"]), (&id, &json!("0")), "{flow}");
        let account = said["account"].as_str().unwrap_or_default();
        assert_eq!(account, format!("{}.{}", id.as_str().unwrap_or_default(), script.tenant.id()), "{flow}");
    }
    script.end().await
}
