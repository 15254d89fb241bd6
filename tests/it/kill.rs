//! Provisioning may be killed anywhere. Each run is killed once, at one place, and started again; then the
//! tenant is compared with that of a run that nobody killed: nothing missing, nothing twice.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use attache_sandbox::{Config, Effect, Fault, LagProfile};
use attache_tests::{Home, Lines, Tenant, sign_in};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// The worst lag, this much faster: replication hides a new object for most of a second.
const LAG_SCALE: f64 = 0.001;
/// How long provisioning looks for what replication may hide: a little longer than it does.
const PROVISION_SCALE: &str = "0.002";
/// How many runs go on at the same time: they mostly wait.
const AT_ONCE: usize = 8;

/// Where a run is killed.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Before the nth request reaches the tenant.
    BeforeRequest(u32),
    /// After the tenant has taken the nth request, before its answer.
    AfterCommit(u32),
    /// After the nth state was persisted and told.
    AfterPersisting(usize),
}

#[tokio::test(flavor = "multi_thread")]
async fn before_each_request() -> Result<()> {
    everywhere(Place::BeforeRequest).await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_commit_and_before_its_answer() -> Result<()> {
    everywhere(Place::AfterCommit).await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_persisting() -> Result<()> {
    everywhere(|nth| Place::AfterPersisting(nth as usize)).await
}

/// Kills one run at each place of a kind, until a run comes to its end without having met its place.
async fn everywhere(place: impl Fn(u32) -> Place) -> Result<()> {
    let whole = run(None).await.context("nobody killed it")?.0;
    let (mut runs, mut next, mut over, mut killed) = (JoinSet::new(), 0, false, 0);
    while !over || !runs.is_empty() {
        while !over && runs.len() < AT_ONCE {
            let place = place(next);
            runs.spawn(async move { (place, run(Some(place)).await) });
            next += 1;
        }
        let Some(ended) = runs.join_next().await else { break };
        let (place, outcome) = ended?;
        let (tenant, met) = outcome.with_context(|| format!("killed at {place:?}"))?;
        assert_eq!(tenant, whole, "killed at {place:?}");
        over |= !met;
        killed += u32::from(met);
    }
    ensure!(killed >= 8, "only {killed} places were met");
    Ok(())
}

/// Provisions an agent in a new tenant. What the tenant holds in the end, and whether the place was met.
async fn run(place: Option<Place>) -> Result<(Value, bool)> {
    let lag = Config { lag: LagProfile::Worst, lag_scale: LAG_SCALE, ..Config::default() };
    let tenant = Tenant::with(lag).await?;
    let home = Home::at(&tenant)?;
    sign_in(&home, &tenant, 0).await?;
    let fault = |nth, effect| Fault { method: None, skip: nth, ..Fault::once("", "/**", effect) };
    match place {
        Some(Place::BeforeRequest(nth)) => {
            tenant.control().add_fault(fault(nth, Effect::HoldBeforeCommit));
        }
        Some(Place::AfterCommit(nth)) => {
            tenant.control().add_fault(fault(nth, Effect::HoldAfterCommit));
        }
        Some(Place::AfterPersisting(_)) | None => {}
    }
    let stop_after = match place {
        Some(Place::AfterPersisting(nth)) => Some(nth),
        _ => None,
    };
    let met = provision(&home, &tenant, stop_after).await?;
    tenant.control().clear_faults();
    if met {
        let again = provision(&home, &tenant, None).await.context("started again")?;
        ensure!(!again, "it was held although the faults were cleared");
    }
    verify_ledger(&home).await?;
    Ok((shape(&tenant.control().state()), met))
}

/// Runs `attache provision` to its end, or kills it: when the tenant holds a request, or after so many lines.
async fn provision(home: &Home, tenant: &Tenant, stop_after: Option<usize>) -> Result<bool> {
    let mut command = home.attache(["provision", "--json"])?;
    let app = &tenant.ready()["apps"]["provisioner"];
    let text = |name: &str| app[name].as_str().unwrap_or_default().to_owned();
    command.env("ATTACHE_PROVISIONER_CLIENT_ID", text("client_id"));
    command.env("ATTACHE_PROVISIONER_CLIENT_SECRET", text("client_secret"));
    command.env("ATTACHE_PROVISION_SCALE", PROVISION_SCALE);
    let mut program = Lines::start(command, &home.path().join("provision.log"))?;
    let control = tenant.control();
    let mut heard = 0;
    loop {
        if stop_after == Some(heard) {
            program.kill().await?;
            return Ok(true);
        }
        tokio::select! {
            held = control.wait_held() => {
                program.kill().await?;
                for request in held {
                    control.cut(request.id);
                }
                return Ok(true);
            }
            said = program.hear() => {
                let said = said?;
                heard += 1;
                match said["event"].as_str() {
                    Some("progress") if for_long(&said) => control.clock().advance(Duration::from_secs(100)),
                    Some("progress") => {}
                    Some("ready") => break,
                    _ => bail!("it said {said}"),
                }
            }
        }
    }
    let (status, _) = program.end().await?;
    ensure!(status.success(), "it ended with {status}");
    Ok(false)
}

/// Whether it waits for the mailbox or Teams, which take most of a day at worst.
fn for_long(said: &Value) -> bool {
    let reason = said["reason"].as_str().unwrap_or_default();
    said["state"] == "waiting" && (reason.contains("mailbox") || reason.contains("Teams"))
}

async fn verify_ledger(home: &Home) -> Result<()> {
    let output = home.attache(["audit", "verify", "--json"])?.output().await?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let report: Value = serde_json::from_str(&printed).with_context(|| printed.clone())?;
    ensure!(report["ok"] == true && report["dangling"] == 0, "{report}");
    Ok(())
}

/// What a tenant holds, without what differs from run to run: ids and times.
fn shape(state: &Value) -> Value {
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    let mut count = |what: String| *kinds.entry(what).or_default() += 1;
    let tenants = state["tenants"].as_object().into_iter().flat_map(|tenants| tenants.values());
    for tenant in tenants {
        let each = |name: &str| match &tenant[name] {
            Value::Object(map) => map.values().cloned().collect::<Vec<_>>(),
            Value::Array(list) => list.clone(),
            _ => Vec::new(),
        };
        for application in each("applications") {
            let length = |name: &str| application[name].as_array().map_or(0, Vec::len);
            let inheritable: Vec<_> = application["inheritable"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| &one["scopes"])
                .collect();
            count(format!(
                "application {} with {} certificates, {} inheritable, {} sponsors, deleted {}",
                kind(&application),
                length("keys"),
                json!(inheritable),
                length("sponsors"),
                application["life"]["deleted"].is_string(),
            ));
        }
        for principal in each("service_principals") {
            count(format!(
                "principal {} deleted {}",
                kind(&principal),
                principal["life"]["deleted"].is_string()
            ));
        }
        for user in each("users") {
            let licences: Vec<_> =
                user["licences"].as_array().into_iter().flatten().map(|one| &one["sku_id"]).collect();
            count(format!("user {} at {} licences {}", kind(&user), user["usage_location"], json!(licences)));
        }
        for grant in each("grants") {
            count(format!("grant {} {}", grant["consent"], grant["scope"]));
        }
        let principals = &tenant["service_principals"];
        for role in each("role_assignments") {
            let principal = role["principal_id"].as_str().unwrap_or_default();
            count(format!("role {} of {}", role["role_id"], kind(&principals[principal])));
        }
    }
    json!(kinds)
}

/// `"Blueprint"` or the name of a variant that carries ids.
fn kind(object: &Value) -> String {
    match &object["kind"] {
        Value::Object(variant) => variant.keys().cloned().collect(),
        other => other.to_string(),
    }
}
