//! What goes over the wire for an application and for the three hops (Entra reference §1.8 and §1.10).

use std::sync::Arc;
use std::time::Duration;

use attache_entra::{ClientCredential, Hop, Resource, TokenError, TokenSource};
use attache_keys::{Certificate, SoftwareKey, Validity};
use attache_terms::{Secret, SeededRng};

use crate::authority::{Answer, Asked, Authority, agent_identity, blueprint, clock, tenant, user};

fn secret() -> ClientCredential {
    ClientCredential::Secret(Secret::new("s3cret".to_owned()))
}

fn hop_of(asked: &Asked) -> &'static str {
    match (asked.field("grant_type"), asked.form.contains_key("fmi_path"), asked.field("scope")) {
        ("client_credentials", true, _) => "T1",
        ("client_credentials", false, "api://AzureADTokenExchange/.default") => "T2",
        ("client_credentials", false, _) => "app",
        ("user_fic", ..) => "user",
        _ => "other",
    }
}

fn agent_user(entra: &Arc<attache_entra::Entra>) -> Arc<dyn TokenSource> {
    let t1 = entra.own_assertion(tenant(), blueprint(), secret());
    entra.agent_user(tenant(), t1, agent_identity(), user(), Resource::graph(entra.cloud()))
}

#[tokio::test]
async fn three_requests_with_the_documented_fields_make_an_agent_users_token() {
    let authority = Authority::start(|asked| Answer::token(hop_of(asked))).await;
    let clock = clock();
    let entra = authority.entra(&clock);
    let token = agent_user(&entra).token(None).await.unwrap();
    assert_eq!(token.secret.expose(), "user");
    assert_eq!(&*token.request_id, "request-1");

    let asked = authority.asked();
    assert_eq!(asked.iter().map(hop_of).collect::<Vec<_>>(), ["T1", "T2", "user"]);
    for one in &asked {
        assert_eq!(one.path, format!("/{}/oauth2/v2.0/token", tenant()));
        let id = one.headers["client-request-id"].to_str().unwrap();
        assert!(id.parse::<uuid::Uuid>().is_ok(), "{id}");
    }
    assert_eq!(asked[2].headers["client-request-id"].to_str().unwrap(), token.client_request_id.to_string());

    assert_eq!(asked[0].field("client_id"), blueprint().to_string());
    assert_eq!(asked[0].field("client_secret"), "s3cret");
    assert_eq!(asked[0].field("fmi_path"), agent_identity().to_string());
    assert_eq!(asked[0].field("scope"), "api://AzureADTokenExchange/.default");

    assert_eq!(asked[1].field("client_id"), agent_identity().to_string());
    assert_eq!(asked[1].field("client_assertion"), "T1");
    assert_eq!(
        asked[1].field("client_assertion_type"),
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );

    assert_eq!(asked[2].field("client_id"), agent_identity().to_string());
    assert_eq!(asked[2].field("client_assertion"), "T1");
    assert_eq!(asked[2].field("user_federated_identity_credential"), "T2");
    assert_eq!(asked[2].field("user_id"), user().to_string());
    assert_eq!(asked[2].field("requested_token_use"), "on_behalf_of");
    assert_eq!(asked[2].field("scope"), "https://graph.microsoft.com/.default");
    assert!(!asked[2].form.contains_key("username"), "user_id and username exclude each other");
    assert_eq!(asked[2].headers["x-anchormailbox"].to_str().unwrap(), format!("Oid:{}@{}", user(), tenant()));
}

#[tokio::test]
async fn each_hop_is_kept_by_its_own_expiry() {
    let authority = Authority::start(|asked| match hop_of(asked) {
        // T1 lives for long, T2 for half an hour, the user's token for ten minutes.
        hop @ "T2" => Answer::json(
            200,
            &serde_json::json!({"token_type": "Bearer", "expires_in": 1800, "access_token": hop}),
        ),
        hop @ "user" => Answer::json(
            200,
            &serde_json::json!({"token_type": "Bearer", "expires_in": "600", "access_token": hop}),
        ),
        hop => Answer::token(hop),
    })
    .await;
    let clock = clock();
    let entra = authority.entra(&clock);
    let source = agent_user(&entra);
    let hops = || authority.asked().iter().map(hop_of).collect::<Vec<_>>();

    source.token(None).await.unwrap();
    source.token(None).await.unwrap();
    assert_eq!(hops(), ["T1", "T2", "user"]);

    clock.advance(Duration::from_secs(600));
    source.token(None).await.unwrap();
    assert_eq!(hops()[3..], ["user"]);

    clock.advance(Duration::from_secs(1200));
    source.token(None).await.unwrap();
    assert_eq!(hops()[4..], ["T2", "user"]);

    // The wall clock is set; tokens live by boot time.
    clock.skew(Duration::from_secs(100_000));
    source.token(None).await.unwrap();
    assert_eq!(hops().len(), 6);
}

