//! HTTP itself, where clients' libraries leave no choice (RFC 9110, RFC 9112).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::Tenant;

/// What comes back, until the connection ends.
async fn said(tenant: &Tenant, message: &str) -> String {
    let (address, ca) = (tenant.sandbox.address(), tenant.sandbox.ready().ca.clone());
    let message = message.to_owned();
    let talk = move || {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_file_iter(ca).unwrap() {
            roots.add(authority.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
        stream.write_all(message.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // The server may close without a word of TLS.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    };
    tokio::task::spawn_blocking(talk).await.unwrap()
}

#[tokio::test]
async fn a_request_names_one_host() {
    let tenant = Tenant::start().await;
    let with = async |hosts: &str| {
        let target = "GET /common/discovery/v2.0/keys HTTP/1.1";
        let answer = said(&tenant, &format!("{target}\r\n{hosts}Connection: close\r\n\r\n")).await;
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    for good in ["Host: localhost\r\n", "Host: localhost:8365\r\n", "host: [::1]:\r\n"] {
        assert_eq!(with(good).await, "200", "{good}");
    }
    for bad in [
        "",
        "Host: localhost\r\nHost: localhost\r\n",
        "Host: localhost\r\nHost: evil.example\r\n",
        "Host:\r\n",
        "Host: local host\r\n",
        "Host: localhost:port\r\n",
        "Host: me@localhost\r\n",
    ] {
        assert_eq!(with(bad).await, "400", "{bad}");
    }
}

#[tokio::test]
async fn head_gets_the_headers_and_no_body_wherever_it_is_sent() {
    let tenant = Tenant::start().await;
    for path in ["/", "/nix", "/common/v2.0/.well-known/openid-configuration", "/v1.0/me", "/_sandbox/nix"] {
        let url = tenant.url(path);
        let get = tenant.http.get(&url).send().await.unwrap();
        let head = tenant.http.head(&url).send().await.unwrap();
        assert_eq!((head.version(), head.status()), (http::Version::HTTP_2, get.status()), "{path}");
        let kind = |answer: &reqwest::Response| answer.headers().get("content-type").cloned();
        assert_eq!(kind(&head), kind(&get), "{path}");
        assert_eq!(head.bytes().await.unwrap(), "", "{path}");
    }
}
