//! Client assertions: signed with a certificate of the application, or an exchange token of Entra's own
//! (T1) in the hands of an agent identity (Entra reference §1.8, §1.10).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::directory::{Application, KeyCredential};
use crate::seed::EXCHANGE_APP_ID;
use crate::tenant::Tenant;

use super::client::Client;
use super::context::Context;
use super::error::EntraError;
use super::federation;
use super::jwt::Claims;
use super::subject::exchange_subject;

/// How far a client's clock may be off.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Checks an assertion against the client that presents it.
pub(crate) fn check(
    context: &Context<'_>,
    tenant: &Tenant,
    client: &Client,
    app: Option<&Application>,
    jwt: &str,
) -> Result<(), EntraError> {
    let assertion = Assertion::parse(jwt).ok_or_else(EntraError::assertion_malformed)?;
    let issuer = assertion.text("iss");
    if let Some(issuing_tenant) = context.own_v2_issuer(issuer) {
        return check_own_token(context, tenant, client, app, jwt, &issuing_tenant);
    }
    if client.is_agent_identity() {
        return Err(EntraError::no_federated_match(700_211, "issuer", issuer));
    }
    if issuer != assertion.text("sub") || !issuer.eq_ignore_ascii_case(&client.app_id) {
        let is_url = issuer.starts_with("https://") || issuer.starts_with("http://");
        return match app {
            Some(_) if context.own_issuer(issuer).is_some() => Err(EntraError::own_token_not_federated()),
            Some(app) if is_url => federation::check(context, app, &assertion),
            _ => Err(EntraError::assertion_of_another_client()),
        };
    }
    let keys: Vec<&KeyCredential> =
        app.into_iter().flat_map(|app| &app.keys).chain(&client.principal.keys).collect();
    let key = assertion.key(&keys, context.now)?;
    assertion.verify(key)?;
    if !context.is_accepted_audience(tenant, assertion.text("aud")) {
        return Err(EntraError::assertion_audience());
    }
    assertion.check_time(context.now)
}

/// A token of Entra's own: the exchange token of an agent identity, which is trusted with no federated identity
/// credential, or another application's that a credential names.
fn check_own_token(
    context: &Context<'_>,
    tenant: &Tenant,
    client: &Client,
    app: Option<&Application>,
    jwt: &str,
    issuing_tenant: &str,
) -> Result<(), EntraError> {
    let federating = app.filter(|app| app.federated.iter().any(|one| one.effective <= context.now));
    let Some(app) = federating else {
        if !client.is_agentic() {
            return Err(EntraError::own_token_not_federated());
        }
        let claims = exchange_token(context, tenant, jwt, issuing_tenant)?;
        return check_exchange_subject(tenant, client, &claims);
    };
    let claims = exchange_token(context, tenant, jwt, issuing_tenant)?;
    let audiences = ["api://AzureADTokenExchange", claims.text("aud")];
    federation::matching(app, claims.text("iss"), claims.text("sub"), &audiences, context).map(drop)
}

/// An exchange token (T1 or T2) that this tenant issued and that is in force: its claims.
fn exchange_token(
    context: &Context<'_>,
    tenant: &Tenant,
    jwt: &str,
    issuing_tenant: &str,
) -> Result<Claims, EntraError> {
    let claims = context.key.verify(jwt).map_err(|_| EntraError::federated_key_unknown())?;
    if !tenant.id.eq_ignore_ascii_case(issuing_tenant) {
        return Err(EntraError::no_federated_match(700_211, "issuer", claims.text("iss")));
    }
    if claims.text("idtyp") != "app" {
        return Err(EntraError::not_app_only());
    }
    if claims.text("aud") != EXCHANGE_APP_ID {
        return Err(EntraError::no_federated_match(700_212, "audience", claims.text("aud")));
    }
    if !claims.is_current(context.now) {
        return Err(EntraError::assertion_not_current(context.now, claims.time("nbf"), claims.time("exp")));
    }
    Ok(claims)
}

/// The subject must be the path of this very agent identity below its blueprint; that is trusted with no
/// federated identity credential.
fn check_exchange_subject(tenant: &Tenant, client: &Client, claims: &Claims) -> Result<(), EntraError> {
    let subject = claims.text("sub");
    let expected = client
        .principal
        .blueprint_id()
        .map(|blueprint_id| exchange_subject(&tenant.id, blueprint_id, &client.app_id));
    let Some(expected) = expected else {
        return Err(EntraError::no_federated_match(700_213, "subject", subject));
    };
    if expected == subject {
        return Ok(());
    }
    // Below another blueprint, or in another tenant, the newer code.
    let parent = |subject: &str| subject.rsplit_once('/').map(|(parent, _)| parent.to_owned());
    let is_elsewhere = subject.starts_with("/eid1/") && parent(&expected) != parent(subject);
    let code = if is_elsewhere { 7_002_137 } else { 700_213 };
    Err(EntraError::no_federated_match(code, "subject", subject))
}

