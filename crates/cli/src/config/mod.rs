//! One configuration type, parsed once, with every missing or wrong setting named in one error (rule 8 of
//! the house).

#[cfg(feature = "device")]
mod device;
mod judge;
mod keys;
mod place;
mod resolve;
mod show;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use attache_terms::{Cloud, Origin};

#[cfg(feature = "device")]
pub(crate) use device::{Config, SecretPlace};
pub(crate) use judge::Judge;
#[cfg(feature = "gateway")]
pub(crate) use keys::Key;
pub(crate) use place::Place;
pub(crate) use resolve::Values;
#[cfg(feature = "device")]
pub(crate) use show::show;
#[cfg(feature = "gateway")]
pub(crate) use show::show_gateway;

/// Where a tenant's services are, and whom to trust there.
pub(crate) struct Way {
    pub(crate) cloud: Cloud,
    pub(crate) ca: Option<PathBuf>,
}

/// What was given, before it is judged.
pub(crate) struct Given {
    place: Place,
    values: Values,
}

/// Everything that is wrong with the configuration.
#[derive(Debug)]
pub(crate) struct Problems {
    file: PathBuf,
    problems: Vec<String>,
    commands: Commands,
}

/// The commands that help with a configuration.
#[derive(Debug, Clone, Copy)]
struct Commands {
    /// Shows every setting.
    shows: &'static str,
    /// Needs none, if there is one.
    needs_none: Option<&'static str>,
}

const DEVICE: Commands = Commands { shows: "attache config show", needs_none: Some("attache try") };
const GATEWAY: Commands =
    Commands { shows: "attache gateway config", needs_none: Some("attache gateway --sandbox") };
/// Whoever speaks to a gateway has to know where it is, and a key.
#[cfg(feature = "gateway")]
const CLIENT: Commands = Commands { shows: "attache gateway config", needs_none: None };

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for problem in &self.problems {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

impl Problems {
    /// What is wrong, and the file in which it can be put right.
    pub(crate) fn new(file: PathBuf, problems: Vec<String>) -> Self {
        let commands = if cfg!(feature = "device") { DEVICE } else { GATEWAY };
        Self { file, problems, commands }
    }

    /// The same for the gateway's configuration.
    #[cfg(feature = "gateway")]
    pub(crate) fn of_gateway(file: PathBuf, problems: Vec<String>) -> Self {
        Self { file, problems, commands: GATEWAY }
    }

    /// The same for a command that speaks to a gateway.
    #[cfg(feature = "gateway")]
    pub(crate) fn of_gateways_client(file: PathBuf, problems: Vec<String>) -> Self {
        Self { file, problems, commands: CLIENT }
    }

    /// What to do about all of them.
    pub(crate) fn remedy(&self) -> String {
        let Commands { shows, needs_none } = self.commands;
        let file = self.file.display();
        let other = needs_none.map(|command| format!(", and `{command}` needs none")).unwrap_or_default();
        format!(
            "set what is missing or wrong by flag, by environment or in {file}; `{shows}` shows where each value comes \
             from{other}",
        )
    }
}

impl std::error::Error for Problems {}

impl Given {
    /// Takes up what flags, environment and file say.
    pub(crate) fn gather(place: Place, flags: &BTreeMap<&'static str, String>) -> Self {
        let environment = |name: &str| std::env::var(name).ok();
        #[cfg(feature = "device")]
        let known = keys::KEYS;
        #[cfg(not(feature = "device"))]
        let known = crate::commands::gateway::KEYS;
        let values = Values::resolve(known, flags, &environment, &place.file());
        Self { place, values }
    }

    /// Judges only where the tenant's services are and whom to trust there.
    pub(crate) fn way(self) -> Result<Way, Problems> {
        let mut judge = Judge::new(&self.values);
        let authority = judge.required::<Origin>("authority", "");
        let graph = judge.required::<Origin>("graph", "");
        let ca = judge.bundle("ca");
        let problems = judge.problems;
        match (authority, graph) {
            (Some(authority), Some(graph)) if problems.is_empty() => {
                Ok(Way { cloud: Cloud::at(authority, graph), ca })
            }
            _ => Err(Problems::new(self.place.file(), problems)),
        }
    }
}
