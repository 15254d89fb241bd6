//! What a command of a device's agent is configured with.

use std::path::PathBuf;
use std::time::Duration;

use attache_terms::{AppId, ChatId, Cloud, Origin, Secret, TenantId};

use super::{Given, Judge, Place, Problems};

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

impl Given {
    /// Takes up what the file says, and nothing else, as the story does.
    #[cfg(feature = "gateway")]
    pub(crate) fn of_file(place: Place) -> Self {
        let nothing = std::collections::BTreeMap::new();
        let values = super::Values::resolve(super::keys::KEYS, &nothing, &|_| None, &place.file());
        Self { place, values }
    }

    /// What is to be logged.
    pub(crate) fn log(&self) -> &str {
        self.values.get("log").map_or("info", |value| value.text.as_str())
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
    use super::super::{Values, keys};
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
