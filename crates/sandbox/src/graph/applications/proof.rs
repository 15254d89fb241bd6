//! The proof of possession with which an application or its principal rolls its own keys: a JWT that one of its valid
//! certificates signed (Entra reference §8).

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::directory::KeyCredential;
use crate::graph::error::GraphError;

/// Who the proof is for.
const AUDIENCE: &str = "00000002-0000-0000-c000-000000000000";

/// A proof lives at most ten minutes.
const LONGEST: i64 = 600;

/// Whether the body's `proof` was signed by one of these valid certificates, for the object that has them, lately.
pub(in crate::graph) fn check(
    keys: &[KeyCredential],
    id: &str,
    body: &Map<String, Value>,
    now: Timestamp,
) -> Result<(), GraphError> {
    let proof = body.get("proof").and_then(Value::as_str).unwrap_or_default();
    let keys = keys.iter().filter(|key| key.start <= now && now < key.end);
    keys.filter_map(|key| STANDARD.decode(&key.der).ok())
        .find_map(|der| verified(proof, &der))
        .filter(|claims| is_for(claims, id, now))
        .map(|_| ())
        .ok_or_else(|| {
            GraphError::new(
                StatusCode::UNAUTHORIZED,
                "Authentication_MissingOrMalformed",
                "Access Token missing or malformed.",
            )
        })
}

fn is_for(claims: &Map<String, Value>, id: &str, now: Timestamp) -> bool {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let (Some(from), Some(until)) = (number("nbf"), number("exp")) else { return false };
    let now = now.as_second();
    text("aud") == AUDIENCE && text("iss") == id && from <= now && now < until && until - from <= LONGEST
}

/// The claims, if that certificate's key signed the token.
fn verified(token: &str, der: &[u8]) -> Option<Map<String, Value>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let header: Map<String, Value> = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    let algorithm: &'static dyn VerificationAlgorithm = match header.get("alg")?.as_str()? {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        _ => return None,
    };
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let public = &certificate.public_key().subject_public_key.data;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    UnparsedPublicKey::new(algorithm, public).verify(signed.as_bytes(), &signature).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
