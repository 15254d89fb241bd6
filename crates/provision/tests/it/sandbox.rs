//! The same chain over TLS against the sandbox, with real keys, real tokens and its own lag.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_entra::{ClientCredential, Entra, Resource, Transport, TransportConfig};
use attache_graph::Graph;
use attache_keys::{Certificate, SoftwareKey, Validity};
use attache_provision::{
    Action, CertificateWish, Clients, Failure, Objects, Patience, Record, Removal, RemovalAction, Tag,
    Target, Wish, next, next_removal, perform, perform_removal, plan,
};
use attache_sandbox::{Config, Effect, Fault, LagProfile, Sandbox};
use attache_terms::{AppId, Clock, Cloud, Explain, Rng, Secret, SystemClock, SystemRng, TenantId, UserId};
use serde_json::Value;

use crate::model;

struct Tenant {
    sandbox: Sandbox,
    entra: Arc<Entra>,
    tenant: TenantId,
    provisioner: AppId,
    credential: ClientCredential,
    certificate: Certificate,
}

impl Tenant {
    async fn start(lag: LagProfile, lag_scale: f64) -> Self {
        let listen = "127.0.0.1:0".parse().unwrap();
        let sandbox = Sandbox::start(Config { listen, lag, lag_scale, ..Config::default() }).await.unwrap();
        let ready = sandbox.ready();
        let cloud = Cloud::at(ready.url.parse().unwrap(), ready.url.parse().unwrap());
        let transport =
            Transport::new(TransportConfig { ca: Some(ready.ca.clone()), ..TransportConfig::default() })
                .unwrap();
        let signer = Arc::new(SoftwareKey::generate().await.unwrap());
        let now = SystemClock.now();
        let validity = Validity {
            not_before: now - Duration::from_secs(60),
            not_after: now + Duration::from_secs(86_400),
        };
        let certificate =
            Certificate::self_signed(signer.as_ref(), "attache", validity, &SystemRng).await.unwrap();
        Self {
            tenant: ready.tenant_id.to_string().parse().unwrap(),
            provisioner: ready.apps.provisioner.client_id.to_string().parse().unwrap(),
            entra: Entra::new(cloud, transport, Arc::new(SystemClock), Arc::new(SystemRng)),
            credential: ClientCredential::Certificate { certificate: certificate.clone(), signer },
            certificate,
            sandbox,
        }
    }

    fn wish(&self) -> Wish {
        let ready = self.sandbox.ready();
        let mut wish = model::wish();
        wish.tenant = self.tenant;
        wish.sponsor = ready.users[0].id.to_string().parse().unwrap();
        wish.user.user_principal_name = format!("scout@{}", ready.domain);
        wish.certificate =
            CertificateWish::new(self.certificate.der(), self.certificate.sha1_thumbprint(), "attache");
        wish.strip = Some(self.provisioner);
        wish.patience = Patience {
            hidden: Duration::from_secs(2),
            effect: Duration::from_secs(20),
            mailbox: Duration::from_secs(30),
            teams: Duration::from_secs(30),
            outage: Duration::from_secs(10),
        };
        wish
    }

    fn graph(&self, source: Arc<dyn attache_entra::TokenSource>) -> Graph {
        Graph::new(
            self.entra.cloud(),
            self.entra.transport().clone(),
            source,
            Arc::new(SystemClock),
            Arc::new(SystemRng),
        )
    }

    fn resource(&self) -> Resource {
        Resource::graph(self.entra.cloud())
    }

    async fn run(&self, record: Record) -> Result<Record, Failure> {
        self.drive(record, &Mutex::default()).await
    }

    /// Runs to the end, and writes the record down as a driver does.
    async fn drive(&self, record: Record, disk: &Mutex<String>) -> Result<Record, Failure> {
        let mut record = record;
        loop {
            match next(&record, SystemClock.now()) {
                Action::Do(step) => {
                    record.begin(step, SystemRng.uuid(), SystemClock.now());
                    *disk.lock().unwrap() = record.to_json();
                    let outcome = perform(self, &record).await;
                    record.apply(&outcome, SystemClock.now(), SystemRng.fraction());
                    *disk.lock().unwrap() = record.to_json();
                }
                Action::WaitUntil { at, .. } => {
                    let span = Duration::try_from(at.duration_since(SystemClock.now())).unwrap_or_default();
                    SystemClock.sleep(span).await;
                }
                Action::Ready => return Ok(record),
                Action::Failed(failure) => return Err(failure),
            }
        }
    }