/// The user assertion of hop 3 (T2): an exchange token whose `azp` is the agent identity.
pub(crate) fn check_user_assertion(
    context: &Context<'_>,
    tenant: &Tenant,
    client: &Client,
    jwt: &str,
) -> Result<(), EntraError> {
    let refuse = |code, why: &str| Err(EntraError::user_assertion(code, why));
    let Ok(claims) = context.key.verify(jwt) else {
        return refuse(50_013, "The signature of the user federated identity credential is not valid.");
    };
    if context.own_issuer(claims.text("iss")).is_none_or(|id| !tenant.id.eq_ignore_ascii_case(&id)) {
        return refuse(50_013, "The user federated identity credential was issued for another tenant.");
    }
    if claims.text("aud") != EXCHANGE_APP_ID {
        return refuse(
            500_131,
            "The audience of the user federated identity credential is not the token exchange.",
        );
    }
    if !claims.is_current(context.now) {
        return refuse(500_133, "The user federated identity credential is not within its valid time range.");
    }
    if !claims.text("azp").eq_ignore_ascii_case(&client.app_id) {
        return refuse(
            50_013,
            "The user federated identity credential was issued to another agent identity.",
        );
    }
    Ok(())
}

/// A parsed, unchecked JWT.
pub(super) struct Assertion<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    /// Takes padded base64url too, which MSAL has been seen to send.
    pub(super) fn parse(jwt: &'a str) -> Option<Self> {
        let (signed, signature) = jwt.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok();
        let object = |part: &str| serde_json::from_slice(&decode(part)?).ok();
        Some(Self { header: object(header)?, claims: object(claims)?, signed, signature: decode(signature)? })
    }

    pub(super) fn text(&self, claim: &str) -> &str {
        self.claims.get(claim).and_then(Value::as_str).unwrap_or("")
    }

    pub(super) fn header_text(&self, name: &str) -> &str {
        self.header.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// `aud`, one or several.
    pub(super) fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// A time as a number, a float (MSAL Python) or a string (MSAL .NET).
    fn time(&self, claim: &str) -> Option<Timestamp> {
        let seconds = match self.claims.get(claim)? {
            Value::String(text) => text.parse::<f64>().ok()?,
            number => number.as_f64()?,
        };
        // Beyond i64 the cast saturates, and such a time is refused.
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds are what is compared")]
        Timestamp::from_second(seconds as i64).ok()
    }

    /// The application's certificate that the header's thumbprint names.
    fn key<'k>(&self, keys: &[&'k KeyCredential], now: Timestamp) -> Result<&'k KeyCredential, EntraError> {
        let thumbprint = |name: &str| {
            let text = self.header.get(name)?.as_str()?;
            URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
        };
        let (wanted, algorithm) = match (thumbprint("x5t#S256"), thumbprint("x5t")) {
            (Some(wanted), _) => (wanted, &SHA256),
            (None, Some(wanted)) => (wanted, &SHA1_FOR_LEGACY_USE_ONLY),
            (None, None) if self.header.contains_key("x5c") => return self.key_by_certificate(keys, now),
            (None, None) => {
                return Err(EntraError::assertion_key("The key was not found., no thumbprint in the header"));
            }
        };
        let key = keys.iter().copied().find(|key| {
            key.effective <= now
                && STANDARD.decode(&key.der).is_ok_and(|der| digest(algorithm, &der).as_ref() == wanted)
        });
        let hex: String = wanted.iter().map(|byte| format!("{byte:02X}")).collect();
        let Some(key) = key else {
            return Err(EntraError::assertion_key(&format!(
                "The key was not found., Thumbprint of key used by client: '{hex}'"
            )));
        };
        if key.end <= now || now < key.start {
            return Err(EntraError::assertion_key(&format!(
                "The key used is expired., Thumbprint of key used by client: '{hex}', Found key 'Start={}, End={}'",
                key.start, key.end
            )));
        }
        Ok(key)
    }

    /// The application's certificate that stands in `x5c`; subject names alone are not trusted here.
    fn key_by_certificate<'k>(
        &self,
        keys: &[&'k KeyCredential],
        now: Timestamp,
    ) -> Result<&'k KeyCredential, EntraError> {
        let first = self.header.get("x5c").and_then(|chain| chain.get(0)).and_then(Value::as_str);
        let der = first
            .and_then(|text| STANDARD.decode(text).ok())
            .ok_or_else(EntraError::unreadable_certificate)?;
        let (_, certificate) =
            x509_parser::parse_x509_certificate(&der).map_err(|_| EntraError::unreadable_certificate())?;
        keys.iter()
            .copied()
            .find(|key| {
                key.effective <= now
                    && key.end > now
                    && STANDARD.decode(&key.der).is_ok_and(|known| known == der)
            })
            .ok_or_else(|| EntraError::bad_certificate(&certificate.subject().to_string()))
    }

    fn verify(&self, key: &KeyCredential) -> Result<(), EntraError> {
        let algorithm: &'static dyn VerificationAlgorithm =
            match self.header.get("alg").and_then(Value::as_str).unwrap_or("") {
                "PS256" => &RSA_PSS_2048_8192_SHA256,
                "RS256" => &RSA_PKCS1_2048_8192_SHA256,
                other => {
                    return Err(EntraError::assertion_key(&format!(
                        "Unsupported asymmetric signing algorithm '{other}'."
                    )));
                }
            };
        let refused = || EntraError::assertion_key("The key was found, but its certificate cannot be read.");
        let der = STANDARD.decode(&key.der).map_err(|_| refused())?;
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).map_err(|_| refused())?;
        if !matches!(certificate.public_key().parsed(), Ok(x509_parser::public_key::PublicKey::RSA(_))) {
            return Err(EntraError::assertion_key(
                "Unsupported asymmetric signing algorithm: RSA keys only.",
            ));
        }
        let public = &certificate.public_key().subject_public_key.data;
        UnparsedPublicKey::new(algorithm, public).verify(self.signed.as_bytes(), &self.signature).map_err(
            |_| {
                EntraError::assertion_key(
                    "The key was found, but use of the key to verify the signature failed.",
                )
            },
        )
    }

    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), EntraError> {
        let (from, until) = (self.time("nbf"), self.time("exp"));
        let has_begun = from.is_none_or(|from| from.saturating_sub(SKEW).is_ok_and(|from| from <= now));
        let has_ended = until.is_none_or(|until| until.saturating_add(SKEW).is_ok_and(|until| until <= now));
        if has_begun && !has_ended {
            Ok(())
        } else {
            Err(EntraError::assertion_not_current(now, from, until))
        }
    }
}

