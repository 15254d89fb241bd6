//! Members: invited by a link, let in by signing in, and never without an owner.

use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let members = operator.get("api/v1/orgs/acme/members").await.ok(200);
    let owner = members["items"][0]["id"].as_str().unwrap();
    let path = format!("api/v1/orgs/acme/members/{owner}");
    assert_eq!(operator.delete(&path).await.problem(409), "last_owner");
    let demoted = operator.send(reqwest::Method::PATCH, &path, Some(&json!({ "role": "auditor" }))).await;
    assert_eq!(demoted.problem(409), "last_owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_gives_no_role_that_may_more_than_it() {
    let world = World::new().await;
    let operator = world.operator().await;
    let all = world.organisation(&operator, "acme").await;
    let key = json!({ "name": "inviter", "scopes": ["members:write", "members:read"] });
    let key = operator.post("api/v1/orgs/acme/api-keys", &key).await.ok(201);
    let mut inviter = world.anybody();
    inviter.key = Some(key["secret"].as_str().unwrap().to_owned());
    let invite = |role: &str| json!({ "label": "Grace", "role": role });
    for role in ["admin", "auditor"] {
        let refused = inviter.post("api/v1/orgs/acme/invitations", &invite(role)).await;
        assert_eq!(refused.problem(403), "scope_exceeded", "{role}");
    }
    assert_eq!(all.post("api/v1/orgs/acme/invitations", &invite("owner")).await.problem(403), "owners_only");
    let made = all.post("api/v1/orgs/acme/invitations", &invite("auditor")).await.ok(201);

    // Nor to somebody who is a member already.
    let path = made["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let grace = crate::sign_in::as_user(&world, 1).await;
    let csrf = grace.csrf().await;
    assert_eq!(grace.form(&path, &[("csrf", &csrf)]).await.status, 303);
    let members = inviter.get("api/v1/orgs/acme/members").await.ok(200);
    let hers = members["items"].as_array().unwrap().iter().find(|member| member["role"] == "auditor");
    let member = format!("api/v1/orgs/acme/members/{}", hers.unwrap()["id"].as_str().unwrap());
    let admin = json!({ "role": "admin" });
    let refused = inviter.send(reqwest::Method::PATCH, &member, Some(&admin)).await;
    assert_eq!(refused.problem(403), "scope_exceeded");
    all.send(reqwest::Method::PATCH, &member, Some(&admin)).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_lets_one_person_in_once() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let body = json!({ "label": "Grace", "role": "auditor" });
    let made = operator.post("api/v1/orgs/acme/invitations", &body).await.ok(201);
    let path = made["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let grace = crate::sign_in::as_user(&world, 1).await;
    assert_eq!(grace.get("api/v1/orgs/acme").await.problem(404), "not_found");
    let csrf = grace.csrf().await;
    let joined = grace.form(&path, &[("csrf", &csrf)]).await;
    assert_eq!(joined.status, 303, "{}", joined.text);
    grace.get("api/v1/orgs/acme").await.ok(200);
    grace.get("api/v1/orgs/acme/audit/entries").await.ok(200);
    let refused = grace.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await;
    assert_eq!(refused.problem(403), "role_missing");
    let again = crate::sign_in::as_user(&world, 2).await;
    let csrf = again.csrf().await;
    assert_eq!(again.form(&path, &[("csrf", &csrf)]).await.status, 404);
}