    async fn remove(&self, known: Objects) -> Removal {
        let wish = self.wish();
        let mut removal = Removal::new(Target {
            blueprint: wish.blueprint.tag,
            agent: wish.agent.tag,
            known,
            keeps_blueprint: false,
            patience: wish.patience,
        });
        loop {
            match next_removal(&removal, SystemClock.now()) {
                RemovalAction::Do(step) => {
                    removal.begin(step, SystemRng.uuid());
                    let outcome = perform_removal(self, &removal).await;
                    removal.apply(&outcome, SystemClock.now(), SystemRng.fraction());
                }
                RemovalAction::WaitUntil { at, .. } => {
                    let span = Duration::try_from(at.duration_since(SystemClock.now())).unwrap_or_default();
                    SystemClock.sleep(span).await;
                }
                RemovalAction::Gone => return removal,
                RemovalAction::Failed(failure) => panic!("{failure:?}"),
            }
        }
    }

    /// How many objects of each kind the tenant has.
    fn counts(&self) -> Vec<(String, usize)> {
        let state = self.sandbox.control().state();
        let tenant = state["tenants"].as_object().and_then(|all| all.values().next());
        let kinds = tenant.and_then(Value::as_object).unwrap();
        let size =
            |value: &Value| value.as_object().map(serde_json::Map::len).or(value.as_array().map(Vec::len));
        let counts: Vec<_> =
            kinds.iter().filter_map(|(kind, all)| Some((kind.clone(), size(all)?))).collect();
        assert!(counts.len() > 4, "{counts:?}");
        counts
    }
}

impl Clients for Tenant {
    fn bootstrap(&self) -> Graph {
        let secret = self.sandbox.ready().apps.provisioner.client_secret.clone();
        let credential = ClientCredential::Secret(Secret::new(secret));
        self.graph(self.entra.application(self.tenant, self.provisioner, credential, self.resource()))
    }

    fn blueprint(&self, blueprint: AppId) -> Graph {
        let credential = self.credential.clone();
        self.graph(self.entra.application(self.tenant, blueprint, credential, self.resource()))
    }

