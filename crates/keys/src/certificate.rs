//! The self-signed certificate that tells Entra the public half of a key. Entra knows it by its
//! thumbprints: `x5t#S256` with PS256, `x5t` with RS256 (Entra reference §1.8).

use std::sync::Mutex;
use std::time::Duration;

use attache_terms::{Explain, Remedy, Rng};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyUsagePurpose, PublicKeyData, SerialNumber};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo, X509Certificate};

use crate::{Algorithm, SignError, Signer};

/// From when to when a certificate is good, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub not_before: Timestamp,
    /// The last moment.
    pub not_after: Timestamp,
}

/// An X.509 certificate of an RSA key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    public_key: Vec<u8>,
    validity: Validity,
}

impl Certificate {
    /// A certificate for the signer's key, signed by that key. The signer only signs: it may be a TPM.
    pub async fn self_signed(
        signer: &dyn Signer,
        common_name: &str,
        validity: Validity,
        rng: &dyn Rng,
    ) -> Result<Self, CertificateError> {
        let params = params(common_name, validity, rng)?;
        // rcgen signs synchronously. So it is run twice on the same parameters: once to learn what is to
        // be signed, and once to put the signature in its place.
        let draft = Draft::of(signer.public_key())?;
        params.self_signed(&draft).map_err(encoding)?;
        let to_be_signed = draft.message();
        let signature = signer.sign(Algorithm::Rs256, &to_be_signed).await?;
        let signed = draft.signed(signature);
        let der = params.self_signed(&signed).map_err(encoding)?.der().to_vec();
        if signed.message() != to_be_signed {
            return Err(CertificateError::NotEncoded("the encoder is not repeatable".to_owned()));
        }
        Self::from_der(der)
    }

    /// The certificate in a DER document.
    pub fn from_der(der: Vec<u8>) -> Result<Self, CertificateError> {
        let not_one = |why: &dyn std::fmt::Display| CertificateError::NotACertificate(why.to_string());
        let (rest, parsed) = X509Certificate::from_der(&der).map_err(|error| not_one(&error))?;
        if !rest.is_empty() {
            return Err(not_one(&"bytes follow it"));
        }
        let second = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| not_one(&error));
        let validity = Validity {
            not_before: second(parsed.validity().not_before.timestamp())?,
            not_after: second(parsed.validity().not_after.timestamp())?,
        };
        let public_key = parsed.public_key().raw.to_vec();
        Ok(Self { public_key, validity, der })
    }

    /// The certificate itself, DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The public key, DER-encoded SubjectPublicKeyInfo.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// SHA-1 of the DER: what Entra shows as the thumbprint and keeps as `customKeyIdentifier`.
    pub fn sha1_thumbprint(&self) -> [u8; 20] {
        thumbprint(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.der).as_ref())
    }

    /// SHA-256 of the DER.
    pub fn sha256_thumbprint(&self) -> [u8; 32] {
        thumbprint(digest(&SHA256, &self.der).as_ref())
    }

    /// From when to when it is good.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The first moment at which it is good.
    pub fn not_before(&self) -> Timestamp {
        self.validity.not_before
    }

    /// The last moment at which it is good.
    pub fn not_after(&self) -> Timestamp {
        self.validity.not_after
    }
}

fn thumbprint<const N: usize>(hash: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(hash);
    out
}

fn params(
    common_name: &str,
    validity: Validity,
    rng: &dyn Rng,
) -> Result<CertificateParams, CertificateError> {
    if validity.not_after <= validity.not_before {
        return Err(CertificateError::NotEncoded("it would end before it begins".to_owned()));
    }
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let moment = |at: Timestamp| {
        let seconds = u64::try_from(at.as_second());
        seconds
            .map(|seconds| epoch + Duration::from_secs(seconds))
            .map_err(|_| CertificateError::NotEncoded(format!("{at} is before 1970")))
    };
    let mut params = CertificateParams::default();
    params.not_before = moment(validity.not_before)?;
    params.not_after = moment(validity.not_after)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, common_name);
    params.distinguished_name = subject;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // RFC 5280 §4.1.2.2: positive, at most 20 octets, and unique; a random UUID is all three.
    let mut serial = [0; 16];
    rng.fill(&mut serial);
    serial[0] = (serial[0] & 0x7f) | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn encoding(error: rcgen::Error) -> CertificateError {
    CertificateError::NotEncoded(error.to_string())
}

/// Stands for the key while rcgen encodes: notes what is to be signed, and gives the signature it has.
struct Draft {
    rsa_public_key: Vec<u8>,
    message: Mutex<Vec<u8>>,
    signature: Vec<u8>,
}

