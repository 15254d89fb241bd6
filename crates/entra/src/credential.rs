//! How an application proves to Entra that it is itself: a client secret, or a JWT signed with the key of a
//! certificate that the application has (Entra reference §1.8).

use std::sync::Arc;

use attache_keys::{Algorithm, Certificate, SignError, Signer};
use attache_terms::{AppId, Clock, Rng, Secret};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::json;

pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion is good: the least that the documentation asks for is five minutes, and MSAL
/// takes ten.
const LIFE_SECONDS: i64 = 600;

/// An application's credential.
#[derive(Clone)]
pub enum ClientCredential {
    /// A client secret.
    Secret(Secret),
    /// A certificate, and the key that belongs to it.
    Certificate {
        /// The certificate as the application has it.
        certificate: Certificate,
        /// The key.
        signer: Arc<dyn Signer>,
    },
}

/// The form fields that carry a credential.
pub(crate) type Proof = Vec<(&'static str, Secret)>;

impl ClientCredential {
    /// Proves `app` to the token endpoint at `audience`.
    pub(crate) async fn prove(
        &self,
        app: AppId,
        audience: &str,
        clock: &dyn Clock,
        rng: &dyn Rng,
    ) -> Result<Proof, SignError> {
        match self {
            Self::Secret(secret) => Ok(vec![("client_secret", secret.clone())]),
            Self::Certificate { certificate, signer } => {
                let jwt = assertion(certificate, &**signer, app, audience, clock, rng).await?;
                Ok(assertion_fields(Secret::new(jwt)))
            }
        }
    }

    /// Tells one credential from another, so that a token that one has fetched never stands for another.
    pub(crate) fn tag(&self) -> [u8; 16] {
        let hash = match self {
            Self::Secret(secret) => digest(&SHA256, secret.expose().as_bytes()),
            Self::Certificate { certificate, .. } => digest(&SHA256, certificate.der()),
        };
        let mut tag = [0; 16];
        tag.copy_from_slice(&hash.as_ref()[..16]);
        tag
    }
}

/// The form fields of a client assertion, ours or T1.
pub(crate) fn assertion_fields(assertion: Secret) -> Proof {
    vec![("client_assertion_type", Secret::new(ASSERTION_TYPE.to_owned())), ("client_assertion", assertion)]
}

async fn assertion(
    certificate: &Certificate,
    signer: &dyn Signer,
    app: AppId,
    audience: &str,
    clock: &dyn Clock,
    rng: &dyn Rng,
) -> Result<String, SignError> {
    let best = [Algorithm::Ps256, Algorithm::Rs256].into_iter().find(|one| signer.algorithms().contains(one));
    let algorithm = best.ok_or(SignError::Unsupported(Algorithm::Ps256))?;
    let header = match algorithm {
        Algorithm::Ps256 => json!({
            "alg": "PS256", "typ": "JWT", "x5t#S256": BASE64URL.encode(certificate.sha256_thumbprint()),
        }),
        Algorithm::Rs256 => json!({
            "alg": "RS256", "typ": "JWT", "x5t": BASE64URL.encode(certificate.sha1_thumbprint()),
        }),
    };
    let now = clock.now().as_second();
    let claims = json!({
        "aud": audience,
        "iss": app.to_string(),
        "sub": app.to_string(),
        "jti": rng.uuid().to_string(),
        "nbf": now,
        "iat": now,
        "exp": now + LIFE_SECONDS,
    });
    let signed = format!("{}.{}", BASE64URL.encode(header.to_string()), BASE64URL.encode(claims.to_string()));
    let signature = signer.sign(algorithm, signed.as_bytes()).await?;
    Ok(format!("{signed}.{}", BASE64URL.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use attache_keys::{SoftwareKey, Validity};
    use attache_terms::{ManualClock, SeededRng};
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    struct OldKey(SoftwareKey);

    #[async_trait]
    impl Signer for OldKey {
        fn algorithms(&self) -> &[Algorithm] {
            &[Algorithm::Rs256]
        }

        fn public_key(&self) -> &[u8] {
            self.0.public_key()
        }

        async fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, SignError> {
            assert_eq!(algorithm, Algorithm::Rs256);
            self.0.sign(algorithm, message).await
        }
    }

    fn part(text: &str) -> Value {
        serde_json::from_slice(&BASE64URL.decode(text).unwrap()).unwrap()
    }

    /// The RSA key inside a SubjectPublicKeyInfo of RSA-2048: after a prefix of constant length.
    fn rsa(spki: &[u8]) -> Vec<u8> {
        spki[24..].to_vec()
    }

    async fn made(signer: Arc<dyn Signer>) -> (Certificate, String) {
        let clock = ManualClock::new("2026-11-22T10:00:00Z".parse().unwrap());
        let rng = SeededRng::new(1);
        let validity =
            Validity { not_before: clock.now(), not_after: "2027-11-22T10:00:00Z".parse().unwrap() };
        let certificate = Certificate::self_signed(&*signer, "test", validity, &rng).await.unwrap();
        let credential = ClientCredential::Certificate { certificate: certificate.clone(), signer };
        let app = "8a22dfd8-f315-4ee1-be84-c5f46a5b0b3c".parse().unwrap();
        let proof = credential.prove(app, "https://login/t/oauth2/v2.0/token", &clock, &rng).await.unwrap();
        assert_eq!(proof[0].1.expose(), ASSERTION_TYPE);
        assert_eq!(proof[1].0, "client_assertion");
        (certificate, proof[1].1.expose().to_owned())
    }

    #[tokio::test]
    async fn an_assertion_is_ps256_with_the_sha256_thumbprint_for_ten_minutes() {
        let key = Arc::new(SoftwareKey::generate().await.unwrap());
        let (certificate, jwt) = made(key.clone()).await;
        let parts: Vec<&str> = jwt.split('.').collect();
        let header = part(parts[0]);
        assert_eq!(header["alg"], "PS256");
        assert_eq!(header["x5t#S256"], BASE64URL.encode(certificate.sha256_thumbprint()));
        assert!(header.get("x5t").is_none());
        let claims = part(parts[1]);
        assert_eq!(claims["aud"], "https://login/t/oauth2/v2.0/token");
        assert_eq!(claims["iss"], claims["sub"]);
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap(), 600);
        assert_eq!(claims["nbf"], "2026-11-22T10:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second());
        assert!(claims["jti"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
        let signed = format!("{}.{}", parts[0], parts[1]);
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, rsa(key.public_key()))
            .verify(signed.as_bytes(), &BASE64URL.decode(parts[2]).unwrap())
            .unwrap();
    }

    #[tokio::test]
    async fn a_key_without_pss_signs_rs256_with_the_sha1_thumbprint() {
        let key = Arc::new(OldKey(SoftwareKey::generate().await.unwrap()));
        let (certificate, jwt) = made(key.clone()).await;
        let parts: Vec<&str> = jwt.split('.').collect();
        assert_eq!(part(parts[0])["x5t"], BASE64URL.encode(certificate.sha1_thumbprint()));
        let signed = format!("{}.{}", parts[0], parts[1]);
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rsa(key.public_key()))
            .verify(signed.as_bytes(), &BASE64URL.decode(parts[2]).unwrap())
            .unwrap();
    }

    #[test]
    fn two_secrets_have_two_tags() {
        let tag = |text: &str| ClientCredential::Secret(Secret::new(text.to_owned())).tag();
        assert_eq!(tag("a"), tag("a"));
        assert_ne!(tag("a"), tag("b"));
    }
}
