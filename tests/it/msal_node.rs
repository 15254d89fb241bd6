//! Microsoft's client for Node, unmodified, with the flows that a person answers. The script beside this file drives
//! it; the judgement is here.

use anyhow::Result;
use attache_tests::{Browser, Script};
use serde_json::{Value, json};

/// What came of a sign-in of the tenant's first user, and silently afterwards.
fn signed_in(script: &Script, said: &Value) {
    let (id, upn) = (script.ready("/users/0/id"), script.ready("/users/0/upn"));
    let home = format!("{}.{}", id.as_str().unwrap_or_default(), script.tenant.id());
    assert_eq!(said["account"], json!({ "name": upn, "id": home, "tenant": script.tenant.id() }));
    assert_eq!((&said["claims"]["oid"], &said["idToken"]["oid"]), (&id, &id), "{said}");
    assert_eq!(said["claims"]["appid"], script.ready("/apps/client/client_id"));
    assert_eq!((&said["cached"], &said["renewed"]), (&json!(true), &json!(true)), "{said}");
    assert_eq!(said["me"]["id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_by_browser_by_code_and_by_device() -> Result<()> {
    let mut script = Script::node("msal_node", "people.mjs").await?;
    let mut browser = Browser::of(&script.tenant, 0)?;

    script.sign_in(&mut browser).await?;
    let interactive = script.about("interactive").await?;
    signed_in(&script, &interactive);

    script.redirect(&mut browser).await?;
    let code = script.about("code").await?;
    signed_in(&script, &code);
    assert_eq!(code["idToken"]["nonce"], "a nonce");
    let again = script.about("again").await?;
    assert_eq!(again["error"], "invalid_grant");
    assert!(again["message"].as_str().is_some_and(|message| message.contains("AADSTS54005")), "{again}");

    let told = script.says().await?;
    script.enter_code(&mut browser, &told).await?;
    let device = script.about("device code").await?;
    signed_in(&script, &device);
    script.end().await
}
