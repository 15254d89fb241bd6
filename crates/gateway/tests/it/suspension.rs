//! A whole organisation is stopped at once, and let go on.

use std::sync::Arc;

use attache_sandbox::{Effect, Fault};
use attache_store::{JobId, NewJob, OrgId, Unit};
use attache_terms::{Clock, ManualClock, SystemClock, SystemRng};
use serde_json::{Value, json};

use crate::jobs::{die_of, give_up};
use crate::world::{Caller, World};

const ORG: &str = "api/v1/orgs/acme";
const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_organisation_does_nothing_and_leaves_alone_what_was_suspended_by_itself() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let one = |template: &str| format!("{ORG}/agent-identities/{template}");
    for template in ["default", "cfo"] {
        acme.post(PROVISION, &json!({ "template": template })).await.ok(202);
        acme.until(&one(template), |seen| seen["state"] == "active").await;
    }
    acme.post(&format!("{}/suspend", one("cfo")), &json!({ "reason": "its own" })).await.ok(202);

    // At once nothing is issued or provisioned, with a code of its own.
    let suspended = acme.post(&format!("{ORG}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    assert_eq!(suspended["suspended"]["reason"], "a drill");
    let to = json!({ "to": world.sandbox.ready().users[1].upn });
    let sent = acme.post(&format!("{}/test-send", one("default")), &to).await;
    assert_eq!(sent.problem(409), "organisation_suspended");
    let more = acme.post(PROVISION, &json!({ "template": "dev" })).await;
    assert_eq!(more.problem(409), "organisation_suspended");

    // Then each identity is stopped in its tenant, and that is proved.
    let stopped = acme.until(&format!("{ORG}/suspension"), |seen| seen["proved"] == 2).await;
    assert_eq!((&stopped["suspended"], &stopped["organisation"]["reason"]), (&json!(2), &json!("a drill")));
    assert_eq!((&stopped["identities"], &stopped["enforced"]), (&json!(2), &json!(2)), "{stopped}");
    let seconds = stopped["tokens_live_seconds"].as_i64().unwrap();
    assert!((5000..=5400).contains(&seconds), "{stopped}");
    let resumed = acme.post(&format!("{}/resume", one("default")), &json!({})).await;
    assert_eq!(resumed.problem(409), "organisation_suspended");

    // What it stopped goes on; what was stopped for its own reason does not.
    acme.post(&format!("{ORG}/resume"), &json!({})).await.ok(202);
    acme.until(&one("default"), |seen| seen["suspended"].is_null()).await;
    acme.until_posted(&format!("{}/test-send", one("default")), &to).await;
    let cfo = acme.get(&one("cfo")).await.ok(200);
    assert_eq!(cfo["suspended"]["reason"], "its own", "{cfo}");
    assert!(cfo["suspended"]["with"].is_null(), "{cfo}");
    // That it was stopped, and how that was seen, is on record when nothing else tells it any more.
    let log = acme.get(&format!("{ORG}/audit/entries?act=identity.suspension_proved")).await.ok(200);
    let proofs = log["items"].as_array().unwrap();
    assert_eq!(proofs.len(), 2, "{log}");
    assert!(proofs.iter().all(|proof| proof["code"].as_str().unwrap().starts_with("AADSTS")), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_an_agent_is_stopped_and_no_proof_is_claimed() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let user = world.sandbox.ready().users[1].id.clone();
    operator.post(PROVISION, &json!({ "method": "adopt", "user_id": user })).await.ok(202);
    let one = format!("{ORG}/agent-identities/default");
    acme.until(&one, |seen| seen["state"] == "active").await;
    acme.post(&format!("{one}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    let stopped = acme.until(&one, |seen| seen["suspended"]["proof"]["enforced"] == true).await;
    let proof = &stopped["suspended"]["proof"];
    assert!(proof["hops_fail"].is_null() && proof["tokens_end"].is_string(), "{stopped}");
    let path = format!("users/{user}?$select=accountEnabled");
    let told = world.graph(reqwest::Method::GET, &path, None).await.ok(200);
    assert_eq!(told["accountEnabled"], false);
    let suspension = acme.get(&format!("{ORG}/suspension")).await.ok(200);
    assert_eq!((&suspension["enforced"], &suspension["proved"]), (&json!(1), &json!(0)), "{suspension}");
    let log = acme.get(&format!("{ORG}/audit/entries?act=identity.suspension_")).await.ok(200);
    let acts: Vec<_> = log["items"].as_array().unwrap().iter().map(|entry| &entry["act"]).collect();
    assert_eq!(acts, ["identity.suspension_enforced"], "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_suspended_only_an_operator_resumes() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    leaves(&world, &operator).await;
    let suspended = operator.post(&format!("{ORG}/suspend"), &json!({ "reason": "abuse" })).await.ok(202);
    assert_eq!(suspended["suspended"]["by_operator"], true);
    let resumed = acme.post(&format!("{ORG}/resume"), &json!({})).await;
    assert_eq!(resumed.problem(403), "operators_only");
    operator.post(&format!("{ORG}/resume"), &json!({})).await.ok(202);
}

/// The operator belongs to the organisation that it made; another owner takes its place.
async fn leaves(world: &World, operator: &Caller) {
    let members = operator.get(&format!("{ORG}/members")).await.ok(200);
    let own = members["items"][0]["id"].as_str().unwrap().to_owned();
    let invited = json!({ "label": "Grace", "role": "owner" });
    let invited = operator.post(&format!("{ORG}/invitations"), &invited).await.ok(201);
    let link = invited["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let grace = crate::sign_in::as_user(world, 1).await;
    let csrf = grace.csrf().await;
    assert_eq!(grace.form(&link, &[("csrf", &csrf)]).await.status, 303);
    grace.delete(&format!("{ORG}/members/{own}")).await.ok(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_suspension_holds_where_members_suspended_before() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    leaves(&world, &operator).await;
    let one = format!("{ORG}/agent-identities/default");
    acme.post(PROVISION, &json!({})).await.ok(202);
    acme.until(&one, |seen| seen["state"] == "active").await;

    // A single identity.
    acme.post(&format!("{one}/suspend"), &json!({ "reason": "its own" })).await.ok(202);
    acme.until(&one, |seen| seen["suspended"]["proof"]["hops_fail"].is_string()).await;
    let abuse = json!({ "reason": "abuse" });
    let suspended = operator.post(&format!("{one}/suspend"), &abuse).await.ok(202)["suspended"].clone();
    assert_eq!((&suspended["by_operator"], &suspended["reason"]), (&json!(true), &json!("abuse")));
    assert_eq!(acme.post(&format!("{one}/resume"), &json!({})).await.problem(403), "operators_only");
    operator.until_posted(&format!("{one}/resume"), &json!({})).await;

    // The whole organisation.
    acme.post(&format!("{ORG}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    let suspended = operator.post(&format!("{ORG}/suspend"), &abuse).await.ok(202)["suspended"].clone();
    assert_eq!((&suspended["by_operator"], &suspended["reason"]), (&json!(true), &json!("abuse")));
    assert_eq!(acme.post(&format!("{ORG}/resume"), &json!({})).await.problem(403), "operators_only");
    // Both words are on record.
    let entries = acme.get(&format!("{ORG}/audit/entries?act=organisation.suspended")).await.ok(200);
    let by: Vec<_> = entries["items"].as_array().unwrap().iter().map(|entry| entry["by"].clone()).collect();
    assert_eq!(by, ["operator", "key"]);
    operator.post(&format!("{ORG}/resume"), &json!({})).await.ok(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_stop_an_organisation_on_a_page_that_says_how_to_do_it_without_us() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    let active =
        acme.until(&format!("{ORG}/agent-identities/default"), |seen| seen["state"] == "active").await;
    let csrf = operator.csrf().await;
    let path = "orgs/acme/settings/suspension";
    let page = operator.page(path).await;
    let user = active["m365_user_id"].as_str().unwrap();
    assert!(page.text.contains(&format!("/users/{user}/revokeSignInSessions")), "{}", page.text);
    let fields = [("csrf", csrf.as_str()), ("reason", "a drill")];
    assert_eq!(operator.form(&format!("{path}/suspend"), &fields).await.status, 303);
    acme.until(&format!("{ORG}/suspension"), |seen| seen["proved"] == 1).await;
    let page = operator.page(path).await;
    assert!(page.text.contains("a drill") && page.text.contains("AADSTS"), "{}", page.text);
    assert!(operator.page("orgs/acme").await.text.contains("This organisation is suspended"));
    assert_eq!(operator.form(&format!("{path}/resume"), &[("csrf", &csrf)]).await.status, 303);
    let forged = operator.form(&format!("{path}/suspend"), &[("csrf", "x"), ("reason", "forged")]).await;
    assert_eq!(forged.status, 403);
}

/// Has every change of a user refused, until faults are cleared.
fn refuse_users(world: &World) {
    let effect = Effect::Answer { status: 403, body: None, retry_after: None };
    let fault = Fault::once("PATCH", "/v1.0/users/**", effect);
    world.sandbox.control().add_fault(Fault { count: None, ..fault });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_again_has_the_tenant_told_again_where_that_was_given_up() {
    const JOBS: &str = "api/v1/orgs/acme/jobs";
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let mut world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let one = format!("{ORG}/agent-identities/default");
    acme.post(PROVISION, &json!({})).await.ok(202);
    let user = acme.until(&one, |seen| seen["state"] == "active").await["m365_user_id"].clone();
    let path = format!("users/{}?$select=accountEnabled", user.as_str().unwrap());
    let enabled = async |world: &World| {
        world.graph(reqwest::Method::GET, &path, None).await.ok(200)["accountEnabled"].clone()
    };
    let untold = |seen: &Value| seen["suspended"]["proof"]["enforced"] == false;
    let told = |seen: &Value| seen["suspended"]["proof"]["enforced"] == true;
    let (why, nothing) = (json!({ "reason": "a drill" }), json!({}));

    // One identity.
    refuse_users(&world);
    acme.post(&format!("{one}/suspend"), &why).await.ok(202);
    give_up(&mut world, &clock, &acme, JOBS, "identity.enforce").await;
    world.sandbox.control().clear_faults();
    let suspended = acme.get(&one).await.ok(200);
    assert!(untold(&suspended), "{suspended}");
    let page = "orgs/acme/settings/suspension";
    assert!(operator.page(page).await.text.contains("Tell the tenant again of "));
    acme.post(&format!("{one}/suspend"), &json!({ "reason": "again" })).await.ok(202);
    let stopped = acme.until(&one, told).await;
    assert!(!operator.page(page).await.text.contains("Tell the tenant again"));
    assert_eq!((&stopped["suspended"]["reason"], enabled(&world).await), (&json!("a drill"), json!(false)));
    refuse_users(&world);
    acme.until_posted(&format!("{one}/resume"), &nothing).await;
    let given_up = give_up(&mut world, &clock, &acme, JOBS, "identity.enforce").await;
    world.sandbox.control().clear_faults();
    assert_eq!(enabled(&world).await, json!(false));
    acme.post(&format!("{one}/resume"), &nothing).await.ok(202);
    let done = |jobs: &Value| {
        let mut all = jobs["items"].as_array().unwrap().iter();
        all.any(|job| job["id"] == given_up["id"] && job["state"] == "done")
    };
    acme.until(JOBS, done).await;
    assert_eq!(enabled(&world).await, json!(true));

    // The organisation.
    refuse_users(&world);
    acme.post(&format!("{ORG}/suspend"), &why).await.ok(202);
    give_up(&mut world, &clock, &acme, JOBS, "identity.enforce").await;
    world.sandbox.control().clear_faults();
    assert!(untold(&acme.get(&one).await.ok(200)));
    // Its page has a button for it, as long as it is due.
    assert!(operator.page(page).await.text.contains("Tell the tenant again"));
    let csrf = operator.csrf_of(page).await;
    let fields = [("csrf", csrf.as_str()), ("reason", "a drill")];
    assert_eq!(operator.form(&format!("{page}/suspend"), &fields).await.status, 303);
    acme.until(&one, told).await;
    assert!(!operator.page(page).await.text.contains("Tell the tenant again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_whose_identities_did_not_follow_is_resumed_again() {
    const DEAD: &str = "api/v1/orgs/acme/jobs?state=dead";
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let mut world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    let org: OrgId = acme.get(ORG).await.ok(200)["id"].as_str().unwrap().parse().unwrap();
    world.stop().await;
    let follow = NewJob::new(JobId::make(&*clock, &SystemRng), "organisation.follow", Some(org), &());
    let mut unit = Unit::new();
    unit.enqueue(follow.only("suspension"));
    world.store.commit(unit).await.unwrap();
    die_of(&world, &clock, "organisation.follow", 50).await;
    world.start().await;
    acme.until(DEAD, |jobs| jobs["items"][0]["kind"] == "organisation.follow").await;
    acme.post(&format!("{ORG}/resume"), &json!({})).await.ok(202);
    acme.until(DEAD, |jobs| jobs["items"] == json!([])).await;
}
