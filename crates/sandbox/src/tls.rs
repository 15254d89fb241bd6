//! The two authorities and their leaves.
//!
//! The first vouches for loopback names and `--san` only, persists, and is the only one that a person may
//! install. The second vouches for Microsoft's names, is made at each start, and its key never leaves
//! memory. The client's SNI chooses the leaf. All keys are P-256: an RSA key would delay the start.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::files;
use crate::names::{LOOPBACK_NAMES, MICROSOFT_NAMES};
use crate::start_error::StartError;

/// The common name of the authority that persists.
const PERSISTED: &str = "Sandbox (loopback names only)";

/// What the listener needs, and the bundle that clients trust.
pub(crate) struct Tls {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) ca: PathBuf,
}

/// Makes or loads the authorities in `folder` and issues the leaves.
pub(crate) fn set_up(folder: &Path, san: &[String], now: Timestamp) -> Result<Tls, StartError> {
    let own: Vec<&str> = LOOPBACK_NAMES.into_iter().chain(san.iter().map(String::as_str)).collect();
    let today = now.to_zoned(TimeZone::UTC).date();
    let loopback = Authority::persisted(folder, &own, today)?;
    let microsoft = Authority::new("Sandbox (Microsoft's names, this start only)", &MICROSOFT_NAMES, today)?;
    let ca = folder.join("ca.pem");
    files::write(&ca, format!("{}{}", loopback.pem, microsoft.pem).as_bytes())?;
    let resolver = BySni {
        loopback: Arc::new(loopback.leaf(&own, today)?),
        microsoft: Arc::new(microsoft.leaf(&MICROSOFT_NAMES, today)?),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StartError::Certificate(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { server: Arc::new(server), ca })
}

struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The authority in `folder`, or a new one if there is none that vouches for all of `names`.
    fn persisted(folder: &Path, names: &[&str], today: Date) -> Result<Self, StartError> {
        let [certificate, key, covered] =
            ["authority.pem", "authority-key.pem", "authority-names"].map(|name| folder.join(name));
        let wanted = names.join("\n");
        let known = (files::read(&certificate)?, files::read(&key)?, files::read(&covered)?);
        if let (Some(pem), Some(key), Some(covered)) = known
            && covered == wanted
            && let Some(authority) = Self::load(&pem, &key, names, today)
        {
            return Ok(authority);
        }
        let new = Self::new(PERSISTED, names, today)?;
        files::write(&key, new.issuer.key().serialize_pem().as_bytes())?;
        files::write(&certificate, new.pem.as_bytes())?;
        files::write(&covered, wanted.as_bytes())?;
        Ok(new)
    }

    /// An authority from an earlier start: its parameters are the same, its certificate is what was written.
    fn load(pem: &str, key: &str, names: &[&str], today: Date) -> Option<Self> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        let key = KeyPair::from_pem(key).ok()?;
        let params = authority_params(PERSISTED, names, today);
        Some(Self { pem: pem.to_owned(), der, issuer: Issuer::new(params, key) })
    }

    fn new(name: &str, names: &[&str], today: Date) -> Result<Self, StartError> {
        let params = authority_params(name, names, today);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Ok(Self { pem, der, issuer: Issuer::new(params, key) })
    }

    fn leaf(&self, names: &[&str], today: Date) -> Result<CertifiedKey, StartError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "sandbox");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        // Some clients refuse leaves that live longer than 398 days.
        set_validity(&mut params, today, 365);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = rustls::crypto::aws_lc_rs::sign::any_ecdsa_type(&key)
            .map_err(|error| StartError::Certificate(error.to_string()))?;
        Ok(CertifiedKey::new(vec![certificate.der().clone(), self.der.clone()], key))
    }
}

fn authority_params(name: &str, names: &[&str], today: Date) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: names.iter().map(|name| subtree(name)).collect(),
        excluded_subtrees: Vec::new(),
    });
    set_validity(&mut params, today, 10 * 365);
    params
}

fn subtree(name: &str) -> GeneralSubtree {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(address.octets(), 32))
        }
        Ok(IpAddr::V6(address)) => {
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(address.octets(), 128))
        }
        Err(_) => GeneralSubtree::DnsName(name.to_owned()),
    }
}

/// From yesterday, for clients whose clock is a little slow.
fn set_validity(params: &mut CertificateParams, today: Date, days: i64) {
    let day = |offset: i64| {
        let date = today.saturating_add(offset.days());
        // A civil date's month and day are positive and small.
        rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = day(-1);
    params.not_after = day(days);
}

#[derive(Debug)]
struct BySni {
    loopback: Arc<CertifiedKey>,
    microsoft: Arc<CertifiedKey>,
}

impl ResolvesServerCert for BySni {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_microsoft = hello
            .server_name()
            .is_some_and(|sni| MICROSOFT_NAMES.iter().any(|name| name.eq_ignore_ascii_case(sni)));
        Some(Arc::clone(if is_microsoft { &self.microsoft } else { &self.loopback }))
    }
}
