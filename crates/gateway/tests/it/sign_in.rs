//! Signing in against Entra, and attacks on it.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{ByKind, Entry};
use attache_store::{EntryQuery, GatewayScope, Log, Order, Place, Within};
use reqwest::header::COOKIE;
use serde_json::json;
use url::Url;

use crate::entra::{Person, through};
use crate::world::{Ahead, Answer, Caller, World};

/// A person of the sandbox, signed in to the gateway by Entra.
pub(crate) async fn as_user(world: &World, index: usize) -> Caller {
    let ended = sign_in(world, &world.anybody(), "sign-in", index, str::to_owned).await;
    assert_eq!(ended.status, 303, "{}", ended.text);
    in_session(world, &ended)
}

/// Whoever got a session's cookie by this answer.
fn in_session(world: &World, ended: &Answer) -> Caller {
    let mut caller = world.anybody();
    caller.cookie = ended.cookies().into_iter().find(|cookie| cookie.starts_with("attache-session="));
    caller
}

/// A sign-in in the caller's browser that begins at `path`; its way to Entra may be edited. The answer to its end.
async fn sign_in(
    world: &World,
    caller: &Caller,
    path: &str,
    index: usize,
    edit: impl Fn(&str) -> String,
) -> Answer {
    let begun = caller.get(path).await;
    assert_eq!(begun.status, 303, "{}", begun.text);
    let cookies = begun.cookies().into_iter().chain(caller.cookie.clone());
    let mut browser = caller.clone();
    browser.cookie = Some(cookies.collect::<Vec<_>>().join("; "));
    let back = through_entra(world, &edit(&begun.location()), index).await;
    browser.get(back.as_str().strip_prefix(world.url.as_str()).unwrap()).await
}

/// The way to Entra and back, up to the callback: the binding cookie, and the address that Entra sends to.
async fn authorize(world: &World, caller: &Caller, index: usize) -> (String, Url) {
    let begun = caller.get("sign-in").await;
    assert_eq!(begun.status, 303, "{}", begun.text);
    let binding = begun.cookies().into_iter().next().unwrap();
    (binding, through_entra(world, &begun.location(), index).await)
}

