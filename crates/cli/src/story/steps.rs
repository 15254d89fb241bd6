//! The steps of the device, in the order in which they happen; those of the gateway follow.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use attache_agent::{Agent, Person};
use attache_entra::{Entra, Transport, TransportConfig};
use attache_graph::Graph;
use attache_sandbox::{Config, LagProfile, Ready, Sandbox};
use attache_terms::{ChatId, Clock, Cloud, MessageId, Origin, Secret, SystemClock, SystemRng, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::home::Home;
use super::host::Host;
use super::people::{self, Directory, Sponsor};
use super::show::Show;
use super::{browser, gateway, hosts};
use crate::args::Try;
use crate::commands::gateway::SandboxGateway;
use crate::{config, settings};

/// The sandbox lags as Entra does on most days, this much faster.
const LAG_SCALE: f64 = 0.004;
/// What the sandbox does late is waited for that much shorter too, with room to spare.
pub(super) const PROVISION_SCALE: f64 = 0.02;
/// How long the agent may take to get its own identity before the story counts as failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// What the agent says each time, so that nothing but the identity differs.
const GREETING: &str = "Hello, I am here to help.";
/// What tells the announcement of the upgrade from other messages.
const ANNOUNCED: &str = "has an identity of its own now";

/// Tells the story and gives the tenant, which goes on.
pub(super) async fn tell(
    show: &mut Show,
    home: &Home,
    command: &Try,
) -> anyhow::Result<(Sandbox, SandboxGateway)> {
    let story = Story::begin(show, home, command).await?;
    let sponsor = story.sign_in(show).await?;
    let (mut host, watching) = story.first_message(show, home).await?;
    story.own_identity(show, &mut host, &watching).await?;
    let (chat, own) = story.own_message(show, &mut host, &watching).await?;
    story.inbound(show, &mut host, &watching.sponsor, &chat).await?;
    host.end().await?;
    story.audit(show, &home.place.profile.ledger(), &[watching.first.clone(), own])?;
    let gateway = gateway::tell(&story, show, home).await?;
    home.remember(port(&story.ready)?, gateway.url.port())?;
    show.end(json!({
        "gateway": gateway.url.as_str(),
        "home": home.place.home,
        "profile": home.place.profile.name().as_str(),
        "url": story.ready.url,
        "sponsor": sponsor.upn,
    }));
    story.farewell(show, home, command, &gateway);
    Ok((story.sandbox, gateway))
}

pub(super) struct Story {
    pub(super) sandbox: Sandbox,
    pub(super) ready: Ready,
    program: PathBuf,
    agent: Arc<Agent>,
    pub(super) directory: Directory,
    pub(super) administrator: Graph,
}

/// What is kept of the first message: where the sponsor saw it, and who looks.
struct Watching {
    sponsor: Sponsor,
    chat: ChatId,
    first: MessageId,
    identity: Identity,
}

/// Under which name the agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Identity {
    Sponsor,
    AgentUser,
}

/// What `send_teams_message` answers.
#[derive(Debug, Deserialize)]
struct Sent {
    chat_id: ChatId,
    message_id: MessageId,
    identity: Identity,
}

