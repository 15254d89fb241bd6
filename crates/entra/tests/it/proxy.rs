//! `HTTPS_PROXY` and `NO_PROXY`. The environment belongs to a process, so each case is one of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use attache_entra::{ClientCredential, Entra, Resource, Transport, TransportConfig};
use attache_terms::{Clock, Cloud, Origin, Secret, SeededRng, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::authority::{Answer, Authority, blueprint, tenant};

const CHILD: &str = "ATTACHE_TEST_PROXY";

/// Not a test of its own: asks for one token, and says what became of it.
#[tokio::test]
async fn child() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let (origin, ca) = task.split_once('\n').unwrap();
    let origin: Origin = origin.parse().unwrap();
    let config = TransportConfig { ca: Some(PathBuf::from(ca)), ..TransportConfig::default() };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let cloud = Cloud::at(origin.clone(), origin);
    let entra = Entra::new(cloud, Transport::new(config).unwrap(), clock, Arc::new(SeededRng::new(1)));
    let secret = ClientCredential::Secret(Secret::new("s3cret".to_owned()));
    let source = entra.application(tenant(), blueprint(), secret, Resource::graph(entra.cloud()));
    match source.token(None).await {
        Ok(token) => println!("outcome: {}", token.secret.expose()),
        Err(fault) => println!("outcome: {}: {fault}", fault.code()),
    }
}

async fn outcome(authority: &Authority, proxy: SocketAddr, no_proxy: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "proxy::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{}\n{}", authority.origin, authority.ca.display()))
        .env("HTTPS_PROXY", format!("http://someone:password@{proxy}"))
        .env("NO_PROXY", no_proxy)
        .env_remove("https_proxy")
        .env_remove("no_proxy")
        .stderr(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.split_once("outcome: ")).unwrap().1.to_owned()
}

/// A proxy that lets everything through, or nothing, and says what it was asked for.
async fn proxy(lets_through: bool) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, sees) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            let line = String::from_utf8(head).unwrap().lines().next().unwrap().to_owned();
            let port = line.split([':', ' ']).nth(2).unwrap().to_owned();
            seen.send(line).unwrap();
            if !lets_through {
                client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
                continue;
            }
            let mut server = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (address, sees)
}

#[tokio::test]
async fn the_proxy_is_used_and_sees_only_the_host() {
    let authority = Authority::start(|_| Answer::token("t")).await;
    let (address, mut sees) = proxy(true).await;
    assert_eq!(outcome(&authority, address, "").await, "t");
    let host = authority.origin.as_str().trim_start_matches("https://").to_owned();
    assert_eq!(sees.recv().await.unwrap(), format!("CONNECT {host} HTTP/1.1"));
}

#[tokio::test]
async fn no_proxy_goes_around_it() {
    let authority = Authority::start(|_| Answer::token("t")).await;
    let (address, mut sees) = proxy(false).await;
    assert_eq!(outcome(&authority, address, "localhost").await, "t");
    assert!(sees.try_recv().is_err());
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    let authority = Authority::start(|_| Answer::token("t")).await;
    let (address, _sees) = proxy(false).await;
    let outcome = outcome(&authority, address, "").await;
    assert!(outcome.starts_with("proxy_failed: ") && outcome.contains("127.0.0.1"), "{outcome}");
    assert!(!outcome.contains("password"), "{outcome}");
    assert_eq!(authority.count(), 0);
}
