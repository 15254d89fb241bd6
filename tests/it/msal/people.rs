//! The flows in which a person takes part: an API and an agent act for them, a web application signs them in, and
//! clients keep, renew and challenge what they got.

use anyhow::Result;
use attache_tests::Browser;
use serde_json::{Value, json};

use super::{has_code, start, words};

/// That a flow ended in this error, of this number.
fn refused(said: &Value, error: &str, code: u64) {
    assert_eq!(said["error"], error, "{said}");
    assert!(has_code(said, code), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_and_an_agent_act_on_behalf_of_a_person() -> Result<()> {
    let mut script = start("on_behalf_of.py").await?;
    let mut browser = Browser::of(&script.tenant, 0)?;
    let ada = script.ready("/users/0/id");

    script.redirect(&mut browser).await?;
    let called = script.about("called").await?;
    let (incoming, api) = (&called["claims"], &called["api"]);
    assert_eq!((&incoming["aud"], &incoming["scp"], &incoming["oid"]), (api, &json!("access"), &ada));
    let early = script.about("no consent").await?;
    refused(&early, "invalid_grant", 65_001);
    assert_eq!(early["suberror"], "consent_required");

    let acting = script.about("acting").await?;
    let claims = &acting["claims"];
    assert_eq!((&claims["appid"], &claims["appidacr"], &claims["oid"]), (api, &json!("1"), &ada));
    assert_eq!((&acting["id_token"]["aud"], &acting["id_token"]["oid"]), (api, &ada));
    assert_eq!(acting["me"]["id"], ada);
    let silent = script.about("silent").await?;
    assert_eq!((&silent["source"], &silent["claims"]["oid"]), (&json!("cache"), &ada));
    refused(&script.about("not for it").await?, "invalid_grant", 500_131);

    script.redirect(&mut browser).await?;
    let agent = script.about("agent").await?;
    let claims = &agent["claims"];
    assert_eq!(agent["called"]["aud"], agent["blueprint"]);
    assert_eq!((&claims["appid"], &claims["oid"]), (&agent["agent"], &ada));
    assert_eq!((&claims["xms_par_app_azp"], &claims["idtyp"]), (&agent["blueprint"], &json!("user")));
    // An agent identity acts, a person is the subject (Entra reference §1.11).
    assert!(words(&claims["xms_act_fct"]).contains(&"11"), "{claims}");
    assert!(!words(&claims["xms_sub_fct"]).contains(&"13"), "{claims}");
    assert_eq!(agent["me"]["id"], ada);
    script.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_application_gets_its_code_by_post_and_in_the_fragment() -> Result<()> {
    let mut script = start("web_app.py").await?;
    let mut browser = Browser::of(&script.tenant, 0)?;
    let ada = script.ready("/users/0/id");

    script.sign_in(&mut browser).await?;
    let posted = script.about("form_post").await?;
    assert_eq!(posted["kind"], "application/x-www-form-urlencoded");
    assert_eq!(posted["names"], json!(["client_info", "code", "session_state", "state"]));
    let claims = &posted["claims"];
    assert_eq!((&claims["appid"], &claims["appidacr"]), (&posted["app"], &json!("1")));
    assert_eq!((&posted["id_token"]["aud"], &posted["id_token"]["oid"]), (&posted["app"], &ada));
    assert_eq!(posted["me"]["id"], ada);

    let silent = script.about("silent").await?;
    assert_eq!((&silent["cached"], &silent["claims"]["oid"]), (&json!(true), &ada));
    script.redirect(&mut browser).await?;
    assert_eq!(script.about("fragment").await?["claims"]["oid"], ada);
    script.redirect(&mut browser).await?;
    refused(&script.about("wrong secret").await?, "invalid_client", 7_000_215);
    script.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_from_elsewhere_is_taken_over() -> Result<()> {
    let mut script = start("refresh.py").await?;
    let mut browser = Browser::of(&script.tenant, 0)?;
    script.redirect(&mut browser).await?;
    let taken = script.about("taken over").await?;
    assert_eq!(taken["claims"]["oid"], script.ready("/users/0/id"));
    assert!(words(&taken["claims"]["scp"]).contains(&"Chat.Read"));
    assert_eq!(taken["chats"], json!([]));
    let kept = script.about("kept").await?;
    assert_eq!(kept["me"]["userPrincipalName"], kept["username"]);
    assert_eq!(kept["username"], script.ready("/users/0/upn"));
    for flow in ["nobody's", "another kind"] {
        refused(&script.about(flow).await?, "invalid_grant", 70_000);
    }
    script.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_a_password_sign_in_once_it_is_known_who_keeps_it() -> Result<()> {
    let mut script = start("password.py").await?;
    let by_password = script.about("password").await?;
    assert_eq!(by_password["claims"]["amr"], json!(["pwd"]));
    assert_eq!(by_password["id_token"]["preferred_username"], script.ready("/users/0/upn"));
    assert_eq!(by_password["me"]["id"], script.ready("/users/0/id"));
    let silent = script.about("silent").await?;
    assert_eq!((&silent["username"], &silent["renewed"]), (&script.ready("/users/0/upn"), &json!(true)));
    assert_eq!(script.about("by domain").await?["claims"]["tid"], script.ready("/tenant_id"));
    refused(&script.about("common").await?, "invalid_request", 9_001_023);
    refused(&script.about("wrong password").await?, "invalid_grant", 50_126);
    refused(&script.about("nobody").await?, "invalid_grant", 50_034);
    // The client asks for the realm of each name, and refuses to go on without it.
    let realms = script.tenant.control().requests();
    let realms =
        realms.iter().filter(|one| one.decision.route.as_deref() == Some("GET /{tenant}/userrealm/{user}"));
    assert_eq!(realms.count(), 5);
    script.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_meets_a_claims_challenge_and_answers_it() -> Result<()> {
    let mut script = start("cae.py").await?;
    let mut browser = Browser::of(&script.tenant, 0)?;
    script.redirect(&mut browser).await?;
    let long = script.about("long").await?;
    assert_eq!((&long["claims"]["xms_cc"], &long["status"]), (&json!(["cp1"]), &json!(200)));
    assert!(long["expires_in"].as_u64().is_some_and(|seconds| seconds > 72_000), "{long}");

    let challenge = script.about("challenge").await?;
    assert_eq!(challenge["status"], 401);
    let header = challenge["header"].as_str().unwrap_or_default();
    assert!(header.contains("error=\"insufficient_claims\""), "{header}");
    assert_eq!(challenge["challenge"]["access_token"]["nbf"]["essential"], true);
    refused(&script.about("silent").await?, "invalid_grant", 50_173);

    script.redirect(&mut browser).await?;
    let answered = script.about("answered").await?;
    assert_eq!((&answered["renewed"], &answered["status"]), (&json!(true), &json!(200)));
    assert_eq!(answered["claims"]["xms_cc"], json!(["cp1"]));
    assert_ne!(answered["claims"]["sid"], long["claims"]["sid"], "the old session is over");
    script.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_may_name_no_tenant_or_be_an_issuer() -> Result<()> {
    let mut script = start("common.py").await?;
    let mut browser = Browser::of(&script.tenant, 0)?;
    let (ada, tenant) = (script.ready("/users/0/id"), script.ready("/tenant_id"));
    for authority in ["common", "organizations"] {
        script.redirect(&mut browser).await?;
        let said = script.about(authority).await?;
        for token in ["claims", "id_token", "silent"] {
            assert_eq!((&said[token]["tid"], &said[token]["oid"]), (&tenant, &ada), "{authority}: {token}");
        }
        let issuer = said["id_token"]["iss"].as_str().unwrap_or_default();
        assert!(issuer.ends_with("/v2.0") && issuer.contains(script.tenant.id()), "{issuer}");
        assert_eq!(said["account"]["username"], script.ready("/users/0/upn"));
        let home = said["account"]["home_account_id"].as_str().unwrap_or_default();
        assert!(home.ends_with(script.tenant.id()), "{home}");
        assert_eq!(said["me"]["id"], ada);
    }
    script.redirect(&mut browser).await?;
    let issuer = script.about("issuer").await?;
    for token in ["claims", "id_token", "refreshed"] {
        assert_eq!(issuer[token]["oid"], ada, "{token}");
    }
    let own = script.about("issuer, by itself").await?;
    assert_eq!(own["claims"]["appid"], script.ready("/apps/provisioner/client_id"));
    script.end().await
}
