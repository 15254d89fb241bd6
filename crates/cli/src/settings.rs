//! From the configuration to what the device agent is told.

use std::sync::Arc;

use attache_agent::{Agent, AgentWishes, Provisioner, Secrets, Settings};
use attache_terms::{SystemClock, SystemRng};

use crate::config::{Config, SecretPlace};

/// The device agent of this configuration. Nothing is read or opened yet.
pub(crate) fn agent(config: Config) -> Arc<Agent> {
    Agent::open(settings(config), Arc::new(SystemClock), Arc::new(SystemRng))
}

fn settings(config: Config) -> Settings {
    let sealed = config.place.profile.directory().join("secrets.sealed");
    let secrets = match (config.secrets, config.passphrase) {
        (SecretPlace::SecretService, _) => Secrets::SecretService,
        (SecretPlace::SealedFile, Some(passphrase)) => Secrets::Passphrase { sealed, passphrase },
        (SecretPlace::SealedFile, None) => Secrets::KeyFile { sealed, key: config.key_file },
    };
    Settings {
        profile: config.place.profile,
        cloud: config.cloud,
        ca: config.ca,
        tenant: config.tenant,
        client_id: config.client_id,
        secrets,
        agent: AgentWishes {
            display_name: config.agent_name,
            nickname: config.agent_alias,
            domain: config.domain,
            usage_location: config.usage_location,
            licences: config.licence.into_iter().collect(),
            sponsor: None,
        },
        provisioner: config
            .provisioner
            .map(|(client_id, client_secret)| Provisioner { client_id, client_secret }),
        prefix: config.prefix.into(),
        conversation: config.chat,
        poll: config.poll,
        provision_in_background: config.provision_in_background,
        provision_scale: config.provision_scale,
    }
}