    fn agent_user(&self, blueprint: AppId, agent: AppId, user: UserId) -> Graph {
        let t1 = self.entra.own_assertion(self.tenant, blueprint, self.credential.clone());
        self.graph(self.entra.agent_user(self.tenant, t1, agent, user, self.resource()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_nothing_to_ready_and_back_within_the_sandboxs_lag() {
    let tenant = Tenant::start(LagProfile::Typical, LAG).await;
    let before = plan(&tenant, &tenant.wish()).await.unwrap();
    assert!(before.problems.is_empty(), "{before}");
    let record = tenant.run(Record::new(tenant.wish())).await.unwrap();
    let complete = tenant.counts();

    let after = plan(&tenant, &tenant.wish()).await.unwrap();
    assert!(after.objects.iter().all(|object| object.exists), "{after}");
    let again = tenant.run(Record::new(tenant.wish())).await.unwrap();
    assert_eq!(again.objects().user, record.objects().user);
    assert_eq!(tenant.counts(), complete, "a lost record makes nothing twice");

    let removal = tenant.remove(record.objects().clone()).await;
    assert_eq!(removal.left().len(), 4);
    let gone = plan(&tenant, &tenant.wish()).await.unwrap();
    assert!(gone.objects.iter().all(|object| !object.exists), "{gone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_blueprint_that_others_share_only_what_it_lacks_is_made() {
    let tenant = Tenant::start(LagProfile::None, LAG).await;
    let first = tenant.run(Record::new(Wish { strip: None, ..tenant.wish() })).await.unwrap();
    let domain = tenant.sandbox.ready().domain.clone();
    let sharing = |name: &str| {
        let mut wish = Wish { strip: None, shares_blueprint: true, ..tenant.wish() };
        wish.agent.tag = Tag::new(name).unwrap();
        wish.user.user_principal_name = format!("{name}@{domain}");
        wish.user.mail_nickname = name.to_owned();
        wish
    };
    let second = tenant.run(Record::new(sharing("second"))).await.unwrap();
    assert_eq!(second.objects().blueprint, first.objects().blueprint);
    assert_eq!(second.objects().principal, first.objects().principal);
    assert_ne!(second.objects().user, first.objects().user);
    let writes = |from: usize| {
        let all = tenant.sandbox.control().requests();
        let path = |one: &attache_sandbox::LoggedRequest| format!("{} {}", one.method, one.path);
        let writes = all.iter().skip(from).filter(|one| one.method != "GET" && one.grant_type.is_none());
        writes.map(path).collect::<Vec<_>>()
    };
    let before = tenant.sandbox.control().requests().len();
    // What it lacks is made: here a scope that the others do not need.
    let mut wish = sharing("third");
    wish.scopes.push("Mail.Send".to_owned());
    tenant.run(Record::new(wish)).await.unwrap();
    let writes = writes(before);
    let of_blueprint =
        |path: &&String| path.contains("oauth2PermissionGrants") || path.contains("inheritable");
    assert_eq!(writes.iter().filter(of_blueprint).count(), 2, "{writes:?}");
    assert_eq!(writes.len(), 2 + 4, "{writes:?}");
}

/// The sandbox's delays, shortened: replication 15 ms, Teams 0.9 s.
const LAG: f64 = 0.001;

/// The writes of the chain: how many of each method there are.
const WRITES: [(&str, u32); 3] = [("POST", 8), ("PATCH", 2), ("DELETE", 2)];

async fn usual() -> Vec<(String, usize)> {
    let tenant = Tenant::start(LagProfile::Typical, LAG).await;
    tenant.run(Record::new(tenant.wish())).await.unwrap();
    tenant.counts()
}

fn fault(method: &str, skip: u32, effect: Effect) -> Fault {
    let method = Some(method.to_owned());
    Fault { method, skip, ..Fault::once("", "/v1.0/**", effect) }
}

/// Each write of the chain, met by an effect of its own, in a tenant of its own.
async fn at_every_write<F: Future<Output = ()> + Send + 'static>(
    check: impl Fn(Tenant, String, Fault) -> F,
    effects: &[Effect],
) {
    let mut checks = tokio::task::JoinSet::new();
    for (method, writes) in WRITES {
        for skip in 0..writes {
            for effect in effects {
                let name = format!("{method} {skip} {effect:?}");
                let tenant = Tenant::start(LagProfile::Typical, LAG).await;
                checks.spawn(check(tenant, name, fault(method, skip, effect.clone())));
            }
        }
    }
    while let Some(checked) = checks.join_next().await {
        checked.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_any_write_makes_nothing_twice() {
    let usual = usual().await;
    let check = |tenant: Tenant, name: String, fault: Fault| {
        let usual = usual.clone();
        async move {
            tenant.sandbox.control().add_fault(fault);
            let ended = tenant.run(Record::new(tenant.wish())).await;
            assert!(ended.is_ok(), "{name}: {ended:?}");
            assert_eq!(tenant.counts(), usual, "{name}");
        }
    };
    at_every_write(check, &[Effect::ResetBeforeCommit, Effect::ResetAfterCommit]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_at_any_write_makes_nothing_twice() {
    let usual = usual().await;
    let check = |tenant: Tenant, name: String, fault: Fault| {
        let usual = usual.clone();
        async move {
            let control = tenant.sandbox.control();
            control.add_fault(fault);
            let disk = Mutex::new(Record::new(tenant.wish()).to_json());
            let held = tokio::select! {
                ended = tenant.drive(Record::new(tenant.wish()), &disk) => panic!("{name}: {ended:?}"),
                held = control.wait_held() => held,
            };
            for request in held {
                control.cut(request.id);
            }
            let found = Record::parse(&disk.into_inner().unwrap()).unwrap();
            let ended = tenant.run(found).await;
            assert!(ended.is_ok(), "{name}: {ended:?}");
            assert_eq!(tenant.counts(), usual, "{name}");
        }
    };
    at_every_write(check, &[Effect::HoldBeforeCommit, Effect::HoldAfterCommit]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_the_blueprint_does_not_have_is_named() {
    let tenant = Tenant::start(LagProfile::None, 0.0).await;
    let mut wish = tenant.wish();
    let other = SoftwareKey::generate().await.unwrap();
    let validity = tenant.certificate.validity();
    let other = Certificate::self_signed(&other, "other", validity, &SystemRng).await.unwrap();
    wish.certificate = CertificateWish::new(other.der(), other.sha1_thumbprint(), "other");
    wish.patience.effect = Duration::from_secs(1);
    let failure = tenant.run(Record::new(wish)).await.unwrap_err();
    assert_eq!(failure.code(), "certificate_unknown", "{failure:?}");
    assert!(failure.remedy().what.contains("certificate"));
}
