//! A sandbox tenant without lag, in which an agent has been provisioned.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use attache_entra::{ClientCredential, Entra, Resource, TokenSource, Transport, TransportConfig};
use attache_graph::Graph;
use attache_keys::{Certificate, Signer, SoftwareKey, Validity};
use attache_provision::{
    Action, AgentUserWish, CertificateWish, LicenceWish, Naming, Patience, Record, Tag, Wish,
};
use attache_sandbox::{Config, Sandbox};
use attache_terms::{AppId, Clock, Cloud, Origin, Rng, Secret, SystemClock, SystemRng, TenantId, UserId};

/// The tenant, the agent in it, and what is needed to become it.
pub(crate) struct Tenant {
    /// It ends when this is dropped.
    _sandbox: Sandbox,
    pub(crate) cloud: Cloud,
    pub(crate) transport: Transport,
    pub(crate) id: TenantId,
    pub(crate) blueprint: AppId,
    pub(crate) agent: AppId,
    pub(crate) user: UserId,
    pub(crate) key: Arc<SoftwareKey>,
    pub(crate) certificate: Certificate,
    provisioner: (AppId, ClientCredential),
}

impl Tenant {
    pub(crate) async fn provisioned() -> anyhow::Result<Self> {
        let sandbox =
            Sandbox::start(Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() }).await?;
        let ready = sandbox.ready();
        let origin: Origin = ready.url.parse()?;
        let cloud = Cloud::at(origin.clone(), origin);
        let transport =
            Transport::new(TransportConfig { ca: Some(ready.ca.clone()), ..TransportConfig::default() })?;
        let now = SystemClock.now();
        let key = Arc::new(SoftwareKey::generate().await?);
        let validity = Validity {
            not_before: now - jiff::Span::new().hours(1),
            not_after: now + jiff::Span::new().hours(24 * 90),
        };
        let certificate = Certificate::self_signed(key.as_ref(), "bench", validity, &SystemRng).await?;
        let apps = &ready.apps.provisioner;
        let secret = ClientCredential::Secret(Secret::new(apps.client_secret.clone()));
        let sponsor = ready.users.first().context("no users")?.id.parse()?;
        let id = ready.tenant_id.parse()?;
        let named = |name: &str, key: &str| -> anyhow::Result<Naming> {
            Ok(Naming { display_name: name.to_owned(), tag: Tag::new(key)? })
        };
        let wish = Wish {
            tenant: id,
            blueprint: named("Bench blueprint", "bench/blueprint")?,
            given: None,
            shares_blueprint: false,
            agent: named("Bench agent", "bench/agent")?,
            user: AgentUserWish {
                display_name: "Bench agent".to_owned(),
                user_principal_name: format!("bench@{}", ready.domain),
                mail_nickname: "bench".to_owned(),
                job_title: None,
                department: None,
                usage_location: "US".to_owned(),
            },
            sponsor,
            licence: LicenceWish::Any,
            scopes: Wish::least_scopes(),
            certificate: CertificateWish::new(certificate.der(), certificate.sha1_thumbprint(), "bench"),
            strip: None,
            patience: Patience::default(),
        };
        let provisioner = (apps.client_id.parse()?, secret);
        let mut tenant = Self {
            _sandbox: sandbox,
            cloud,
            transport,
            id,
            blueprint: provisioner.0,
            agent: provisioner.0,
            user: sponsor,
            key,
            certificate,
            provisioner,
        };
        let mut record = Record::new(wish);
        loop {
            match attache_provision::next(&record, SystemClock.now()) {
                Action::Do(step) => {
                    record.begin(step, SystemRng.uuid(), SystemClock.now());
                    let outcome = attache_provision::perform(&tenant, &record).await;
                    record.apply(&outcome, SystemClock.now(), SystemRng.fraction());
                }
                Action::WaitUntil { at, .. } => {
                    let span = Duration::try_from(at.duration_since(SystemClock.now())).unwrap_or_default();
                    SystemClock.sleep(span).await;
                }
                Action::Ready => break,
                Action::Failed(failure) => bail!("{failure}"),
            }
        }
        let objects = record.objects();
        tenant.blueprint = objects.blueprint.context("no blueprint")?;
        tenant.agent = objects.agent.context("no agent identity")?;
        tenant.user = objects.user.context("no agent user")?;
        Ok(tenant)
    }

    /// Entra with an empty cache, over the same connections.
    pub(crate) fn entra(&self) -> Arc<Entra> {
        Entra::new(self.cloud.clone(), self.transport.clone(), Arc::new(SystemClock), Arc::new(SystemRng))
    }

    /// The agent user's token for Graph.
    pub(crate) fn agent_user(&self, entra: &Arc<Entra>) -> Arc<dyn TokenSource> {
        let t1 = entra.own_assertion(self.id, self.blueprint, self.credential());
        entra.agent_user(self.id, t1, self.agent, self.user, Resource::graph(&self.cloud))
    }

    fn credential(&self) -> ClientCredential {
        let signer: Arc<dyn Signer> = self.key.clone();
        ClientCredential::Certificate { certificate: self.certificate.clone(), signer }
    }

    fn graph(&self, source: Arc<dyn TokenSource>) -> Graph {
        Graph::new(&self.cloud, self.transport.clone(), source, Arc::new(SystemClock), Arc::new(SystemRng))
    }
}

impl attache_provision::Clients for Tenant {
    fn bootstrap(&self) -> Graph {
        let (app, credential) = self.provisioner.clone();
        self.graph(self.entra().application(self.id, app, credential, Resource::graph(&self.cloud)))
    }

    fn blueprint(&self, blueprint: AppId) -> Graph {
        let resource = Resource::graph(&self.cloud);
        self.graph(self.entra().application(self.id, blueprint, self.credential(), resource))
    }

    fn agent_user(&self, blueprint: AppId, agent: AppId, user: UserId) -> Graph {
        let entra = self.entra();
        let t1 = entra.own_assertion(self.id, blueprint, self.credential());
        self.graph(entra.agent_user(self.id, t1, agent, user, Resource::graph(&self.cloud)))
    }
}
