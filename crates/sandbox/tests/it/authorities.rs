//! What the two authorities may vouch for, read from their certificates.

use std::net::IpAddr;

use attache_sandbox::{Sandbox, StartError};
use x509_parser::pem::Pem;
use x509_parser::prelude::{GeneralName, ParsedExtension, X509Certificate};

use crate::support::config;

/// The names that a certificate's name constraints permit, sorted; and nothing else is permitted or excluded.
fn permitted(certificate: &X509Certificate<'_>) -> Vec<String> {
    let constraints = certificate.name_constraints().unwrap().expect("it is name-constrained");
    assert!(constraints.critical, "a client that does not understand them must refuse it");
    assert!(constraints.value.excluded_subtrees.is_none());
    let permitted = constraints.value.permitted_subtrees.as_ref().expect("it permits names");
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => {
            let (address, mask) = bytes.split_at(bytes.len() / 2);
            assert!(mask.iter().all(|byte| *byte == 0xff), "one address, not a network");
            match <[u8; 4]>::try_from(address) {
                Ok(address) => IpAddr::from(address).to_string(),
                Err(_) => IpAddr::from(<[u8; 16]>::try_from(address).unwrap()).to_string(),
            }
        }
        other => panic!("an unexpected kind of name: {other:?}"),
    };
    let mut names: Vec<String> = permitted.iter().map(|subtree| name(&subtree.base)).collect();
    names.sort();
    names
}

#[tokio::test]
async fn only_the_authority_that_forgets_its_key_vouches_for_microsofts_names() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.data = Some(folder.path().to_owned());
    config.san = vec!["sandbox.test".to_owned(), "10.0.0.7".to_owned()];
    let sandbox = Sandbox::start(config).await.unwrap();

    let bundle = std::fs::read(&sandbox.ready().ca).unwrap();
    let pems: Vec<Pem> = Pem::iter_from_buffer(&bundle).map(Result::unwrap).collect();
    let [persisted, passing] = pems.as_slice() else { panic!("two authorities") };
    let (persisted, passing) = (persisted.parse_x509().unwrap(), passing.parse_x509().unwrap());
    assert_eq!(permitted(&persisted), ["10.0.0.7", "127.0.0.1", "::1", "localhost", "sandbox.test"]);
    let microsofts = [
        "graph.microsoft.com",
        "login.microsoft.com",
        "login.microsoftonline.com",
        "login.windows.net",
        "sts.windows.net",
    ];
    assert_eq!(permitted(&passing), microsofts);
    for authority in [&persisted, &passing] {
        let basic = authority.basic_constraints().unwrap().unwrap();
        assert!(basic.critical && basic.value.ca);
        assert_eq!(basic.value.path_len_constraint, Some(0), "no authority below it");
        let known = |extension: &ParsedExtension<'_>| !extension.unsupported();
        assert!(authority.extensions().iter().all(|extension| known(extension.parsed_extension())));
    }

    let private_keys = |text: &str| text.matches("PRIVATE KEY-----").count() / 2;
    let kept: usize = folder
        .path()
        .read_dir()
        .unwrap()
        .map(|file| private_keys(&std::fs::read_to_string(file.unwrap().path()).unwrap()))
        .sum();
    assert_eq!(kept, 1, "the key of the first, and of nothing else");
    let key = std::fs::read_to_string(folder.path().join("authority-key.pem")).unwrap();
    let key = rcgen::KeyPair::from_pem(&key).unwrap();
    let of = |authority: &X509Certificate<'_>| {
        rcgen::PublicKeyData::der_bytes(&key) == &*authority.public_key().subject_public_key.data
    };
    assert!(of(&persisted) && !of(&passing));
}

#[tokio::test]
async fn a_further_name_cannot_make_the_first_vouch_for_microsofts() {
    for name in ["com", "microsoftonline.com", "graph.microsoft.com", "sts.windows.net", "*.test", ""] {
        let mut config = config();
        config.san = vec![name.to_owned()];
        let error = Sandbox::start(config).await.unwrap_err();
        assert!(matches!(&error, StartError::Name(refused) if refused == name), "{name}: {error}");
    }
}
