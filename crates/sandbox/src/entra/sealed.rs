//! Sealed values: authorization codes, refresh tokens and sessions carry their own content, encrypted and
//! authenticated under the tenant's secret, so they need no table.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a sealed value is for; one kind never opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Code,
    RefreshToken,
    Session,
    Consent,
    Ticket,
    SecondFactor,
    Invitation,
    Terms,
}

impl Kind {
    /// How such a value begins, as Entra's do.
    fn prefix(self) -> &'static str {
        match self {
            Self::Code => "1.",
            Self::RefreshToken => "1.A",
            Self::Session => "0.",
            Self::Consent => "2.",
            Self::Ticket => "v1.e",
            Self::SecondFactor => "3.",
            Self::Invitation => "4.",
            Self::Terms => "5.",
        }
    }
}

/// Seals a value.
pub(crate) fn seal(secret: &str, kind: Kind, value: &impl Serialize) -> String {
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(&uuid::Uuid::new_v4().as_bytes()[..NONCE_LEN]);
    let sealing = key(secret).and_then(|key| {
        let aad = Aad::from(kind.prefix());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes).ok()
    });
    // A 32-byte key and bodies of a few kilobytes cannot fail; an empty value opens as none.
    if sealing.is_none() {
        return String::new();
    }
    format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode([nonce.as_slice(), &bytes].concat()))
}

/// Seals what an address outside Graph allows whoever has it.
pub(crate) fn seal_ticket(secret: &str, ticket: &impl Serialize) -> String {
    seal(secret, Kind::Ticket, ticket)
}

/// Opens it.
pub(crate) fn open_ticket<T: DeserializeOwned>(secret: &str, sealed: &str) -> Option<T> {
    open(secret, Kind::Ticket, sealed)
}

/// Opens a value that was sealed here for that purpose.
pub(crate) fn open<T: DeserializeOwned>(secret: &str, kind: Kind, sealed: &str) -> Option<T> {
    let mut bytes = URL_SAFE_NO_PAD.decode(sealed.strip_prefix(kind.prefix())?).ok()?;
    if bytes.len() < NONCE_LEN {
        return None;
    }
    let mut sealed = bytes.split_off(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(&bytes).ok()?;
    let opened = key(secret)?.open_in_place(nonce, Aad::from(kind.prefix()), &mut sealed).ok()?;
    serde_json::from_slice(opened).ok()
}

fn key(secret: &str) -> Option<LessSafeKey> {
    let hash = digest(&SHA256, secret.as_bytes());
    UnboundKey::new(&AES_256_GCM, hash.as_ref()).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_for_its_purpose_and_tenant_only() {
        let sealed = seal("secret", Kind::Code, &vec![1, 2, 3]);
        assert_eq!(open::<Vec<u8>>("secret", Kind::Code, &sealed), Some(vec![1, 2, 3]));
        assert_eq!(open::<Vec<u8>>("secret", Kind::Session, &sealed), None);
        assert_eq!(open::<Vec<u8>>("other", Kind::Code, &sealed), None);
        assert_eq!(open::<Vec<u8>>("secret", Kind::RefreshToken, &format!("1.A{}", &sealed[2..])), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_else_opens(text in ".{0,200}") {
            proptest::prop_assert_eq!(open::<serde_json::Value>("secret", Kind::Code, &text), None);
        }
    }
}
