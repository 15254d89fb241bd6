//! What is wanted. It is part of the record, so that provisioning goes on after a restart with what was
//! asked for; `Record::set_wish` takes in what the configuration says today.

use std::fmt;
use std::time::Duration;

use attache_terms::{AppId, SkuId, TenantId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// An identity, as it should become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Where.
    pub tenant: TenantId,
    /// The blueprint. Several agents may share one, by its tag.
    pub blueprint: Naming,
    /// A blueprint that somebody else owns, to be used as it is instead of one of ours.
    #[serde(default)]
    pub given: Option<AppId>,
    /// Whether the blueprint is made already, with all that belongs to it, since others come from it: what the survey
    /// finds of it is done then, and only what it lacks is made. Otherwise each step looks for itself.
    #[serde(default)]
    pub shares_blueprint: bool,
    /// The agent identity.
    pub agent: Naming,
    /// The agent user.
    pub user: AgentUserWish,
    /// Who answers for all of them.
    pub sponsor: UserId,
    /// The licence.
    pub licence: LicenceWish,
    /// The delegated permissions of the agent user at Microsoft Graph.
    pub scopes: Vec<String>,
    /// The certificate by which the blueprint proves itself.
    pub certificate: CertificateWish,
    /// The provisioner, whose broad grant roles are removed at the end; `None` leaves them.
    pub strip: Option<AppId>,
    /// How long to wait for what.
    pub patience: Patience,
}

impl Wish {
    /// The delegated permissions that the agent needs: the least ones (Entra reference §5.3, §4.3).
    pub fn least_scopes() -> Vec<String> {
        ["Chat.Create", "Chat.Read", "ChatMessage.Send", "Mail.ReadBasic", "User.Read"]
            .map(str::to_owned)
            .to_vec()
    }

    pub(crate) fn domain(&self) -> &str {
        self.user.user_principal_name.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// What an object is called and what finds it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Naming {
    /// The name that people see.
    pub display_name: String,
    /// What finds it again, in a tenant whose record is lost.
    pub tag: Tag,
}

/// A tag on an application or a service principal: `attache:` and what distinguishes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

/// Why a text is no tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no tag: write attache: and 1 to 200 letters, digits or any of . _ : / -")]
pub struct TagError(String);

impl Tag {
    /// The tag `attache:` and this key.
    pub fn new(key: &str) -> Result<Self, TagError> {
        format!("attache:{key}").try_into()
    }

    /// The whole tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Tag {
    type Error = TagError;

    fn try_from(text: String) -> Result<Self, TagError> {
        let fits = text.strip_prefix("attache:").is_some_and(|key| {
            (1..=200).contains(&key.len())
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte))
        });
        if fits { Ok(Self(text)) } else { Err(TagError(text.chars().take(60).collect())) }
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> String {
        tag.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The agent user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentUserWish {
    /// The name that people see.
    pub display_name: String,
    /// The sign-in name, in a verified domain of the tenant.
    pub user_principal_name: String,
    /// The part of the mail address before the @.
    pub mail_nickname: String,
    /// The job title, if it is to have one.
    #[serde(default)]
    pub job_title: Option<String>,
    /// The department, if it is to have one.
    #[serde(default)]
    pub department: Option<String>,
    /// The country, ISO 3166 alpha-2.
    pub usage_location: String,
}

/// Which licence the agent user gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenceWish {
    /// The one with a free seat that has a mailbox and Teams.
    Any,
    /// This one.
    Sku(SkuId),
    /// One of these, by part number or id, with a free seat.
    OneOf(Vec<String>),
}

/// A certificate, its public half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateWish {
    /// The DER encoding, in base64.
    der: String,
    /// The SHA-1 thumbprint, by which Entra names it.
    sha1: [u8; 20],
    /// What the list of credentials calls it.
    name: String,
}

impl CertificateWish {
    /// This certificate, under this name in the blueprint's list.
    pub fn new(der: &[u8], sha1: [u8; 20], name: &str) -> Self {
        Self { der: STANDARD.encode(der), sha1, name: name.to_owned() }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        // A record that was edited by hand finds no certificate and appends none that Entra would take.
        STANDARD.decode(&self.der).unwrap_or_default()
    }

    pub(crate) fn sha1(&self) -> &[u8; 20] {
        &self.sha1
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// How long to wait for what: the sum of the waits, time in which nobody asked not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// How long replication may hide a new object from a search.
    pub hidden: Duration,
    /// How long a new object, credential or grant may take to have effect.
    pub effect: Duration,
    /// How long the mailbox may take.
    pub mailbox: Duration,
    /// How long Teams may take.
    pub teams: Duration,
    /// How long the platform may be out of reach.
    pub outage: Duration,
}

impl Default for Patience {
    /// What a real tenant needs at worst (Entra reference §2.10, §2.4).
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            hidden: minutes(10),
            effect: minutes(15),
            mailbox: minutes(120),
            teams: minutes(48 * 60),
            outage: minutes(60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_plain_word() {
        assert_eq!(Tag::new("default/agent").map(String::from), Ok("attache:default/agent".to_owned()));
        for key in ["", "a b", "o'x", "ü", &"a".repeat(201)] {
            assert!(Tag::new(key).is_err(), "{key}");
        }
    }
}
