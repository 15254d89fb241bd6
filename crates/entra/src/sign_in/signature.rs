//! The signature of an id token: RS256 by one of the keys that the account's tenant publishes (Entra reference
//! §1.1, "JWKS"). No other algorithm is looked at, `none` least of all.

use attache_terms::TenantId;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;

use super::SignInError;
use crate::entra::Entra;
use crate::transport::cause;

/// A key set is a few kilobytes.
const LARGEST: usize = 1 << 20;

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    kid: Option<String>,
    kty: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

/// Checks the signature with the keys of now. A sign-in is rare, so the keys are asked for each time: one that was
/// withdrawn a minute ago is not believed.
pub(super) async fn check(entra: &Entra, tenant: TenantId, token: &str) -> Result<(), SignInError> {
    let header = header(token)?;
    let keys = published(entra, tenant).await?;
    let key = keys.keys.iter().find(|key| key.kid.as_deref() == Some(&header.kid) && key.kty == "RSA");
    let key =
        key.ok_or(SignInError::IdToken("the id token is signed with a key that Entra does not publish"))?;
    if verifies(key, token) { Ok(()) } else { Err(SignInError::IdToken("the id token's signature is wrong")) }
}

fn header(token: &str) -> Result<Header, SignInError> {
    let text = token.split('.').next().and_then(|part| BASE64URL.decode(part).ok());
    let header: Option<Header> = text.and_then(|text| serde_json::from_slice(&text).ok());
    match header {
        Some(header) if header.alg == "RS256" => Ok(header),
        Some(_) => Err(SignInError::IdToken("the id token is not signed with RS256")),
        None => Err(SignInError::IdToken("the id token is not readable")),
    }
}

fn verifies(key: &Key, token: &str) -> bool {
    let Some((signed, signature)) = token.rsplit_once('.') else { return false };
    let parts = [&key.n, &key.e, signature].map(|part| BASE64URL.decode(part));
    let [Ok(n), Ok(e), Ok(signature)] = parts else { return false };
    let key = RsaPublicKeyComponents { n: &n, e: &e };
    key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_ok()
}

async fn published(entra: &Entra, tenant: TenantId) -> Result<KeySet, SignInError> {
    let unreachable = |why: String| SignInError::Keys(why);
    let url = entra.cloud().login.at(&format!("/{tenant}/discovery/v2.0/keys"));
    let client = entra.transport().client().map_err(|error| unreachable(error.to_string()))?;
    let answer = client.get(url).send().await.map_err(|error| unreachable(cause(&error)))?;
    if !answer.status().is_success() {
        return Err(unreachable(format!("the answer was {}", answer.status())));
    }
    let body = answer.bytes().await.map_err(|error| unreachable(cause(&error)))?;
    if body.len() > LARGEST {
        return Err(unreachable("the answer is too long".to_owned()));
    }
    serde_json::from_slice(&body).map_err(|error| unreachable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> String {
        format!("{}.e30.AAAA", BASE64URL.encode(header))
    }

    #[test]
    fn an_unsigned_token_and_a_symmetric_one_are_refused_before_any_key_is_asked_for() {
        for alg in ["none", "None", "HS256", "RS512", "PS256", ""] {
            let header = format!(r#"{{"alg":"{alg}","kid":"1"}}"#);
            assert!(super::header(&token(&header)).is_err(), "{alg}");
        }
        for no_header in ["", "{}", r#"{"alg":"RS256"}"#, "[]"] {
            assert!(super::header(&token(no_header)).is_err(), "{no_header}");
        }
        assert!(super::header(&token(r#"{"alg":"RS256","kid":"1"}"#)).is_ok());
    }

    #[test]
    fn a_key_without_its_numbers_verifies_nothing() {
        let key = Key { kid: None, kty: "RSA".to_owned(), n: String::new(), e: String::new() };
        assert!(!verifies(&key, &token(r#"{"alg":"RS256","kid":"1"}"#)));
        assert!(!verifies(&key, "nonsense"));
    }
}
