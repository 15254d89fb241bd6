//! A sandbox tenant, a home directory, and people who sign in as a browser does.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_agent::{Agent, AgentWishes, Current, Person, Profile, Provisioner, Secrets, Settings};
use attache_entra::{ClientCredential, Entra, Resource, Transport, TransportConfig};
use attache_graph::Graph;
use attache_ledger::{Event, Filter, Shown, VerifyOptions};
use attache_sandbox::{Config, Effect, Fault, LagProfile, Sandbox};
use attache_terms::{Boot, ChatId, Clock, Cloud, Origin, Secret, Sleep, SystemClock, SystemRng};
use reqwest::{Certificate, Client, header};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    home: tempfile::TempDir,
    client: Client,
}

/// A message as an onlooker sees it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) from: attache_terms::UserId,
    pub(crate) text: String,
}

impl World {
    /// A tenant that lags as it does on most days, five thousand times faster.
    pub(crate) async fn start() -> Self {
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            lag: LagProfile::Typical,
            lag_scale: 0.0002,
            ..Config::default()
        };
        let sandbox = Sandbox::start(config).await.unwrap();
        let pem = std::fs::read(&sandbox.ready().ca).unwrap();
        let client = Client::builder()
            .tls_certs_merge(Certificate::from_pem_bundle(&pem).unwrap())
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { sandbox, home: tempfile::tempdir().unwrap(), client }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn settings(&self, profile: &str) -> Settings {
        let ready = serde_json::to_value(self.sandbox.ready()).unwrap();
        settings(&ready, self.home.path(), profile)
    }

    /// One process of this profile.
    pub(crate) fn agent(&self, profile: &str) -> Arc<Agent> {
        open(self.settings(profile))
    }

    /// Signs the tenant's person of this number in to the agent.
    pub(crate) async fn sign_in(
        &self,
        agent: &Agent,
        person: usize,
    ) -> Result<Person, attache_agent::IdentityError> {
        let user = self.sandbox.ready().users[person].clone();
        let client = self.client.clone();
        let mut browsing = None;
        let done = agent
            .sign_in(|page| {
                let page = page.clone();
                browsing =
                    Some(tokio::spawn(async move { browse(client, page, &user.upn, &user.password).await }));
            })
            .await;
        browsing.unwrap().await.unwrap();
        done
    }

    /// Types the code on the tenant's page as a person does on another device.
    pub(crate) fn type_code(&self, person: usize, prompt: &attache_agent::DevicePrompt) -> JoinHandle<()> {
        let user = self.sandbox.ready().users[person].clone();
        let (client, page) = (self.client.clone(), prompt.verification_uri.clone());
        let code = prompt.user_code.clone();
        tokio::spawn(async move {
            let fields = [
                ("user_code", code),
                ("username", user.upn),
                ("password", user.password),
                ("decision", "approve".to_owned()),
            ];
            let answer = client.post(page).form(&fields).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
        })
    }

    /// Leaves the provisioner its broad roles, as when an administrator grants them anew.
    pub(crate) fn keep_the_provisioners_roles(&self) {
        let gone = serde_json::json!({ "error": { "code": "Request_ResourceNotFound", "message": "gone" } });
        self.sandbox.control().add_fault(Fault {
            count: None,
            ..Fault::once(
                "DELETE",
                "/v1.0/servicePrincipals/*/appRoleAssignments/*",
                Effect::Answer { status: 404, body: Some(gone), retry_after: None },
            )
        });
    }

    /// An agent of another profile that is signed in as the first person; it sees what that person sees.
    pub(crate) async fn onlooker(&self) -> Arc<Current> {
        let agent = self.agent("onlooker");
        self.sign_in(&agent, 0).await.unwrap();
        agent.current().await.unwrap()
    }

    /// Graph as the provisioner: it reads the directory.
    pub(crate) fn administrator(&self) -> Graph {
        let settings = self.settings("administrator");
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let config = TransportConfig { ca: settings.ca.clone(), ..TransportConfig::default() };
        let transport = Transport::new(config).unwrap();
        let entra = Entra::new(settings.cloud.clone(), transport.clone(), clock.clone(), rng.clone());
        let provisioner = settings.provisioner.unwrap();
        let source = entra.application(
            settings.tenant,
            provisioner.client_id,
            ClientCredential::Secret(provisioner.client_secret),
            Resource::graph(&settings.cloud),
        );
        Graph::new(&settings.cloud, transport, source, clock, rng)
    }

    /// All messages of a chat, the oldest first.
    pub(crate) async fn read(&self, onlooker: &Current, chat: &ChatId) -> Vec<Seen> {
        let page = onlooker.graph.messages(chat, None, 50).await.unwrap().value;
        let mut seen: Vec<Seen> = page
            .items
            .iter()
            .filter_map(|message| {
                let from = message.from.as_ref()?.user_id?;
                Some(Seen { from, text: message.body.content.judge().to_owned() })
            })
            .collect();
        seen.reverse();
        seen
    }