impl Draft {
    fn of(public_key: &[u8]) -> Result<Self, CertificateError> {
        let (_, info) = SubjectPublicKeyInfo::from_der(public_key).map_err(|error| {
            CertificateError::NotEncoded(format!("the public key is not readable: {error}"))
        })?;
        Ok(Self {
            rsa_public_key: info.subject_public_key.data.to_vec(),
            message: Mutex::default(),
            signature: Vec::new(),
        })
    }

    fn signed(self, signature: Vec<u8>) -> Self {
        Self { signature, message: Mutex::default(), ..self }
    }

    fn message(&self) -> Vec<u8> {
        self.message.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

impl PublicKeyData for Draft {
    fn der_bytes(&self) -> &[u8] {
        &self.rsa_public_key
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for Draft {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        *self.message.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = message.to_vec();
        Ok(self.signature.clone())
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The key did not sign it.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// It could not be written.
    #[error("the certificate could not be made: {0}")]
    NotEncoded(String),
    /// What was given is no certificate.
    #[error("this is not an X.509 certificate: {0}")]
    NotACertificate(String),
}

impl Explain for CertificateError {
    fn code(&self) -> &'static str {
        match self {
            Self::Sign(error) => error.code(),
            Self::NotEncoded(_) => "certificate_not_made",
            Self::NotACertificate(_) => "certificate_unreadable",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Sign(error) => error.remedy(),
            Self::NotEncoded(_) => Remedy::us("report this: the certificate's fields were chosen here"),
            Self::NotACertificate(_) => {
                Remedy::operator("give the certificate as DER, or provision again for a new one")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SoftwareKey;
    use async_trait::async_trait;
    use attache_terms::SeededRng;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    /// A key as a TPM shows it: it signs, and nothing else.
    struct Remote(SoftwareKey);

    #[async_trait]
    impl Signer for Remote {
        fn algorithms(&self) -> &[Algorithm] {
            &[Algorithm::Rs256]
        }

        fn public_key(&self) -> &[u8] {
            self.0.public_key()
        }

        async fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, SignError> {
            tokio::task::yield_now().await;
            self.0.sign(algorithm, message).await
        }
    }

    fn a_year() -> Validity {
        Validity {
            not_before: "2026-11-22T10:00:00Z".parse().unwrap(),
            not_after: "2027-11-22T10:00:00Z".parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn a_key_that_only_signs_gets_a_certificate_that_verifies() {
        let key = Remote(SoftwareKey::generate().await.unwrap());
        let certificate =
            Certificate::self_signed(&key, "Attaché on ada's laptop", a_year(), &SeededRng::new(1))
                .await
                .unwrap();

        let (_, parsed) = X509Certificate::from_der(certificate.der()).unwrap();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &parsed.public_key().subject_public_key.data)
            .verify(parsed.tbs_certificate.as_ref(), &parsed.signature_value.data)
            .unwrap();
        assert_eq!(
            parsed.subject().iter_common_name().next().unwrap().as_str(),
            Ok("Attaché on ada's laptop")
        );
        assert_eq!(certificate.public_key(), key.public_key());
        assert_eq!(certificate.validity(), a_year());
        assert_eq!(Certificate::from_der(certificate.der().to_vec()).unwrap(), certificate);
    }

    #[tokio::test]
    async fn thumbprints_are_hashes_of_the_der() {
        let key = SoftwareKey::generate().await.unwrap();
        let made = Certificate::self_signed(&key, "x", a_year(), &SeededRng::new(2)).await.unwrap();
        assert_eq!(made.sha256_thumbprint().as_slice(), digest(&SHA256, made.der()).as_ref());
        assert_ne!(made.sha1_thumbprint(), [0; 20]);
        let other = Certificate::self_signed(&key, "x", a_year(), &SeededRng::new(3)).await.unwrap();
        assert_ne!(made.sha1_thumbprint(), other.sha1_thumbprint(), "each has a serial number of its own");
    }

    #[tokio::test]
    async fn a_certificate_that_ends_before_it_begins_is_not_made() {
        let key = SoftwareKey::generate().await.unwrap();
        let backwards = Validity { not_before: a_year().not_after, not_after: a_year().not_before };
        let error = Certificate::self_signed(&key, "x", backwards, &SeededRng::new(1)).await;
        assert!(matches!(error, Err(CertificateError::NotEncoded(_))));
    }

    #[test]
    fn other_bytes_are_no_certificate() {
        assert!(matches!(
            Certificate::from_der(b"-----BEGIN".to_vec()),
            Err(CertificateError::NotACertificate(_))
        ));
    }
}
