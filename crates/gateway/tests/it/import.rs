//! Identities of an earlier system are taken in: planned first, found in the tenant as they are, and never twice.

use std::collections::BTreeMap;

use attache_gateway::{Import, Taken, What, import_identities};
use serde_json::{Value, json};

use crate::world::World;

async fn import(world: &World, text: &str, plan: bool) -> Vec<Taken> {
    let organisations = BTreeMap::from([("org_7".to_owned(), "initech".to_owned())]);
    let import = Import { text, organisations: &organisations, plan };
    import_identities(world.config(), world.parts(), import).await.unwrap()
}

fn whats(taken: &[Taken]) -> Vec<&What> {
    taken.iter().map(|one| &one.what).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_system_knew_is_found_in_the_tenant_as_it_is() {
    let world = World::new().await;
    let operator = world.operator().await;
    let user = world.sandbox.ready().users[1].clone();
    let id = |nth: u32| json!({ "$oid": format!("665f1c2e9b1e8a00123456{nth:02}") });
    let active = json!({
        "_id": id(1), "org_id": "org_42", "template_id": null, "identity_mode": "curate_me_hosted",
        "subdomain": "acme", "m365_user_id": user.id, "status": "ACTIVE", "email": user.upn,
        "aliases": ["dev-team", "cfo"], "created_at": { "$date": "2025-05-15T00:00:00Z" },
    });
    let gone = json!({ "_id": id(2), "org_id": "org_42", "template_id": "cfo", "status": "DEPROVISIONED" });
    let pending = json!({ "_id": id(3), "org_id": "org_7", "template_id": null, "status": "PENDING" });
    let same = json!({ "_id": id(4), "org_id": "org_42", "template_id": null, "status": "PENDING" });
    let foreign = json!({
        "_id": id(5), "org_id": "globex", "status": "ACTIVE", "m365_user_id": user.id, "email": user.upn,
    });
    let bad = json!({ "_id": id(6), "org_id": "org_42", "status": "SLEEPING" });
    let file: String = [&active, &gone, &pending, &same, &bad].iter().map(|one| format!("{one}\n")).collect();

    // The plan changes nothing.
    let planned = import(&world, &file, true).await;
    assert_eq!(operator.get("api/v1/orgs").await.ok(200)["items"], json!([]));
    let expected = [What::Imported, What::Kept, What::Imported];
    assert_eq!(whats(&planned)[..3], expected.iter().collect::<Vec<_>>());
    for (taken, says) in planned[3..].iter().zip(["another document before it", "SLEEPING"]) {
        let What::Refused { reason } = &taken.what else { panic!("{taken:?}") };
        assert!(reason.contains(says) && taken.document.contains("_id 665f"), "{taken:?}");
    }

    let taken = import(&world, &file, false).await;
    assert_eq!(whats(&taken), whats(&planned));
    assert!(taken[0].new_organisation && !taken[1].new_organisation && taken[2].new_organisation);

    // It is adopted: the tenant has the user, and nothing was written there.
    let path = "api/v1/orgs/acme/agent-identities/default";
    let found = |jobs: &Value| {
        let jobs = jobs["items"].as_array().unwrap();
        jobs.iter().any(|job| job["kind"] == "identity.provision" && job["state"] == "done")
    };
    operator.until("api/v1/orgs/acme/jobs", found).await;
    let invited = json!({ "label": "Grace", "role": "owner" });
    let link = operator.post("api/v1/orgs/acme/invitations", &invited).await.ok(201);
    let link = link["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let owner = crate::sign_in::as_user(&world, 2).await;
    let csrf = owner.csrf().await;
    assert_eq!(owner.form(&link, &[("csrf", &csrf)]).await.status, 303);
    let seen = owner.until(path, |seen| seen["state"] == "active").await;
    assert_eq!((&seen["m365_user_id"], &seen["address"]), (&json!(user.id), &json!(user.upn)));
    let log = owner.get("api/v1/orgs/acme/audit/entries?act=identity.imported").await.ok(200);
    let entries = log["items"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{log}");
    assert!(entries.iter().all(|entry| entry["by"] == "operator"), "{log}");
    let writes = world.sandbox.control().requests();
    let writes: Vec<_> =
        writes.iter().filter(|one| one.method != "GET" && one.path.contains("/v1.0/")).collect();
    assert!(writes.is_empty(), "{writes:?}");

    // The same file again changes nothing; a user is one identity's.
    let before = owner.get("api/v1/orgs/acme/audit/checkpoint").await.text;
    let again = import(&world, &format!("{file}{foreign}\n"), false).await;
    assert_eq!(whats(&again)[..3], [&What::There, &What::There, &What::There]);
    assert!(
        matches!(&again[5].what, What::Refused { reason } if reason.contains("has its user")),
        "{again:?}"
    );
    assert_eq!(owner.get("api/v1/orgs/acme/audit/checkpoint").await.text, before);
    let names: Value = operator.get("api/v1/orgs").await.ok(200);
    assert_eq!(names["items"].as_array().unwrap().len(), 2, "{names}");
}
