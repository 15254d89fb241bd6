//! The gateway's configuration: gathered from flags, environment and `gateway.toml`, judged once, with every
//! problem in one error.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use attache_gateway::{
    ClientApp, Config, Governance, HostedTenant, Limits, Money, Operator, Prefix, Prices, Tls,
};
use attache_terms::{AppId, Cloud, Origin, Secret, TenantId, UserId};
use url::Url;

use super::keys::KEYS;
use super::tenants;
use crate::config::{Judge, Problems, Values};
use crate::logs::LogFormat;
use crate::traces::Endpoint;

/// What a gateway is started with.
pub(super) struct Given {
    /// What the gateway itself is told.
    pub(super) config: Config,
    /// Where it keeps everything.
    pub(super) database: Database,
    /// What opens its secrets.
    pub(super) keys: Keys,
}

/// Where a gateway keeps everything.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// A file of SQLite's.
    File(PathBuf),
    /// A PostgreSQL server.
    Postgres(String),
}

/// What opens a gateway's secrets.
pub(super) struct Keys {
    /// The file that seals them.
    pub(super) sealed: PathBuf,
    /// Its key file.
    pub(super) key_file: PathBuf,
    /// Its passphrase, instead of a key file.
    pub(super) passphrase: Option<Secret>,
}

/// Gathers what flags, environment and file say.
pub(super) fn gather(home: &Path, flags: &BTreeMap<&'static str, String>) -> Values {
    let environment = |name: &str| std::env::var(name).ok();
    Values::with_tables(KEYS, &[tenants::TABLE], flags, &environment, &file(home))
}

/// The configuration file.
pub(super) fn file(home: &Path) -> PathBuf {
    home.join("gateway.toml")
}

/// The folder of what the gateway keeps beside its database.
pub(super) fn folder(home: &Path) -> PathBuf {
    home.join("gateway")
}

/// Where the database is, which commands beside a running gateway need alone. A file that cannot be read whole is a
/// problem even so: what is unread could name another database.
pub(super) fn database(home: &Path, values: &Values) -> Result<Database, Problems> {
    if !values.problems.is_empty() {
        return Err(Problems::of_gateway(file(home), values.problems.clone()));
    }
    Ok(match values.get("database").map(|value| value.text.clone()) {
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Database::Postgres(url)
        }
        Some(path) => Database::File(PathBuf::from(path)),
        None => Database::File(folder(home).join("gateway.db")),
    })
}

/// What opens the secrets.
pub(super) fn keys(home: &Path, values: &Values) -> Keys {
    let text = |name: &str| values.get(name).map(|value| value.text.clone());
    Keys {
        sealed: folder(home).join("secrets.sealed"),
        key_file: text("key_file").map_or_else(|| folder(home).join("secrets.key"), PathBuf::from),
        passphrase: text("passphrase").map(Secret::new),
    }
}