/// What `whoami` answers, as far as the story asks.
#[derive(Debug, Deserialize)]
struct Whoami {
    mode: String,
    agent: Option<Objects>,
    #[serde(default)]
    upgrading: bool,
    #[serde(default)]
    provisioning: Value,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Objects {
    agent_user_id: UserId,
}

impl Story {
    /// Step `tenant`: the sandbox, and a profile that is configured for it.
    async fn begin(show: &mut Show, home: &Home, command: &Try) -> anyhow::Result<Self> {
        show.begin("tenant", "starting a sandbox tenant");
        let sandbox = Sandbox::start(Config {
            listen: home.listen(command),
            data: Some(home.tenant_data()),
            lag: LagProfile::Typical,
            lag_scale: LAG_SCALE,
            ..Config::default()
        })
        .await?;
        let ready = sandbox.ready().clone();
        let profile = [
            ("tenant", ready.tenant_id.clone()),
            ("client_id", ready.apps.client.client_id.clone()),
            ("authority", ready.url.clone()),
            ("graph", ready.url.clone()),
            ("ca", ready.ca.display().to_string()),
            ("provisioner_client_id", ready.apps.provisioner.client_id.clone()),
            ("agent_name", "Attaché Agent".to_owned()),
            ("poll", "1".to_owned()),
            ("provision_scale", PROVISION_SCALE.to_string()),
        ];
        home.settle(port(&ready)?, &profile)?;
        let origin: Origin = ready.url.parse()?;
        let cloud = Cloud::at(origin.clone(), origin);
        let transport =
            Transport::new(TransportConfig { ca: Some(ready.ca.clone()), ..TransportConfig::default() })?;
        let entra = Entra::new(cloud, transport, Arc::new(SystemClock), Arc::new(SystemRng));
        let directory = Directory { entra, tenant: ready.tenant_id.parse()? };
        let provisioner = &ready.apps.provisioner;
        let administrator = directory
            .administrator(provisioner.client_id.parse()?, Secret::new(provisioner.client_secret.clone()));
        let organisation = administrator.organization().await.context("the tenant does not answer")?.value;
        let answers = organisation.iter().any(|organisation| organisation.id.to_string() == ready.tenant_id);
        ensure!(answers, "another tenant answers");
        let agent = settings::agent(config::Given::of_file(home.place.clone()).judge()?);
        let program = std::env::current_exe().context("this program cannot find itself")?;
        show.done(
            &format!("{} is ready at {}", ready.domain, ready.url),
            json!({ "url": ready.url, "tenant_id": ready.tenant_id }),
        );
        Ok(Self { sandbox, ready, program, agent, directory, administrator })
    }