/// What arbitrary bytes must not break: nothing is an assertion that no key has signed.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_assertion(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(assertion) = Assertion::parse(&text) {
        let now = Timestamp::UNIX_EPOCH;
        let _ = assertion.check_time(now);
        assert!(assertion.key(&[], now).is_err());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assertion(claims: &str) -> Assertion<'static> {
        Assertion {
            header: Map::new(),
            claims: serde_json::from_str(claims).unwrap(),
            signed: "",
            signature: Vec::new(),
        }
    }

    #[test]
    fn times_may_be_numbers_floats_or_strings_and_five_minutes_off() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        for claims in [
            r#"{"nbf":1000000,"exp":1000600}"#,
            r#"{"exp":1000600.25}"#,
            r#"{"nbf":"1000299","exp":"1000900"}"#,
            r#"{"nbf":999000,"exp":999701}"#,
        ] {
            assert!(assertion(claims).check_time(now).is_ok(), "{claims}");
        }
        for claims in [
            r#"{}"#,
            r#"{"exp":"soon"}"#,
            r#"{"nbf":1000301,"exp":1000900}"#,
            r#"{"nbf":999000,"exp":999700}"#,
            r#"{"exp":1e300}"#,
        ] {
            assert_eq!(assertion(claims).check_time(now).unwrap_err().code, 700_024, "{claims}");
        }
    }

    #[test]
    fn the_corpus_is_parsed_or_refused() {
        crate::corpus::replay("jwt", withstand_assertion);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            withstand_assertion(&bytes);
        }

        #[test]
        fn any_header_and_claims_are_parsed_or_refused(header in "\\PC{0,60}", claims in "\\PC{0,60}") {
            let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
            withstand_assertion(format!("{}.{}.AAAA", encode(&header), encode(&claims)).as_bytes());
        }
    }
}
