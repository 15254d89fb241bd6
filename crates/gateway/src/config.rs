//! What a gateway is told when it starts. Whoever starts it has parsed and judged every key.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use attache_entra::ClientCredential;
use attache_terms::{AppId, Cloud, Secret, TenantId, UserId};
use url::Url;

use crate::Limits;
use crate::access::Prefix;
use crate::licences::{Money, Prices};

/// The configuration of one gateway process.
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How people and programs reach it: `https://attache.example.com`. Links, redirects and cookies follow it.
    pub public_url: Url,
    /// Its own certificate; without one it speaks HTTP, for a proxy on the same machine or network.
    pub tls: Option<Tls>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Prefix>,
    /// Where Entra ID and Microsoft Graph are.
    pub cloud: Cloud,
    /// Authorities to trust besides the system's, in PEM.
    pub ca: Option<PathBuf>,
    /// The application that people sign in to: a web client with the redirect URI `<public_url>/sign-in/callback`.
    pub sign_in: ClientApp,
    /// Our own tenants, in which hosted identities live.
    pub hosted: Vec<HostedTenant>,
    /// The multi-tenant application that customers' administrators consent to: a web client with the redirect URI
    /// `<public_url>/connect/callback` and the application permissions of [`OWN_TENANT`](crate::OWN_TENANT). Without
    /// one, no identity can live in a customer's own tenant.
    pub connect: Option<ClientApp>,
    /// Who runs this gateway and may create organisations.
    pub operators: Vec<Operator>,
    /// What programs prove themselves with that act for operators: of each key its SHA-256 in base64url. Such a key
    /// stops and lets go on, and sees what operators see; nothing that wants a fresh sign-in is done with it.
    pub operator_keys: Vec<String>,
    /// The address that mail comes from for organisations without an identity: `noreply@example.com`.
    pub shared_sender: Option<String>,
    /// The local part of a hosted identity's address.
    pub local_part: String,
    /// How many recipients an organisation's hosted identities may write to within 24 hours.
    pub send_quota: u32,
    /// Whether everything happens in an emulated tenant: pages say so, and a database that has seen a real
    /// tenant refuses to be opened so.
    pub sandbox: bool,
    /// How long to wait for what the platform does late, as a share of what Microsoft's may need.
    pub provision_scale: f64,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long a stop waits for requests and jobs in flight.
    pub stop_timeout: Duration,
    /// How many connections may be open at once; who comes then waits until one ends.
    pub connections: usize,
    /// How many jobs run at once.
    pub workers: usize,
    /// How identities are watched over.
    pub governance: Governance,
    /// Addresses that are not public and that customers may have the gateway connect to all the same.
    pub outbound_allowed: Vec<IpAddr>,
    /// The region of every organisation on this gateway; each may have its own when `None`.
    pub region: Option<String>,
    /// How many requests a minute somebody may make.
    pub limits: Limits,
}

/// How identities are watched over: how often, and from when on somebody is told.
#[derive(Debug, Clone)]
pub struct Governance {
    /// How often it is looked whether an identity is still as it should be.
    pub identity_look: Duration,
    /// How often the sponsor of an identity is looked at.
    pub sponsor_look: Duration,
    /// What is amiss must still be so after this time: a directory's replicas may differ.
    pub doubt: Duration,
    /// After how long an identity is to be confirmed again.
    pub review: Duration,
    /// How often the seats of a tenant are counted.
    pub seats_look: Duration,
    /// When only so many seats remain for agents, or fewer, somebody is told.
    pub seats_low: u32,
    /// What the seats of products cost a month.
    pub prices: Prices,
    /// What the licence costs a month that each sponsor needs.
    pub sponsor_price: Money,
    /// The currency of every price, for people: `USD`.
    pub currency: String,
}

impl Default for Governance {
    /// Identities and their sponsors every six hours, with two minutes of doubt; reviews every 90 days; seats every
    /// hour, and five are few; list prices in US dollars, as [`Prices`] says where they come from.
    fn default() -> Self {
        Self {
            identity_look: Duration::from_secs(6 * 3600),
            sponsor_look: Duration::from_secs(6 * 3600),
            doubt: Duration::from_secs(120),
            review: Duration::from_secs(90 * 24 * 3600),
            seats_look: Duration::from_secs(3600),
            seats_low: 5,
            prices: Prices::default(),
            sponsor_price: Money(1500),
            currency: "USD".to_owned(),
        }
    }
}

/// A certificate and its key, as files that are read again when they change.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The chain, PEM.
    pub certificate: PathBuf,
    /// The key, PEM.
    pub key: PathBuf,
}

/// An application that is registered at Entra as a confidential client, and how it proves itself.
#[derive(Clone)]
pub struct ClientApp {
    /// Its client id.
    pub client_id: AppId,
    /// Its client secret.
    pub client_secret: Secret,
}

impl ClientApp {
    /// What Entra is shown.
    pub(crate) fn credential(&self) -> ClientCredential {
        ClientCredential::Secret(self.client_secret.clone())
    }
}

/// One tenant of ours.
#[derive(Clone)]
pub struct HostedTenant {
    /// Which.
    pub tenant: TenantId,
    /// The application that may create agents there.
    pub provisioner: ClientApp,
    /// The verified domain below which organisations get subdomains: `agents.example.com`.
    pub domain: String,
    /// The licences to choose from, by part number or id; empty for any with mailbox and Teams.
    pub licences: Vec<String>,
    /// The country of its agent users.
    pub usage_location: String,
    /// How many subdomains it may hold at most.
    pub subdomains: u32,
    /// The object id of the person of ours who answers for hosted agents until an organisation names one.
    pub sponsor: UserId,
}

/// Somebody who runs this gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    /// Their tenant.
    pub tenant: TenantId,
    /// Their object id there.
    pub user: UserId,
}

impl Config {
    /// A URL below the public one.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// Whether browsers reach it by https, so that cookies can say so.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}
