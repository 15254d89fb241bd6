//! Who answers for an identity: when they leave it pauses, and it goes on when a successor has accepted.

use attache_sandbox::{Effect, Fault};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Caller, World};

const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";
const SPONSOR: &str = "api/v1/orgs/acme/agent-identities/default/sponsor";

/// An active identity of Acme's that user 1 answers for.
async fn sponsored(world: &World) -> (Caller, Value) {
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let sponsor = &world.sandbox.ready().users[1].id;
    let path = "api/v1/orgs/acme/agent-identity/provision";
    acme.post(path, &json!({ "sponsor": sponsor })).await.ok(202);
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    assert_eq!(active["sponsor_id"], json!(sponsor));
    (acme, active)
}

/// Two looks: what is amiss must be so twice.
async fn looked_at(acme: &Caller, finding: &str) -> Value {
    acme.post(&format!("{SPONSOR}/check"), &json!({})).await.ok(202);
    acme.until(SPONSOR, |seen| seen["amiss"]["finding"] == finding).await;
    acme.until(DEFAULT, |seen| seen["suspended"]["proof"]["enforced"] == true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_sponsor_leaves_the_agent_pauses_until_a_successor_has_accepted() {
    let world = World::new().await;
    let (acme, active) = sponsored(&world).await;
    let users = world.sandbox.ready().users.clone();
    let (sponsor, successor, other) = (&users[1], &users[2], &users[0]);

    // All is well: a look finds them on both objects.
    acme.post(&format!("{SPONSOR}/check"), &json!({})).await.ok(202);
    let well = acme.until(SPONSOR, |seen| seen["looked"].is_string()).await;
    assert_eq!((&well["amiss"], &well["in_entra"]), (&Value::Null, &json!([sponsor.id])));

    // They leave: it pauses, the tenant is told, and nobody resumes it by hand.
    world.graph(Method::DELETE, &format!("users/{}", sponsor.id), None).await.ok(204);
    let paused = looked_at(&acme, "gone").await;
    assert_eq!(paused["suspended"]["cause"], "sponsor");
    assert!(paused["suspended"]["proof"]["hops_fail"].is_string(), "{paused}");
    assert_eq!(acme.post(&format!("{DEFAULT}/resume"), &json!({})).await.problem(409), "sponsor_needed");

    // A successor is named, who is a person of the tenant.
    let nobody = json!({ "sponsor": "00000000-0000-4000-8000-000000000000" });
    assert_eq!(acme.send(Method::PUT, SPONSOR, Some(&nobody)).await.problem(422), "invalid");
    let agent = json!({ "sponsor": active["m365_user_id"] });
    assert!(acme.send(Method::PUT, SPONSOR, Some(&agent)).await.text.contains("is an agent"));
    let named = acme.send(Method::PUT, SPONSOR, Some(&json!({ "sponsor": successor.id }))).await.ok(200);
    assert!(named["successor"]["named"].is_string() && named["successor"]["accepted"].is_null(), "{named}");

    // Nobody accepts for them: neither a key, nor somebody else.
    let accept = format!("api/v1/sponsorships/{}/accept", active["id"].as_str().unwrap());
    assert_eq!(acme.post(&accept, &json!({})).await.problem(403), "people_only");
    let stranger = world.signed_in(&other.id).await;
    assert_eq!(stranger.post(&accept, &json!({})).await.problem(404), "not_found");
    assert_eq!(acme.get(DEFAULT).await.ok(200)["suspended"]["cause"], "sponsor");

    // They accept, on the page that shows what they are asked: it goes on, and that is tried.
    let person = world.signed_in(&successor.id).await;
    let asked = person.get("api/v1/sponsorships").await.ok(200);
    assert_eq!(asked["items"][0]["organisation"], "acme Corporation");
    let page = person.page("sponsorships").await;
    assert!(page.text.contains("I answer for it"), "{}", page.text);
    let csrf = person.csrf_of("sponsorships").await;
    let form = person.form(accept.trim_start_matches("api/v1/"), &[("csrf", &csrf)]).await;
    assert_eq!(form.status, 303, "{}", form.text);
    let done = acme.until(SPONSOR, |seen| seen["successor"]["proved"].is_string()).await;
    assert_eq!((&done["sponsor_id"], &done["amiss"]), (&json!(successor.id), &Value::Null));
    assert!(acme.get(DEFAULT).await.ok(200)["suspended"].is_null());

    // Entra has them on both objects, and nobody else.
    for path in [
        format!("servicePrincipals/{}/sponsors", active["agent_identity_id"].as_str().unwrap()),
        format!("users/{}/sponsors", active["m365_user_id"].as_str().unwrap()),
    ] {
        let sponsors = world.graph(Method::GET, &path, None).await.ok(200);
        let ids: Vec<_> = sponsors["value"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
        assert_eq!(ids, [&json!(successor.id)], "{path}");
    }
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=sponsor.&limit=50").await.ok(200).to_string();
    for act in ["sponsor.lost", "sponsor.named", "sponsor.accepted", "sponsor.add", "sponsor.changed"] {
        assert!(log.contains(act), "{act} in {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_disabled_or_taken_off_in_entra_answers_for_nothing() {
    let world = World::new().await;
    let (acme, active) = sponsored(&world).await;
    let users = world.sandbox.ready().users.clone();
    let agent = active["agent_identity_id"].as_str().unwrap();

    // Somebody else is made the sponsor in Entra, past us.
    let body = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{}", users[2].id) });
    let sponsors = format!("servicePrincipals/{agent}/sponsors");
    world.graph(Method::POST, &format!("{sponsors}/$ref"), Some(&body)).await.ok(204);
    world.graph(Method::DELETE, &format!("{sponsors}/{}/$ref", users[1].id), None).await.ok(204);
    looked_at(&acme, "not_of_agent_identity").await;
    let seen = acme.get(SPONSOR).await.ok(200);
    assert_eq!(seen["in_entra"], json!([users[2].id]));

    // The one before may accept again, too; then both objects have them.
    acme.send(Method::PUT, SPONSOR, Some(&json!({ "sponsor": users[1].id }))).await.ok(200);
    let person = world.signed_in(&users[1].id).await;
    let accept = format!("api/v1/sponsorships/{}/accept", active["id"].as_str().unwrap());
    person.post(&accept, &json!({})).await.ok(202);
    acme.until(SPONSOR, |seen| seen["successor"]["proved"].is_string()).await;

    // Disabled, they answer for nothing either; whoever asks for the suspension keeps it.
    let disabled = json!({ "accountEnabled": false });
    world.graph(Method::PATCH, &format!("users/{}", users[1].id), Some(&disabled)).await.ok(204);
    looked_at(&acme, "disabled").await;
    acme.post(&format!("{DEFAULT}/suspend"), &json!({ "reason": "on purpose" })).await.ok(202);
    let kept = acme.get(DEFAULT).await.ok(200);
    assert_eq!(kept["suspended"]["cause"], "asked");
    acme.send(Method::PUT, SPONSOR, Some(&json!({ "sponsor": users[2].id }))).await.ok(200);
    let person = world.signed_in(&users[2].id).await;
    person.post(&accept, &json!({})).await.ok(202);
    acme.until(SPONSOR, |seen| seen["sponsor_id"] == json!(users[2].id)).await;
    assert_eq!(acme.get(DEFAULT).await.ok(200)["suspended"]["cause"], "asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_to_an_identity_meanwhile_sends_nobody_away_who_names_its_sponsor() {
    let world = World::new().await;
    let (acme, _) = sponsored(&world).await;
    let successor = world.sandbox.ready().users[2].id.clone();
    let control = world.sandbox.control();
    // The tenant is slow to say who they are.
    control.add_fault(Fault::once("GET", &format!("/v1.0/users/{successor}"), Effect::HoldBeforeCommit));
    let wanted = json!({ "sponsor": successor });
    let name = acme.send(Method::PUT, SPONSOR, Some(&wanted));
    let write = async {
        let held = control.wait_held().await[0].id;
        let title = json!({ "job_title": "Controller" });
        acme.send(Method::PATCH, DEFAULT, Some(&title)).await.ok(200);
        assert!(control.release(held));
    };
    let (named, ()) = tokio::join!(name, write);
    assert_eq!(named.ok(200)["successor"]["user_id"], json!(successor));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_may_decline_and_the_question_can_be_taken_back() {
    let world = World::new().await;
    let (acme, active) = sponsored(&world).await;
    let successor = world.sandbox.ready().users[2].id.clone();
    let path = format!("api/v1/sponsorships/{}", active["id"].as_str().unwrap());
    let person = world.signed_in(&successor).await;
    acme.send(Method::PUT, SPONSOR, Some(&json!({ "sponsor": successor }))).await.ok(200);
    person.post(&format!("{path}/decline"), &json!({})).await.ok(204);
    assert!(acme.get(SPONSOR).await.ok(200)["successor"].is_null());
    acme.send(Method::PUT, SPONSOR, Some(&json!({ "sponsor": successor }))).await.ok(200);
    acme.delete(SPONSOR).await.ok(204);
    assert_eq!(person.post(&format!("{path}/accept"), &json!({})).await.problem(404), "not_found");
    // Nothing of it stopped the agent, whose sponsor has answered for it all the time.
    assert!(acme.get(DEFAULT).await.ok(200)["suspended"].is_null());
}
