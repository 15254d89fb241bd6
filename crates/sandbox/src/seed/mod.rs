//! The tenant as it stands at the first start. With `Seed::Constants` every id, secret and password is the
//! documented constant below; a number changes them all, always in the same way.

mod app;
mod document;
mod groups;
mod made;
mod tenant;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::Seed;
use crate::entra::KeptKey;
use crate::store::Seeded;

pub(crate) use document::{Document, plant};
pub use made::{Kind as MadeKind, Made};
pub(crate) use tenant::{EXCHANGE_APP_ID, tenant};

/// The constants of `Seed::Constants`.
pub mod constants {
    /// The tenant's id.
    pub const TENANT_ID: &str = "a77ac4e0-0000-4000-8000-000000000001";
    /// The tenant's default domain.
    pub const DOMAIN: &str = "contoso.example";
    /// The bearer token of the control API.
    pub const CONTROL_TOKEN: &str = "sandbox-control-token";
    /// The client id of the provisioner, a confidential client.
    pub const PROVISIONER_CLIENT_ID: &str = "a77ac4e0-0000-4000-8000-0000000000a1";
    /// The secret of the provisioner.
    pub const PROVISIONER_SECRET: &str = "sbx8Q~provisioner-secret-of-the-sandbox";
    /// The client id of the public client with the redirect URI `http://localhost`.
    pub const CLIENT_ID: &str = "a77ac4e0-0000-4000-8000-0000000000c1";
    /// The object id of Ada Lovelace, administrator and sponsor.
    pub const ADA_ID: &str = "a77ac4e0-0000-4000-8000-000000000101";
    /// The user principal name of Ada Lovelace.
    pub const ADA_UPN: &str = "ada@contoso.example";
    /// The password of Ada Lovelace.
    pub const ADA_PASSWORD: &str = "Sandbox-Ada-1815";
    /// The object id of Grace Hopper, a member.
    pub const GRACE_ID: &str = "a77ac4e0-0000-4000-8000-000000000102";
    /// The password of Grace Hopper.
    pub const GRACE_PASSWORD: &str = "Sandbox-Grace-1906";
    /// The object id of Alan Turing, a member.
    pub const ALAN_ID: &str = "a77ac4e0-0000-4000-8000-000000000103";
    /// The password of Alan Turing.
    pub const ALAN_PASSWORD: &str = "Sandbox-Alan-1912";
}

/// The token-signing keys of `Seed::Constants`, the one that signs first: public, as everything about that tenant
/// is.
const SIGNING_KEYS: [&str; 3] = [
    include_str!("signing-key.pem"),
    include_str!("next-signing-key.pem"),
    include_str!("spare-signing-key.pem"),
];

/// The embedded signing keys.
pub(crate) fn signing_keys() -> Vec<KeptKey> {
    let pkcs8 = |pem: &str| {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        STANDARD.decode(body).unwrap_or_default()
    };
    let [current, upcoming @ ..] = SIGNING_KEYS;
    let mut keys = vec![KeptKey::Current(pkcs8(current))];
    keys.extend(upcoming.map(|pem| KeptKey::Upcoming(pkcs8(pem))));
    keys
}

/// Whether a key is one of the embedded ones, which everybody has.
pub(crate) fn is_built_in(key: &KeptKey) -> bool {
    let pkcs8 = |key: &KeptKey| match key {
        KeptKey::Current(pkcs8) | KeptKey::Upcoming(pkcs8) | KeptKey::Retired(pkcs8) => pkcs8.clone(),
    };
    signing_keys().iter().any(|one| pkcs8(one) == pkcs8(key))
}

/// What a client has to know of the seeded tenant.
pub(crate) fn seeded(source: &Source, is_home: bool) -> Seeded {
    Seeded {
        is_home,
        source: source.clone(),
        tenant_id: source.id(constants::TENANT_ID),
        control_token: source.secret(constants::CONTROL_TOKEN),
        provisioner_id: source.id(constants::PROVISIONER_CLIENT_ID),
        provisioner_secret: source.secret(constants::PROVISIONER_SECRET),
        client_id: source.id(constants::CLIENT_ID),
    }
}

/// Derives what differs between seeds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Source {
    kind: Kind,
    /// What sets this tenant's domains apart from those of others in the same sandbox.
    apart: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Kind {
    Constants,
    /// What every value is hashed with.
    Derived([u8; 32]),
}

impl Source {
    /// The source for a seed.
    pub(crate) fn new(seed: Seed) -> Self {
        let kind = match seed {
            Seed::Constants => Kind::Constants,
            Seed::Number(number) => Kind::Derived(sha256(&number.to_be_bytes())),
            Seed::Random => {
                let [a, b] = [Uuid::new_v4(), Uuid::new_v4()];
                Kind::Derived(sha256(&[a.into_bytes(), b.into_bytes()].concat()))
            }
        };
        Self { kind, apart: None }
    }

    /// The same for a tenant beside others: its domains are its own too.
    pub(crate) fn beside_others(mut self) -> Self {
        let id = self.id(constants::TENANT_ID);
        self.apart = id.get(..8).map(str::to_owned);
        self
    }

    /// Whether secrets are the documented constants.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self.kind, Kind::Constants)
    }

    /// The verified domains, the default one first.
    pub(crate) fn domains(&self) -> Vec<String> {
        match &self.apart {
            None => vec![constants::DOMAIN.to_owned(), "contoso.onmicrosoft.com".to_owned()],
            Some(apart) => {
                vec![format!("contoso-{apart}.example"), format!("contoso{apart}.onmicrosoft.com")]
            }
        }
    }

    /// An id: the constant, or one derived from it.
    pub(crate) fn id(&self, constant: &str) -> String {
        match &self.kind {
            Kind::Constants => constant.to_owned(),
            Kind::Derived(_) => {
                let mut bytes = [0; 16];
                bytes.copy_from_slice(&self.hash(constant)[..16]);
                uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
            }
        }
    }

    /// A secret or password: the constant, or one derived from it.
    pub(crate) fn secret(&self, constant: &str) -> String {
        match &self.kind {
            Kind::Constants => constant.to_owned(),
            Kind::Derived(_) => format!("sbx8Q~{}", URL_SAFE_NO_PAD.encode(&self.hash(constant)[..24])),
        }
    }

    fn hash(&self, constant: &str) -> [u8; 32] {
        match &self.kind {
            Kind::Constants => sha256(constant.as_bytes()),
            Kind::Derived(key) => sha256(&[key.as_slice(), constant.as_bytes()].concat()),
        }
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_changes_everything_always_in_the_same_way() {
        let [one, again, two] = [1, 1, 2].map(|number| Source::new(Seed::Number(number)));
        let id = constants::TENANT_ID;
        assert_eq!(one.id(id), again.id(id));
        assert_ne!(one.id(id), two.id(id));
        assert_ne!(one.id(id), Source::new(Seed::Constants).id(id));
        assert_eq!(one.secret("x"), again.secret("x"));
        assert_ne!(Source::new(Seed::Random).id(id), Source::new(Seed::Random).id(id));
    }

    #[test]
    fn the_embedded_keys_sign() {
        for key in signing_keys() {
            let (KeptKey::Current(pkcs8) | KeptKey::Upcoming(pkcs8) | KeptKey::Retired(pkcs8)) = key;
            assert!(crate::entra::is_signing_key(&pkcs8));
        }
    }
}
