//! A tenant with ample seats, the gateway that is measured, and another one behind a recorder, whose provisionings
//! are the scripts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use attache_entra::{Transport, TransportConfig};
use attache_gateway::{
    ClientApp, Config, Gateway, Governance, HostedTenant, Limits, Operator, Parts, Running,
    hosted_permissions, sign_in_link,
};
use attache_keys::MemoryStore;
use attache_sandbox::{Config as SandboxConfig, Sandbox};
use attache_store::{Engine, GatewayScope, JobQuery, JobState, ListQuery, Page, Store, Within};
use attache_store_sqlite::{Sqlite, SqliteOptions};
use attache_terms::{Clock, Cloud, Origin, Rng, Secret, SystemClock, SystemRng};
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use url::Url;

use super::proof::prove;
use super::recorder::Recorder;
use super::script::Script;
use crate::sandbox::client::{Ask, Client as Bare};

const SECRET: &str = "sbx8Q~gateway-secret-of-the-sandbox";
const DOMAIN: &str = "agents.contoso.example";
const PUBLIC_URL: &str = "http://localhost:8443/";

/// How often it is looked whether all are done.
const LOOK: Duration = Duration::from_millis(100);

/// The tenant and its two gateways.
pub(super) struct World {
    sandbox: Sandbox,
    ours: Served,
    recording: Served,
    recorder: Recorder,
    transport: Transport,
    control: Bare,
    recordings: AtomicUsize,
    _folder: tempfile::TempDir,
}

/// A gateway, and its operator's session.
struct Served {
    running: Running,
    store: Store,
    client: Client,
    url: String,
    cookie: String,
}

impl World {
    pub(super) async fn start() -> anyhow::Result<Self> {
        // Beside the program, since a folder for temporary files may not be on a disk.
        let program = std::env::current_exe()?;
        let folder = tempfile::tempdir_in(program.parent().context("the program stands in a folder")?)?;
        let roles: Vec<&str> = hosted_permissions().map(|one| one.name).collect();
        let document = json!({
            "settings": { "domains": [DOMAIN], "seats": { "SPE_E3": 100_000 } },
            "apps": [{ "name": "Gateway", "secret": SECRET, "roles": roles }],
        });
        let sandbox = Sandbox::start(SandboxConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            document: Some(document.to_string()),
            ..SandboxConfig::default()
        })
        .await?;
        let ready = sandbox.ready();
        let client = || Bare::of(&ready.url, &ready.ca);
        let recorder = Recorder::start(client()?, folder.path()).await?;
        let ours = Served::start(&sandbox, &ready.url, &ready.ca, &folder.path().join("ours.db")).await?;
        let behind = folder.path().join("recording.db");
        let recording = Served::start(&sandbox, &recorder.url, &recorder.ca, &behind).await?;
        let transport =
            Transport::new(TransportConfig { ca: Some(ready.ca.clone()), ..TransportConfig::default() })?;
        let (control, recordings) = (client()?, AtomicUsize::new(0));
        let world =
            Self { sandbox, ours, recording, recorder, transport, control, recordings, _folder: folder };
        // The first makes the blueprint, which all others of a cell find.
        world.one_more().await?;
        Ok(world)
    }

    /// Provisions one by the recording gateway; its slug and its id.
    async fn one_more(&self) -> anyhow::Result<Vec<String>> {
        let slug = recorded(self.recordings.fetch_add(1, Ordering::Relaxed));
        self.recording.organisation(&slug).await?;
        let done = self.recording.done().await?;
        let identity = self.recording.provision(&slug).await?;
        self.recording.until(done + 1).await?;
        Ok(vec![slug, identity])
    }

    /// The requests of one provisioning, of now.
    pub(super) async fn recorded(&self) -> anyhow::Result<Script> {
        self.recorder.take();
        let names = self.one_more().await?;
        Script::of(&self.recorder.take(), &names)
    }

    pub(super) async fn organisations(&self, slugs: &[String]) -> anyhow::Result<()> {
        for slug in slugs {
            self.ours.organisation(slug).await?;
        }
        Ok(())
    }

    /// Asks for an identity for each, several at once, and waits until all are there.
    pub(super) async fn provision(&self, slugs: &[String], at_once: usize) -> anyhow::Result<()> {
        let done = self.ours.done().await?;
        let mut asking = JoinSet::new();
        for part in slugs.chunks(slugs.len().div_ceil(at_once)) {
            let (asks, part) = (self.ours.asks(), part.to_vec());
            asking.spawn(async move {
                for slug in part {
                    asks.provision(&slug).await?;
                }
                anyhow::Ok(())
            });
        }
        asking.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
        self.ours.until(done + slugs.len() as u64).await
    }

    /// The client that the gateways have, too.
    pub(super) fn client(&self) -> anyhow::Result<&Client> {
        Ok(self.transport.client()?)
    }

    pub(super) fn tenant_url(&self) -> &str {
        &self.sandbox.ready().url
    }

    /// How many requests the tenant has had.
    pub(super) fn requests(&self) -> usize {
        self.sandbox.control().requests().last().map_or(0, |last| usize::try_from(last.number).unwrap_or(0))
    }

    /// Keeps the tenant as it is; says how to come back to it.
    pub(super) async fn snapshot(&self) -> anyhow::Result<String> {
        let kept = self.steer("/_sandbox/snapshots", &json!({})).await?;
        Ok(format!("/_sandbox/snapshots/{}/restore", kept["id"]))
    }

    pub(super) async fn restore(&self, path: &str) -> anyhow::Result<()> {
        self.steer(path, &Value::Null).await.map(drop)
    }

    async fn steer(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let ask = Ask::post(path, &self.sandbox.ready().control_token, body);
        self.control.connect().await?.send(&ask).await?.json()
    }

    /// An error unless each of so many organisations, and those that were recorded, has one identity and all that
    /// belongs to it, once.
    pub(super) async fn prove(&self, organisations: usize) -> anyhow::Result<()> {
        let recordings = self.recordings.load(Ordering::Relaxed);
        for (served, all) in [(&self.ours, organisations), (&self.recording, recordings)] {
            let engine = served.store.engine(GatewayScope::granted());
            let identities = engine.count("identity", Within::Anywhere, None).await?;
            ensure!(identities == all as u64, "{all} organisations have {identities} identities");
        }
        let slugs = (0..organisations).map(slug).chain((0..recordings).map(recorded));
        let names = slugs.map(|slug| format!("assistant@{slug}.{DOMAIN}")).collect();
        prove(&self.sandbox.control().state()["tenants"][&self.sandbox.ready().tenant_id], &names)
    }

    pub(super) async fn stop(self) {
        self.ours.running.stop().await;
        self.recording.running.stop().await;
        self.sandbox.shutdown().await;
    }
}

