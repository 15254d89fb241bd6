//! On behalf of: a middle tier and an agent identity exchange the user's token that they were called with.

use http::Method;
use serde_json::json;

use crate::aadsts::{client_token, t1, with_t1};
use crate::browser::{App, administrator, consent, tokens};
use crate::cast::{self, GRAPH_SP, person};
use crate::support::{GRAPH, Tenant, claims, facets};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

async fn client_principal(tenant: &Tenant, admin: &str) -> String {
    let client = &tenant.sandbox.ready().apps.client.client_id;
    let client = cast::get(tenant, &format!("/v1.0/servicePrincipals(appId='{client}')"), admin).await;
    client.text("/id").to_owned()
}

#[tokio::test]
async fn a_middle_tier_acts_for_the_user_that_called_it() {
    let tenant = cast::tenant().await;
    let admin =
        administrator(&tenant, "Application.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All").await;
    let api = App::api(&tenant, &admin, "Middle tier").await;
    consent(&tenant, &admin, &client_principal(&tenant, &admin).await, &api.principal, "access").await;
    let scope = format!("api://{}/access", api.app_id);
    let token = tokens(&tenant, "grace", &scope, &[]).await.expect(200).text("/access_token").to_owned();
    let called_with = claims(&token);
    assert_eq!((&called_with["aud"], &called_with["ver"]), (&json!(api.app_id), &json!("2.0")));
    assert_eq!((&called_with["scp"], called_with.get("idtyp")), (&json!("access"), None));

    let form = [
        ("grant_type", JWT_BEARER),
        ("requested_token_use", "on_behalf_of"),
        ("assertion", token.as_str()),
        // As MSAL sends it.
        ("scope", "https://graph.microsoft.com/User.Read offline_access openid profile"),
        ("client_info", "1"),
    ];
    let refused = api.token(&tenant, &form).await.expect(400);
    assert_eq!((refused.error(), refused.text("/suberror")), (("invalid_grant", 65_001), "consent_required"));
    let graph = cast::get(&tenant, GRAPH_SP, &admin).await;
    consent(&tenant, &admin, &api.principal, graph.text("/id"), "User.Read").await;
    let answer = api.token(&tenant, &form).await.expect(200);
    let acting = claims(answer.text("/access_token"));
    assert_eq!((&acting["appid"], &acting["oid"]), (&json!(api.app_id), &json!(person(&tenant, "grace"))));
    assert_eq!(acting["sid"], called_with["sid"], "the sign-in goes on");
    assert!(answer.json["id_token"].is_string() && answer.json["refresh_token"].is_string());
    assert!(answer.json["client_info"].is_string());
    tenant.graph(Method::GET, "/v1.0/me", answer.text("/access_token"), None).await.expect(200);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", answer.text("/refresh_token"))];
    api.token(&tenant, &refresh).await.expect(200);

    for (changes, code) in [
        (("requested_token_use", ""), 900_144),
        (("requested_token_use", "other"), 9_002_313),
        (("assertion", ""), 900_144),
        (("assertion", "nonsense"), 50_027),
        (("scope", ""), 900_144),
    ] {
        let mut form = form.to_vec();
        form.retain(|(name, _)| *name != changes.0);
        form.push(changes);
        assert_eq!(api.token(&tenant, &form).await.error().1, code, "{changes:?}");
    }
}

#[tokio::test]
async fn an_agent_identity_acts_for_a_person_with_a_token_for_its_blueprint() {
    let tenant = cast::tenant().await;
    let blueprint = cast::blueprint(&tenant, "User.Read Mail.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let t1 = t1(&tenant, &blueprint, &identity).await;
    let tc = client_token(&tenant, &blueprint).await;
    assert_eq!(claims(&tc)["aud"], blueprint.id);
    let form = [
        ("grant_type", JWT_BEARER),
        ("requested_token_use", "on_behalf_of"),
        ("assertion", tc.as_str()),
        ("scope", GRAPH),
    ];
    let answer = with_t1(&tenant, &identity, &t1, &form).await.expect(200);
    let acting = claims(answer.text("/access_token"));
    assert_eq!((&acting["appid"], &acting["oid"]), (&json!(identity), &json!(person(&tenant, "grace"))));
    assert_eq!((&acting["appidacr"], &acting["acr"]), (&json!("2"), &json!("1")));
    assert_eq!(acting["xms_par_app_azp"], blueprint.id);
    assert_eq!(facets(&acting, "xms_act_fct"), [3, 9, 11]);
    assert_eq!(facets(&acting, "xms_sub_fct"), [3]);
    assert_eq!(acting["idtyp"], "user");
    assert!(acting["scp"].as_str().unwrap().contains("Mail.Read"));
}
