//! Connections: so many at once, none that only holds a place, and none that breaks where a refusal is to be read.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use attache_terms::{Clock, ManualClock, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_makes_room_for_the_next() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let world = World::with(Arc::clone(&clock) as Arc<dyn Clock>, |config| config.connections = 1).await;
    let address = (Ipv4Addr::LOCALHOST, world.url.port().unwrap());
    // The first begins what may yet be HTTP of either version, and no more.
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"P").await.unwrap();
    let answered = async {
        loop {
            let answer = ask(&clock, address).await;
            // The clock may have run away from whoever asks, too.
            if !answer.is_empty() {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(60), answered).await.expect("nobody is answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // It was, since the first had been let go.
    let end = tokio::time::timeout(Duration::from_secs(60), first.read(&mut [0])).await;
    assert_eq!(end.expect("the first is still open").unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_for_an_answer_only_when_all_is_sent_finds_the_refusal() {
    let world = World::new().await;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, world.url.port().unwrap())).await.unwrap();
    // More than the system holds for somebody who does not read.
    let body = vec![b' '; 48 << 20];
    let head =
        format!("POST /api/v1/orgs HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.expect("the connection broke before all was sent");
    // It is still good for the next request.
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert!(answers.starts_with("HTTP/1.1 401") && answers.contains("HTTP/1.1 200"), "{answers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_does_not_name_one_host_is_refused() {
    let world = World::new().await;
    let address = (Ipv4Addr::LOCALHOST, world.url.port().unwrap());
    let hosts = ["", "host: a\r\nhost: a\r\n", "host: a b/c\r\n", "host: somebody@a\r\n", "host: a:b\r\n"];
    for host in hosts {
        let answer = say(address, &format!("GET /livez HTTP/1.1\r\n{host}connection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("host_missing"), "{host:?}: {answer}");
    }
    for host in ["host: localhost:8443\r\n", "host: [::1]:1\r\n", "host:\r\n"] {
        let answer = say(address, &format!("GET /livez HTTP/1.1\r\n{host}connection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{host:?}: {answer}");
    }
    let old = say(address, "GET /livez HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200"), "{old}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_the_clients_fault() {
    let world = World::tuned(|config| config.request_timeout = Duration::from_secs(1)).await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    let head = format!(
        "POST /api/v1/orgs/acme/api-keys HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{{",
        acme.key.unwrap()
    );
    let answer = say((Ipv4Addr::LOCALHOST, world.url.port().unwrap()), &head).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body_too_slow"), "{answer}");
}

/// Says something and reads until the connection ends.
async fn say(address: (Ipv4Addr, u16), text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Asks on a connection of its own while time passes, until that ends; what came back.
async fn ask(clock: &ManualClock, address: (Ipv4Addr, u16)) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    {
        let mut reading = std::pin::pin!(stream.read_to_string(&mut answer));
        loop {
            tokio::select! {
                biased;
                _ = &mut reading => break,
                () = tokio::task::yield_now() => clock.advance(Duration::from_millis(1)),
            }
        }
    }
    answer
}
