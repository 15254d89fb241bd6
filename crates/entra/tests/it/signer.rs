//! A key that signs id tokens as Entra's do, and its entry in a key set (Entra reference §1.1, "JWKS").

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

/// The key and the id that it is published under.
pub(crate) struct Signer {
    key: KeyPair,
    kid: &'static str,
}

impl Signer {
    pub(crate) fn new(kid: &'static str) -> Self {
        Self { key: KeyPair::generate(KeySize::Rsa2048).unwrap(), kid }
    }

    /// The claims, signed with it.
    pub(crate) fn token(&self, claims: &Value) -> String {
        token(&json!({ "alg": "RS256", "typ": "JWT", "kid": self.kid }), claims, |text| {
            let mut signature = vec![0; self.key.public_modulus_len()];
            self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).unwrap();
            signature
        })
    }

    /// What everybody may know of it, as PKCS #1 has it (RFC 8017, A.1.1).
    pub(crate) fn public(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    /// The same, as a key set has it.
    pub(crate) fn published(&self) -> Value {
        // The structure ends with the modulus and the exponent 65537 as an integer of three bytes.
        let (rest, exponent) = self.public().split_last_chunk::<3>().unwrap();
        let (_, modulus) = rest[..rest.len() - 2].split_last_chunk::<256>().unwrap();
        json!({
            "kty": "RSA", "use": "sig", "kid": self.kid,
            "n": BASE64URL.encode(modulus), "e": BASE64URL.encode(exponent),
        })
    }
}

/// A token of this header and these claims, with whatever signature.
pub(crate) fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| BASE64URL.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let signature = BASE64URL.encode(sign(text.as_bytes()));
    format!("{text}.{signature}")
}
