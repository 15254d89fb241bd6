//! Nobody sees or changes what belongs to another organisation, by any route that the document describes, nor by any
//! page or form.

use attache_gateway::page_paths;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::entra::customer;
use crate::own_tenant::connect;
use crate::sign_in::as_user;
use crate::world::{Answer, Caller, World};

/// One object of each kind, of one organisation, whose identity lives so.
async fn objects(
    world: &World,
    operator: &Caller,
    slug: &str,
    mode: &str,
) -> (Caller, Vec<(&'static str, String)>) {
    let key = world.organisation(operator, slug).await;
    let below = |path: &str| format!("api/v1/orgs/{slug}/{path}");
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    if mode == "own_tenant" {
        connect(world, operator, slug, &customer(world).await).await;
    }
    let asked = key.post(&below("agent-identity/provision"), &json!({ "mode": mode })).await.ok(202);
    key.until(&below("agent-identities/default"), |seen| seen["state"] == "active").await;
    let invitation = json!({ "label": "x", "role": "auditor" });
    let invitation = key.post(&below("invitations"), &invitation).await.ok(201);
    let link = key.post(&below("audit/entries/0/links"), &json!({})).await.ok(201);
    let keys = key.get(&below("api-keys")).await.ok(200);
    let members = key.get(&below("members")).await.ok(200);
    let entries = key.get(&below("audit/entries")).await.ok(200);
    let jobs = key.get(&below("jobs")).await.ok(200);
    let all = vec![
        ("org", slug.to_owned()),
        ("identity", id(&asked)),
        ("invitation", id(&invitation)),
        ("link", id(&link)),
        ("key", id(&keys["items"][0])),
        ("member", id(&members["items"][0])),
        ("entry", id(&entries["items"][0])),
        ("job", id(&jobs["items"][0])),
    ];
    (key, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_every_object_of_another_organisation() {
    let world = World::new().await;
    let operator = world.operator().await;
    let (acme, own) = objects(&world, &operator, "acme", "shared").await;
    let (globex, foreign) = objects(&world, &operator, "globex", "own_tenant").await;
    let tenant = globex.get("api/v1/orgs/globex/tenant").await.ok(200);
    let document = world.anybody().get("api/openapi.json").await.ok(200);
    let before = globex.get("api/v1/orgs/globex/audit/export?format=jsonl").await.text.lines().count();
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        if !path.contains("{org}") {
            continue;
        }
        for method in methods.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            for target in targets(path, &own, &foreign) {
                let body = (method != Method::GET).then(|| body(path));
                let answer = acme.send(method.clone(), target.trim_start_matches('/'), body.as_ref()).await;
                assert_eq!(answer.problem(404), "not_found", "{method} {target}");
                tried += 1;
            }
        }
    }
    assert!(tried > 40, "{tried} tried");
    let after = globex.get("api/v1/orgs/globex/audit/export?format=jsonl").await.text.lines().count();
    // The export itself is on record, once for each time.
    assert_eq!(after, before + 1, "something was changed");

    // A tenant is connected for the one organisation only.
    assert_eq!(globex.get("api/v1/orgs/globex/tenant").await.ok(200), tenant);
    let seen = acme.get("api/v1/orgs/acme/tenant").await.ok(200);
    assert_eq!((&seen["connected"], &seen["connection"]), (&json!(false), &Value::Null));
    let abroad = json!({ "template": "abroad", "mode": "own_tenant" });
    let refused = acme.post("api/v1/orgs/acme/agent-identity/provision", &abroad).await;
    assert_eq!(refused.problem(409), "not_connected");
    let given = acme.send(Method::PUT, "api/v1/orgs/acme/tenant/blueprint", Some(&blueprint())).await;
    assert_eq!(given.problem(409), "not_connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_and_form_refuses_every_object_of_another_organisation() {
    let world = World::new().await;
    let operator = world.operator().await;
    let (_, own) = objects(&world, &operator, "acme", "shared").await;
    let (globex, foreign) = objects(&world, &operator, "globex", "own_tenant").await;
    let identity = &foreign.iter().find(|(kind, _)| *kind == "identity").unwrap().1;
    let owner = owner(&world, &operator, "acme").await;
    let csrf = owner.csrf_of("orgs/acme").await;
    let entries = async || {
        let export = globex.get("api/v1/orgs/globex/audit/export?format=jsonl").await;
        export.text.lines().filter(|line| !line.contains("audit.exported")).count()
    };
    let before = entries().await;
    let mut tried = 0;
    for path in page_paths().iter().filter(|path| path.contains("{org}") || path.contains("{identity}")) {
        for target in targets(path, &own, &foreign) {
            for answer in seen_and_sent(&owner, &target, &csrf, identity).await {
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{target}: {}", answer.text);
                assert!(!answer.text.contains("globex Corporation"), "{target}: {}", answer.text);
                tried += 1;
            }
        }
    }
    assert!(tried > 70, "{tried} tried");
    assert_eq!(entries().await, before, "something was changed");

    // Nothing but whose it is stood in the way: whoever may is let in by each of them, but for the stream of events,
    // which does not end, and for a successor, since none was asked.
    let csrf = operator.csrf().await;
    let is_there = |path: &&String| {
        path.contains("{org}") && !path.ends_with("/events") && !path.ends_with("/sponsor/withdraw")
    };
    let mut refused = Vec::new();
    for path in page_paths().iter().filter(is_there) {
        let target = fill(path, &foreign, &foreign);
        for answer in seen_and_sent(&operator, &target, &csrf, identity).await {
            let status = answer.status;
            if [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&status)
                || answer.text.contains("fill the form in again")
            {
                let (_, said) = answer.text.split_once("<h1>").unwrap();
                refused.push(format!("{path}: {status}: {}", said.lines().take(2).collect::<String>()));
            }
        }
    }
    assert_eq!(refused, Vec::<String>::new());
}

/// Somebody else who owns an organisation, signed in.
async fn owner(world: &World, operator: &Caller, slug: &str) -> Caller {
    let body = json!({ "label": "Grace", "role": "owner" });
    let made = operator.post(&format!("api/v1/orgs/{slug}/invitations"), &body).await.ok(201);
    let path = made["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let owner = as_user(world, 1).await;
    let csrf = owner.csrf().await;
    assert_eq!(owner.form(&path, &[("csrf", &csrf)]).await.status, StatusCode::SEE_OTHER);
    owner
}

/// The answers to a look at a page, and to its form that is filled in so that each is content, where there is either.
async fn seen_and_sent(caller: &Caller, path: &str, csrf: &str, identity: &str) -> Vec<Answer> {
    const FIELDS: &[(&str, &str)] = &[
        ("aliases", ""),
        ("client_id", "0f8b4a0e-54cf-4a4e-9a39-6a2f0a1b8a11"),
        ("days", "30"),
        ("department", ""),
        ("display_name", "x"),
        ("domain", ""),
        ("host", "siem.example.com"),
        ("job_title", ""),
        ("label", "x"),
        ("licence", ""),
        ("local_part", "x"),
        ("method", "create"),
        ("mode", "shared"),
        ("name", "x"),
        ("port", "6514"),
        ("reason", "x"),
        ("role", "auditor"),
        ("sponsor", "0f8b4a0e-54cf-4a4e-9a39-6a2f0a1b8a11"),
        ("subject", "x"),
        ("template", "x"),
        ("to", "a@b.example"),
        ("transport", "tls"),
        ("usage_location", ""),
        ("user_id", ""),
    ];
    let path = path.trim_start_matches('/');
    let sent = if path.ends_with("/photo") {
        caller.upload(path, csrf, b"GIF89a").await
    } else {
        let fields: Vec<_> = FIELDS.iter().copied().chain([("csrf", csrf), ("identity", identity)]).collect();
        caller.form(path, &fields).await
    };
    let answers = [caller.page(path).await, sent];
    let are_served = |answer: &Answer| answer.status != StatusCode::METHOD_NOT_ALLOWED;
    answers.into_iter().filter(are_served).collect()
}

/// What belongs to the other organisation: it by its name; and, in one's own organisation, its objects.
fn targets(path: &str, own: &[(&str, String)], foreign: &[(&str, String)]) -> Vec<String> {
    let mut targets = vec![fill(path, foreign, foreign)];
    // One form names an identity among its fields.
    let names_another = path.matches('{').count() > 1 || path.ends_with("/suspension/identity");
    if path.contains("{org}") && names_another {
        targets.push(fill(path, own, foreign));
    }
    targets
}

fn fill(path: &str, first: &[(&str, String)], rest: &[(&str, String)]) -> String {
    let mut filled = path.to_owned();
    for (name, value) in first.iter().filter(|(name, _)| *name == "org").chain(rest) {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    assert!(!filled.contains('{'), "{filled} has a parameter that this test does not know");
    filled
}

/// A blueprint that somebody may own.
fn blueprint() -> Value {
    json!({ "client_id": "0f8b4a0e-54cf-4a4e-9a39-6a2f0a1b8a11" })
}

/// A body that each route accepts, so that nothing but the organisation stands in its way.
fn body(path: &str) -> Value {
    match path.rsplit('/').next().unwrap() {
        "api-keys" => json!({ "name": "x", "scopes": ["audit:read"] }),
        "invitations" => json!({ "label": "x", "role": "auditor" }),
        "{member}" => json!({ "role": "auditor" }),
        "suspend" => json!({ "reason": "x" }),
        "test-send" => json!({ "to": "a@b.example" }),
        "sponsor" => json!({ "sponsor": "0f8b4a0e-54cf-4a4e-9a39-6a2f0a1b8a11" }),
        "siem" => json!({ "host": "siem.example.com" }),
        "sending" => json!({ "quota": 9 }),
        "blueprint" => blueprint(),
        "tenant" => json!({ "local_part": "x" }),
        "aliases" => json!({ "aliases": [] }),
        "retention" => json!({ "days": 30 }),
        "erasures" => json!({ "subject": "x" }),
        _ => json!({}),
    }
}
