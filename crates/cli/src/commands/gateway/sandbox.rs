//! `attache gateway --sandbox`: no configuration, an SQLite file, an emulated tenant in this process, and a link
//! that signs in once.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use attache_entra::{ClientCredential, Entra, Resource, Transport, TransportConfig};
use attache_gateway::{
    ClientApp, Config, Gateway, Governance, HostedTenant, Limits, OWN_TENANT, Operator, Parts, Running,
    StartError, check_nature, hosted_permissions, sign_in_link,
};
use attache_graph::Graph;
use attache_sandbox::{Ready, Sandbox};
use attache_terms::{AppId, Cloud, Origin, Secret, SystemClock, SystemRng};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use super::config::{Database, Keys};
use super::keys::KEYS;
use super::{config, open, serve};
use crate::config::{Judge, Problems, Values};
use crate::output::{Failure, Output};

/// What the application is called to which people sign in.
const SIGN_IN: &str = "Attaché gateway (sign-in)";
/// What the application is called that makes agents for the gateway.
const PROVISIONER: &str = "Attaché gateway (provisioner)";
/// What the application is called that customers' administrators consent to.
const CONNECT: &str = "Attaché gateway (your tenant)";
/// Their secret: everything in a sandbox is public.
const SECRET: &str = "sbx8Q~gateway-secret-of-the-sandbox";
/// The settings that a gateway in a sandbox takes; all else is the sandbox's own.
const TAKEN: [&str; 10] = [
    "listen",
    "database",
    "log",
    "log_format",
    "otlp_endpoint",
    "otlp_headers",
    "operator_keys",
    "organisation_rate",
    "key_rate",
    "address_rate",
];
/// What a gateway in a sandbox takes from its settings, too.
#[derive(Debug, Clone, Default)]
pub(crate) struct SandboxSettings {
    /// How many requests a minute somebody may make.
    pub(crate) limits: Limits,
    /// What programs of its operators prove themselves with.
    pub(crate) operator_keys: Vec<String>,
}

/// A gateway in a sandbox.
pub(crate) struct SandboxGateway {
    /// It.
    pub(crate) running: Running,
    /// How browsers reach it.
    pub(crate) url: Url,
    /// Signs its operator in once.
    pub(crate) link: Secret,
}

/// Serves until a signal ends it.
pub(super) async fn serve(home: PathBuf, values: Values, output: Output) -> Result<(), Failure> {
    let unused = unused(&values)?;
    let database = open::database(&home, &values)?;
    let limits =
        config::limits_alone(&home, &values).map_err(|problems| Failure::configuration(&problems))?;
    let traces = serve::start_logging(&home, &values)?;
    if !unused.is_empty() {
        tracing::warn!(settings = unused.join(", "), "a gateway in a sandbox does not use these settings");
    }
    let ended = serve::listen_for_signals()?;
    let listen = match values.get("listen") {
        Some(value) => value.text.parse::<SocketAddr>().map_err(|error| {
            Failure::usage("listen", format!("listen ({}): {:?}: {error}", value.origin, value.text))
        })?,
        None => SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)),
    };
    // First what says that nobody else is at work here, and that this is no place of real tenants.
    let parts = parts(&home, &database).await?;
    check_nature(&parts.store, true).await?;
    let data = config::folder(&home).join("sandbox");
    let settings = attache_sandbox::Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        data: Some(data),
        ..attache_sandbox::Config::default()
    };
    let sandbox =
        Sandbox::start(settings).await.map_err(|error| crate::commands::sandbox::failure(&error))?;
    let failed = |error: anyhow::Error| match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(error) => Failure::new(
            "sandbox",
            format!("{error:#}"),
            "remove the folder gateway in the home and start again",
        ),
    };
    let mut judge = Judge::new(&values);
    let operator_keys = config::operator_keys(&mut judge);
    if !judge.problems.is_empty() {
        return Err(Failure::configuration(&Problems::of_gateway(config::file(&home), judge.problems)));
    }
    let more = SandboxSettings { limits, operator_keys };
    let started = start(parts, &sandbox, listen, 1.0, more).await.map_err(failed)?;
    let ready = sandbox.ready();
    let more = json!({
        "link": started.link.expose(), "sandbox": {
            "url": ready.url, "ca": ready.ca, "tenant_id": ready.tenant_id, "control_token": ready.control_token,
        },
    });
    serve::announce(output, &started.running, started.url.as_str(), &more);
    if !output.json {
        output.line(format!("Sign in once:  {}", started.link.expose()));
        output.line(format!("Its tenant:    {}", ready.url));
        output.line(format!("  as a page, with the control token {}; for programs,", ready.control_token));
        output.line(format!(
            "  `attache sandbox … --url {} --token … --ca {}`",
            ready.url,
            ready.ca.display()
        ));
    }
    ended.await;
    started.running.stop().await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    sandbox.shutdown().await;
    Ok(())
}