/// The short name of an organisation.
pub(super) fn slug(number: usize) -> String {
    format!("org-{number:05}")
}

/// That of one that was recorded.
fn recorded(number: usize) -> String {
    format!("recorded-{number:05}")
}

/// The client id of the gateway's application.
fn application(sandbox: &Sandbox) -> anyhow::Result<String> {
    let state = sandbox.control().state();
    let all =
        state["tenants"][&sandbox.ready().tenant_id]["applications"].as_object().context("applications")?;
    let own =
        all.values().find(|one| one["display_name"] == "Gateway").context("the gateway's application")?;
    Ok(own["app_id"].as_str().context("its client id")?.to_owned())
}

impl Served {
    /// A gateway whose tenant is at this address.
    async fn start(sandbox: &Sandbox, tenant: &str, ca: &Path, database: &Path) -> anyhow::Result<Self> {
        let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let options =
            SqliteOptions { path: database.to_owned(), clock: Arc::clone(&clock), rng: Arc::clone(&rng) };
        let store = Store::new(Arc::new(Sqlite::open(options)?) as Arc<dyn Engine>);
        let parts = Parts { store: store.clone(), secrets: Arc::new(MemoryStore::default()), clock, rng };
        let (ready, app, origin) = (sandbox.ready(), application(sandbox)?, tenant.parse::<Origin>()?);
        let person = ready.users.first().context("nobody is there")?;
        let operator = Operator { tenant: ready.tenant_id.parse()?, user: person.id.parse()? };
        let secret = || Secret::new(SECRET.to_owned());
        let hosted = HostedTenant {
            tenant: operator.tenant,
            provisioner: ClientApp { client_id: app.parse()?, client_secret: secret() },
            domain: DOMAIN.to_owned(),
            licences: Vec::new(),
            usage_location: "US".to_owned(),
            subdomains: 4_900,
            sponsor: operator.user,
        };
        let public_url: Url = PUBLIC_URL.parse()?;
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            public_url: public_url.clone(),
            tls: None,
            trusted_proxies: Vec::new(),
            cloud: Cloud::at(origin.clone(), origin),
            ca: Some(ca.to_owned()),
            sign_in: ClientApp { client_id: app.parse()?, client_secret: secret() },
            hosted: vec![hosted],
            connect: None,
            operators: vec![operator],
            shared_sender: Some("noreply@contoso.example".to_owned()),
            local_part: "assistant".to_owned(),
            sandbox: true,
            provision_scale: 1.0,
            request_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
            connections: 4096,
            workers: super::AT_ONCE,
            governance: Governance::default(),
            operator_keys: Vec::new(),
            send_quota: 200,
            outbound_allowed: Vec::new(),
            region: None,
            limits: Limits::NONE,
        };
        let running = Gateway::start(config, parts).await?;
        let url = format!("http://{}/", running.address());
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let link = sign_in_link(&public_url, operator, "Ada", &clock, &rng).keep(&store).await?;
        let path = link.expose().strip_prefix(PUBLIC_URL).context("a link elsewhere")?.to_owned();
        let answer = client.post(format!("{url}{path}")).send().await?;
        let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut sessions = cookies.filter(|cookie| cookie.starts_with("attache-session="));
        let session = sessions.next().and_then(|cookie| cookie.split(';').next());
        let cookie = session.context("no session")?.to_owned();
        Ok(Self { running, store, client, url, cookie })
    }

    fn asks(&self) -> Asks {
        Asks { client: self.client.clone(), url: self.url.clone(), cookie: self.cookie.clone() }
    }

    async fn organisation(&self, slug: &str) -> anyhow::Result<()> {
        let body = json!({ "slug": slug, "name": format!("{slug} Limited") });
        self.asks().post("api/v1/orgs", &body).await.map(drop)
    }

    async fn provision(&self, slug: &str) -> anyhow::Result<String> {
        self.asks().provision(slug).await
    }

    /// How many identities are active.
    async fn done(&self) -> anyhow::Result<u64> {
        let engine = self.store.engine(GatewayScope::granted());
        Ok(engine.count("identity", Within::Anywhere, Some(("state", "active"))).await?)
    }

    /// An error when an identity cannot become active. It looks at every job there is.
    async fn check(&self) -> anyhow::Result<()> {
        let engine = self.store.engine(GatewayScope::granted());
        let stopped = ListQuery {
            kind: "identity",
            within: Within::Anywhere,
            lookup: Some(("state", "error")),
            page: Page::first(1),
        };
        if let Some(stopped) = engine.list(stopped).await?.first() {
            anyhow::bail!("an identity was not provisioned: {}", stopped.body);
        }
        let jobs = JobQuery { state: Some(JobState::Dead), limit: 1, ..JobQuery::default() };
        if let Some(dead) = engine.jobs(jobs).await?.first() {
            anyhow::bail!("a job was given up: {dead:?}");
        }
        Ok(())
    }

    /// Waits until so many are active.
    async fn until(&self, wanted: u64) -> anyhow::Result<()> {
        let mut before = 0;
        loop {
            let done = self.done().await?;
            if done >= wanted {
                return Ok(());
            }
            if done == before {
                self.check().await?;
            }
            before = done;
            SystemClock.sleep(LOOK).await;
        }
    }
}

/// Whoever asks the gateway's API.
struct Asks {
    client: Client,
    url: String,
    cookie: String,
}

impl Asks {
    async fn provision(&self, slug: &str) -> anyhow::Result<String> {
        let path = format!("api/v1/orgs/{slug}/agent-identity/provision");
        let identity = self.post(&path, &json!({})).await?;
        Ok(identity["id"].as_str().context("the identity's id")?.to_owned())
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.client.request(Method::POST, format!("{}{path}", self.url)).json(body);
        let request = request.header(COOKIE, &self.cookie).header(ORIGIN, PUBLIC_URL.trim_end_matches('/'));
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }
}
