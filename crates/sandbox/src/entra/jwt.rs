//! Tokens: signing, verifying, and the public keys that others verify with (Entra reference §1.2, §1.11).
//!
//! A token for Graph carries a `nonce` in its header and is signed over a header that holds the nonce's
//! hash, so that only Graph can verify it; this is how Entra makes such tokens opaque.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rustls_pki_types::PrivatePkcs8KeyDer;
use serde_json::{Map, Value, json};

use crate::requests::Permissions;

/// A token-signing key. It may be made on first use: RSA keys take tens of milliseconds.
#[derive(Debug)]
pub(crate) struct SigningKey {
    /// PKCS#8, if it is known already.
    given: Option<Vec<u8>>,
    made: OnceLock<Made>,
}

#[derive(Debug)]
struct Made {
    pkcs8: Vec<u8>,
    key: RsaKeyPair,
    /// The self-signed certificate's DER and its SHA-1 thumbprint, which is also the key's id.
    certificate: Vec<u8>,
    kid: String,
}

/// Why a token is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFault {
    Malformed,
    BadSignature,
}

/// The `tid` of a token, unverified: it says where to have it verified.
pub(crate) fn tenant_of_token(token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Tid {
        tid: String,
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok().map(|claims: Tid| claims.tid)
}

impl SigningKey {
    /// A key that is known (PKCS#8 DER), or one to be made.
    pub(crate) fn new(pkcs8: Option<Vec<u8>>) -> Self {
        Self { given: pkcs8, made: OnceLock::new() }
    }

    /// The key in PKCS#8, made now if it has to be.
    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.made().pkcs8
    }

    /// The key's id.
    pub(crate) fn kid(&self) -> &str {
        &self.made().kid
    }

    /// Signs a v2 token.
    pub(crate) fn sign(&self, claims: &Map<String, Value>) -> String {
        let kid = &self.made().kid;
        self.sign_with(&json!({ "typ": "JWT", "alg": "RS256", "kid": kid }), None, claims)
    }

    /// Signs a v1 token; one for Graph is made opaque.
    pub(crate) fn sign_v1(&self, claims: &Map<String, Value>, for_graph: bool) -> String {
        let kid = &self.made().kid;
        if !for_graph {
            let header = json!({ "typ": "JWT", "alg": "RS256", "x5t": kid, "kid": kid });
            return self.sign_with(&header, None, claims);
        }
        let nonce = URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes());
        let header =
            |nonce: &str| json!({ "typ": "JWT", "nonce": nonce, "alg": "RS256", "x5t": kid, "kid": kid });
        self.sign_with(&header(&nonce), Some(&header(&hash(&nonce))), claims)
    }

    fn sign_with(
        &self,
        header: &Value,
        signed_header: Option<&Value>,
        claims: &Map<String, Value>,
    ) -> String {
        let encode = |value: &[u8]| URL_SAFE_NO_PAD.encode(value);
        let payload = encode(Value::Object(claims.clone()).to_string().as_bytes());
        let shown = encode(header.to_string().as_bytes());
        let signed = encode(signed_header.unwrap_or(header).to_string().as_bytes());
        let made = self.made();
        let mut signature = vec![0; made.key.public_modulus_len()];
        let signing = made.key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            format!("{signed}.{payload}").as_bytes(),
            &mut signature,
        );
        // Signing with a whole RSA key fails only when memory runs out; an empty signature verifies nowhere.
        let signature = signing.map_or_else(|_| String::new(), |()| encode(&signature));
        format!("{shown}.{payload}.{signature}")
    }

    /// The claims of a token that this key signed.
    pub(crate) fn verify(&self, token: &str) -> Result<Claims, TokenFault> {
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenFault::Malformed);
        };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed);
        let object = |bytes: Vec<u8>| {
            serde_json::from_slice::<Map<String, Value>>(&bytes).map_err(|_| TokenFault::Malformed)
        };
        let mut parsed = object(decode(header)?)?;
        let claims = object(decode(payload)?)?;
        let signature = decode(signature)?;
        if parsed.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err(TokenFault::BadSignature);
        }
        let signed = match parsed.get("nonce").and_then(Value::as_str).map(hash) {
            Some(hashed) => {
                parsed.insert("nonce".to_owned(), json!(hashed));
                URL_SAFE_NO_PAD.encode(Value::Object(parsed).to_string().as_bytes())
            }
            None => header.to_owned(),
        };
        let public = self.made().key.public_key().as_ref();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(format!("{signed}.{payload}").as_bytes(), &signature)
            .map_err(|_| TokenFault::BadSignature)?;
        Ok(Claims::new(claims))
    }

    /// The JWKS entry, as both generations have it; Entra's has no `alg`.
    pub(crate) fn jwk(&self) -> Value {
        let made = self.made();
        let (modulus, exponent) = public_numbers(&made.certificate).unwrap_or_default();
        json!({
            "kty": "RSA", "use": "sig", "kid": made.kid, "x5t": made.kid,
            "n": URL_SAFE_NO_PAD.encode(modulus),
            "e": URL_SAFE_NO_PAD.encode(exponent),
            "x5c": [STANDARD.encode(&made.certificate)],
        })
    }

    #[expect(clippy::expect_used, reason = "without a key there is no tenant; the inputs are its own")]
    fn made(&self) -> &Made {
        self.made.get_or_init(|| {
            let pkcs8 = self.given.clone().unwrap_or_else(|| {
                let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("RSA-2048 can be generated");
                let der: Pkcs8V1Der<'_> = key.as_der().expect("an RSA key has a PKCS#8 form");
                der.as_ref().to_vec()
            });
            let key = RsaKeyPair::from_pkcs8(&pkcs8).expect("a PKCS#8 RSA key, checked when it was read");
            let certificate = self_signed(&pkcs8);
            let kid = URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate));
            Made { pkcs8, key, certificate, kid }
        })
    }
}

