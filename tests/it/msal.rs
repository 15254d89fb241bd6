//! Microsoft's client for Python, unmodified, against the sandbox. The scripts beside this file drive it; the
//! judgement is here.

use anyhow::Result;
use attache_tests::{Browser, Script, python};
use serde_json::{Value, json};

mod people;

async fn start(name: &str) -> Result<Script> {
    Script::python(python()?, &format!("msal/{name}")).await
}

fn has_code(said: &Value, code: u64) -> bool {
    said["codes"].as_array().is_some_and(|codes| codes.contains(&json!(code)))
}

fn words(claim: &Value) -> Vec<&str> {
    claim.as_str().unwrap_or_default().split(' ').collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_by_secret_and_by_certificate() -> Result<()> {
    let mut script = start("client_credentials.py").await?;

    let secret = script.about("secret").await?;
    assert_eq!(secret["claims"]["aud"], "https://graph.microsoft.com");
    assert_eq!(secret["claims"]["appid"], script.ready("/apps/provisioner/client_id"));
    assert_eq!(secret["claims"]["tid"], script.ready("/tenant_id"));
    assert_eq!(secret["claims"]["appidacr"], "1");
    assert_eq!(secret["claims"]["idtyp"], "app");
    assert!(secret["users"].as_array().is_some_and(|users| users.contains(&script.ready("/users/0/upn"))));

    let azure = script.about("Azure").await?;
    assert_eq!(azure["claims"]["aud"], "https://management.azure.com");

    let wrong = script.about("wrong secret").await?;
    assert_eq!((&wrong["error"], &wrong["token"]), (&json!("invalid_client"), &json!(false)));
    assert!(has_code(&wrong, 7_000_215), "{wrong}");

    for algorithm in ["PS256", "RS256"] {
        let certificate = script.about(algorithm).await?;
        assert_eq!(certificate["claims"]["appid"], certificate["blueprint"]);
        assert_eq!(certificate["claims"]["oid"], certificate["principal"]);
        assert_eq!(certificate["claims"]["appidacr"], "2");
        let roles = certificate["claims"]["roles"].as_array();
        assert!(
            roles.is_some_and(|roles| roles.contains(&json!("AgentIdentity.CreateAsManager"))),
            "{certificate}"
        );
    }

    let stranger = script.about("strange certificate").await?;
    assert_eq!((&stranger["error"], &stranger["token"]), (&json!("invalid_client"), &json!(false)));
    assert!(has_code(&stranger, 700_027), "{stranger}");
    script.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn device_code() -> Result<()> {
    let mut script = start("device_code.py").await?;
    let begun = script.says().await?;
    assert_eq!(script.says().await?["early"], "authorization_pending");

    let mut browser = Browser::of(&script.tenant, 0)?;
    script.enter_code(&mut browser, &begun).await?;

    let signed_in = script.says().await?;
    assert_eq!(signed_in["claims"]["oid"], script.ready("/users/0/id"));
    assert_eq!(signed_in["claims"]["appid"], script.ready("/apps/client/client_id"));
    assert!(words(&signed_in["claims"]["scp"]).contains(&"User.Read"));
    assert_eq!(signed_in["me"]["userPrincipalName"], script.ready("/users/0/upn"));

    let refreshed = script.says().await?;
    assert_eq!(refreshed["refreshed"], true);
    assert_eq!(refreshed["username"], script.ready("/users/0/upn"));
    assert_eq!(refreshed["me"], signed_in["me"]);
    script.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn authorization_code_with_pkce() -> Result<()> {
    let mut script = start("authorization_code.py").await?;
    let mut browser = Browser::of(&script.tenant, 0)?;

    script.sign_in(&mut browser).await?;
    let interactive = script.about("interactive").await?;
    assert_eq!(interactive["claims"]["oid"], script.ready("/users/0/id"));
    assert_eq!(interactive["id_token"]["preferred_username"], script.ready("/users/0/upn"));
    assert_eq!(interactive["me"]["id"], script.ready("/users/0/id"));

    script.redirect(&mut browser).await?;
    let redirect_flow = script.about("redirect").await?;
    assert_eq!(redirect_flow["me"]["id"], script.ready("/users/0/id"));

    let again = script.about("again").await?;
    assert_eq!(again["error"], "invalid_grant");
    assert!(has_code(&again, 54_005), "{again}");

    script.redirect(&mut browser).await?;
    let tampered = script.about("tampered").await?;
    assert_eq!(tampered["error"], "invalid_grant");
    assert!(has_code(&tampered, 501_481), "{tampered}");
    script.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_three_hops_to_an_agent_user() -> Result<()> {
    let mut script = start("agent_hops.py").await?;
    let made = script.says().await?;
    let (blueprint, agent, user) = (&made["blueprint"], &made["agent"], &made["user"]);

    let certificate = script.about("certificate").await?;
    let (t1, t2, own) = (&certificate["t1"], &certificate["t2"], &certificate["own"]);
    assert_eq!((&t1["azp"], &t2["azp"], &own["appid"]), (blueprint, agent, agent));
    assert_eq!(t1["azpacr"], "2");
    assert_eq!((&t1["ver"], &t2["ver"], &own["ver"]), (&json!("2.0"), &json!("2.0"), &json!("1.0")));
    let exchange = "fb60f99c-7a34-4190-8149-302f77469936";
    assert_eq!(
        (&t1["aud"], &t2["aud"], &own["aud"]),
        (&json!(exchange), &json!(exchange), &json!("https://graph.microsoft.com"),)
    );
    let subject = t1["sub"].as_str().unwrap_or_default();
    assert!(
        subject.starts_with("/eid1/c/pub/t/") && subject.ends_with(agent.as_str().unwrap_or("?")),
        "{subject}"
    );
    assert_eq!((&own["oid"], &own["xms_par_app_azp"], &own["idtyp"]), (user, blueprint, &json!("user")));
    // The facets that say "an agent identity acts, an agent user is the subject" (Entra reference §1.11).
    assert!(words(&own["xms_act_fct"]).contains(&"11"), "{own}");
    assert!(words(&own["xms_sub_fct"]).contains(&"13"), "{own}");
    assert_eq!(&certificate["me"]["id"], user);

    let silent = script.about("silent").await?;
    assert_eq!((&silent["cached"], &silent["renewed"]), (&json!(true), &json!(true)), "{silent}");
    let renewed = &silent["own"];
    assert_eq!(
        (&renewed["oid"], &renewed["xms_par_app_azp"], &renewed["idtyp"]),
        (user, blueprint, &json!("user"))
    );
    assert!(words(&renewed["xms_sub_fct"]).contains(&"13"), "{renewed}");
    assert_eq!((&silent["me"]["id"], &silent["me"]["userPrincipalName"]), (user, &silent["username"]));

    let secret = script.about("secret").await?;
    assert_eq!(&secret["own"]["oid"], user);

    let autonomous = script.about("autonomous").await?;
    assert_eq!((&autonomous["own"]["oid"], &autonomous["own"]["idtyp"]), (agent, &json!("app")));

    let message = script.about("message").await?;
    assert_eq!(message["read"][0]["from"]["user"]["id"], *user);
    assert_eq!(message["read"].as_array().map(Vec::len), Some(1), "{message}");

    let strange = script.about("another's user").await?;
    assert_eq!((&strange["token"], strange["error"].is_string()), (&json!(false), true), "{strange}");
    script.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_issuers_token_is_a_client_assertion() -> Result<()> {
    let mut script = start("federated.py").await?;
    for flow in ["token", "callback"] {
        let said = script.about(flow).await?;
        let claims = &said["claims"];
        assert_eq!((&claims["appid"], &claims["appidacr"]), (&said["app"], &json!("2")), "{flow}");
        assert_eq!(claims["idtyp"], "app");
    }
    for (flow, code) in [
        ("issuer", 700_211),
        ("subject", 700_213),
        ("audience", 700_212),
        ("signature", 700_027),
        ("expired", 700_024),
    ] {
        let refused = script.about(flow).await?;
        assert_eq!((&refused["error"], &refused["token"]), (&json!("invalid_client"), &json!(false)));
        assert!(has_code(&refused, code), "{refused}");
    }
    script.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unmodified_client_works_by_microsofts_names() -> Result<()> {
    let mut script = start("by_names.py").await?;
    let said = script.says().await?;
    assert_eq!(said["claims"]["aud"], "https://graph.microsoft.com");
    for link in ["context", "next"] {
        let link = said[link].as_str().unwrap_or_default();
        assert!(link.starts_with("https://graph.microsoft.com/v1.0/"), "{link}");
    }
    script.end().await
}
