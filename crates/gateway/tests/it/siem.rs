//! Export to a SIEM: every entry arrives at a syslog receiver, in order and at least once, whatever breaks; and a
//! program that follows the log hears of an entry when it is made.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_ledger::{Act, ActName, Actor, Composer, Verdict};
use attache_store::{OrgScope, Unit};
use attache_terms::{Clock, SystemClock, SystemRng};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

use crate::world::{Caller, World};

const SIEM: &str = "api/v1/orgs/acme/audit/siem";
const EVENTS: &str = "api/v1/orgs/acme/audit/events";

fn local(config: &mut attache_gateway::Config) {
    config.outbound_allowed = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
}

/// A receiver of syslog: it takes octet-counted frames, and can break off before it has read to the end.
struct Receiver {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// One that breaks off the first so many connections.
    async fn start(breaks: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let taking = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut connections = 0;
            while let Ok((stream, _)) = listener.accept().await {
                connections += 1;
                take(stream, &taking, connections <= breaks).await;
            }
        });
        Self { port, heard }
    }

    /// One that speaks TLS as `localhost`, with a certificate that nobody knows; and that certificate.
    async fn in_tls() -> (Self, String) {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let taking = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                while let Some(message) = frame(&mut stream).await {
                    taking.lock().unwrap().push(message);
                }
                let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
            }
        });
        (Self { port, heard }, own.cert.pem())
    }

    fn messages(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// The numbers of the entries, in the order in which they came.
    fn numbers(&self) -> Vec<u64> {
        self.messages().iter().map(|message| entry(message)["sequence"].as_u64().unwrap()).collect()
    }

    async fn until(&self, wanted: impl Fn(&[u64]) -> bool) {
        let waiting = async {
            while !wanted(&self.numbers()) {
                SystemClock.sleep(Duration::from_millis(20)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        assert!(ended.is_ok(), "only these came: {:?}", self.numbers());
    }
}

/// Takes the frames of one connection; one that breaks takes the first and goes.
async fn take(mut stream: tokio::net::TcpStream, heard: &Mutex<Vec<String>>, breaks: bool) {
    while let Some(message) = frame(&mut stream).await {
        heard.lock().unwrap().push(message);
        if breaks {
            // What it has not read makes the end a break.
            return;
        }
    }
}

async fn frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut length = 0;
    loop {
        match stream.read_u8().await.ok()? {
            b' ' => break,
            digit => length = length * 10 + usize::from(digit - b'0'),
        }
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.ok()?;
    Some(String::from_utf8(message).unwrap())
}

/// The entry within a message.
fn entry(message: &str) -> Value {
    let (_, line) = message.split_once("] ").unwrap();
    serde_json::from_str(line).unwrap()
}

async fn add_key(caller: &Caller, name: &str) {
    let body = json!({ "name": name, "scopes": ["audit:read"] });
    caller.post("api/v1/orgs/acme/api-keys", &body).await.ok(201);
}

async fn size(caller: &Caller) -> u64 {
    let newest = caller.get("api/v1/orgs/acme/audit/entries?limit=1").await.ok(200);
    newest["items"][0]["sequence"].as_u64().unwrap() + 1
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_arrives_in_order_and_what_is_made_later_too() {
    let world = World::tuned(local).await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let receiver = Receiver::start(0).await;
    let body = json!({ "host": "127.0.0.1", "port": receiver.port, "transport": "tcp" });
    let set = operator.send(reqwest::Method::PUT, SIEM, Some(&body)).await.ok(200);
    assert_eq!((&set["host"], &set["trouble"]), (&json!("127.0.0.1"), &Value::Null));
    let size = size(&operator).await;
    receiver.until(|numbers| numbers.len() as u64 == size).await;
    assert_eq!(receiver.numbers(), (0..size).collect::<Vec<_>>());
    let messages = receiver.messages();
    assert!(messages[0].starts_with("<110>1 20"), "{}", messages[0]);
    assert!(
        messages[0].contains("Z localhost attache-gateway - audit [meta sequenceId=\"1\"] {"),
        "{}",
        messages[0]
    );
    let first = entry(&messages[0]);
    assert_eq!((&first["organisation"], &first["act"]), (&json!("acme"), &json!("organisation.created")));
    let seen = operator.until(SIEM, |seen| seen["backlog"] == 0).await;
    assert!(seen["arrived"].is_string() && seen["next"] == size, "{seen}");
    add_key(&operator, "later").await;
    receiver.until(|numbers| numbers.last() == Some(&size)).await;
    operator.delete(SIEM).await.ok(204);
    assert_eq!(operator.get(SIEM).await.problem(404), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_broke_off_comes_again_and_the_trouble_is_shown_meanwhile() {
    let world = World::tuned(local).await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let receiver = Receiver::start(1).await;
    let body = json!({ "host": "127.0.0.1", "port": receiver.port, "transport": "tcp" });
    operator.send(reqwest::Method::PUT, SIEM, Some(&body)).await.ok(200);
    let size = size(&operator).await;
    let broken = operator.until(SIEM, |seen| !seen["trouble"].is_null()).await;
    assert_eq!(broken["trouble"]["code"], "siem_broken", "{broken}");
    assert_eq!((&broken["backlog"], &broken["next"]), (&json!(size), &json!(0)), "nothing counts as arrived");
    let figures = operator.get("metrics").await.text;
    for figure in [
        "attache_siem_failures_total{code=\"siem_broken\"} 1\n",
        "attache_siem_receivers 1\n",
        "attache_siem_receivers_failing 1\n",
        &format!("attache_siem_backlog_entries {size}\n"),
        &format!("attache_siem_backlog_entries_max {size}\n"),
    ] {
        assert!(figures.contains(figure), "{figure} in {figures}");
    }
    // Whoever sets it again has it tried at once.
    operator.send(reqwest::Method::PUT, SIEM, Some(&body)).await.ok(200);
    receiver.until(|numbers| numbers.last() == Some(&size)).await;
    let numbers = receiver.numbers();
    assert_eq!(numbers[0], 0, "the one before the break");
    assert_eq!(numbers[1..], (0..=size).collect::<Vec<_>>(), "and then all, in order");
    let mended = operator.until(SIEM, |seen| seen["backlog"] == 0).await;
    assert!(mended["trouble"].is_null(), "{mended}");
    let figures = operator.get("metrics").await.text;
    for figure in ["attache_siem_receivers_failing 0\n", "attache_siem_backlog_entries_max 0\n"] {
        assert!(figures.contains(figure), "{figure} in {figures}");
    }
}

/// A receiver that closes its side before it has read anything, and then reads everything.
async fn hasty() -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    // So little fits into what its system takes in for it that it closes while something is still to be said.
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(8).unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.shutdown().await.unwrap();
            while frame(&mut stream).await.is_some() {}
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_closes_before_everything_was_said_has_not_heard_it() {
    let world = World::tuned(local).await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let id = operator.get("api/v1/orgs/acme").await.ok(200)["id"].as_str().unwrap().to_owned();
    let composer = Composer::new(Arc::new(SystemClock), Arc::new(SystemRng));
    let mut unit = Unit::new();
    for _ in 0..2_000 {
        let act = Act::new(ActName::new("test.filled"), Actor::default());
        unit.record(OrgScope::granted(id.parse().unwrap()), composer.change(act, Verdict::Done, None));
    }
    world.store.commit(unit).await.unwrap();
    let body = json!({ "host": "127.0.0.1", "port": hasty().await, "transport": "tcp" });
    operator.send(reqwest::Method::PUT, SIEM, Some(&body)).await.ok(200);
    let seen = operator.until(SIEM, |seen| !seen["trouble"].is_null() || seen["next"] != 0).await;
    assert_eq!((&seen["trouble"]["code"], &seen["next"]), (&json!("siem_broken"), &json!(0)), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_tls_only_a_receiver_with_a_good_certificate_gets_the_log() {
    let world = World::tuned(local).await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let (receiver, certificate) = Receiver::in_tls().await;
    let mut body = json!({ "host": "localhost", "port": receiver.port });
    operator.send(reqwest::Method::PUT, SIEM, Some(&body)).await.ok(200);
    let seen = operator.until(SIEM, |seen| !seen["trouble"].is_null()).await;
    assert_eq!((&seen["transport"], &seen["trouble"]["code"]), (&json!("tls"), &json!("siem_tls")), "{seen}");
    assert!(receiver.messages().is_empty());
    body["ca"] = json!("no certificate");
    assert_eq!(operator.send(reqwest::Method::PUT, SIEM, Some(&body)).await.problem(422), "invalid");
    body["ca"] = json!(certificate);
    operator.send(reqwest::Method::PUT, SIEM, Some(&body)).await.ok(200);
    let size = size(&operator).await;
    receiver.until(|numbers| numbers.len() as u64 >= size).await;
    assert_eq!(receiver.numbers(), (0..size).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sets_it_on_the_audit_page_and_stops_it_there() {
    let world = World::tuned(local).await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let receiver = Receiver::start(0).await;
    assert!(operator.page("orgs/acme/audit").await.text.contains("Send entries there"));
    let (csrf, port) = (operator.csrf().await, receiver.port.to_string());
    let fields =
        [("csrf", csrf.as_str()), ("host", "127.0.0.1"), ("port", &port), ("transport", "tcp"), ("ca", "")];
    assert_eq!(operator.form("orgs/acme/settings/siem", &fields).await.status, 303);
    operator.until(SIEM, |seen| seen["backlog"] == 0).await;
    let page = operator.page("orgs/acme/audit").await.text;
    assert!(page.contains(&format!("127.0.0.1:{port}")) && page.contains("all have arrived"), "{page}");
    assert_eq!(operator.form("orgs/acme/settings/siem/stop", &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(operator.get(SIEM).await.problem(404), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_the_gateway_connect_to_what_only_it_can_reach() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    for host in
        ["127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]
    {
        let refused = operator.send(reqwest::Method::PUT, SIEM, Some(&json!({ "host": host }))).await;
        assert_eq!(refused.problem(422), "invalid", "{host}");
    }
    // A name says nothing until it is looked up; then its address is judged.
    let receiver = Receiver::start(0).await;
    let body = json!({ "host": "localhost", "port": receiver.port, "transport": "tcp" });
    operator.send(reqwest::Method::PUT, SIEM, Some(&body)).await.ok(200);
    let seen = operator.until(SIEM, |seen| !seen["trouble"].is_null()).await;
    assert_eq!(seen["trouble"]["code"], "siem_not_public");
    assert!(receiver.messages().is_empty());
    // And a program does not say where the log is sent, whatever its scopes.
    let refused = acme.send(reqwest::Method::PUT, SIEM, Some(&body)).await;
    assert_eq!(refused.problem(403), "owners_only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_follows_the_log_hears_of_an_entry_when_it_is_made() {
    let world = World::new().await;
    let operator = world.operator().await;
    let body = json!({ "slug": "acme", "name": "Acme", "region": "eu-north" });
    operator.post("api/v1/orgs", &body).await.ok(201);
    let all = operator.get(EVENTS).await;
    assert_eq!(all.headers["content-type"], "application/jsonl");
    let lines: Vec<Value> = all.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["organisation"], &lines[0]["region"]), (&json!("acme"), &json!("eu-north")));
    let last = lines.last().unwrap()["sequence"].as_u64().unwrap();
    assert_eq!(operator.get(&format!("{EVENTS}?after={last}")).await.text, "", "nothing after it yet");
    let follower = operator.clone();
    let follow = format!("{EVENTS}?after={last}&wait=20");
    let following = tokio::spawn(async move { follower.get(&follow).await });
    add_key(&operator, "new").await;
    let heard = following.await.unwrap();
    let line: Value = serde_json::from_str(heard.text.trim_end()).unwrap();
    assert_eq!((&line["act"], &line["sequence"]), (&json!("api_key.created"), &json!(last + 1)));
}
