//! Resource data in notifications: encrypted for the subscriber, with a token that says who sent it (Graph
//! reference §6.5).

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::entra::KeyRing;
use crate::graph::subscriptions::{Subscription, certificate};

/// Graph's change tracking, which the tokens come from.
const CHANGE_TRACKING: &str = "0bf30f3b-4a52-48df-9a82-234910c4a086";

/// `encryptedContent`; none if the certificate cannot encrypt.
pub(super) fn encrypted(one: &Subscription, resource: &Value) -> Option<Value> {
    let der = certificate(one.certificate.as_deref()?)?;
    let mut key = [0_u8; 32];
    SystemRandom::new().fill(&mut key).ok()?;
    let data = aes(&key, resource.to_string().into_bytes())?;
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &data);
    let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der);
    let thumbprint: String = thumbprint.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    Some(json!({
        "data": STANDARD.encode(&data),
        "dataSignature": STANDARD.encode(signature),
        "dataKey": STANDARD.encode(rsa(&der, &key)?),
        "encryptionCertificateId": one.certificate_id,
        "encryptionCertificateThumbprint": thumbprint,
    }))
}

/// AES-256-CBC with PKCS#7 padding; the vector is the key's first half.
fn aes(key: &[u8; 32], mut plain: Vec<u8>) -> Option<Vec<u8>> {
    let unbound = UnboundCipherKey::new(&AES_256, key).ok()?;
    let vector: &[u8; 16] = key.first_chunk()?;
    let context = EncryptionContext::Iv128(FixedLength::from(vector));
    PaddedBlockEncryptingKey::cbc_pkcs7(unbound).ok()?.less_safe_encrypt(&mut plain, context).ok()?;
    Some(plain)
}

/// RSA-OAEP with SHA-1.
fn rsa(certificate: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let public = PublicEncryptingKey::from_der(parsed.public_key().raw).ok()?;
    let public = OaepPublicEncryptingKey::new(public).ok()?;
    let mut sealed = vec![0; public.ciphertext_size()];
    let sealed = public.encrypt(&OAEP_SHA1_MGF1SHA1, key, &mut sealed, None).ok()?;
    Some(sealed.to_vec())
}

/// One of `validationTokens`: for an app in a tenant.
pub(super) fn validation_token(key: &KeyRing, tenant: &str, app: &str, now: Timestamp) -> String {
    let issuer = format!("https://sts.windows.net/{tenant}/");
    let at = |by: i64| now.saturating_add(SignedDuration::from_secs(by)).unwrap_or(now).as_second();
    let claims = json!({
        "aud": app, "iss": issuer, "iat": at(-300), "nbf": at(-300), "exp": at(86_400),
        "appid": CHANGE_TRACKING, "appidacr": "2", "idp": issuer, "tid": tenant,
        "uti": STANDARD.encode(uuid::Uuid::new_v4().as_bytes()).trim_end_matches('='), "ver": "1.0",
    });
    let claims: Map<String, Value> = claims.as_object().cloned().unwrap_or_default();
    key.sign_v1(&claims, false)
}
