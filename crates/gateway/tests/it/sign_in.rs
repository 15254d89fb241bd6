//! Signing in against Entra, and attacks on it.

use reqwest::header::COOKIE;
use url::Url;

use crate::entra::{Person, through};
use crate::world::{Caller, World};

/// A person of the sandbox, signed in to the gateway by Entra.
pub(crate) async fn as_user(world: &World, index: usize) -> Caller {
    let mut caller = world.anybody();
    let (binding, back) = authorize(world, &caller, index).await;
    caller.cookie = Some(binding);
    let path = back.as_str().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let ended = caller.get(&path).await;
    assert_eq!(ended.status, 303, "{}", ended.text);
    caller.cookie = ended.cookies().into_iter().find(|cookie| cookie.starts_with("attache-session="));
    caller
}

/// The way to Entra and back, up to the callback: the binding cookie, and the address that Entra sends to.
async fn authorize(world: &World, caller: &Caller, index: usize) -> (String, Url) {
    let begun = caller.get("sign-in").await;
    assert_eq!(begun.status, 303, "{}", begun.text);
    let binding = begun.cookies().into_iter().next().unwrap();
    (binding, through_entra(world, &begun.location(), index).await)
}

/// What a person of the sandbox's first tenant does at Entra.
async fn through_entra(world: &World, authorize: &str, index: usize) -> Url {
    let user = &world.sandbox.ready().users[index];
    let person = Person { id: user.id.clone(), upn: user.upn.clone(), password: user.password.clone() };
    through(world, authorize, &person, "accept").await
}

/// Somebody of any tenant, signed in to the gateway by Entra.
pub(crate) async fn as_person(world: &World, person: &Person) -> Caller {
    let mut caller = world.anybody();
    let begun = caller.get("sign-in").await;
    caller.cookie = begun.cookies().into_iter().next();
    // Entra asks for the name first, and goes on at the person's own tenant.
    let at = format!("{}&login_hint={}", begun.location(), person.upn);
    let back = through(world, &at, person, "accept").await;
    let path = back.as_str().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let ended = caller.get(&path).await;
    assert_eq!(ended.status, 303, "{}", ended.text);
    caller.cookie = ended.cookies().into_iter().find(|cookie| cookie.starts_with("attache-session="));
    caller
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_by_entra_and_out_again() {
    let world = World::new().await;
    let ada = as_user(&world, 0).await;
    let home = ada.page("").await;
    assert!(home.text.contains("Ada Lovelace") && home.text.contains("Sandbox:"), "{}", home.text);
    let csrf = ada.csrf().await;
    assert_eq!(ada.form("sign-out", &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(ada.get("api/v1/orgs").await.problem(401), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_callback_signs_nobody_in() {
    let world = World::new().await;
    let mut caller = world.anybody();
    let (binding, back) = authorize(&world, &caller, 0).await;
    caller.cookie = Some(binding);
    let path = back.as_str().strip_prefix(world.url.as_str()).unwrap().to_owned();
    assert_eq!(caller.get(&path).await.status, 303);
    assert_eq!(caller.get(&path).await.problem(403), "sign_in_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_in_another_browser_signs_nobody_in() {
    let world = World::new().await;
    let caller = world.anybody();
    let (_, back) = authorize(&world, &caller, 0).await;
    let path = back.as_str().strip_prefix(world.url.as_str()).unwrap().to_owned();
    assert_eq!(caller.get(&path).await.problem(403), "sign_in_refused");
    // Nor in one that has begun an attempt of its own.
    let (own, _) = authorize(&world, &caller, 1).await;
    let mut victim = caller.clone();
    victim.cookie = Some(own);
    assert_eq!(victim.get(&path).await.problem(403), "sign_in_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swapped_nonce_signs_nobody_in() {
    let world = World::new().await;
    let mut caller = world.anybody();
    let begun = caller.get("sign-in").await;
    caller.cookie = begun.cookies().into_iter().next();
    let mut url: Url = begun.location().parse().unwrap();
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let value = if name == "nonce" { "0b1c2d3e-0000-4000-8000-000000000000".into() } else { value };
            (name.into_owned(), value.into_owned())
        })
        .collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    let back = through_entra(&world, url.as_str(), 0).await;
    let path = back.as_str().strip_prefix(world.url.as_str()).unwrap().to_owned();
    assert_eq!(caller.get(&path).await.problem(403), "id_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_link_works_once() {
    let world = World::new().await;
    let (clock, rng) = (attache_terms::SystemClock, attache_terms::SystemRng);
    let link = attache_gateway::sign_in_link(&world.store, &world.url, world.operator, "Ada", &clock, &rng)
        .await
        .unwrap();
    let path = link.expose().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let caller = world.anybody();
    assert!(caller.page(&path).await.text.contains("Sign in once"), "looking does not use it up");
    assert_eq!(caller.send(reqwest::Method::POST, &path, None).await.status, 303);
    assert_eq!(caller.send(reqwest::Method::POST, &path, None).await.problem(404), "link_used");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_form_changes_nothing() {
    let world = World::new().await;
    let operator = world.operator().await;
    let client = world.browser();
    let cookie = operator.cookie.clone().unwrap();
    let body = serde_json::json!({ "slug": "evil", "name": "Evil" });
    let request = client.post(world.url.join("api/v1/orgs").unwrap()).header(COOKIE, cookie);
    let answer = request.header("origin", "https://evil.example").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert_eq!(
        operator.form("orgs", &[("slug", "evil"), ("name", "Evil"), ("csrf", "guess")]).await.status,
        403
    );
    assert_eq!(operator.get("api/v1/orgs").await.ok(200)["items"], serde_json::json!([]));
}