/// The settings of the environment and the file that are not used here. A flag was meant for this very start, and is
/// refused.
fn unused(values: &Values) -> Result<Vec<&'static str>, Failure> {
    let mut unused = Vec::new();
    for name in KEYS.iter().map(|key| key.name).filter(|name| !TAKEN.contains(name)) {
        if values.is_flag(name) {
            let flag = name.replace('_', "-");
            let why = format!("--{flag}: a gateway in a sandbox has a tenant and an address of its own");
            return Err(Failure::usage(name, why));
        }
        if values.is_given(name) {
            unused.push(name);
        }
    }
    Ok(unused)
}

/// What a gateway in a sandbox keeps, opened: its database is its own from here on.
pub(crate) async fn parts(home: &Path, database: &Database) -> Result<Parts, Failure> {
    let folder = config::folder(home);
    let keys = Keys {
        sealed: folder.join("secrets.sealed"),
        key_file: folder.join("secrets.key"),
        passphrase: None,
    };
    open::parts(database, keys).await
}

/// Starts a gateway whose tenant is this sandbox.
pub(crate) async fn start(
    parts: Parts,
    sandbox: &Sandbox,
    listen: SocketAddr,
    scale: f64,
    more: SandboxSettings,
) -> anyhow::Result<SandboxGateway> {
    let ready = sandbox.ready();
    // The port must be known, and ours, before the tenant is told where browsers come back to.
    let (listener, listen) = bound(listen)
        .await
        .map_err(|source| Failure::from(StartError::Listen { address: listen, source }))?;
    let url: Url = format!("http://localhost:{}/", listen.port()).parse()?;
    let Applications { sign_in, provisioner, connect } = applications(sandbox, ready, &url).await?;
    let secret = || Secret::new(SECRET.to_owned());
    let provisioner = ClientApp { client_id: provisioner, client_secret: secret() };
    let person = ready.users.first().context("the sandbox has no users")?;
    let operator = Operator { tenant: ready.tenant_id.parse()?, user: person.id.parse()? };
    let origin: Origin = ready.url.parse()?;
    let hosted = HostedTenant {
        tenant: ready.tenant_id.parse()?,
        provisioner,
        domain: hosted_domain(ready),
        licences: Vec::new(),
        usage_location: "US".to_owned(),
        subdomains: 10_000,
        sponsor: operator.user,
    };
    let settings = Config {
        listen,
        public_url: url.clone(),
        tls: None,
        trusted_proxies: Vec::new(),
        cloud: Cloud::at(origin.clone(), origin),
        ca: Some(ready.ca.clone()),
        sign_in: ClientApp { client_id: sign_in, client_secret: secret() },
        hosted: vec![hosted],
        connect: Some(ClientApp { client_id: connect, client_secret: secret() }),
        operators: vec![operator],
        operator_keys: more.operator_keys,
        shared_sender: Some(shared_sender(ready)),
        local_part: "assistant".to_owned(),
        send_quota: 200,
        sandbox: true,
        provision_scale: scale,
        request_timeout: Duration::from_secs(30),
        stop_timeout: Duration::from_secs(5),
        connections: 4096,
        workers: 16,
        governance: Governance::default(),
        limits: more.limits,
        outbound_allowed: Vec::new(),
        region: None,
    };
    let (store, clock, rng) = (parts.store.clone(), Arc::clone(&parts.clock), Arc::clone(&parts.rng));
    let running = Gateway::start_on(listener, settings, parts).await.map_err(Failure::from)?;
    let name = &person.display_name;
    let link = sign_in_link(&url, operator, name, &clock, &rng).keep(&store).await?;
    Ok(SandboxGateway { running, url, link })
}

