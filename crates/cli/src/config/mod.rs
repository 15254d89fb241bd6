//! One configuration type, parsed once, with every missing or wrong setting named in one error (rule 8 of
//! the house).

mod judge;
mod keys;
mod resolve;
mod show;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use attache_agent::{Profile, ProfileName};
use attache_terms::{AppId, ChatId, Cloud, Origin, Secret, TenantId};

pub(crate) use judge::Judge;
pub(crate) use keys::Key;
pub(crate) use resolve::Values;
pub(crate) use show::{show, show_gateway};

/// Where everything of a profile stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `ATTACHE_HOME`: every profile, absolute.
    pub(crate) home: PathBuf,
    /// The profile.
    pub(crate) profile: Profile,
}

impl Place {
    /// The profile of this name in `home`.
    pub(crate) fn new(home: PathBuf, name: ProfileName) -> Self {
        Self { profile: Profile::new(&home, name), home }
    }

    /// The profile's configuration file.
    pub(crate) fn file(&self) -> PathBuf {
        self.profile.directory().join("config.toml")
    }
}

/// Which place keeps secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretPlace {
    SealedFile,
    SecretService,
}

/// What a command that speaks to a tenant is configured with.
pub(crate) struct Config {
    pub(crate) place: Place,
    pub(crate) tenant: TenantId,
    pub(crate) client_id: AppId,
    pub(crate) cloud: Cloud,
    pub(crate) ca: Option<PathBuf>,
    /// Who may create the agent's objects: an application and its secret.
    pub(crate) provisioner: Option<(AppId, Secret)>,
    pub(crate) provision_in_background: bool,
    pub(crate) provision_scale: f64,
    pub(crate) agent_name: String,
    pub(crate) agent_alias: String,
    pub(crate) domain: Option<String>,
    pub(crate) usage_location: String,
    pub(crate) licence: Option<String>,
    pub(crate) chat: Option<ChatId>,
    pub(crate) prefix: String,
    pub(crate) poll: Duration,
    pub(crate) secrets: SecretPlace,
    pub(crate) key_file: PathBuf,
    pub(crate) passphrase: Option<Secret>,
}

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
    /// Needs none.
    needs_none: &'static str,
}

const DEVICE: Commands = Commands { shows: "attache config show", needs_none: "attache try" };
const GATEWAY: Commands =
    Commands { shows: "attache gateway config", needs_none: "attache gateway --sandbox" };

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
        Self { file, problems, commands: DEVICE }
    }

    /// The same for the gateway's configuration.
    pub(crate) fn of_gateway(file: PathBuf, problems: Vec<String>) -> Self {
        Self { file, problems, commands: GATEWAY }
    }

    /// What to do about all of them.
    pub(crate) fn remedy(&self) -> String {
        format!(
            "set what is missing or wrong by flag, by environment or in {}; `{}` shows where each value comes from, and `{}` needs none",
            self.file.display(),
            self.commands.shows,
            self.commands.needs_none,
        )
    }
}

impl std::error::Error for Problems {}

impl Given {
    /// Takes up what flags, environment and file say.
    pub(crate) fn gather(place: Place, flags: &BTreeMap<&'static str, String>) -> Self {
        let environment = |name: &str| std::env::var(name).ok();
        let values = Values::resolve(keys::KEYS, flags, &environment, &place.file());
        Self { place, values }
    }

    /// Takes up what the file says, and nothing else.
    pub(crate) fn of_file(place: Place) -> Self {
        let values = Values::resolve(keys::KEYS, &BTreeMap::new(), &|_| None, &place.file());
        Self { place, values }
    }

