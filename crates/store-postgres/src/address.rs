//! The connection string: what PostgreSQL's own programs take, but that TLS is required and checked unless the
//! server is on this machine or the address says otherwise.

use std::path::PathBuf;
use std::time::Duration;

use attache_terms::Secret;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::OpenError;

/// Where a database is, and how it is reached.
#[derive(Clone)]
pub(crate) struct Address {
    /// For the driver.
    pub(crate) config: Config,
    /// The certificates to trust instead of the system's.
    pub(crate) roots: Option<PathBuf>,
    /// For people.
    pub(crate) described: String,
}

impl Address {
    /// Reads a connection string.
    pub(crate) fn parse(address: &Secret) -> Result<Self, OpenError> {
        let text = address.expose();
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        if !["postgres://", "postgresql://"].iter().any(|scheme| place.starts_with(scheme)) {
            return Err(OpenError::Address("it does not begin with postgres://".into()));
        }
        let (mut mode, mut roots) = (None, None);
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" if value == "system" => roots = None,
                "sslrootcert" => roots = Some(PathBuf::from(&*value)),
                _ => drop(rest.append_pair(&name, &value)),
            }
        }
        // The driver does not read a plus as a space.
        let rest = rest.finish().replace('+', "%20");
        let mut config: Config = format!("{place}?{rest}").parse().map_err(unreadable)?;
        config.ssl_mode(ssl_mode(mode.as_deref(), &config)?);
        if config.get_application_name().is_none() {
            config.application_name("attache");
        }
        // A server that vanished is noticed within half a minute, not after two hours.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(30));
            config.keepalives_idle(Duration::from_secs(15)).keepalives_interval(Duration::from_secs(5));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        let described = describe(&config);
        Ok(Self { config, roots, described })
    }

    /// Whether the connection is encrypted and the server's certificate checked.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.config.get_ssl_mode() != SslMode::Disable
    }
}

fn unreadable(error: tokio_postgres::Error) -> OpenError {
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    OpenError::Address(cause.unwrap_or_else(|| error.to_string()))
}

fn ssl_mode(asked: Option<&str>, config: &Config) -> Result<SslMode, OpenError> {
    match asked {
        Some("disable") => Ok(SslMode::Disable),
        None if is_here(config) => Ok(SslMode::Disable),
        None | Some("require" | "verify-full") => Ok(SslMode::Require),
        Some(_) => Err(OpenError::Address(
            "sslmode is none of disable, require and verify-full (the last two mean the same here: the server's \
             certificate is always checked)"
                .into(),
        )),
    }
}

/// Whether what is sent stays on this machine.
fn is_here(config: &Config) -> bool {
    let is_loopback = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(is_loopback) && config.get_hostaddrs().iter().all(|ip| ip.is_loopback())
}

fn describe(config: &Config) -> String {
    let name = |host: &Host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    };
    let ports = config.get_ports();
    let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(at, host)| format!("{}:{}", name(host), port(at)))
        .collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or("postgres");
    format!("PostgreSQL at {}, database {database}", hosts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, OpenError> {
        Address::parse(&Secret::new(text.into()))
    }

    #[test]
    fn tls_is_required_unless_the_server_is_here_or_the_address_says_otherwise() {
        for (address, encrypted) in [
            ("postgres://a:b@db.example/x", true),
            ("postgresql://a:b@10.0.0.7/x?sslmode=require", true),
            ("postgres://a:b@db.example/x?sslmode=disable", false),
            ("postgres://a:b@localhost/x", false),
            ("postgres://a:b@127.0.0.1:1,[::1]:2/x", false),
            ("postgres://a:b@127.0.0.1,db.example/x", true),
            ("postgres://a:b@127.0.0.1/x?hostaddr=10.0.0.7", true),
            ("postgres://a:b@127.0.0.1/x?sslmode=verify-full", true),
        ] {
            assert_eq!(parse(address).unwrap().is_encrypted(), encrypted, "{address}");
        }
    }

    #[test]
    fn what_is_not_ours_goes_to_the_driver() {
        let address =
            parse("postgres://a:b@db.example/x?sslrootcert=/etc/ca%20s.pem&options=-c%20work_mem%3D8MB&connect_timeout=2")
                .unwrap();
        assert_eq!(address.roots.as_deref(), Some(std::path::Path::new("/etc/ca s.pem")));
        assert_eq!(address.config.get_options(), Some("-c work_mem=8MB"));
        assert_eq!(address.config.get_connect_timeout(), Some(&Duration::from_secs(2)));
        assert_eq!(parse("postgres://a@h/x?sslrootcert=system").unwrap().roots, None);
    }

    #[test]
    fn an_address_is_described_without_its_password() {
        let address = parse("postgres://gateway:hunter2@db1:6432,db2:6433/attache?sslmode=require").unwrap();
        assert_eq!(address.described, "PostgreSQL at db1:6432, db2:6433, database attache");
    }

    #[test]
    fn what_cannot_be_read_is_said_without_repeating_it() {
        for address in [
            "mysql://a:hunter2@h/x",
            "postgres://a:hunter2@h:port/x",
            "postgres://a:hunter2@h/x?sslmode=prefer",
            "postgres://a:hunter2@h/x?colour=blue",
        ] {
            let Err(error) = parse(address) else { panic!("{address} was read") };
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
