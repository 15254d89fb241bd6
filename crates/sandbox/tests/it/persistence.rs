//! A tenant that is kept: what changes is added to its log, and whoever is killed at any byte of it goes on with
//! all that was answered.

use std::path::{Path, PathBuf};

use attache_sandbox::{Config, LagProfile, Sandbox, StartError, constants};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Tenant, config};

/// People, agents, chats and mail: a change of everything that a tenant is made of.
const DOCUMENT: &str = r#"
[[users]]
upn = "mary"
licences = ["SPE_E3"]

[[apps]]
name = "Reader"
web = ["https://localhost/reader"]
roles = ["User.Read.All"]
scopes = ["User.Read"]

[[agents]]
name = "Clerk"
sponsor = "ada"
upn = "clerk@contoso.example"
licences = ["O365_BUSINESS_ESSENTIALS"]

[[chats]]
topic = "Tides"
members = ["mary", "ada", "grace"]
messages = [{ from = "mary", text = "Shall we begin?" }, { from = "ada", text = "We shall." }]

[[mail]]
from = "ada"
to = ["grace", "mary@contoso.example", "nobody@contoso.example"]
subject = "Tables"
text = "Of tides."
"#;

fn kept_in(folder: &Path) -> Config {
    Config { data: Some(folder.to_owned()), ..config() }
}

fn state(sandbox: &Sandbox) -> Value {
    sandbox.control().state()
}

fn the_log(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut logs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.next().expect("there is a log")
}

/// Does a little of everything, and says what the tenant held after each step.
async fn live_a_little(tenant: &Tenant) -> Vec<Value> {
    let mut states = vec![state(&tenant.sandbox)];
    tenant.sandbox.control().plant(DOCUMENT).unwrap();
    states.push(state(&tenant.sandbox));
    let token = tenant.provisioner().await;
    let app = json!({
        "@odata.type": "#Microsoft.Graph.AgentIdentityBlueprint", "displayName": "Made",
        "sponsors@odata.bind": [format!("https://graph.microsoft.com/v1.0/users/{}", constants::ADA_ID)],
    });
    let app = tenant.graph(Method::POST, "/beta/applications", &token, Some(app)).await.expect(201);
    states.push(state(&tenant.sandbox));
    let path = format!("/beta/applications/{}", app.text("/id"));
    let renamed = Some(json!({ "displayName": "Renamed" }));
    tenant.graph(Method::PATCH, &path, &token, renamed).await.expect(204);
    states.push(state(&tenant.sandbox));
    tenant.graph(Method::DELETE, &path, &token, None).await.expect(204);
    states.push(state(&tenant.sandbox));
    states
}

#[tokio::test]
async fn a_log_that_ends_at_any_byte_holds_everything_up_to_there() {
    let folder = tempfile::tempdir().unwrap();
    let first = Tenant::start_with(kept_in(folder.path())).await;
    let states = live_a_little(&first).await;
    first.sandbox.shutdown().await;
    let path = the_log(folder.path());
    let log = std::fs::read(&path).unwrap();
    let ends: Vec<usize> = (0..log.len()).filter(|at| log[*at] == b'\n').map(|at| at + 1).collect();
    assert!(ends.len() >= states.len(), "a line for each change");

    let mut seen = Vec::new();
    // Whole lines, and a byte more or less; the longest first, for a start cuts what is torn.
    let cuts = [0].into_iter().chain(ends.iter().copied()).flat_map(|end| [end, end.saturating_sub(1)]);
    let mut cuts: Vec<usize> = cuts.collect();
    cuts.sort_unstable();
    cuts.dedup();
    for cut in cuts.into_iter().rev() {
        std::fs::write(&path, &log[..cut]).unwrap();
        let again = Sandbox::start(kept_in(folder.path())).await.unwrap();
        seen.push((ends.iter().filter(|end| **end <= cut).count(), state(&again)));
        again.shutdown().await;
    }
    for pair in seen.windows(2) {
        assert_eq!(pair[0].0 == pair[1].0, pair[0].1 == pair[1].1, "what is torn changes nothing");
    }
    assert_eq!(seen.first().map(|(_, state)| state), states.last());
    assert_eq!(seen.last().map(|(_, state)| state), states.first());
    for state in &states {
        assert!(seen.iter().any(|(_, one)| one == state), "every state that was answered is found again");
    }
}

