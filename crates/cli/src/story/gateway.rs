//! The steps of the gateway: it is up, an organisation is created, and its identity is provisioned; each read back
//! from the gateway, and the identity from the tenant.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use attache_sandbox::{Lag, LagProfile};
use attache_terms::{Clock, SystemClock, UserId};
use serde_json::{Value, json};
use url::Url;

use super::browser;
use super::home::Home;
use super::people;
use super::show::Show;
use super::steps::{PATIENCE, PROVISION_SCALE, Story};
use crate::commands::gateway::{Database, SandboxGateway, SandboxSettings, sandbox_parts, start_in_sandbox};
use crate::loopback::Loopback;

/// The organisation of the story.
const ORGANISATION: &str = "acme";

/// One more identity need not be waited for as long as the first.
const LAG_SCALE: f64 = 0.0005;

/// Tells the three steps; the gateway goes on.
pub(super) async fn tell(story: &Story, show: &mut Show, home: &Home) -> anyhow::Result<SandboxGateway> {
    show.begin("gateway", "starting a gateway for many organisations");
    story.sandbox.control().set_lag(Lag::new(LagProfile::Typical, LAG_SCALE));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, home.gateway_port.unwrap_or(0)));
    let database = Database::File(home.place.home.join("gateway").join("gateway.db"));
    let parts = sandbox_parts(&home.place.home, &database).await?;
    let more = SandboxSettings::default();
    let gateway = start_in_sandbox(parts, &story.sandbox, address, PROVISION_SCALE, more).await?;
    let mut browser = Loopback::default();
    let ready = browser.get(&gateway.url.join("readyz")?).await?;
    ensure!(ready.status == 200, "it is not ready: {}", ready.body);
    show.done(&format!("ready at {}", gateway.url), json!({ "url": gateway.url.as_str() }));

    show.begin("org", "an operator signs in and creates an organisation");
    sign_in(story, &mut browser, &gateway.url).await?;
    let organisation = organisation(&mut browser, &gateway.url).await?;
    show.done(
        &format!("{} exists, and its log holds that", organisation["name"].as_str().unwrap_or_default()),
        json!({ "org": organisation["id"], "slug": organisation["slug"] }),
    );

    show.begin("identity", "its assistant gets an identity of its own");
    let identity = identity(show, &mut browser, &gateway.url).await?;
    let id: UserId = identity["m365_user_id"].as_str().unwrap_or_default().parse()?;
    let seen = people::agent_user(&story.administrator, id).await?;
    let address = identity["address"].as_str().unwrap_or_default();
    ensure!(seen.user_principal_name == address, "the tenant knows {}", seen.user_principal_name);
    ensure!(!seen.assigned_licences.is_empty(), "{address} has no licence");
    ensure!(seen.identity_parent_id.is_some(), "{address} is no agent user");
    show.done(
        &format!("{address} is active in the tenant"),
        json!({ "identity": identity["id"], "address": address, "agent_user_id": id }),
    );
    Ok(gateway)
}

/// The person of the story signs in to the gateway, by Entra.
async fn sign_in(story: &Story, browser: &mut Loopback, gateway: &Url) -> anyhow::Result<()> {
    let sent = browser.get(&gateway.join("sign-in")?).await?;
    let authorize: Url = sent.location.context("the gateway sends nobody to Entra")?.parse()?;
    let (name, password) = story.sponsors_user()?;
    let client = story.directory.entra.transport().client()?;
    let back = browser::authorize(client, authorize, name, password).await?;
    let ended = browser.get(&back).await?;
    ensure!(ended.status == 303, "the gateway did not take the sign-in: {} {}", ended.status, ended.body);
    Ok(())
}

async fn organisation(browser: &mut Loopback, gateway: &Url) -> anyhow::Result<Value> {
    let wanted = json!({ "slug": ORGANISATION, "name": "Acme Corporation" });
    let made = browser.post(&gateway.join("api/v1/orgs")?, &wanted).await?;
    ensure!(matches!(made.status, 201 | 409), "{}", made.body);
    let read = browser.get(&gateway.join(&format!("api/v1/orgs/{ORGANISATION}"))?).await?;
    ensure!(read.status == 200, "{}", read.body);
    read.json()
}

async fn identity(show: &Show, browser: &mut Loopback, gateway: &Url) -> anyhow::Result<Value> {
    let below = |path: &str| gateway.join(&format!("api/v1/orgs/{ORGANISATION}/{path}"));
    let asked = browser.post(&below("agent-identity/provision")?, &json!({})).await?;
    ensure!(asked.status == 202, "{}", asked.body);
    let started = Instant::now();
    loop {
        let seen = browser.get(&below("agent-identities/default")?).await?.json()?;
        match seen["state"].as_str() {
            Some("active") => return Ok(seen),
            Some("error") => anyhow::bail!("provisioning failed: {}", seen["trouble"]),
            state => show.progress(&format!("{} ({})", state.unwrap_or_default(), seen["waiting"]["reason"])),
        }
        ensure!(started.elapsed() < PATIENCE, "the identity still waits: {seen}");
        SystemClock.sleep(Duration::from_millis(50)).await;
    }
}