    /// What is to be logged.
    pub(crate) fn log(&self) -> &str {
        self.values.get("log").map_or("info", |value| value.text.as_str())
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

    /// Judges all of it.
    pub(crate) fn judge(self) -> Result<Config, Problems> {
        let mut judge = Judge::new(&self.values);
        let tenant = judge.required("tenant", "the tenant's id, a GUID");
        let client_id = judge.required("client_id", "the client application's id, a GUID");
        let authority = judge.required::<Origin>("authority", "");
        let graph = judge.required::<Origin>("graph", "");
        let provisioner_id = judge.optional::<AppId>("provisioner_client_id");
        let provisioner_secret = judge.text("provisioner_client_secret").map(Secret::new);
        if provisioner_secret.is_some() && provisioner_id.is_none() {
            judge.problems.push(
                "provisioner_client_secret is given without provisioner_client_id (ATTACHE_PROVISIONER_CLIENT_ID)"
                    .to_owned(),
            );
        }
        let provision = judge.one_of("provision", &[("auto", true), ("off", false)]);
        let secrets = judge.one_of(
            "secret_store",
            &[("sealed-file", SecretPlace::SealedFile), ("secret-service", SecretPlace::SecretService)],
        );
        let poll = judge.number("poll", 0.05..=3600.0).map(Duration::from_secs_f64);
        let provision_scale = judge.number("provision_scale", 0.0001..=10.0);
        let usage_location =
            judge.matching("usage_location", "two capital letters, such as US or DE (ISO 3166-1)", |text| {
                text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
            });
        let agent_alias =
            judge.matching("agent_alias", "1 to 64 letters, digits, dots, hyphens or underscores", |text| {
                (1..=64).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
            });
        let agent_name = judge.matching("agent_name", "1 to 256 characters on one line", |text| {
            (1..=256).contains(&text.chars().count()) && !text.contains(char::is_control)
        });
        let prefix =
            judge.matching("prefix", "at least one character, so that messages are marked", |text| {
                !text.trim().is_empty() && !text.contains(char::is_control)
            });
        let licence = judge.text("licence");
        let chat = judge.optional("chat");
        let ca = judge.bundle("ca");
        judge.filter("log");
        let key_file = judge
            .text("key_file")
            .map_or_else(|| self.place.profile.directory().join("secrets.key"), PathBuf::from);
        let domain = judge.text("domain");
        let passphrase = judge.text("passphrase").map(Secret::new);
        let problems = judge.problems;
        let complete = (|| {
            Some(Config {
                tenant: tenant?,
                client_id: client_id?,
                cloud: Cloud::at(authority?, graph?),
                ca,
                provisioner: provisioner_id.zip(provisioner_secret),
                provision_in_background: provision?,
                provision_scale: provision_scale?,
                agent_name: agent_name?,
                agent_alias: agent_alias?,
                domain,
                usage_location: usage_location?,
                licence,
                chat,
                prefix: prefix?,
                poll: poll?,
                secrets: secrets?,
                key_file,
                passphrase,
                place: self.place.clone(),
            })
        })();
        match complete {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(Problems::new(self.place.file(), problems)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(flags: &[(&'static str, &str)]) -> Given {
        let place = Place::new("/nonexistent".into(), "default".parse().unwrap());
        let flags = flags.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        let values = Values::resolve(keys::KEYS, &flags, &|_| None, &place.file());
        Given { place, values }
    }

    #[test]
    fn every_problem_stands_in_one_message() {
        let error = given(&[
            ("tenant", "contoso"),
            ("authority", "http://localhost"),
            ("usage_location", "usa"),
            ("poll", "soon"),
            ("secret_store", "pocket"),
            ("chat", "../me"),
        ])
        .judge()
        .err()
        .expect("it cannot be used")
        .to_string();
        for name in ["tenant", "client_id", "authority", "usage_location", "poll", "secret_store", "chat"] {
            assert!(error.contains(&format!("- {name}")), "{name} is missing from:\n{error}");
        }
    }

    #[test]
    fn two_ids_suffice() {
        let id = "323626f5-1bfe-48cd-8902-ddfdfd44e1ce";
        let config = given(&[("tenant", id), ("client_id", id)]).judge().expect("it can be used");
        assert_eq!(config.poll, Duration::from_secs(5));
        assert!(config.provisioner.is_none() && config.provision_in_background);
        assert_eq!(config.key_file, PathBuf::from("/nonexistent/profiles/default/secrets.key"));
    }
}
