//! One sandbox and several gateways, each a process of its own, on one database; every gateway reaches the database
//! by a cable of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_gateway::hosted_permissions;
use attache_tests::{Cable, Cluster, Home, Lines};
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};

/// What the gateway's applications prove themselves with.
const SECRET: &str = "sbx8Q~secret-of-three-gateways";

/// Longer than a lease, and what is left of the work after it, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// How long the tenant takes for a request: so that a node can be met at its work.
const DELAY_MS: u32 = 120;

/// The processes, and what they stand on.
pub(super) struct Fleet {
    nodes: Vec<Node>,
    tenant: Tenant,
    client: Client,
    public: String,
    home: Home,
    database: String,
    cluster: Cluster,
}

/// A gateway.
struct Node {
    lines: Lines,
    ready: Value,
    cable: Cable,
}

/// The sandbox.
struct Tenant {
    _lines: Lines,
    ready: Value,
    client: Client,
}

/// What the tenant holds of agents.
pub(super) struct Objects {
    /// Users below our domain: the object id and the agent identity that is its parent, by sign-in name.
    pub(super) identities: BTreeMap<String, (String, String)>,
    /// How many agent identities there are.
    pub(super) agents: usize,
    /// How many blueprints there are.
    pub(super) blueprints: usize,
}

impl Fleet {
    /// So many gateways on a new database and a new tenant.
    pub(super) async fn start(count: usize) -> Result<Self> {
        let cluster = tokio::task::block_in_place(Cluster::quick)?;
        let database = cluster.database()?;
        let tenant = Tenant::start(&Home::new()?).await?;
        let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let public = format!("http://localhost:{free}/");
        let home = tenant.home(&public).await?;
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let mut fleet = Self { nodes: Vec::new(), tenant, client, public, home, database, cluster };
        for number in 0..count {
            let cable = Cable::to(fleet.cluster.port()).await?;
            let node = fleet.begin(number, cable).await?;
            fleet.nodes.push(node);
        }
        Ok(fleet)
    }

    /// Starts one on its cable. All have one home, and so one `secrets.sealed`.
    async fn begin(&self, number: usize, cable: Cable) -> Result<Node> {
        let whole = format!(":{}/", self.cluster.port());
        let database = self.database.replace(&whole, &format!(":{}/", cable.port()));
        let mut command = self.home.attache(["gateway", "--json", "--listen", "127.0.0.1:0"])?;
        command.env("ATTACHE_GATEWAY_DATABASE", database);
        let mut lines = Lines::start(command, &self.home.path().join(format!("node-{number}.stderr")))?;
        let ready = lines.hear().await?;
        Ok(Node { lines, ready, cable })
    }

    /// The node's id, as its jobs have it.
    pub(super) fn node(&self, number: usize) -> &str {
        self.nodes[number].ready["node"].as_str().unwrap_or_default()
    }

    /// Cuts every connection of a node to the database.
    pub(super) fn cut_database(&self, number: usize) {
        self.nodes[number].cable.cut();
    }

    /// Kills a node and starts another in its place.
    pub(super) async fn kill_and_start(&mut self, number: usize) -> Result<()> {
        let Node { lines, cable, .. } = self.nodes.remove(number);
        lines.kill().await?;
        let node = self.begin(number, cable).await?;
        self.nodes.insert(number, node);
        Ok(())
    }

    /// Sends a node a signal.
    pub(super) fn signal(&self, number: usize, signal: &str) -> Result<()> {
        let pid = self.nodes[number].lines.pid().context("it has ended")?;
        let sent = std::process::Command::new("kill").args(["-s", signal, &pid.to_string()]).status()?;
        ensure!(sent.success(), "it cannot be sent {signal}");
        Ok(())
    }

    /// Waits until a node has a job.
    pub(super) async fn until_it_works(&self, number: usize) -> Result<()> {
        let works = format!("EXISTS (SELECT FROM jobs WHERE state = 1 AND node = '{}')", self.node(number));
        self.until(&works).await.context("a node finds no work")
    }

    /// Waits until no job is a node's any more.
    pub(super) async fn until_nobody_waits_for(&self, number: usize) -> Result<()> {
        let free =
            format!("NOT EXISTS (SELECT FROM jobs WHERE state = 1 AND node = '{}')", self.node(number));
        self.until(&free).await.context("nobody took over what a stopped node had")
    }

    /// Waits until something is true in the database.
    pub(super) async fn until(&self, condition: &str) -> Result<()> {
        let asked = format!("SELECT {condition} FROM pg_sleep(0.2)");
        let true_at_last = async {
            while self.sql(&asked)? != "t" {
                tokio::task::yield_now().await;
            }
            anyhow::Ok(())
        };
        match tokio::time::timeout(PATIENCE, true_at_last).await {
            Ok(done) => done,
            Err(_) => {
                let jobs =
                    self.sql("SELECT kind, state, failures, node, reason FROM jobs WHERE state < 3")?;
                anyhow::bail!("it did not come about: {condition}\n{jobs}")
            }
        }
    }

