//! A snapshot of ten thousand objects, restored by the control API; and the first write after it, which has to
//! copy what it changes.

use std::path::Path;
use std::time::Instant;

use anyhow::ensure;
use attache_sandbox::{Config, Sandbox};
use serde_json::{Value, json};

use super::client::{Ask, Client, Connection};
use super::process::text;
use super::{median, millis};

const OBJECTS: usize = 10_000;
const TIMES: usize = 50;

/// Bound: milliseconds of a restore.
const RESTORE: f64 = 5.0;

pub(super) async fn run() -> anyhow::Result<()> {
    let sandbox = Sandbox::start(Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() }).await?;
    let ready = serde_json::to_value(sandbox.ready())?;
    let mut connection =
        Client::of(text(&ready, "/url")?, Path::new(text(&ready, "/ca")?))?.connect().await?;
    let token = writer(&mut connection, &ready).await?;
    let domain = text(&ready, "/domain")?;
    let started = Instant::now();
    for number in 0..OBJECTS {
        connection.send(&create(&token, domain, &format!("person-{number}"))).await?.json()?;
    }
    let created = started.elapsed();
    let control = text(&ready, "/control_token")?;
    let snapshot = connection.send(&Ask::post("/_sandbox/snapshots", control, &json!({}))).await?.json()?;
    let path = format!("/_sandbox/snapshots/{}/restore", snapshot["id"]);
    let restore = Ask::post(path, control, &Value::Null);
    let (mut restored, mut written) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let started = Instant::now();
        // The same name again: it is free only if the restore took the last round's away.
        connection.send(&create(&token, domain, "one-more")).await?.json()?;
        written.push(started.elapsed());
        let started = Instant::now();
        let reply = connection.send(&restore).await?;
        restored.push(started.elapsed());
        ensure!(reply.status.is_success(), "not restored: {}", reply.status);
    }
    let [restored, written] = [restored, written].map(|all| millis(median(all, Ord::cmp)));
    crate::print(format_args!(
        "sandbox, snapshot of {OBJECTS}       {restored:6.2} ms to restore ({:4.2} x the bound of {RESTORE} ms)  first write after it {written:.2} ms; making the users took {:.0} ms",
        restored / RESTORE,
        millis(created),
    ));
    Ok(())
}

fn create(token: &str, domain: &str, name: &str) -> Ask {
    let user = json!({
        "accountEnabled": true, "displayName": name, "mailNickname": name,
        "userPrincipalName": format!("{name}@{domain}"), "passwordProfile": { "password": "Pa55word-1" },
    });
    Ask::post("/v1.0/users", token, &user)
}

/// A token that may also write users.
async fn writer(connection: &mut Connection, ready: &Value) -> anyhow::Result<String> {
    const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
    let ask = Ask::token(ready)?;
    let token = connection.send(&ask).await?.json()?;
    let token = text(&token, "/access_token")?;
    let principal =
        |app_id: &str| Ask::get(format!("/v1.0/servicePrincipals(appId='{app_id}')"), Some(token));
    let graph = connection.send(&principal(GRAPH)).await?.json()?;
    let own = connection.send(&principal(text(ready, "/apps/provisioner/client_id")?)).await?.json()?;
    let id = text(&own, "/id")?;
    let roles = graph["appRoles"].as_array().into_iter().flatten();
    let role = roles.filter(|role| role["value"] == "User.ReadWrite.All").map(|role| &role["id"]).next();
    let grant = json!({ "principalId": id, "resourceId": graph["id"], "appRoleId": role });
    let path = format!("/v1.0/servicePrincipals/{id}/appRoleAssignments");
    connection.send(&Ask::post(path, token, &grant)).await?.json()?;
    Ok(text(&connection.send(&ask).await?.json()?, "/access_token")?.to_owned())
}