/// What a person of the sandbox's first tenant does at Entra.
pub(crate) async fn through_entra(world: &World, authorize: &str, index: usize) -> Url {
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
async fn whoever_only_begins_leaves_nothing_and_who_comes_late_begins_again() {
    let clock = Arc::new(Ahead::default());
    let world = World::at(Arc::clone(&clock) as _).await;
    let caller = world.anybody();
    let (binding, back) = authorize(&world, &caller, 0).await;
    let engine = world.store.engine(GatewayScope::granted());
    for kind in ["sign_in", "sign_in_used"] {
        assert_eq!(engine.count(kind, Within::Anywhere, None).await.unwrap(), 0, "{kind}");
    }
    let path = back.as_str().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let mut late = caller.clone();
    late.cookie = Some(binding.clone());
    clock.advance(Duration::from_secs(11 * 60));
    assert_eq!(late.get(&path).await.problem(403), "sign_in_refused");
    // Nor does a cookie do that is not ours.
    late.cookie = Some(format!("{}A", &binding[..binding.len() - 1]));
    assert_eq!(late.get(&path).await.problem(403), "sign_in_refused");
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
    let path = world.link(world.operator, "Ada").await;
    let caller = world.anybody();
    assert!(caller.page(&path).await.text.contains("Sign in once"), "looking does not use it up");
    assert_eq!(caller.send(reqwest::Method::POST, &path, None).await.status, 303);
    assert_eq!(caller.send(reqwest::Method::POST, &path, None).await.problem(404), "link_used");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_a_sign_in_by_it_and_signing_out_are_on_record_each_by_its_name() {
    let world = World::new().await;
    let operator = world.operator().await;
    let csrf = operator.csrf().await;
    let out = operator.form("sign-out", &[("csrf", &csrf)]).await;
    assert_eq!(out.status, 303, "{}", out.text);
    let rows = world.store.engine(GatewayScope::granted());
    let rows = rows.entries(EntryQuery::all(Log(Place::Gateway), 100)).await.unwrap();
    let entries: Vec<_> = rows.iter().map(|row| row.entry().unwrap().unwrap()).collect();
    let user = world.operator.user;
    let about = |entry: &&Entry| entry.target.user == Some(user);
    let told = |entry: &Entry| (entry.act().unwrap().as_str().to_owned(), entry.actor.from);
    let acts: Vec<_> = entries.iter().filter(about).map(told).collect();
    let there = Some("127.0.0.1".parse().unwrap());
    let expected =
        [("sign_in_link.made", None), ("person.signed_in_by_link", there), ("person.signed_out", there)];
    assert_eq!(
        acts,
        expected.map(|(act, from)| (act.to_owned(), from)),
        "a link that was found is told from a sign-in with Entra"
    );
}

/// What wants that somebody has just proved who they are.
async fn dangerous(caller: &Caller) -> Answer {
    let key = json!({ "name": "one more", "scopes": ["identities:read"] });
    caller.post("api/v1/orgs/acme/api-keys", &key).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dangerous_wants_a_proof_that_entra_vouches_for() {
    let clock = Arc::new(Ahead::default());
    let world = World::at(Arc::clone(&clock) as _).await;
    let ada = as_user(&world, 0).await;
    ada.post("api/v1/orgs", &json!({ "slug": "acme", "name": "Acme" })).await.ok(201);
    dangerous(&ada).await.ok(201);

    // A quarter of an hour later nothing proves that it still is she; that Entra still knows her browser does not.
    let quarter = Duration::from_secs(15 * 60);
    clock.advance(quarter);
    assert_eq!(dangerous(&ada).await.problem(403), "step_up");
    let ended = sign_in(&world, &ada, "sign-in", 0, str::to_owned).await;
    assert_eq!(ended.status, 303, "{}", ended.text);
    let ada = in_session(&world, &ended);
    ada.get("api/v1/orgs/acme").await.ok(200);
    assert_eq!(dangerous(&ada).await.problem(403), "step_up");

    // Nor does a proof of before, nor the way to Entra without the demand for one.
    let again = "sign-in?again=1";
    let stale = sign_in(&world, &ada, again, 0, str::to_owned).await;
    assert_eq!(stale.problem(403), "sign_in_not_fresh");
    let edit = |url: &str| url.replace("&max_age=0", "").replace("&prompt=login", "");
    let edited = sign_in(&world, &ada, again, 0, edit).await;
    assert_eq!(edited.problem(403), "sign_in_not_fresh");
    assert_eq!(dangerous(&ada).await.problem(403), "step_up");

    // A proof of now does.
    world.sandbox.control().clock().advance(quarter);
    let ended = sign_in(&world, &ada, again, 0, str::to_owned).await;
    assert_eq!(ended.status, 303, "{}", ended.text);
    dangerous(&in_session(&world, &ended)).await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_ends_the_session_before_and_is_on_record_with_its_request() {
    let world = World::new().await;
    let before = as_user(&world, 0).await;
    let ended = sign_in(&world, &before, "sign-in", 0, str::to_owned).await;
    assert_eq!(ended.status, 303, "{}", ended.text);
    in_session(&world, &ended).get("api/v1/orgs").await.ok(200);
    assert_eq!(before.get("api/v1/orgs").await.problem(401), "unauthenticated");

    let query = EntryQuery {
        act: Some("person.signed_in"),
        order: Order::Descending,
        ..EntryQuery::all(Log(Place::Gateway), 1)
    };
    let rows = world.store.engine(GatewayScope::granted()).entries(query).await.unwrap();
    let entry = rows[0].entry().unwrap().unwrap();
    let request = entry.correlation.request.map(|id| id.to_string());
    assert_eq!(request.as_deref(), Some(ended.headers["x-request-id"].to_str().unwrap()));
    assert_eq!(entry.actor.from, Some("127.0.0.1".parse().unwrap()));
    let by = entry.actor.by.unwrap();
    assert_eq!((by.kind, by.id), (ByKind::Operator, Some(world.operator.user.to_string())));
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
