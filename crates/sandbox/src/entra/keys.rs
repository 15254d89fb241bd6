//! The signing keys of the process: one that signs, ones that are published before they ever sign, and ones
//! that signed before the last roll (Entra reference §1.2). Every tenant is signed for with the same ones.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Map, Value};

use super::jwt::{Claims, SigningKey, TokenFault, key_id};
use super::verified::Verified;

/// How many keys that no longer sign stay published.
const RETIRED: usize = 4;

/// The keys.
#[derive(Debug)]
pub(crate) struct KeyRing(RwLock<Keys>, Verified);

#[derive(Debug)]
struct Keys {
    current: Arc<SigningKey>,
    /// Published, and to sign after the next rolls; never empty.
    upcoming: VecDeque<Arc<SigningKey>>,
    /// The youngest first.
    retired: VecDeque<Arc<SigningKey>>,
}

/// What a key is for, with its PKCS#8 form: how keys are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeptKey {
    Current(Vec<u8>),
    Upcoming(Vec<u8>),
    Retired(Vec<u8>),
}

impl KeyRing {
    /// From the keys that are known; what is missing is made on first use.
    pub(crate) fn new(kept: Vec<KeptKey>) -> Self {
        let (mut current, mut upcoming, mut retired) = (None, VecDeque::new(), VecDeque::new());
        for key in kept {
            match key {
                KeptKey::Current(pkcs8) => current = Some(pkcs8),
                KeptKey::Upcoming(pkcs8) => upcoming.push_back(Arc::new(SigningKey::new(Some(pkcs8)))),
                KeptKey::Retired(pkcs8) => retired.push_back(Arc::new(SigningKey::new(Some(pkcs8)))),
            }
        }
        if upcoming.is_empty() {
            upcoming.push_back(Arc::new(SigningKey::new(None)));
        }
        let current = Arc::new(SigningKey::new(current));
        Self(RwLock::new(Keys { current, upcoming, retired }), Verified::default())
    }

    /// The next key signs from now on; the old one stays published. The answer is the new key's id.
    pub(crate) fn roll(&self) -> String {
        let mut keys = self.write();
        let next = keys.upcoming.pop_front().unwrap_or_else(|| Arc::new(SigningKey::new(None)));
        let old = std::mem::replace(&mut keys.current, next);
        keys.retired.push_front(old);
        keys.retired.truncate(RETIRED);
        self.1.forget();
        if keys.upcoming.is_empty() {
            keys.upcoming.push_back(Arc::new(SigningKey::new(None)));
        }
        let current = Arc::clone(&keys.current);
        drop(keys);
        current.kid().to_owned()
    }

    /// Every key, to keep it; makes what has not been made.
    pub(crate) fn kept(&self) -> Vec<KeptKey> {
        let keys = self.read();
        let mut kept = vec![KeptKey::Current(keys.current.pkcs8().to_vec())];
        kept.extend(keys.upcoming.iter().map(|key| KeptKey::Upcoming(key.pkcs8().to_vec())));
        kept.extend(keys.retired.iter().map(|key| KeptKey::Retired(key.pkcs8().to_vec())));
        kept
    }

    /// Makes the key that signs, if it has not been made.
    pub(crate) fn warm(&self) {
        self.current().pkcs8();
    }

    /// Signs a v2 token.
    pub(crate) fn sign(&self, claims: &Map<String, Value>) -> String {
        self.current().sign(claims)
    }

    /// Signs a v1 token; one for Graph is made opaque.
    pub(crate) fn sign_v1(&self, claims: &Map<String, Value>, for_graph: bool) -> String {
        self.current().sign_v1(claims, for_graph)
    }

    /// The claims of a token that one of the keys signed, retired ones included.
    pub(crate) fn verify(&self, token: &str) -> Result<Claims, TokenFault> {
        let keys = self.read();
        let named = key_id(token);
        let signer = std::iter::once(&keys.current)
            .chain(&keys.retired)
            .find(|key| named.as_deref().is_some_and(|named| named == key.kid()))
            .unwrap_or(&keys.current);
        let signer = Arc::clone(signer);
        drop(keys);
        signer.verify(token)
    }

    /// The same, with the signature of a token that was good before taken for good.
    pub(crate) fn verify_again(&self, token: &str) -> Result<Arc<Claims>, TokenFault> {
        self.1.claims(token, |token| self.verify(token))
    }

    /// The JWKS: the key that signs is neither the first nor the only one, as with Entra.
    pub(crate) fn jwks(&self) -> Vec<Value> {
        let keys = self.read();
        let (first, rest) = (keys.upcoming.iter().take(1), keys.upcoming.iter().skip(1));
        let all = first.chain(std::iter::once(&keys.current)).chain(&keys.retired).chain(rest);
        all.map(|key| key.jwk()).collect()
    }

    fn current(&self) -> Arc<SigningKey> {
        Arc::clone(&self.read().current)
    }

    fn read(&self) -> RwLockReadGuard<'_, Keys> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Keys> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roll_signs_with_a_key_that_was_published_and_keeps_the_old_one() {
        let ring = KeyRing::new(crate::seed::signing_keys());
        let kids = |ring: &KeyRing| -> Vec<String> {
            let jwks = ring.jwks();
            jwks.iter().map(|key| key["kid"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let claims = Map::from_iter([("exp".to_owned(), Value::from(4_000_000_000_i64))]);
        let (before, old) = (kids(&ring), ring.sign(&claims));
        assert!(before.len() >= 3);
        assert_ne!(key_id(&old).as_ref(), before.first());
        let rolled = ring.roll();
        let new = ring.sign_v1(&claims, true);
        assert_eq!(key_id(&new).as_deref(), Some(rolled.as_str()));
        assert!(before.contains(&rolled), "it was published before it signed");
        assert!(kids(&ring).contains(&key_id(&old).unwrap()), "the old one stays published");
        assert!(ring.verify(&old).is_ok() && ring.verify(&new).is_ok());
        let again = KeyRing::new(ring.kept());
        assert_eq!(kids(&again), kids(&ring));
        assert!(again.verify(&old).is_ok());
    }
}
