//! Tokens whose signature was found good, by their hash, so that a client's next request costs no public-key
//! arithmetic. Lifetime, session and subject are looked at each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use super::jwt::{Claims, TokenFault};

/// How many tokens are remembered: those of the last generation and of the one before.
const GENERATION: usize = 8192;

type Known = HashMap<[u8; 32], Arc<Claims>>;

/// The tokens.
#[derive(Debug, Default)]
pub(crate) struct Verified(Mutex<(Known, Known)>);

impl Verified {
    /// The claims of a token, verified now if they were not before.
    pub(crate) fn claims(
        &self,
        token: &str,
        verify: impl FnOnce(&str) -> Result<Claims, TokenFault>,
    ) -> Result<Arc<Claims>, TokenFault> {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        if let Some(claims) = self.known(&hash) {
            return Ok(claims);
        }
        let claims = Arc::new(verify(token)?);
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.0.len() >= GENERATION {
            generations.1 = std::mem::take(&mut generations.0);
        }
        generations.0.insert(hash, Arc::clone(&claims));
        Ok(claims)
    }

    /// Forgets all: a key is published no more.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Default::default();
    }

    fn known(&self, hash: &[u8; 32]) -> Option<Arc<Claims>> {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.0.get(hash).or_else(|| generations.1.get(hash)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_token_is_verified_once_and_a_bad_one_every_time() {
        let (verified, mut asked) = (Verified::default(), 0);
        for _ in 0..3 {
            let found = verified.claims("good", |_| {
                asked += 1;
                Ok(Claims::new(serde_json::Map::new()))
            });
            assert!(found.is_ok());
        }
        assert_eq!(asked, 1);
        for _ in 0..2 {
            assert!(verified.claims("bad", |_| Err(TokenFault::BadSignature)).is_err());
        }
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let verified = Verified::default();
        for number in 0..3 * GENERATION {
            let _ = verified.claims(&number.to_string(), |_| Ok(Claims::new(serde_json::Map::new())));
        }
        let generations = verified.0.lock().unwrap();
        assert!(generations.0.len() + generations.1.len() <= 2 * GENERATION);
    }
}
