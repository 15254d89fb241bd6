//! What a socket that misbehaves looks like: whether the request may have arrived is told apart.

use std::io::Write;
use std::sync::Arc;

use attache_entra::{Transport, TransportConfig};
use attache_graph::{Exchange, ExchangeError};
use bytes::Bytes;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// A service on a port, and the authority that vouches for it.
struct Service {
    port: u16,
    ca: tempfile::NamedTempFile,
}

async fn exchange(service: &Service) -> Result<http::Response<Bytes>, ExchangeError> {
    let config = TransportConfig { ca: Some(service.ca.path().to_owned()), ..TransportConfig::default() };
    let request = http::Request::post(format!("https://localhost:{}/v1.0/chats", service.port))
        .body(Bytes::from_static(b"{}"))
        .unwrap();
    Transport::new(config).unwrap().exchange(request).await
}

/// Accepts one connection, reads a request and answers with these bytes, then hangs up; without bytes the
/// port is closed.
async fn server(answer: Option<Vec<u8>>) -> Service {
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut ca = tempfile::NamedTempFile::new().unwrap();
    ca.write_all(identity.cert.pem().as_bytes()).unwrap();
    let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    if let Some(answer) = answer {
        tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let mut socket = acceptor.accept(socket).await.unwrap();
            let mut seen = Vec::new();
            while !seen.ends_with(b"{}") {
                let mut buffer = [0; 1024];
                let read = socket.read(&mut buffer).await.unwrap();
                seen.extend_from_slice(&buffer[..read]);
            }
            // The client may stop reading before the end.
            let _ = socket.write_all(&answer).await;
            let _ = socket.shutdown().await;
        });
    }
    Service { port, ca }
}

#[tokio::test]
async fn a_closed_port_was_certainly_not_reached() {
    let service = server(None).await;
    assert!(matches!(exchange(&service).await, Err(ExchangeError::NotSent(_))));
}

#[tokio::test]
async fn a_request_without_an_answer_may_have_arrived() {
    for answer in [&b""[..], b"HTTP/1.1 201 Cre", b"HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\n{\"id"]
    {
        let service = server(Some(answer.to_vec())).await;
        let ended = exchange(&service).await;
        assert!(matches!(ended, Err(ExchangeError::Lost(_))), "{ended:?}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 20000000\r\n\r\n".to_vec();
    answer.resize(20_000_000, b' ');
    let service = server(Some(answer)).await;
    assert!(matches!(exchange(&service).await, Err(ExchangeError::TooLarge { .. })));
}

#[tokio::test]
async fn a_whole_answer_is_given_as_it_is() {
    let answer = b"HTTP/1.1 302 Found\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 2\r\n\r\nhi";
    let service = server(Some(answer.to_vec())).await;
    let response = exchange(&service).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.body()[..]), (302, &b"hi"[..]));
}
