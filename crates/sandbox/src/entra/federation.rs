//! Federated identity credentials: tokens of other issuers as client assertions, matched exactly by issuer,
//! subject and audience (Entra reference §1.8, §2.5).
//!
//! The issuer's keys are either told by the control API or fetched, by discovery, from an issuer on loopback;
//! nothing is fetched from elsewhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use url::Url;

use crate::directory::{Application, FederatedCredential};

use super::assertion::Assertion;
use super::context::Context;
use super::error::EntraError;
use super::form::Form;

mod fetch;

/// The keys of other issuers, by issuer.
#[derive(Debug, Default)]
pub(crate) struct Issuers(Mutex<BTreeMap<String, Result<Vec<Value>, String>>>);

impl Issuers {
    /// Sets the keys of an issuer: the `keys` of a JWKS.
    pub(crate) fn set(&self, issuer: &str, keys: Vec<Value>) {
        self.known().insert(issuer.to_owned(), Ok(keys));
    }

    /// The issuers whose keys are known.
    pub(crate) fn names(&self) -> Vec<String> {
        let known = self.known();
        known.iter().filter(|(_, keys)| keys.is_ok()).map(|(issuer, _)| issuer.clone()).collect()
    }

    fn key(&self, issuer: &str, kid: &str) -> Result<Value, EntraError> {
        match self.known().get(issuer) {
            None => Err(EntraError::issuer_unreachable(
                issuer,
                "only issuers on loopback are fetched from; tell the sandbox the keys of others by POST /_sandbox/issuers",
            )),
            Some(Err(why)) => Err(EntraError::issuer_unreachable(issuer, why)),
            Some(Ok(keys)) => keys
                .iter()
                .find(|key| key.get("kid").and_then(Value::as_str).unwrap_or_default() == kid)
                .cloned()
                .ok_or_else(EntraError::federated_key_unknown),
        }
    }

    fn has(&self, issuer: &str, kid: &str) -> bool {
        self.key(issuer, kid).is_ok()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Result<Vec<Value>, String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches the keys of the issuer that a token request's client assertion names, if it stands on loopback and
    /// the key is not known. Done before the request is answered, as answering does not wait.
    pub(crate) async fn prepare(&self, body: &[u8]) {
        let Some((issuer, kid)) = external(body) else { return };
        if self.has(&issuer, &kid) {
            return;
        }
        let fetched = fetch::keys(&issuer).await;
        self.known().insert(issuer, fetched);
    }
}

/// The issuer and key id of a client assertion that an issuer on loopback has signed.
fn external(body: &[u8]) -> Option<(String, String)> {
    let form = Form::parse(body).ok()?;
    let assertion = Assertion::parse(form.get("client_assertion")?)?;
    let issuer = assertion.text("iss");
    let url = Url::parse(issuer).ok()?;
    let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    (url.scheme() == "http" && is_loopback)
        .then(|| (issuer.to_owned(), assertion.header_text("kid").to_owned()))
}

/// Checks a token of another issuer against the credentials of the application.
pub(super) fn check(
    context: &Context<'_>,
    app: &Application,
    assertion: &Assertion<'_>,
) -> Result<(), EntraError> {
    let (issuer, subject) = (assertion.text("iss"), assertion.text("sub"));
    matching(app, issuer, subject, &assertion.audiences(), context)?;
    let key = context.issuers.key(issuer, assertion.header_text("kid"))?;
    if assertion.header_text("alg") != "RS256" || !is_signed_by(assertion, &key) {
        return Err(EntraError::assertion_key(
            "The signature of the federated assertion does not fit its key.",
        ));
    }
    assertion.check_time(context.now)
}

/// The application's credential that fits, by issuer, then subject, then audience.
pub(super) fn matching<'a>(
    app: &'a Application,
    issuer: &str,
    subject: &str,
    audiences: &[&str],
    context: &Context<'_>,
) -> Result<&'a FederatedCredential, EntraError> {
    let ours: Vec<&FederatedCredential> =
        app.federated.iter().filter(|one| one.effective <= context.now).collect();
    if ours.is_empty() {
        let audience = audiences.first().copied().unwrap_or_default();
        return Err(EntraError::no_federated_credential(issuer, subject, audience));
    }
    let of_issuer: Vec<_> = ours.into_iter().filter(|one| one.issuer == issuer).collect();
    if of_issuer.is_empty() {
        return Err(EntraError::no_federated_match(700_211, "issuer", issuer));
    }
    let Some(found) = of_issuer.iter().find(|one| one.subject == subject) else {
        let differs_in_case = of_issuer.iter().any(|one| one.subject.eq_ignore_ascii_case(subject));
        let code = if differs_in_case { 7_002_131 } else { 700_213 };
        return Err(EntraError::no_federated_match(code, "subject", subject));
    };
    if !found.audiences.iter().any(|wanted| audiences.contains(&wanted.as_str())) {
        let audience = audiences.first().copied().unwrap_or_default();
        return Err(EntraError::no_federated_match(700_212, "audience", audience));
    }
    Ok(found)
}

fn is_signed_by(assertion: &Assertion<'_>, key: &Value) -> bool {
    let number = |name: &str| {
        let text = key.get(name)?.as_str()?;
        URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
    };
    let (Some(n), Some(e)) = (number("n"), number("e")) else { return false };
    PublicKeyComponents { n, e }
        .verify(&RSA_PKCS1_2048_8192_SHA256, assertion.signed.as_bytes(), &assertion.signature)
        .is_ok()
}
