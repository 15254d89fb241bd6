//! Where everything stands: the home, and in it the profile of one agent.

use std::path::PathBuf;

#[cfg(feature = "device")]
use attache_agent::{Profile, ProfileName};

use crate::output::Failure;

/// Where everything of a profile stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `ATTACHE_HOME`: every profile, absolute.
    pub(crate) home: PathBuf,
    /// The profile.
    #[cfg(feature = "device")]
    pub(crate) profile: Profile,
}

#[cfg(feature = "device")]
impl Place {
    /// The profile of this name in `home`.
    pub(crate) fn new(home: PathBuf, name: ProfileName) -> Self {
        Self { profile: Profile::new(&home, name), home }
    }

    /// The profile that is called so in `home`.
    pub(crate) fn named(home: PathBuf, name: &str) -> Result<Self, Failure> {
        let name = name.parse().map_err(|error| Failure::usage("profile_name", format!("{error}")))?;
        Ok(Self::new(home, name))
    }

    /// The configuration file: the profile's.
    pub(crate) fn file(&self) -> PathBuf {
        self.profile.directory().join("config.toml")
    }

    /// The ledger: the profile's.
    pub(crate) fn ledger(&self) -> Result<PathBuf, Failure> {
        Ok(self.profile.ledger())
    }
}

/// Without the device's half there are no profiles; the name is not looked at.
#[cfg(not(feature = "device"))]
impl Place {
    /// `home`.
    pub(crate) fn named(home: PathBuf, _name: &str) -> Result<Self, Failure> {
        Ok(Self { home })
    }

    /// The configuration file: the gateway's.
    pub(crate) fn file(&self) -> PathBuf {
        self.home.join("gateway.toml")
    }

    /// There is no ledger but in a file that is named.
    pub(crate) fn ledger(&self) -> Result<PathBuf, Failure> {
        Err(Failure::usage("file_missing", "give the file that a gateway exported"))
    }
}