/// The id of the key that a token's header names.
pub(crate) fn key_id(token: &str) -> Option<String> {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    Some(header.get("kid")?.as_str()?.to_owned())
}

/// Whether that is a PKCS#8 RSA key that can sign tokens.
pub(crate) fn is_signing_key(pkcs8: &[u8]) -> bool {
    RsaKeyPair::from_pkcs8(pkcs8).is_ok()
}

/// The certificate of `x5c`. Its serial and dates are constants, so one key always has one id.
#[expect(clippy::expect_used, reason = "constant parameters and a key that was read before")]
fn self_signed(pkcs8: &[u8]) -> Vec<u8> {
    let key = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(
        &PrivatePkcs8KeyDer::from(pkcs8),
        &rcgen::PKCS_RSA_SHA256,
    )
    .expect("a PKCS#8 RSA key");
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "accounts.accesscontrol.windows.net");
    params.serial_number = Some(rcgen::SerialNumber::from_slice(&[1]));
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2120, 1, 1);
    params.self_signed(&key).expect("a certificate of constant parameters").der().to_vec()
}

/// The modulus and the exponent, without leading zeros.
fn public_numbers(certificate: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let x509_parser::public_key::PublicKey::RSA(key) = certificate.public_key().parsed().ok()? else {
        return None;
    };
    let bare = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect();
    Some((bare(key.modulus), bare(key.exponent)))
}

fn hash(nonce: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, nonce.as_bytes()))
}

/// The claims of a verified token.
#[derive(Debug, Clone)]
pub(crate) struct Claims {
    all: Map<String, Value>,
    /// Read out of them once, however many requests the token makes.
    permissions: OnceLock<Permissions>,
}

impl Claims {
    pub(crate) fn new(all: Map<String, Value>) -> Self {
        Self { all, permissions: OnceLock::new() }
    }

    /// A claim as it stands.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }

    /// What it permits: the application's roles (`roles`), or a user's scopes (`scp`).
    pub(crate) fn permissions(&self) -> Permissions {
        let read = || {
            if self.is_of_app() {
                return self.list("roles").into_iter().collect();
            }
            self.text("scp").split_whitespace().map(str::to_owned).collect()
        };
        self.permissions.get_or_init(read).clone()
    }

    /// Whether an application has it for itself.
    pub(crate) fn is_of_app(&self) -> bool {
        self.text("idtyp") == "app"
    }

    /// A claim's text; empty if it has none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// A claim that is a list of texts.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let texts = self.get(name).and_then(Value::as_array);
        texts.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Whether a claim that is a list holds this text.
    pub(crate) fn has(&self, name: &str, text: &str) -> bool {
        let texts = self.get(name).and_then(Value::as_array);
        texts.into_iter().flatten().any(|one| one == text)
    }

    /// A claim that is a time.
    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        Timestamp::from_second(self.get(name)?.as_i64()?).ok()
    }

    /// Whether `now` is within its lifetime.
    pub(crate) fn is_current(&self, now: Timestamp) -> bool {
        let begun = self.time("nbf").is_none_or(|nbf| nbf <= now);
        begun && self.time("exp").is_some_and(|exp| now < exp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        let crate::entra::KeptKey::Current(pkcs8) = crate::seed::signing_keys().swap_remove(0) else {
            panic!("the key that signs comes first");
        };
        SigningKey::new(Some(pkcs8))
    }

    fn claims() -> Map<String, Value> {
        json!({ "aud": "x", "exp": 4_000_000_000_i64 }).as_object().cloned().unwrap()
    }

    #[test]
    fn a_graph_token_verifies_here_and_nowhere_else() {
        let key = key();
        let token = key.sign_v1(&claims(), true);
        assert_eq!(key.verify(&token).unwrap().text("aud"), "x");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public = key.made().key.public_key().as_ref();
        let plain = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        assert!(plain.verify(signed.as_bytes(), &signature).is_err());
    }

    #[test]
    fn another_key_or_algorithm_or_a_changed_claim_is_refused() {
        let key = key();
        let token = key.sign(&claims());
        assert!(key.verify(&token).is_ok());
        let other = SigningKey::new(None);
        assert_eq!(other.verify(&token).unwrap_err(), TokenFault::BadSignature);
        let mut parts: Vec<&str> = token.split('.').collect();
        let forged = URL_SAFE_NO_PAD.encode(r#"{"aud":"y","exp":4000000000}"#);
        parts[1] = &forged;
        assert_eq!(key.verify(&parts.join(".")).unwrap_err(), TokenFault::BadSignature);
        let none = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"none"}"#);
        assert_eq!(key.verify(&format!("{none}.{forged}.")).unwrap_err(), TokenFault::BadSignature);
        for text in ["", "a.b", "a.b.c.d", "....", "e30.e30.!"] {
            assert_eq!(key.verify(text).unwrap_err(), TokenFault::Malformed, "{text:?}");
        }
    }

    #[test]
    fn nothing_in_the_corpus_is_a_token() {
        let key = key();
        crate::corpus::replay("jwt", |bytes| {
            assert!(key.verify(&String::from_utf8_lossy(bytes)).is_err());
        });
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_a_token(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            proptest::prop_assert!(key().verify(&String::from_utf8_lossy(&bytes)).is_err());
        }
    }

    #[test]
    fn one_key_has_one_id() {
        assert_eq!(key().made().kid, key().made().kid);
    }
}