fn provisioner(ready: &Ready) -> anyhow::Result<(AppId, Secret)> {
    let provisioner = &ready.apps.provisioner;
    Ok((provisioner.client_id.parse()?, Secret::new(provisioner.client_secret.clone())))
}

fn hosted_domain(ready: &Ready) -> String {
    format!("agents.{}", ready.domain)
}

/// The applications of a gateway: the one that people sign in to and the one that customers consent to, with their
/// redirects for this port, and the one that makes agents.
struct Applications {
    sign_in: AppId,
    provisioner: AppId,
    connect: AppId,
}

/// Finds them, and makes those that the tenant has not.
async fn applications(sandbox: &Sandbox, ready: &Ready, url: &Url) -> anyhow::Result<Applications> {
    let port = url.port_or_known_default().unwrap_or_default();
    let (sign_in, connect) = (format!("{SIGN_IN} at {port}"), format!("{CONNECT} at {port}"));
    let roles: Vec<&str> = hosted_permissions().map(|permission| permission.name).collect();
    let asked: Vec<&str> = OWN_TENANT.iter().map(|permission| permission.name).collect();
    let wanted = [
        json!({
            "name": sign_in, "secret": SECRET, "web": [format!("{url}sign-in/callback")],
            "multi_tenant": true, "scopes": ["openid", "profile", "offline_access", "User.Read"],
        }),
        json!({ "name": PROVISIONER, "secret": SECRET, "roles": roles }),
        json!({
            "name": connect, "secret": SECRET, "web": [format!("{url}connect/callback")],
            "multi_tenant": true, "requires": asked,
        }),
    ];
    let administrator = administrator(ready)?;
    let find = async |name: &str| anyhow::Ok(administrator.application_named(name).await?.value);
    let mut apps = Vec::new();
    for app in wanted {
        if find(app["name"].as_str().unwrap_or_default()).await?.is_none() {
            apps.push(app);
        }
    }
    let mut users = Vec::new();
    if administrator.user_by_name(&shared_sender(ready)).await?.value.is_none() {
        // Of a product without Teams: no agent goes without a seat for it.
        users.push(json!({
            "upn": shared_sender(ready), "name": "No reply", "licences": ["Microsoft_365_E3_(no_Teams)"],
        }));
    }
    let domains = [hosted_domain(ready)];
    let document = json!({ "settings": { "domains": domains }, "users": users, "apps": apps });
    sandbox.control().plant(&document.to_string()).map_err(anyhow::Error::msg)?;
    let kept = async |name: &str| find(name).await?.context("the sandbox did not keep an application");
    Ok(Applications {
        sign_in: kept(&sign_in).await?,
        provisioner: kept(PROVISIONER).await?,
        connect: kept(&connect).await?,
    })
}

/// The mailbox from which organisations without one of their own send.
fn shared_sender(ready: &Ready) -> String {
    format!("noreply@{}", ready.domain)
}

fn administrator(ready: &Ready) -> anyhow::Result<Graph> {
    let origin: Origin = ready.url.parse()?;
    let cloud = Cloud::at(origin.clone(), origin);
    let transport =
        Transport::new(TransportConfig { ca: Some(ready.ca.clone()), ..TransportConfig::default() })?;
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let entra = Entra::new(cloud, transport.clone(), clock.clone(), rng.clone());
    let (app, secret) = provisioner(ready)?;
    let resource = Resource::graph(entra.cloud());
    let source = entra.application(ready.tenant_id.parse()?, app, ClientCredential::Secret(secret), resource);
    Ok(Graph::new(entra.cloud(), transport, source, clock, rng))
}

/// A listener at an address, and where it is when that leaves the port open.
async fn bound(listen: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(listen).await?;
    let listen = listener.local_addr()?;
    Ok((listener, listen))
}