    /// What the database answers, a row a line.
    pub(super) fn sql(&self, statement: &str) -> Result<String> {
        let name = self.database.rsplit('/').next().unwrap_or_default();
        tokio::task::block_in_place(|| self.cluster.sql(name, statement))
    }

    /// The operator's session, by the link that the command prints.
    pub(super) async fn sign_in(&self) -> Result<String> {
        let mut command = self.home.attache(["gateway", "link", "--json"])?;
        let output = command.env("ATTACHE_GATEWAY_DATABASE", &self.database).output().await?;
        let said: Value = serde_json::from_slice(&output.stdout).with_context(|| format!("{output:?}"))?;
        let link = said["link"].as_str().context("the link")?;
        let path = link.strip_prefix(&self.public).context("the link's path")?;
        let answer = self.client.post(format!("{}{path}", self.address(0))).send().await?;
        let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut sessions = cookies.filter(|cookie| cookie.starts_with("attache-session="));
        let session = sessions.next().and_then(|cookie| cookie.split(';').next());
        Ok(session.with_context(|| format!("signing in: {}", answer.status()))?.to_owned())
    }

    /// Makes an organisation.
    pub(super) async fn organisation(&self, session: &str, slug: &str) -> Result<()> {
        let body = json!({ "slug": slug, "name": format!("{slug} Limited") });
        self.ask(0, session, Method::POST, "api/v1/orgs", &body).await?;
        Ok(())
    }

    /// Asks the nth node for an identity; nodes are counted around.
    pub(super) async fn provision(&self, at: usize, session: &str, slug: &str, template: &str) -> Result<()> {
        let path = format!("api/v1/orgs/{slug}/agent-identity/provision");
        self.ask(at, session, Method::POST, &path, &json!({ "template": template })).await?;
        Ok(())
    }

    /// Runs `attache` beside the gateways: its status, and the object that it printed.
    pub(super) async fn run(&self, arguments: &[&str]) -> Result<(i32, Value)> {
        let mut command = self.home.attache(arguments)?;
        let output = command.env("ATTACHE_GATEWAY_DATABASE", &self.database).output().await?;
        let said = serde_json::from_slice(&output.stdout).with_context(|| format!("{output:?}"))?;
        Ok((output.status.code().unwrap_or(-1), said))
    }

