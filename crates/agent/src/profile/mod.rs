//! Where one agent keeps what it must remember: a directory with one file for each thing, each versioned and
//! replaced as a whole, and locks by which the processes of one profile take turns.

mod document;
mod lease;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use document::FileError;
pub(crate) use document::{Document, Persisted, Stamp};
pub use lease::Holder;
pub(crate) use lease::{Lease, Taken};

/// A profile's name: 1 to 40 lower-case letters, digits and hyphens, so that it can be a folder's name and
/// part of a secret's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProfileName(String);

/// Why a text cannot name a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a profile cannot be called {shown:?}: use 1 to 40 lower-case letters, digits and hyphens, such as work"
)]
pub struct ProfileNameError {
    shown: String,
}

impl ProfileName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProfileName {
    type Err = ProfileNameError;

    fn from_str(text: &str) -> Result<Self, ProfileNameError> {
        let fits = (1..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ProfileNameError { shown: text.chars().take(40).collect() })
        }
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One agent's place on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    name: ProfileName,
    directory: PathBuf,
}

impl Profile {
    /// The profile of this name under `home` (`ATTACHE_HOME`): `home/profiles/<name>`. Nothing is read or
    /// made.
    pub fn new(home: &Path, name: ProfileName) -> Self {
        let directory = home.join("profiles").join(name.as_str());
        Self { name, directory }
    }

    /// Its name.
    pub fn name(&self) -> &ProfileName {
        &self.name
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The directory of the ledger.
    pub fn ledger(&self) -> PathBuf {
        self.directory.join("ledger")
    }

    /// The database of the device's state.
    pub fn state(&self) -> PathBuf {
        self.directory.join("state.sqlite")
    }

    /// Who the agent is: [`crate::identity`].
    pub(crate) fn identity(&self) -> PathBuf {
        self.directory.join("identity.json")
    }

    /// How far its own identity has come: [`crate::provisioning`].
    pub(crate) fn provisioning(&self) -> PathBuf {
        self.directory.join("provisioning.json")
    }

    /// What is being removed: [`crate::provisioning`].
    pub(crate) fn removal(&self) -> PathBuf {
        self.directory.join("removal.json")
    }

    /// The certificate of its blueprint: [`crate::identity`].
    pub(crate) fn credential(&self) -> PathBuf {
        self.directory.join("credential.json")
    }

    /// The lock file for one kind of work.
    pub(crate) fn lock(&self, work: &str) -> PathBuf {
        self.directory.join("locks").join(format!("{work}.lock"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_leave_the_folder_is_refused() {
        for text in ["", "..", "../x", "a/b", "Ada", "a b", "-x", &"a".repeat(41)] {
            assert!(text.parse::<ProfileName>().is_err(), "{text}");
        }
        let profile = Profile::new(Path::new("/home/ada/.attache"), "work-2".parse().unwrap());
        assert_eq!(profile.directory(), Path::new("/home/ada/.attache/profiles/work-2"));
    }
}