/// Judges all of it.
pub(super) fn judge(home: &Path, values: &Values) -> Result<Given, Problems> {
    let mut judge = Judge::new(values);
    let listen = judge.required::<SocketAddr>("listen", "");
    let public_url = judge
        .required::<Url>("public_url", "the address that browsers use, such as https://attache.example.com");
    if let Some(url) = &public_url
        && !is_usable(url)
    {
        judge.problems.push(UNUSABLE.to_owned());
    }
    let tls = pair(&mut judge, "tls_certificate", "tls_key");
    let trusted_proxies = list::<Prefix>(&mut judge, "trusted_proxies");
    let tenant = judge.required::<TenantId>("tenant", "our own tenant's id, a GUID");
    let provisioner =
        judge.required::<AppId>("provisioner_client_id", "the provisioning application's id, a GUID");
    let provisioner_secret = secret(&mut judge, "provisioner_client_secret");
    let domain =
        judge.required::<String>("domain", "a verified domain of the tenant, such as agents.example.com");
    let sponsor = judge.required::<UserId>(
        "sponsor",
        "the object id of the person in that tenant who answers for hosted agents until an organisation names somebody",
    );
    let sign_in =
        judge.required::<AppId>("sign_in_client_id", "the web application that people sign in to, a GUID");
    let sign_in_secret = secret(&mut judge, "sign_in_client_secret");
    let connect = connect(&mut judge);
    let operators = operators(&mut judge);
    let authority = judge.required::<Origin>("authority", "");
    let graph = judge.required::<Origin>("graph", "");
    let ca = judge.bundle("ca");
    judge.filter("log");
    judge.one_of("log_format", LogFormat::CHOICES);
    let usage_location = judge.matching("usage_location", "two capital letters, such as US or DE", |text| {
        text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
    });
    let local_part =
        judge.matching("local_part", "1 to 64 letters, digits, dots, hyphens or underscores", |text| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        });
    let scale = judge.number("provision_scale", 0.0001..=10.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number from 1 to 1000")]
    let workers = judge.number("workers", 1.0..=1000.0).map(|number| number as usize);
    let governance = governance(&mut judge);
    let limits = limits(&mut judge);
    let outbound_allowed = list::<IpAddr>(&mut judge, "outbound_allowed");
    let region = region(&mut judge);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number from 1 to 10000")]
    let send_quota = judge.number("send_quota", 1.0..=10_000.0).map(|number| number as u32);
    let operator_keys = operator_keys(&mut judge);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number from 1 to 5000")]
    let subdomains = judge.number("subdomains", 1.0..=5000.0).map(|number| number as u32);
    let licences: Vec<String> = judge.text("licence").into_iter().collect();
    let shared_sender = judge.text("shared_sender");
    let environment = |name: &str| std::env::var(name).ok();
    let more = tenants::judge(values, &environment, &mut judge.problems);
    let own = tenant.zip(domain.clone());
    tenants::twice(own, &more, &mut judge.problems);
    let problems = judge.problems;
    let complete = (|| {
        let hosted = HostedTenant {
            tenant: tenant?,
            provisioner: ClientApp { client_id: provisioner?, client_secret: provisioner_secret? },
            domain: domain?,
            licences,
            usage_location: usage_location?,
            subdomains: subdomains?,
            sponsor: sponsor?,
        };
        Some(Config {
            listen: listen?,
            public_url: public_url?,
            tls,
            trusted_proxies,
            cloud: Cloud::at(authority?, graph?),
            ca,
            sign_in: ClientApp { client_id: sign_in?, client_secret: sign_in_secret? },
            hosted: std::iter::once(hosted).chain(more).collect(),
            connect,
            operators,
            operator_keys,
            shared_sender,
            local_part: local_part?,
            send_quota: send_quota?,
            sandbox: false,
            provision_scale: scale?,
            request_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(20),
            connections: 4096,
            workers: workers?,
            governance: governance?,
            limits: limits?,
            outbound_allowed,
            region,
        })
    })();
    match complete {
        Some(config) if problems.is_empty() => {
            Ok(Given { config, database: database(home, values)?, keys: keys(home, values) })
        }
        _ => Err(Problems::of_gateway(file(home), problems)),
    }
}

/// How identities are watched over.
fn governance(judge: &mut Judge<'_>) -> Option<Governance> {
    let hour = Duration::from_secs(3600);
    let identity_look = judge.number("identity_look_hours", 0.1..=168.0).map(|hours| hour.mul_f64(hours));
    let sponsor_look = judge.number("sponsor_look_hours", 0.1..=168.0).map(|hours| hour.mul_f64(hours));
    let review = judge.number("review_days", 1.0..=3650.0).map(|days| (hour * 24).mul_f64(days));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number up to a million")]
    let seats_low = judge.number("seats_low", 0.0..=1_000_000.0).map(|number| number as u32);
    let prices = judge.optional::<Prices>("prices").unwrap_or_default();
    let sponsor_price = judge.required::<Money>("sponsor_price", "an amount, such as 15.00");
    let currency =
        judge.matching("currency", "three capital letters, such as USD or EUR (ISO 4217)", |text| {
            text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
        });
    Some(Governance {
        identity_look: identity_look?,
        sponsor_look: sponsor_look?,
        review: review?,
        seats_low: seats_low?,
        prices,
        sponsor_price: sponsor_price?,
        currency: currency?,
        ..Governance::default()
    })
}

/// Whom the log is for.
pub(super) fn log_format(home: &Path, values: &Values) -> Result<LogFormat, Problems> {
    let mut judge = Judge::new(values);
    let format = judge.one_of("log_format", LogFormat::CHOICES);
    format.ok_or_else(|| Problems::of_gateway(file(home), judge.problems))
}

/// The region of all organisations.
fn region(judge: &mut Judge<'_>) -> Option<String> {
    judge.text("region")?;
    judge.matching("region", "2 to 40 small letters, digits and inner hyphens, such as eu", |text| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (2..=40).contains(&text.len())
            && text.bytes().all(plain)
            && !text.starts_with('-')
            && !text.ends_with('-')
    })
}

/// Where traces go, if anywhere.
pub(super) fn traces(home: &Path, values: &Values) -> Result<Option<Endpoint>, Problems> {
    let mut judge = Judge::new(values);
    let endpoint = endpoint(&mut judge);
    if judge.problems.is_empty() {
        Ok(endpoint)
    } else {
        Err(Problems::of_gateway(file(home), judge.problems))
    }
}

