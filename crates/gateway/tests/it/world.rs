//! A gateway and its tenant, and whoever speaks to it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use attache_gateway::{
    ClientApp, Config, Gateway, Governance, HostedTenant, Limits, OWN_TENANT, Operator, Parts, Running,
    hosted_permissions, sign_in_link,
};
use attache_keys::{MemoryStore, SecretStore};
use attache_sandbox::{Config as SandboxConfig, Sandbox};
use attache_store::{Engine, Store};
use attache_store_sqlite::{Sqlite, SqliteOptions};
use attache_terms::{Boot, Clock, Cloud, Origin, Rng, Secret, Sleep, SystemClock, SystemRng};
use reqwest::header::{COOKIE, HeaderMap, HeaderName, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use url::Url;

pub(crate) const SECRET: &str = "sbx8Q~gateway-secret-of-the-sandbox";

/// What the tenant's own administrator may do, past the gateway.
const ADMINISTRATOR: &[&str] = &[
    "AgentIdentity.ReadWrite.All",
    "AgentIdentityBlueprint.DeleteRestore.All",
    "AgentIdentityBlueprintPrincipal.EnableDisable.All",
    "Application.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "User.ReadWrite.All",
];

/// A free port that stays this test's while its gateway is down: it lies below those that systems give out by
/// themselves, and every process begins to look at another.
fn own_port() -> u16 {
    static LOOKED_AT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 10_000;
    const COUNT: u32 = 22_000;
    loop {
        let at = u32::from(LOOKED_AT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + u16::try_from((std::process::id() * 16 + at) % COUNT).unwrap();
        if std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A gateway on a thread of its own; it ends with whoever holds the other end of this.
struct Apart {
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// A gateway, its tenant and its folder.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) url: Url,
    pub(crate) store: Store,
    pub(crate) operator: Operator,
    clock: Arc<dyn Clock>,
    /// How patient the gateway is, as a share; what is changed holds when it starts again.
    pub(crate) scale: f64,
    /// How the gateway watches over identities; what is changed holds when it starts again.
    pub(crate) governance: Governance,
    running: Option<Running>,
    /// Where the gateway runs that can be killed.
    apart: Option<Apart>,
    changed: watch::Receiver<u64>,
    tune: Box<dyn Fn(&mut Config) + Send + Sync>,
    more: Vec<HostedTenant>,
    secrets: Arc<dyn SecretStore>,
    sign_in: String,
    provisioner: String,
    pub(crate) connect: String,
    administrator: String,
    folder: tempfile::TempDir,
}

/// Somebody who speaks to the gateway: with a session's cookie, with a key, or with nothing.
#[derive(Clone)]
pub(crate) struct Caller {
    client: Client,
    url: Url,
    changed: watch::Receiver<u64>,
    pub(crate) cookie: Option<String>,
    pub(crate) key: Option<String>,
    headers: HeaderMap,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The code of a problem that must have this status.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        let problem = self.json();
        assert!(problem["detail"].is_string() && problem["remedy"].is_string(), "{problem}");
        problem["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn location(&self) -> String {
        self.headers[LOCATION].to_str().unwrap().to_owned()
    }

    pub(crate) fn cookies(&self) -> Vec<String> {
        let set = self.headers.get_all(SET_COOKIE).iter();
        set.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect()
    }
}

impl World {
    /// A gateway at rest, in a tenant without lag.
    pub(crate) async fn new() -> Self {
        Self::with(Arc::new(SystemClock), |_| {}).await
    }

    /// The same, with some settings of the gateway's changed.
    pub(crate) async fn tuned(tune: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        Self::with(Arc::new(SystemClock), tune).await
    }

    /// The same, with its own time.
    pub(crate) async fn at(clock: Arc<dyn Clock>) -> Self {
        Self::with(clock, |_| {}).await
    }

    /// The same, with both.
    pub(crate) async fn with(
        clock: Arc<dyn Clock>,
        tune: impl Fn(&mut Config) + Send + Sync + 'static,
    ) -> Self {
        let settings =
            SandboxConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..SandboxConfig::default() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let url: Url = format!("http://localhost:{}/", own_port()).parse().unwrap();
        let ready = sandbox.ready().clone();
        let roles: Vec<&str> = hosted_permissions().map(|one| one.name).collect();
        let asked: Vec<&str> = OWN_TENANT.iter().map(|one| one.name).collect();
        let document = json!({
            "settings": { "domains": [format!("agents.{}", ready.domain)] },
            "apps": [
                { "name": "Sign-in", "secret": SECRET, "multi_tenant": true, "web": [format!("{url}sign-in/callback")],
                  "scopes": ["openid", "profile", "offline_access", "User.Read"] },
                { "name": "Gateway", "secret": SECRET, "roles": roles },
                { "name": "Administrator", "secret": SECRET, "roles": ADMINISTRATOR },
                { "name": "Connect", "secret": SECRET, "web": [format!("{url}connect/callback")],
                  "multi_tenant": true, "requires": asked },
            ],
        });
        sandbox.control().plant(&document.to_string()).unwrap();
        let state = sandbox.control().state();
        let app = |name: &str| app_named(&state, name).unwrap();
        let (sign_in, provisioner, connect) = (app("Sign-in"), app("Gateway"), app("Connect"));
        let administrator = app("Administrator");
        let folder = tempfile::tempdir().unwrap();
        let (own, rng): (_, Arc<dyn Rng>) = (Arc::clone(&clock), Arc::new(SystemRng));
        let path = folder.path().join("gateway.db");
        let engine = Sqlite::open(SqliteOptions { path, clock: own, rng }).unwrap();
        let changed = engine.changed();
        let store = Store::new(Arc::new(engine) as Arc<dyn Engine>);
        let person = &ready.users[0];
        let operator =
            Operator { tenant: ready.tenant_id.parse().unwrap(), user: person.id.parse().unwrap() };
        let secrets: Arc<dyn SecretStore> = Arc::new(MemoryStore::default());
        let tune = Box::new(tune);
        let governance = Governance { doubt: Duration::from_millis(50), ..Governance::default() };
        let mut world = Self {
            sandbox,
            url,
            store,
            operator,
            scale: 0.02,
            governance,
            clock,
            running: None,
            apart: None,
            changed,
            tune,
            more: Vec::new(),
            secrets,
            sign_in,
            provisioner,
            connect,
            administrator,
            folder,
        };
        world.start().await;
        world
    }

    /// Starts the gateway, again.
    pub(crate) async fn start(&mut self) {
        self.running = Some(Gateway::start(self.tuned_config(), self.parts()).await.unwrap());
    }

    fn tuned_config(&self) -> Config {
        let mut config = self.config();
        config.hosted.extend(self.more.iter().cloned());
        (self.tune)(&mut config);
        config
    }

    /// Starts the gateway again, where it can be killed.
    pub(crate) async fn start_apart(&mut self) {
        self.stop().await;
        let (started, running) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let (config, parts) = (self.tuned_config(), self.parts());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let _ = started.send(Gateway::start(config, parts).await.unwrap());
                // From here on nothing of it goes on: it is the only thread.
                let _ = ended.await;
            });
            runtime.shutdown_timeout(Duration::from_secs(30));
        });
        self.running = Some(running.await.unwrap());
        self.apart = Some(Apart { end, thread });
    }

    /// Ends the gateway that was started apart wherever it is, as the death of its process does.
    pub(crate) async fn kill(&mut self) {
        let Apart { end, thread } = self.apart.take().expect("it was started apart");
        drop(end);
        tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap();
        self.running = None;
    }

    /// What a gateway, or a command beside it, is made of.
    pub(crate) fn parts(&self) -> Parts {
        let (clock, rng): (_, Arc<dyn Rng>) = (Arc::clone(&self.clock), Arc::new(SystemRng));
        Parts { store: self.store.clone(), secrets: Arc::clone(&self.secrets), clock, rng }
    }

    /// Hosts identities in one more tenant of the sandbox, which takes so many subdomains. Its id.
    pub(crate) async fn host_in_another(&mut self, domain: &str, subdomains: u32) -> String {
        self.stop().await;
        let ready = self.sandbox.ready().clone();
        let send = |path: String, body: Value| {
            let url = format!("{}/_sandbox/{path}", ready.url);
            self.browser().post(url).bearer_auth(&ready.control_token).json(&body).send()
        };
        let made = send("tenants".to_owned(), json!({})).await.unwrap();
        let made: Value = made.error_for_status().unwrap().json().await.unwrap();
        let id = made["tenant_id"].as_str().unwrap().to_owned();
        let roles: Vec<&str> = hosted_permissions().map(|one| one.name).collect();
        let document = json!({
            "settings": { "domains": [domain] },
            "apps": [{ "name": "Gateway elsewhere", "secret": SECRET, "roles": roles }],
        });
        send(format!("seed?tenant={id}"), document).await.unwrap().error_for_status().unwrap();
        let app = app_named(&self.sandbox.control().state(), "Gateway elsewhere").unwrap();
        self.more.push(HostedTenant {
            tenant: id.parse().unwrap(),
            provisioner: ClientApp {
                client_id: app.parse().unwrap(),
                client_secret: Secret::new(SECRET.to_owned()),
            },
            domain: domain.to_owned(),
            licences: Vec::new(),
            usage_location: "US".to_owned(),
            subdomains,
            sponsor: made["users"][0]["id"].as_str().unwrap().parse().unwrap(),
        });
        self.start().await;
        id
    }

    /// Ends the gateway, in order.
    pub(crate) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// A path in the world's own folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its configuration.
    pub(crate) fn config(&self) -> Config {
        let ready = self.sandbox.ready();
        let origin: Origin = ready.url.parse().unwrap();
        let secret = || Secret::new(SECRET.to_owned());
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, self.url.port().unwrap())),
            public_url: self.url.clone(),
            tls: None,
            trusted_proxies: Vec::new(),
            cloud: Cloud::at(origin.clone(), origin),
            ca: Some(ready.ca.clone()),
            sign_in: ClientApp { client_id: self.sign_in.parse().unwrap(), client_secret: secret() },
            hosted: vec![HostedTenant {
                tenant: self.operator.tenant,
                provisioner: ClientApp {
                    client_id: self.provisioner.parse().unwrap(),
                    client_secret: secret(),
                },
                domain: format!("agents.{}", ready.domain),
                licences: Vec::new(),
                usage_location: "US".to_owned(),
                subdomains: 100,
                sponsor: self.operator.user,
            }],
            connect: Some(ClientApp { client_id: self.connect.parse().unwrap(), client_secret: secret() }),
            operators: vec![self.operator],
            operator_keys: Vec::new(),
            shared_sender: Some(format!("noreply@{}", ready.domain)),
            local_part: "assistant".to_owned(),
            send_quota: 200,
            sandbox: true,
            provision_scale: self.scale,
            request_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
            connections: 4096,
            workers: 8,
            limits: Limits::default(),
            outbound_allowed: Vec::new(),
            region: None,
            governance: self.governance.clone(),
        }
    }

    /// Somebody who has proved nothing. They keep no connection for later: a test that moves the clock ages it past
    /// what the gateway allows, and a request could go out on it while the gateway hangs up.
    pub(crate) fn anybody(&self) -> Caller {
        let builder = Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = builder.pool_max_idle_per_host(0).build().unwrap();
        let (changed, headers) = (self.changed.clone(), HeaderMap::new());
        Caller { client, url: self.url.clone(), changed, cookie: None, key: None, headers }
    }

    /// The operator, signed in by a one-time link.
    pub(crate) async fn operator(&self) -> Caller {
        self.signed_in_by_link(self.operator, "Ada").await
    }

    /// A person of the tenant, signed in by a one-time link: an operator's, who is none here.
    pub(crate) async fn signed_in(&self, user: &str) -> Caller {
        let person = Operator { tenant: self.operator.tenant, user: user.parse().unwrap() };
        self.signed_in_by_link(person, "Somebody").await
    }

    async fn signed_in_by_link(&self, person: Operator, name: &str) -> Caller {
        let path = self.link(person, name).await;
        let mut caller = self.anybody();
        let answer = caller.send(Method::POST, &path, None).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        caller.cookie = answer.cookies().into_iter().find(|cookie| cookie.starts_with("attache-session="));
        assert!(caller.cookie.is_some());
        caller
    }

    /// The path of a new one-time link.
    pub(crate) async fn link(&self, person: Operator, name: &str) -> String {
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let link = sign_in_link(&self.url, person, name, &self.clock, &rng).keep(&self.store).await.unwrap();
        link.expose().strip_prefix(self.url.as_str()).unwrap().to_owned()
    }

    /// Graph as the tenant's own administrator would use it, past the gateway.
    pub(crate) async fn graph(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let (ready, browser) = (self.sandbox.ready(), self.browser());
        let form = [
            ("client_id", self.administrator.as_str()),
            ("client_secret", SECRET),
            ("grant_type", "client_credentials"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let url: Url = ready.url.parse().unwrap();
        let token = url.join(&format!("{}/oauth2/v2.0/token", ready.tenant_id)).unwrap();
        let token = read(browser.post(token).form(&form)).await.ok(200);
        let request = browser.request(method, url.join(&format!("v1.0/{path}")).unwrap());
        let request = request.bearer_auth(token["access_token"].as_str().unwrap());
        read(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// A browser that knows the sandbox's authority.
    pub(crate) fn browser(&self) -> Client {
        let pem = std::fs::read(&self.sandbox.ready().ca).unwrap();
        let roots = reqwest::Certificate::from_pem_bundle(&pem).unwrap();
        let builder = Client::builder().redirect(reqwest::redirect::Policy::none());
        builder.tls_certs_merge(roots).build().unwrap()
    }

    /// An organisation, its operator's session, and a key that may everything.
    pub(crate) async fn organisation(&self, operator: &Caller, slug: &str) -> Caller {
        let body = json!({ "slug": slug, "name": format!("{slug} Corporation") });
        operator.post("api/v1/orgs", &body).await.ok(201);
        let scopes = operator.get("api/v1/scopes").await.ok(200);
        let scopes: Vec<_> = scopes.as_array().unwrap().iter().map(|scope| scope["scope"].clone()).collect();
        let body = json!({ "name": "all", "scopes": scopes });
        let made = operator.post(&format!("api/v1/orgs/{slug}/api-keys"), &body).await.ok(201);
        let mut caller = self.anybody();
        caller.key = Some(made["secret"].as_str().unwrap().to_owned());
        caller
    }
}

/// A runtime must not be dropped where others wait.
impl Drop for World {
    fn drop(&mut self) {}
}

/// The machine's clock, which can be moved ahead by seconds.
#[derive(Default)]
pub(crate) struct Ahead {
    day: AtomicU64,
    boot: AtomicU64,
}

impl Ahead {
    /// Moves the time of day.
    pub(crate) fn advance(&self, span: Duration) {
        self.day.fetch_add(span.as_secs(), Ordering::Relaxed);
    }

    /// Lets time pass: boot time moves too.
    pub(crate) fn pass(&self, span: Duration) {
        self.advance(span);
        self.boot.fetch_add(span.as_secs(), Ordering::Relaxed);
    }
}

impl Clock for Ahead {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now().saturating_add(Duration::from_secs(self.day.load(Ordering::Relaxed))).unwrap()
    }

    fn boot(&self) -> Boot {
        Boot(SystemClock.boot().0 + Duration::from_secs(self.boot.load(Ordering::Relaxed)))
    }

    fn sleep(&self, span: Duration) -> Sleep {
        SystemClock.sleep(span)
    }
}

/// The client id of the application that is called so, wherever the sandbox's state has it.
pub(crate) fn app_named(state: &Value, name: &str) -> Option<String> {
    match state {
        Value::Object(object) if object.get("display_name").is_some_and(|own| own == name) => {
            object.get("app_id").and_then(Value::as_str).map(str::to_owned)
        }
        Value::Object(object) => object.values().find_map(|value| app_named(value, name)),
        Value::Array(list) => list.iter().find_map(|value| app_named(value, name)),
        _ => None,
    }
}

/// The ids of the sandbox's users whose sign-in name begins so.
pub(crate) fn users_named(state: &Value, begin: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    match state {
        Value::Object(object) => {
            let text = |name: &str| object.get(name).and_then(Value::as_str);
            if text("upn").is_some_and(|upn| upn.starts_with(begin)) {
                ids.extend(text("id").map(str::to_owned));
            }
            ids.extend(object.values().flat_map(|value| users_named(value, begin)));
        }
        Value::Array(list) => ids.extend(list.iter().flat_map(|value| users_named(value, begin))),
        _ => {}
    }
    ids
}

impl Caller {
    /// The same, who sends this header too.
    pub(crate) fn with(&self, name: HeaderName, value: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.insert(name, value.parse().unwrap());
        caller
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let url = self.url.join(path).unwrap();
        let mut request = self.client.request(method.clone(), url).headers(self.headers.clone());
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        if method != Method::GET {
            request = request.header(ORIGIN, self.url.origin().ascii_serialization());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        read(request).await
    }

    /// Puts something that is not JSON.
    pub(crate) async fn put_bytes(&self, path: &str, bytes: Vec<u8>) -> Answer {
        let request = self.client.put(self.url.join(path).unwrap()).body(bytes);
        read(request.bearer_auth(self.key.as_deref().unwrap())).await
    }

    /// Whether anybody answers at all.
    pub(crate) async fn answers(&self) -> bool {
        self.client.get(self.url.join("livez").unwrap()).send().await.is_ok()
    }

    /// A page, as a browser asks for it.
    pub(crate) async fn page(&self, path: &str) -> Answer {
        let mut request = self.client.get(self.url.join(path).unwrap()).header("accept", "text/html");
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        read(request).await
    }

    /// A form of a page, as a browser sends it.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut request =
            self.client.post(self.url.join(path).unwrap()).header("accept", "text/html").form(fields);
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        read(request.header(ORIGIN, self.url.origin().ascii_serialization())).await
    }

    /// A form of a page with a file in it, as a browser sends it.
    pub(crate) async fn upload(&self, path: &str, csrf: &str, file: &[u8]) -> Answer {
        let part = |rest: &str| format!("--b0\r\nContent-Disposition: form-data; {rest}\r\n\r\n");
        let mut body = part("name=\"csrf\"").into_bytes();
        body.extend_from_slice(csrf.as_bytes());
        body.extend_from_slice(format!("\r\n{}", part("name=\"file\"; filename=\"a.png\"")).as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--b0--\r\n");
        let request = self.client.post(self.url.join(path).unwrap()).header("accept", "text/html");
        let request = request.header("content-type", "multipart/form-data; boundary=b0").body(body);
        let request = request.header(ORIGIN, self.url.origin().ascii_serialization());
        read(request.header(COOKIE, self.cookie.as_deref().unwrap())).await
    }

    /// What the forms of this session carry.
    pub(crate) async fn csrf(&self) -> String {
        self.csrf_of("").await
    }

    /// The same, from another page.
    pub(crate) async fn csrf_of(&self, path: &str) -> String {
        let page = self.page(path).await;
        let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }

    /// Asks whenever something was written, until the answer is as it is wanted: what happens in the background ends,
    /// or the test does.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut changed = self.changed.clone();
        let waiting = async {
            loop {
                changed.mark_unchanged();
                let seen = self.get(path).await.ok(200);
                if wanted(&seen) {
                    return seen;
                }
                changed.changed().await.unwrap();
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        match ended {
            Ok(seen) => seen,
            Err(_) => panic!("it did not come about: {}", self.get(path).await.text),
        }
    }
}

impl Caller {
    /// Posts whenever something was written, until it succeeds.
    pub(crate) async fn until_posted(&self, path: &str, body: &Value) {
        let mut changed = self.changed.clone();
        let waiting = async {
            loop {
                changed.mark_unchanged();
                let answer = self.post(path, body).await;
                if answer.status.is_success() {
                    return;
                }
                changed.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it does not succeed");
    }
}

async fn read(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    Answer { status, headers, text: answer.text().await.unwrap() }
}