    /// Leaves a file in the home; its path.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<String> {
        let file = self.home.path().join(name);
        std::fs::write(&file, text)?;
        Ok(file.display().to_string())
    }

    /// One of the tenant's people.
    pub(super) fn person(&self, number: usize) -> &Value {
        &self.tenant.ready["users"][number]
    }

    /// What `attache audit verify` says of an organisation's export.
    pub(super) async fn verified(&self, session: &str, slug: &str) -> Result<Value> {
        let path = format!("api/v1/orgs/{slug}/audit/export");
        let export = self.ask(1, session, Method::GET, &path, &Value::Null).await?;
        let file = self.home.path().join(format!("{slug}.log"));
        std::fs::write(&file, export.as_str().context("the export is text")?)?;
        let verified = self.home.attache(["audit", "verify", "--json"])?.arg(&file).output().await?;
        serde_json::from_slice(&verified.stdout).with_context(|| format!("{verified:?}"))
    }

    /// Stops the database.
    pub(super) fn stop_database(&self) -> Result<()> {
        tokio::task::block_in_place(|| self.cluster.stop())
    }

    /// Starts it again.
    pub(super) fn start_database(&self) -> Result<()> {
        tokio::task::block_in_place(|| self.cluster.start())
    }

    /// What a node says of whether it can work.
    pub(super) async fn ready(&self, number: usize) -> Result<(u16, Value)> {
        let answer = self.client.get(format!("{}readyz", self.address(number))).send().await?;
        Ok((answer.status().as_u16(), serde_json::from_str(&answer.text().await?)?))
    }

    /// Whether a node answers.
    pub(super) async fn answers(&self, number: usize) -> Result<()> {
        self.client.get(format!("{}readyz", self.address(number))).send().await?.error_for_status()?;
        Ok(())
    }

    /// What the tenant holds.
    pub(super) async fn tenant_objects(&self) -> Result<Objects> {
        let state = self.tenant.control(Method::GET, "state", &Value::Null).await?;
        let mut objects = Objects { identities: BTreeMap::new(), agents: 0, blueprints: 0 };
        let tenants = state["tenants"].as_object().into_iter().flat_map(|tenants| tenants.values());
        for tenant in tenants {
            let all = |name: &str| tenant[name].as_object().into_iter().flat_map(|map| map.values().cloned());
            let domain = format!(".{}", self.tenant.domain());
            for user in all("users") {
                let upn = user["upn"].as_str().unwrap_or_default().to_owned();
                if upn.ends_with(&domain) {
                    let parent = user["kind"]["Agent"]["identity_parent_id"].as_str().unwrap_or_default();
                    let id = user["id"].as_str().unwrap_or_default();
                    let before = objects.identities.insert(upn.clone(), (id.to_owned(), parent.to_owned()));
                    ensure!(before.is_none(), "{upn} is there twice");
                }
            }
            let kinds = |name: &str, kind: &str| all(name).filter(|one| is(&one["kind"], kind)).count();
            objects.agents += kinds("service_principals", "AgentIdentity");
            objects.blueprints += kinds("applications", "Blueprint");
        }
        Ok(objects)
    }

    fn address(&self, number: usize) -> String {
        let node = &self.nodes[number % self.nodes.len()];
        format!("http://{}/", node.ready["listen"].as_str().unwrap_or_default())
    }

    async fn ask(&self, at: usize, session: &str, method: Method, path: &str, body: &Value) -> Result<Value> {
        let request = self.client.request(method, format!("{}{path}", self.address(at)));
        let request = request.header(COOKIE, session).header(ORIGIN, self.public.trim_end_matches('/'));
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().await.with_context(|| path.to_owned())?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

impl Tenant {
    async fn start(home: &Home) -> Result<Self> {
        let command = home.attache(["sandbox", "--json", "--listen", "127.0.0.1:0"])?;
        let mut lines = Lines::start(command, &home.path().join("sandbox.stderr"))?;
        let ready = lines.hear().await?;
        let pem = std::fs::read(ready["ca"].as_str().context("the bundle")?)?;
        let client = Client::builder().tls_certs_merge(Certificate::from_pem_bundle(&pem)?).build()?;
        let tenant = Self { _lines: lines, ready, client };
        let slowly = json!({ "path": "/v1.0/**", "effect": { "kind": "delay", "ms": DELAY_MS } });
        tenant.control(Method::POST, "faults", &slowly).await?;
        Ok(tenant)
    }

    fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_default()
    }

    /// The domain below which organisations get theirs.
    fn domain(&self) -> String {
        format!("agents.{}", self.text("domain"))
    }

    /// The home of gateways that this tenant knows.
    async fn home(&self, public: &str) -> Result<Home> {
        let roles: Vec<&str> = hosted_permissions().map(|one| one.name).collect();
        let document = json!({
            "settings": { "domains": [self.domain()] },
            "apps": [
                { "name": "Sign-in", "secret": SECRET, "web": [format!("{public}sign-in/callback")],
                  "scopes": ["openid", "profile", "offline_access", "User.Read"] },
                { "name": "Gateway", "secret": SECRET, "roles": roles },
            ],
        });
        self.control(Method::POST, "seed", &document).await?;
        let state = self.control(Method::GET, "state", &Value::Null).await?;
        let app = |name: &str| app_named(&state, name).with_context(|| format!("{name} was not planted"));
        let person = self.ready["users"][0]["id"].as_str().context("a person")?;
        let operator = format!("{}/{person}", self.text("tenant_id"));
        let home = Home::new()?
            .with("ATTACHE_AUTHORITY", self.text("url"))
            .with("ATTACHE_GRAPH", self.text("url"))
            .with("ATTACHE_CA", self.text("ca"))
            .with("ATTACHE_TENANT", self.text("tenant_id"))
            .with("ATTACHE_PROVISIONER_CLIENT_ID", &app("Gateway")?)
            .with("ATTACHE_PROVISIONER_CLIENT_SECRET", SECRET)
            .with("ATTACHE_GATEWAY_SIGN_IN_CLIENT_ID", &app("Sign-in")?)
            .with("ATTACHE_GATEWAY_SIGN_IN_CLIENT_SECRET", SECRET)
            .with("ATTACHE_GATEWAY_PUBLIC_URL", public)
            .with("ATTACHE_GATEWAY_DOMAIN", &self.domain())
            .with("ATTACHE_GATEWAY_OPERATORS", &operator)
            .with("ATTACHE_GATEWAY_SPONSOR", person)
            // Few at once, so that a batch is spread over the nodes.
            .with("ATTACHE_GATEWAY_WORKERS", "2")
            .with("ATTACHE_PROVISION_SCALE", "0.02");
        Ok(home)
    }

    async fn control(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let request = self.client.request(method, format!("{}/_sandbox/{path}", self.text("url")));
        let request = request.bearer_auth(self.text("control_token"));
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().await.with_context(|| path.to_owned())?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

/// Whether an object is of a kind, with or without what the kind holds.
fn is(kind: &Value, name: &str) -> bool {
    kind == name || kind.get(name).is_some()
}

/// The client id of the application that is called so, wherever the sandbox's state has it.
fn app_named(state: &Value, name: &str) -> Option<String> {
    match state {
        Value::Object(object) if object.get("display_name").is_some_and(|own| own == name) => {
            object.get("app_id").and_then(Value::as_str).map(str::to_owned)
        }
        Value::Object(object) => object.values().find_map(|value| app_named(value, name)),
        Value::Array(list) => list.iter().find_map(|value| app_named(value, name)),
        _ => None,
    }
}