fn endpoint(judge: &mut Judge<'_>) -> Option<Endpoint> {
    let mut url = judge.optional::<Url>("otlp_endpoint")?;
    let headers = judge.text("otlp_headers").unwrap_or_default();
    let parts = headers.split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut headers = Vec::new();
    for part in parts {
        match part.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                headers.push((name.trim().to_ascii_lowercase(), Secret::new(value.trim().to_owned())));
            }
            _ => judge.problems.push("otlp_headers: write name=value, with commas between".to_owned()),
        }
    }
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || !url.username().is_empty() {
        judge.problems.push("otlp_endpoint: write http(s)://host:port, without parameters".to_owned());
    } else if url.scheme() == "http" && !local && !headers.is_empty() {
        judge
            .problems
            .push("otlp_headers: they may hold a secret, so otlp_endpoint must be https".to_owned());
    }
    // The variable of OpenTelemetry names the collector; each signal has its own path below it.
    if !url.path().ends_with("/v1/traces") {
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Some(Endpoint { url, headers })
}

/// The limits alone, which a gateway in a sandbox takes from its settings too.
pub(super) fn limits_alone(home: &Path, values: &Values) -> Result<Limits, Problems> {
    let mut judge = Judge::new(values);
    let limits = limits(&mut judge);
    limits.ok_or_else(|| Problems::of_gateway(file(home), judge.problems))
}

/// How many requests a minute somebody may make; 0 for as many as they like.
fn limits(judge: &mut Judge<'_>) -> Option<Limits> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number from 0 to a million"
    )]
    let mut rate = |name| judge.number(name, 0.0..=1_000_000.0).map(|rate| NonZeroU32::new(rate as u32));
    Some(Limits {
        organisation: rate("organisation_rate")?,
        key: rate("key_rate")?,
        address: rate("address_rate")?,
    })
}
/// What is to be written instead.
pub(super) const UNUSABLE: &str =
    "public_url: write https://host, with a port if need be, and no path; http only for this machine";

/// Whether browsers can come to it: `https`, or `http` on this machine, and no path.
pub(super) fn is_usable(url: &Url) -> bool {
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && local);
    scheme
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
}

fn secret(judge: &mut Judge<'_>, name: &str) -> Option<Secret> {
    judge.required::<String>(name, "a secret, by its variable only").map(Secret::new)
}

/// The application for customers' tenants: both halves or neither.
fn connect(judge: &mut Judge<'_>) -> Option<ClientApp> {
    let client_id = judge.optional::<AppId>("connect_client_id");
    let client_secret = judge.text("connect_client_secret").map(Secret::new);
    match (client_id, client_secret) {
        (Some(client_id), Some(client_secret)) => Some(ClientApp { client_id, client_secret }),
        (None, None) => None,
        _ => {
            judge
                .problems
                .push("connect_client_id and connect_client_secret: give both or neither".to_owned());
            None
        }
    }
}

fn pair(judge: &mut Judge<'_>, certificate: &str, key: &str) -> Option<Tls> {
    match (judge.text(certificate), judge.text(key)) {
        (Some(certificate), Some(key)) => Some(Tls { certificate: certificate.into(), key: key.into() }),
        (None, None) => None,
        _ => {
            judge.problems.push(format!("{certificate} and {key}: give both or neither"));
            None
        }
    }
}

fn list<T: std::str::FromStr<Err: std::fmt::Display>>(judge: &mut Judge<'_>, name: &str) -> Vec<T> {
    let text = judge.text(name).unwrap_or_default();
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut values = Vec::new();
    for part in parts {
        match part.parse() {
            Ok(value) => values.push(value),
            Err(error) => judge.problems.push(format!("{name}: {part:?}: {error}")),
        }
    }
    values
}

/// The hashes of operators' keys. A key itself, put there by mistake, is not repeated.
pub(super) fn operator_keys(judge: &mut Judge<'_>) -> Vec<String> {
    let text = judge.text("operator_keys").unwrap_or_default();
    let all: Vec<String> =
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let is_hash = |text: &String| {
        text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if !all.iter().all(is_hash) {
        judge.problems.push(
            "operator_keys: give what `attache gateway operator-key` prints beside the key, 43 characters each"
                .to_owned(),
        );
    }
    all
}

fn operators(judge: &mut Judge<'_>) -> Vec<Operator> {
    let Some(text) = judge.required::<String>("operators", "tenant-id/object-id of whoever runs it") else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let pair =
            part.split_once('/').and_then(|(tenant, user)| Some((tenant.parse().ok()?, user.parse().ok()?)));
        match pair {
            Some((tenant, user)) => all.push(Operator { tenant, user }),
            None => judge.problems.push(format!("operators: {part:?} is not tenant-id/object-id")),
        }
    }
    all
}