#[tokio::test]
async fn an_agent_identity_and_its_user_share_t1() {
    let authority = Authority::start(|asked| Answer::token(hop_of(asked))).await;
    let clock = clock();
    let entra = authority.entra(&clock);
    let graph = Resource::graph(entra.cloud());
    let t1 = entra.own_assertion(tenant(), blueprint(), secret());
    let app = entra.agent_identity(tenant(), t1.clone(), agent_identity(), graph.clone());
    assert_eq!(app.token(None).await.unwrap().secret.expose(), "app");
    let user = entra.agent_user(tenant(), t1, agent_identity(), user(), graph);
    assert_eq!(user.token(None).await.unwrap().secret.expose(), "user");
    let hops: Vec<_> = authority.asked().iter().map(hop_of).collect();
    assert_eq!(hops, ["T1", "app", "T2", "user"]);
}

#[tokio::test]
async fn a_certificate_signs_an_assertion_for_the_endpoint_that_is_asked() {
    let authority = Authority::start(|_| Answer::token("t")).await;
    let clock = clock();
    let entra = authority.entra(&clock);
    let signer = Arc::new(SoftwareKey::generate().await.unwrap());
    let validity = Validity {
        not_before: "2026-11-22T10:00:00Z".parse().unwrap(),
        not_after: "2027-11-22T10:00:00Z".parse().unwrap(),
    };
    let certificate = Certificate::self_signed(&*signer, "x", validity, &SeededRng::new(1)).await.unwrap();
    let credential = ClientCredential::Certificate { certificate, signer };
    let graph = Resource::graph(entra.cloud());
    entra.application(tenant(), blueprint(), credential, graph.clone()).token(None).await.unwrap();

    let asked = &authority.asked()[0];
    assert!(!asked.form.contains_key("client_secret"));
    let jwt: Vec<&str> = asked.field("client_assertion").split('.').collect();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, jwt[1]).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["aud"], format!("{}/{}/oauth2/v2.0/token", authority.origin, tenant()));

    // A token of one credential never stands for another: a new secret is really tried.
    entra.application(tenant(), blueprint(), secret(), graph).token(None).await.unwrap();
    assert_eq!(authority.asked()[1].field("client_secret"), "s3cret");
}

#[tokio::test]
async fn an_assertion_that_is_refused_is_fetched_anew_once() {
    let mut refused = false;
    let authority = Authority::start(move |asked| match hop_of(asked) {
        "user" if !refused => {
            refused = true;
            Answer::refusal(401, "invalid_client", 700_024)
        }
        hop => Answer::token(hop),
    })
    .await;
    let clock = clock();
    let token = agent_user(&authority.entra(&clock)).token(None).await.unwrap();
    assert_eq!(token.secret.expose(), "user");
    let hops: Vec<_> = authority.asked().iter().map(hop_of).collect();
    assert_eq!(hops, ["T1", "T2", "user", "T1", "T2", "user"]);
}

#[tokio::test]
async fn a_refusal_names_its_hop_and_the_hops_before_it_stay_warm() {
    let mut allowed = false;
    let authority = Authority::start(move |asked| match hop_of(asked) {
        "user" if !allowed => {
            allowed = true;
            Answer::refusal(400, "invalid_grant", 65_001)
        }
        hop => Answer::token(hop),
    })
    .await;
    let clock = clock();
    let source = agent_user(&authority.entra(&clock));
    let fault = source.token(None).await.unwrap_err();
    let error = TokenError::of(&fault).unwrap();
    assert!(matches!(error, TokenError::Refused { hop: Hop::AgentUser, .. }), "{error}");
    assert!(error.is_replication());
    assert_eq!(fault.code(), "consent_required");
    assert!(fault.to_string().contains("hop 3"), "{fault}");

    source.token(None).await.unwrap();
    assert_eq!(authority.count(), 4, "only hop 3 is asked again");
}

#[tokio::test]
async fn a_claims_challenge_goes_with_the_api_token_and_with_nothing_before_it() {
    let authority = Authority::start(|asked| Answer::token(hop_of(asked))).await;
    let clock = clock();
    let source = agent_user(&authority.entra(&clock));
    let challenge =
        attache_entra::Claims(r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#.into());
    source.token(Some(&challenge)).await.unwrap();
    let asked = authority.asked();
    assert!(asked[..2].iter().all(|one| !one.form.contains_key("claims")));
    let claims: serde_json::Value = serde_json::from_str(asked[2].field("claims")).unwrap();
    assert_eq!(claims["access_token"]["nbf"]["value"], "1");
    assert_eq!(claims["access_token"]["xms_cc"]["values"][0], "cp1");
}