    /// The entries of the profile's ledger, once it has verified.
    pub(crate) async fn ledger(&self, agent: &Agent) -> Vec<Shown> {
        agent.audit().flush().await.unwrap();
        let path = agent.settings().profile.ledger();
        attache_ledger::verify(&path, &VerifyOptions::default()).unwrap();
        attache_ledger::show(&path, Filter::default()).unwrap().map(Result::unwrap).collect()
    }
}

/// The settings of a profile for the tenant whose first line was `ready`.
pub(crate) fn settings(ready: &Value, home: &Path, profile: &str) -> Settings {
    let text = |path: &str| ready.pointer(path).and_then(Value::as_str).unwrap().to_owned();
    let origin: Origin = text("/url").parse().unwrap();
    let profile = Profile::new(home, profile.parse().unwrap());
    let secrets = Secrets::KeyFile {
        sealed: profile.directory().join("secrets.sealed"),
        key: profile.directory().join("secrets.key"),
    };
    Settings {
        profile,
        cloud: Cloud::at(origin.clone(), origin),
        ca: Some(text("/ca").into()),
        tenant: text("/tenant_id").parse().unwrap(),
        client_id: text("/apps/client/client_id").parse().unwrap(),
        secrets,
        agent: AgentWishes {
            display_name: "Ada's Agent".to_owned(),
            nickname: "ada-agent".to_owned(),
            domain: None,
            usage_location: "CH".to_owned(),
            licences: Vec::new(),
            sponsor: None,
        },
        provisioner: Some(Provisioner {
            client_id: text("/apps/provisioner/client_id").parse().unwrap(),
            client_secret: Secret::new(text("/apps/provisioner/client_secret")),
        }),
        prefix: "[Attaché] ".into(),
        conversation: None,
        poll: Duration::from_millis(50),
        provision_in_background: false,
        provision_scale: 0.01,
    }
}

pub(crate) fn open(settings: Settings) -> Arc<Agent> {
    Agent::open(settings, Arc::new(SystemClock), Arc::new(SystemRng))
}

/// The machine's clock, which can be set ahead, and on which waits are short.
pub(crate) struct FastClock {
    ahead: Mutex<Duration>,
    haste: u32,
    /// Counts the waits that have begun.
    waits: watch::Sender<u64>,
}

impl FastClock {
    /// On which waits are this many times shorter.
    pub(crate) fn new(haste: u32) -> Arc<Self> {
        Arc::new(Self { ahead: Mutex::default(), haste, waits: watch::Sender::new(0) })
    }

    pub(crate) fn advance(&self, span: Duration) {
        *self.ahead.lock().unwrap() += span;
    }

    /// Until so many more waits have begun.
    pub(crate) async fn after_waits(&self, more: u64) {
        let mut waits = self.waits.subscribe();
        let enough = *waits.borrow() + more;
        waits.wait_for(|begun| *begun >= enough).await.unwrap();
    }
}

impl Clock for FastClock {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now() + *self.ahead.lock().unwrap()
    }

    fn boot(&self) -> Boot {
        SystemClock.boot().after(*self.ahead.lock().unwrap())
    }

    fn sleep(&self, span: Duration) -> Sleep {
        self.waits.send_modify(|begun| *begun += 1);
        SystemClock.sleep(span / self.haste)
    }
}

/// The acts that were begun and how each ended: `send done`, in the order of their ends.
pub(crate) fn ends(ledger: &[Shown]) -> Vec<String> {
    ledger
        .iter()
        .filter_map(|shown| match &shown.entry.event {
            Event::Outcome { act, verdict, .. } => {
                Some(format!("{} {}", act.as_str(), serde_json::to_value(verdict).unwrap().as_str().unwrap()))
            }
            _ => None,
        })
        .collect()
}

/// Fills in the sign-in page as a person would and follows the way back to the loopback address.
async fn browse(client: Client, page: Url, name: &str, password: &str) {
    let answer = client.get(page.clone()).send().await.unwrap();
    let html = answer.text().await.unwrap();
    let form = &html[html.find("<form").expect("a sign-in page has a form")..];
    let action = attribute(&form[..form.find('>').unwrap()], "action").unwrap_or_default();
    let mut fields = Vec::new();
    for input in form.split("<input").skip(1) {
        let input = &input[..input.find('>').unwrap()];
        let Some(field) = attribute(input, "name") else { continue };
        let value = match attribute(input, "type").as_deref() {
            Some("password") => password.to_owned(),
            Some("hidden") => attribute(input, "value").unwrap_or_default(),
            Some("submit" | "checkbox") => continue,
            _ => name.to_owned(),
        };
        fields.push((field, value));
    }
    let answer = client.post(page.join(&action).unwrap()).form(&fields).send().await.unwrap();
    let back =
        answer.headers().get(header::LOCATION).expect("signed in, the page leads back").to_str().unwrap();
    let answer = client.get(back).send().await.unwrap();
    assert!(answer.status().is_success(), "the agent does not take the sign-in: {}", answer.status());
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..start + tag[start..].find('"')?];
    Some(value.replace("&#38;", "&").replace("&amp;", "&"))
}
