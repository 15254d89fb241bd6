//! A strict OpenID Connect client, unmodified, against the sandbox: `openid-client`, which is certified. The
//! script beside this file drives it; the judgement is here.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use attache_tests::{Browser, Home, Lines, Tenant, with_node_modules};
use serde_json::{Value, json};

async fn about(lines: &mut Lines, flow: &str) -> Result<Value> {
    let said = lines.hear().await?;
    ensure!(said["flow"] == flow, "expected `{flow}`, not {said}");
    Ok(said)
}

/// Signs in where the script says, and tells it where that led.
async fn sign_in(lines: &mut Lines, browser: &mut Browser) -> Result<()> {
    let said = lines.hear().await?;
    let open = said["open"].as_str().with_context(|| format!("no address to open in {said}"))?;
    let landed = browser.sign_in_up_to_the_redirect(open).await?.url;
    lines.say(&json!({ "landed": landed })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_client_signs_a_person_in() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::new()?;
    let scripts = with_node_modules(&Path::new(env!("CARGO_MANIFEST_DIR")).join("it/oidc"), home.path())?;
    let mut command = home.program("node");
    command.arg(scripts.join("sign_in.mjs"));
    command.env("SANDBOX", tenant.ready().to_string()).env("NODE_EXTRA_CA_CERTS", tenant.ca());
    let mut lines = Lines::start(command, &home.path().join("stderr.log"))?;
    let mut browser = Browser::of(&tenant, 0)?;
    let ready = tenant.ready();

    let discovered = about(&mut lines, "discovery").await?;
    assert_eq!(discovered["issuer"], format!("{}/{}/v2.0", tenant.url(), tenant.id()));
    for endpoint in discovered["endpoints"].as_array().into_iter().flatten() {
        assert!(endpoint[1].as_str().is_some_and(|url| url.starts_with(tenant.url())), "{endpoint}");
    }

    sign_in(&mut lines, &mut browser).await?;
    let code = about(&mut lines, "code").await?;
    let claims = &code["claims"];
    assert_eq!(claims["aud"], ready["apps"]["client"]["client_id"]);
    assert_eq!((&claims["tid"], &claims["oid"]), (&ready["tenant_id"], &ready["users"][0]["id"]));
    assert_eq!(claims["preferred_username"], ready["users"][0]["upn"]);
    assert_eq!(code["type"].as_str().map(str::to_ascii_lowercase).as_deref(), Some("bearer"));
    assert!(code["expires"].as_u64().is_some_and(|seconds| seconds >= 3_000), "{code}");

    let again = about(&mut lines, "again").await?;
    assert_eq!((&again["error"], &again["codes"]), (&json!("invalid_grant"), &json!([54_005])));

    let info = about(&mut lines, "userinfo").await?;
    assert_eq!((&info["info"]["sub"], &info["info"]["name"]), (&claims["sub"], &claims["name"]));

    let refreshed = about(&mut lines, "refresh").await?;
    assert_eq!((&refreshed["sub"], &refreshed["renewed"]), (&claims["sub"], &json!(true)));

    for forged in ["state", "nonce"] {
        sign_in(&mut lines, &mut browser).await?;
        let refused = about(&mut lines, forged).await?;
        assert!(refused["error"].is_string(), "the client did not notice: {refused}");
    }

    let logout = about(&mut lines, "logout").await?;
    let open = logout["open"].as_str().context("no address to sign out at")?;
    ensure!(open.starts_with(&format!("{}/{}/oauth2/v2.0/logout", tenant.url(), tenant.id())), "{open}");
    let (status, rest) = lines.end().await?;
    ensure!(status.success() && rest.is_empty(), "{status}, and it still said {rest:?}");
    Ok(())
}