#[tokio::test]
async fn what_a_tenant_was_told_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = Tenant::start_with(kept_in(folder.path())).await;
    first.control(Method::POST, "clock", Some(json!({ "now": "2031-05-01T00:00:00Z" }))).await.expect(200);
    first.control(Method::POST, "lag", Some(json!({ "profile": "worst", "scale": 0.5 }))).await.expect(200);
    let limits = json!({ "limits": "documented", "scale": 2.0 });
    first.control(Method::POST, "throttling", Some(limits)).await.expect(200);
    let spent = json!({ "path": "/v1.0/me", "count": 1, "effect": { "kind": "answer", "status": 503 } });
    first.control(Method::POST, "faults", Some(spent)).await.expect(201);
    first.get(&first.url("/v1.0/me")).await.expect(503);
    let snapshot = json!({ "name": "before" });
    first.control(Method::POST, "snapshots", Some(snapshot)).await.expect(201);
    first.sandbox.control().plant("[[users]]\nupn = \"mary\"\n").unwrap();
    let faults = first.sandbox.control().faults();
    first.sandbox.shutdown().await;

    let second = Tenant::start_with(kept_in(folder.path())).await;
    let clock = second.control(Method::GET, "clock", None).await.expect(200);
    assert!(clock.text("/now").starts_with("2031-05-01T00:"), "{}", clock.text);
    assert_eq!(second.sandbox.control().faults(), faults);
    second.get(&second.url("/v1.0/me")).await.expect(401);
    assert_eq!(second.control(Method::GET, "lag", None).await.text("/profile"), "worst");
    assert_eq!(second.control(Method::GET, "throttling", None).await.text("/limits"), "documented");
    let token = second.provisioner().await;
    let mary = "/v1.0/users/mary@contoso.example";
    second.graph(Method::GET, mary, &token, None).await.expect(200);
    second.control(Method::POST, "snapshots/before/restore", None).await.expect(204);
    second.graph(Method::GET, mary, &token, None).await.expect(404);
    second.sandbox.shutdown().await;

    // A start that is told otherwise has its way.
    let third = Tenant::start_with(Config { lag: LagProfile::Typical, ..kept_in(folder.path()) }).await;
    assert_eq!(third.control(Method::GET, "lag", None).await.text("/profile"), "typical");
    assert_eq!(third.control(Method::GET, "throttling", None).await.text("/limits"), "documented");
    third.graph(Method::GET, mary, &third.provisioner().await, None).await.expect(404);
}

#[tokio::test]
async fn the_format_before_is_backed_up_and_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let first = Tenant::start_with(kept_in(folder.path())).await;
    first.sandbox.control().plant(DOCUMENT).unwrap();
    first.sandbox.shutdown().await;
    let second = Sandbox::start(kept_in(folder.path())).await.unwrap();
    let expected = state(&second);
    second.shutdown().await;

    // As that format had it: no log, and lists where there are numbered entries now.
    let base = folder.path().join(format!("tenant-{}.json", constants::TENANT_ID));
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&base).unwrap()).unwrap();
    let mut tenant = expected["tenants"][constants::TENANT_ID].clone();
    for list in ["grants", "role_assignments"] {
        let numbered = tenant[list].as_object().unwrap();
        let mut entries: Vec<(u64, Value)> =
            numbered.iter().map(|(number, entry)| (number.parse().unwrap(), entry.clone())).collect();
        entries.sort_by_key(|(number, _)| *number);
        tenant[list] = entries.into_iter().map(|(_, entry)| entry).collect();
    }
    let earlier = json!({ "version": 2, "seeded": kept["seeded"].take(), "tenant": tenant }).to_string();
    std::fs::write(&base, &earlier).unwrap();
    std::fs::remove_file(the_log(folder.path())).unwrap();

    let third = Sandbox::start(kept_in(folder.path())).await.unwrap();
    assert_eq!(state(&third), expected);
    assert_eq!(std::fs::read_to_string(base.with_extension("v2")).unwrap(), earlier);
}

#[tokio::test]
async fn a_folder_is_one_sandboxs_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Sandbox::start(kept_in(folder.path())).await.unwrap();
    let refused = Sandbox::start(kept_in(folder.path())).await.unwrap_err();
    assert!(matches!(&refused, StartError::FolderInUse(path) if path == folder.path()), "{refused}");
    first.control().plant(DOCUMENT).unwrap();
    let expected = state(&first);
    first.shutdown().await;
    let second = Sandbox::start(kept_in(folder.path())).await.unwrap();
    assert_eq!(state(&second), expected, "who was refused has written nothing");
}