    /// What the host sets besides the profile: the provisioner's secret, which is in no file, and haste.
    fn for_the_host(&self) -> [(&'static str, String); 2] {
        let secret = self.ready.apps.provisioner.client_secret.clone();
        [("ATTACHE_PROVISIONER_CLIENT_SECRET", secret), ("ATTACHE_POLL", "0.1".to_owned())]
    }

    pub(super) fn sponsors_user(&self) -> anyhow::Result<(&str, &str)> {
        let user = self.ready.users.first().context("the tenant has no users")?;
        Ok((&user.upn, &user.password))
    }

    /// Step `sign_in`: the sponsor signs in to the agent, in a browser.
    async fn sign_in(&self, show: &mut Show) -> anyhow::Result<Person> {
        show.begin("sign_in", "the sponsor signs in, in a browser");
        let client = self.directory.entra.transport().client()?.clone();
        let (name, password) = self.sponsors_user()?;
        let (name, password) = (name.to_owned(), password.to_owned());
        let (sender, played) = tokio::sync::oneshot::channel();
        let signing_in = self.agent.sign_in(|url| {
            let url = url.clone();
            tokio::spawn(async move {
                // Whoever waited for this has failed already when nobody listens.
                let _ = sender.send(browser::sign_in(&client, url, &name, &password).await);
            });
        });
        let browsing = async { played.await.context("no browser was opened")? };
        let (sponsor, ()) = tokio::try_join!(async { anyhow::Ok(signing_in.await?) }, browsing)?;
        let seen = people::agent_user(&self.administrator, sponsor.id).await?;
        ensure!(
            seen.user_principal_name == sponsor.upn,
            "{} signed in as {}",
            seen.user_principal_name,
            sponsor.upn
        );
        show.done(&format!("{} is the sponsor", sponsor.display_name), json!({ "sponsor": sponsor.upn }));
        Ok(sponsor)
    }

    /// Step `first_message`: the host starts the agent, which speaks under whichever identity it has by now.
    async fn first_message(&self, show: &mut Show, home: &Home) -> anyhow::Result<(Host, Watching)> {
        show.begin("first_message", "the agent says hello");
        let mut host = Host::start(&self.program, &home.place, &self.for_the_host()).await?;
        let sent = send(&mut host).await?;
        let (name, password) = self.sponsors_user()?;
        let client = self.ready.apps.client.client_id.parse()?;
        let sponsor = self.directory.sponsor(client, name, password).await?;
        let message = sponsor.reads(&sent.chat_id, &sent.message_id).await?;
        ensure!(people::says(&message, GREETING), "the message says something else");
        let told = match sent.identity {
            Identity::Sponsor => {
                ensure!(people::wrote(&message, sponsor.id), "the message is not the sponsor's");
                ensure!(people::says(&message, "[Attaché]"), "the message is not marked");
                "said hello under the sponsor's name, marked"
            }
            Identity::AgentUser => "said hello under its own name, which it has from the time before",
        };
        show.done(
            told,
            json!({ "chat_id": sent.chat_id, "message_id": sent.message_id, "identity": sent.identity }),
        );
        let first = sent.message_id;
        Ok((host, Watching { sponsor, chat: sent.chat_id, first, identity: sent.identity }))
    }

    /// Steps `provision` and `upgrade`: the running server gets an identity of its own in the background.
    async fn own_identity(
        &self,
        show: &mut Show,
        host: &mut Host,
        watching: &Watching,
    ) -> anyhow::Result<()> {
        show.begin("provision", "the agent gets an identity of its own");
        let own = self.wait(show, host, |who| who.agent.filter(|_| complete(who))).await?.agent_user_id;
        let seen = people::agent_user(&self.administrator, own).await?;
        let upn = seen.user_principal_name;
        ensure!(!seen.assigned_licences.is_empty(), "{upn} has no licence");
        ensure!(seen.usage_location.is_some(), "{upn} has no usage location");
        ensure!(seen.identity_parent_id.is_some(), "{upn} is no agent user");
        people::served(&self.administrator, own).await?;
        show.done(
            &format!("{upn} has mailbox, Teams and a licence"),
            json!({ "agent_user_id": own, "upn": upn }),
        );
        show.begin("upgrade", "the agent moves over to its own identity");
        self.wait(show, host, |who| (who.mode == "agent_user").then_some(())).await?;
        let (teller, told) = match watching.identity {
            Identity::Sponsor => (watching.sponsor.id, "moved over without a restart; the chat was told"),
            Identity::AgentUser => {
                let message = watching.sponsor.reads(&watching.chat, &watching.first).await?;
                ensure!(people::wrote(&message, own), "the hello of this time is not the agent user's");
                (own, "was done the time before; the chat was told then")
            }
        };
        watching.sponsor.finds(&watching.chat, teller, ANNOUNCED).await?;
        show.done(told, json!({ "agent_user_id": own }));
        Ok(())
    }

    /// Step `own_message`: the same call again, now under the agent's own name.
    async fn own_message(
        &self,
        show: &mut Show,
        host: &mut Host,
        watching: &Watching,
    ) -> anyhow::Result<(ChatId, MessageId)> {
        show.begin("own_message", "the agent says hello again");
        let own: UserId = whoami(host).await?.agent.context("the agent has no agent user")?.agent_user_id;
        let sent = send(host).await?;
        let message = watching.sponsor.reads(&sent.chat_id, &sent.message_id).await?;
        ensure!(people::says(&message, GREETING), "the message says something else");
        ensure!(people::wrote(&message, own), "the message is not the agent user's");
        ensure!(!people::says(&message, "[Attaché]"), "the message is still marked");
        watching.sponsor.finds(&sent.chat_id, own, ANNOUNCED).await?;
        show.done(
            "the same call, now from the agent user",
            json!({ "chat_id": sent.chat_id, "message_id": sent.message_id, "from_user_id": own }),
        );
        Ok((sent.chat_id, sent.message_id))
    }

    /// Step `inbound`: the sponsor answers, and the running server passes it on, in the envelope.
    async fn inbound(
        &self,
        show: &mut Show,
        host: &mut Host,
        sponsor: &Sponsor,
        chat: &ChatId,
    ) -> anyhow::Result<()> {
        show.begin("inbound", "the sponsor answers");
        let answer = "Good. What is on today?";
        let id = sponsor.writes(chat, answer).await?;
        let came = loop {
            let notification = host.next_channel().await?;
            if notification["meta"]["message_id"] == json!(id.to_string()) {
                break notification;
            }
        };
        let content = came["content"].as_str().context("the notification has no content")?;
        ensure!(content.contains(answer), "the answer did not arrive in full");
        ensure!(content.contains("<external-content"), "the answer is not in the envelope");
        let texts = came["meta"].as_object().is_some_and(|meta| meta.values().all(Value::is_string));
        ensure!(texts, "a value in meta is no text");
        show.done("the sponsor's answer arrived by itself, in its envelope", json!({ "message_id": id }));
        Ok(())
    }

    /// Step `audit`: the ledger verifies, every intent has its outcome, and the messages above are in it.
    fn audit(&self, show: &mut Show, ledger: &Path, messages: &[MessageId]) -> anyhow::Result<()> {
        show.begin("audit", "verifying the ledger");
        let report = attache_ledger::verify(ledger, &attache_ledger::VerifyOptions::default())?;
        ensure!(report.dangling.is_empty(), "{} intents have no outcome", report.dangling.len());
        let mut acts = 0;
        let mut missing: Vec<_> = messages.iter().map(ToString::to_string).collect();
        for shown in attache_ledger::show(ledger, attache_ledger::Filter::default())? {
            let entry = serde_json::to_value(shown?)?.to_string();
            acts += usize::from(entry.contains("\"outcome\""));
            missing.retain(|message| !entry.contains(message.as_str()));
        }
        if let Some(message) = missing.first() {
            bail!("the ledger does not hold the message {message}");
        }
        show.done(
            &format!("{} entries verify, {acts} acts with intent and outcome", report.entries),
            json!({ "entries": report.entries, "acts": acts, "root": report.root.to_string() }),
        );
        Ok(())
    }

    /// What can be done with what the story leaves, while its tenant stays or without it.
    fn farewell(&self, show: &Show, home: &Home, command: &Try, gateway: &SandboxGateway) {
        let directory = home.place.home.display();
        let here = format!("Everything stands in {directory}; with ATTACHE_HOME={directory}");
        if command.once {
            show.say(&format!(
                "{here}, attache audit show and attache config show work as they are.
The tenant ended with the story; with the same directory, attache try goes on with it, and stays."
            ));
        } else {
            show.say(&format!(
                "{here}, every command works there:
  attache whoami, attache audit show, attache config show
and with ATTACHE_PROVISIONER_CLIENT_SECRET='{}': attache provision --plan, attache deprovision --plan
The tenant is at {}; trust {}.
The gateway is at {}; sign in once with {}",
                self.ready.apps.provisioner.client_secret,
                self.ready.url,
                self.ready.ca.display(),
                gateway.url,
                gateway.link.expose(),
            ));
        }
        show.say(&hosts::instructions(&self.program, &home.place));
    }

    /// Asks the running server who it is, until `ready` is content.
    async fn wait<T>(
        &self,
        show: &Show,
        host: &mut Host,
        ready: impl Fn(&Whoami) -> Option<T>,
    ) -> anyhow::Result<T> {
        let started = Instant::now();
        loop {
            let who = whoami(host).await?;
            if let Some(found) = ready(&who) {
                return Ok(found);
            }
            let provisioning = who.provisioning;
            if let Some(text) = provisioning["doing"].as_str() {
                show.progress(text);
            }
            ensure!(provisioning["state"] != "failed", "provisioning failed: {provisioning}");
            ensure!(started.elapsed() < PATIENCE, "the agent still waits: {provisioning}");
            SystemClock.sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Whether the identity is complete, be it in use already or not.
fn complete(who: &Whoami) -> bool {
    who.upgrading || who.mode == "agent_user"
}

async fn whoami(host: &mut Host) -> anyhow::Result<Whoami> {
    let answer = host.call("whoami", json!({})).await?;
    serde_json::from_value(answer).context("whoami answers in another shape")
}

async fn send(host: &mut Host) -> anyhow::Result<Sent> {
    let answer = host.call("send_teams_message", json!({ "text": GREETING })).await?;
    serde_json::from_value(answer).context("send_teams_message answers in another shape")
}

fn port(ready: &Ready) -> anyhow::Result<u16> {
    url::Url::parse(&ready.url)?.port().context("the sandbox's URL has no port")
}
