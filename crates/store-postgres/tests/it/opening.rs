//! What a database must be to be opened, and how it is reached.

use std::sync::Arc;

use attache_store::StoreError;
use attache_store_postgres::{OpenError, Postgres, PostgresOptions};
use attache_terms::SystemClock;
use attache_tests::Cluster;

async fn open(address: &str) -> Result<Postgres, OpenError> {
    Postgres::open(PostgresOptions::new(address.to_owned().into(), Arc::new(SystemClock))).await
}

pub(crate) async fn refusal(address: &str) -> OpenError {
    match open(address).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let cluster = Cluster::shared().unwrap();
    let address = cluster.database().unwrap();
    let name = address.rsplit('/').next().unwrap();
    open(&address).await.unwrap();
    open(&address).await.expect("it is opened again");
    let later =
        "INSERT INTO migrations (number, name, checksum) SELECT max(number) + 1, 'later', '' FROM migrations";
    cluster.sql(name, later).unwrap();
    let newer = refusal(&address).await;
    assert!(
        matches!(newer, OpenError::Store(StoreError::Newer { found, known }) if found == known + 1),
        "{newer}"
    );
    cluster.sql(name, "DELETE FROM migrations; INSERT INTO migrations (number, name, checksum) VALUES (1, 'store', 'x')")
        .unwrap();
    let altered = refusal(&address).await;
    assert!(matches!(altered, OpenError::Store(StoreError::Altered(_))), "{altered}");
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_repeated() {
    let address = Cluster::shared().unwrap().database().unwrap().replace("correct%20horse", "hunter2");
    let refused = refusal(&address).await;
    let said = format!("{refused} {refused:?}");
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn connections_are_encrypted_and_the_server_must_be_who_it_says() {
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    let cluster = Cluster::encrypted(&certificate.pem(), &key.serialize_pem()).unwrap();
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(roots.path(), root.pem()).unwrap();

    let plain = cluster.database().unwrap();
    let refused = refusal(&plain).await;
    assert!(format!("{refused:?}").contains("no encryption"), "{refused:?}");

    let address = plain.replace("127.0.0.1", "localhost");
    let trusted = format!("{address}?sslmode=require&sslrootcert={}", roots.path().display());
    open(&trusted).await.unwrap();
    let stranger = refusal(&format!("{address}?sslmode=require")).await;
    assert!(format!("{stranger:?}").contains("UnknownIssuer"), "{stranger:?}");
    let other_name = refusal(&trusted.replace("localhost", "127.0.0.1")).await;
    assert!(format!("{other_name:?}").to_lowercase().contains("not valid for name"), "{other_name:?}");
}
