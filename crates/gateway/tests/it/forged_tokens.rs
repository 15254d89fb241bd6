//! Attacks on sign-in by the id token: whoever sits between the gateway and Entra, or holds a token that Entra made
//! for somebody else's application, signs nobody in. Each is refused for its own reason, and is on record.

use attache_ledger::{Event, Verdict};
use attache_sandbox::{Effect, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
use url::Url;

use crate::audit::own;
use crate::sign_in::through_entra;
use crate::world::{Answer, Caller, SECRET, World};

/// A sign-in up to Entra's answer: the browser, its attempt's nonce, and the path that it comes back to.
struct Attempt {
    browser: Caller,
    nonce: String,
    back: String,
}

async fn begin(world: &World) -> Attempt {
    let mut browser = world.anybody();
    let begun = browser.get("sign-in").await;
    browser.cookie = begun.cookies().into_iter().next();
    let back = through_entra(world, &begun.location(), 0).await;
    let nonce = query(&begun.location().parse().unwrap(), "nonce");
    Attempt { browser, nonce, back: back.as_str().strip_prefix(world.url.as_str()).unwrap().to_owned() }
}

fn query(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(own, _)| own == name).unwrap().1.into_owned()
}

/// The end of a sign-in at which the gateway gets this id token.
async fn end(world: &World, attempt: &Attempt, id_token: &str) -> Answer {
    let body =
        json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": "a", "id_token": id_token });
    let given = Effect::Answer { status: 200, body: Some(body), retry_after: None };
    // The gateway's own jobs ask for tokens meanwhile, with other grants.
    let body_contains = Some("grant_type=authorization_code".to_owned());
    let fault = Fault { body_contains, ..Fault::once("POST", "/**/oauth2/v2.0/token", given) };
    world.sandbox.control().add_fault(fault);
    attempt.browser.get(&attempt.back).await
}

/// A token that Entra truly signs for somebody's other application, with the nonce of this attempt.
async fn of_another_application(world: &World, attempt: &Attempt) -> String {
    let (ready, back) = (world.sandbox.ready(), format!("{}connect/callback", world.url));
    let entra: Url = ready.url.parse().unwrap();
    let mut authorize = entra.join("organizations/oauth2/v2.0/authorize").unwrap();
    authorize
        .query_pairs_mut()
        .append_pair("client_id", &world.connect)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", &back)
        .append_pair("scope", "openid profile")
        .append_pair("nonce", &attempt.nonce);
    let code = query(&through_entra(world, authorize.as_str(), 0).await, "code");
    let form = [
        ("client_id", world.connect.as_str()),
        ("client_secret", SECRET),
        ("grant_type", "authorization_code"),
        ("redirect_uri", &back),
        ("code", &code),
    ];
    let token = entra.join("organizations/oauth2/v2.0/token").unwrap();
    let answer = world.browser().post(token).form(&form).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["id_token"].as_str().unwrap_or_else(|| panic!("no id token: {answer}")).to_owned()
}

/// A token that says all that is expected, but for what is changed, and that nobody signed.
fn unsigned(world: &World, attempt: &Attempt, true_one: &str, change: impl Fn(&mut Value)) -> String {
    let payload = true_one.split('.').nth(1).unwrap();
    let mut claims: Value = serde_json::from_slice(&BASE64URL.decode(payload).unwrap()).unwrap();
    claims["aud"] = world.config().sign_in.client_id.to_string().into();
    claims["nonce"] = attempt.nonce.as_str().into();
    change(&mut claims);
    let part = |value: &Value| BASE64URL.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT", "kid": "k" })), part(&claims))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_application_of_another_tenant_or_unsigned_signs_nobody_in_and_is_on_record() {
    let world = World::new().await;
    let attempt = begin(&world).await;
    let elsewhere = of_another_application(&world, &attempt).await;
    let refused = end(&world, &attempt, &elsewhere).await;
    assert_refused(&world, &refused, "for another application", 1).await;

    let attempt = begin(&world).await;
    let token = unsigned(&world, &attempt, &elsewhere, |claims| {
        claims["tid"] = "11111111-1bfe-48cd-8902-ddfdfd44e1ce".into();
    });
    assert_refused(&world, &end(&world, &attempt, &token).await, "another issuer", 2).await;

    let attempt = begin(&world).await;
    let token = unsigned(&world, &attempt, &elsewhere, |_| {});
    assert_refused(&world, &end(&world, &attempt, &token).await, "not signed with RS256", 3).await;
}

/// That nobody is signed in, for this reason, and that it is the so-manieth entry that says so.
async fn assert_refused(world: &World, refused: &Answer, reason: &str, entries: usize) {
    assert_eq!(refused.problem(403), "id_token_invalid");
    assert!(refused.json()["detail"].as_str().unwrap().contains(reason), "{}", refused.text);
    assert!(refused.cookies().iter().all(|cookie| !cookie.starts_with("attache-session=")), "{refused:?}");
    let noted = own(world, "person.sign_in_refused").await;
    assert_eq!(noted.len(), entries);
    let Event::Change { verdict: Verdict::Refused, code: Some(code), .. } = &noted[0].event else {
        panic!("{:?}", noted[0])
    };
    assert_eq!(code.as_str(), "id_token_invalid");
}
