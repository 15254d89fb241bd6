//! How a sandbox is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::clock::Clock;
use crate::lag::LagProfile;
use crate::throttling::Throttling;

/// Everything that a sandbox can be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the tenant, the authority and the signing key persist; without it they last as long as the
    /// process, and the authorities stand in a temporary directory.
    pub data: Option<PathBuf>,
    /// More host names or addresses that the certificate covers.
    pub san: Vec<String>,
    /// Where ids, secrets and passwords come from.
    pub seed: Seed,
    /// Allows the documented constants (`Seed::Constants`) beyond loopback.
    pub expose: bool,
    /// Makes signing keys of its own in the place of the built-in ones, which are public.
    pub fresh_keys: bool,
    /// What the tenant holds beside what it is made with, in TOML or JSON; it is there before anything is answered.
    pub document: Option<String>,
    /// How slow the tenant is.
    pub lag: LagProfile,
    /// What every lag is multiplied by. Must be finite and not negative.
    pub lag_scale: f64,
    /// How strictly the tenant throttles.
    pub throttling: Throttling,
    /// Allows notification URLs that are `http` on loopback (`--allow-http-webhooks`).
    pub allow_http_webhooks: bool,
    /// An authority that notification URLs' certificates may come from, as PEM (`--webhook-ca`).
    pub webhook_ca: Option<PathBuf>,
    /// The tenant's clock.
    pub clock: Clock,
    /// Where it takes mail by SMTP, without sign-in: for loopback. Port 0 takes a free one.
    pub smtp_listen: Option<SocketAddr>,
    /// The host and port that mail to the outside goes on to by SMTP; without one it stays in the spool.
    pub smtp_relay: Option<String>,
}

/// Where the tenant's ids, secrets and passwords come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seed {
    /// Documented constants: the same everywhere, secret nowhere.
    #[default]
    Constants,
    /// Derived from a number: the same for the same number. The signing key is made anew.
    Number(u64),
    /// From the system's random numbers.
    Random,
}

impl Default for Config {
    /// The documented constants on `127.0.0.1:8365`, in memory, with no lag and no limits.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8365)),
            data: None,
            san: Vec::new(),
            seed: Seed::Constants,
            expose: false,
            fresh_keys: false,
            document: None,
            lag: LagProfile::None,
            lag_scale: 1.0,
            throttling: Throttling::default(),
            allow_http_webhooks: false,
            webhook_ca: None,
            clock: Clock::running(),
            smtp_listen: None,
            smtp_relay: None,
        }
    }
}

impl std::str::FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "random" => Ok(Self::Random),
            "constants" => Ok(Self::Constants),
            number => number
                .parse()
                .map(Self::Number)
                .map_err(|_| format!("{text:?} is no seed: use a number or \"random\"")),
        }
    }
}
