//! What rsyslog hears of us: a receiver that others wrote takes our frames, in TCP and in TLS, and reads out of the
//! messages what we put into them (RFC 5424, RFC 6587, RFC 5425).

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use attache_terms::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::world::World;

const SIEM: &str = "api/v1/orgs/acme/audit/siem";
const PROGRAM: &str = "/usr/sbin/rsyslogd";

/// An rsyslog of our own, with one port for TCP and one for TLS.
struct Rsyslog {
    process: Child,
    folder: tempfile::TempDir,
    certificate: String,
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Rsyslog {
    fn start() -> Self {
        let there = Path::new(PROGRAM).is_file();
        assert!(there, "{PROGRAM} is not there: run `cargo xtask test`, which installs what the tests need");
        let folder = tempfile::tempdir().unwrap();
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = own.cert.pem();
        std::fs::write(folder.path().join("own.pem"), &certificate).unwrap();
        std::fs::write(folder.path().join("own.key"), own.signing_key.serialize_pem()).unwrap();
        let at = folder.path().display();
        let configuration = format!(
            r#"
global(workDirectory="{at}" defaultNetstreamDriverCAFile="{at}/own.pem"
       defaultNetstreamDriverCertFile="{at}/own.pem" defaultNetstreamDriverKeyFile="{at}/own.key")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="{at}/tcp.port" ruleset="keep")
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="{at}/tls.port" ruleset="keep"
      streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="line" type="list") {{ property(name="jsonmesg") constant(value="\n") }}
ruleset(name="keep") {{ action(type="omfile" file="{at}/heard" template="line") }}
"#
        );
        std::fs::write(folder.path().join("rsyslog.conf"), configuration).unwrap();
        let process = Command::new(PROGRAM)
            .args(["-n", "-f"])
            .arg(folder.path().join("rsyslog.conf"))
            .arg("-i")
            .arg(folder.path().join("pid"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, folder, certificate }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a file of its holds, once it holds what is wanted.
    async fn until<T>(&self, name: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let path = self.path(name);
        let waiting = async {
            loop {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                if let Some(wanted) = wanted(&text) {
                    return wanted;
                }
                SystemClock.sleep(Duration::from_millis(20)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        ended.unwrap_or_else(|_| panic!("{name} holds {:?}", std::fs::read_to_string(&path)))
    }

    async fn port(&self, name: &str) -> u16 {
        self.until(name, |text| text.trim().parse().ok()).await
    }

    /// So many messages, as it has parsed them.
    async fn heard(&self, count: usize) -> Vec<Value> {
        let read = |text: &str| {
            let whole = text.lines().filter_map(|line| serde_json::from_str(line).ok());
            let messages: Vec<Value> = whole.collect();
            (messages.len() >= count).then_some(messages)
        };
        self.until("heard", read).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rsyslog_reads_every_entry_out_of_what_it_is_sent() {
    let allowed = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let world = World::tuned(move |config| config.outbound_allowed = allowed.clone()).await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    // Octets are counted, not characters; and what would end a line or a field elsewhere ends nothing.
    let odd = json!({ "label": "Ä \"]\\ 漢字 <108>1", "role": "auditor" });
    operator.post("api/v1/orgs/acme/invitations", &odd).await.ok(201);
    let rsyslog = Rsyslog::start();
    let (tcp, tls) = (rsyslog.port("tcp.port").await, rsyslog.port("tls.port").await);

    let plain = json!({ "host": "127.0.0.1", "port": tcp, "transport": "tcp" });
    operator.send(reqwest::Method::PUT, SIEM, Some(&plain)).await.ok(200);
    operator.until(SIEM, |seen| seen["backlog"] == 0).await;
    let first = operator.get(SIEM).await.ok(200)["next"].as_u64().unwrap();
    let secret = json!({ "host": "localhost", "port": tls, "transport": "tls", "ca": rsyslog.certificate });
    operator.send(reqwest::Method::PUT, SIEM, Some(&secret)).await.ok(200);
    let seen = operator.until(SIEM, |seen| seen["backlog"] == 0 || !seen["trouble"].is_null()).await;
    assert!(seen["trouble"].is_null(), "{seen}");
    let all = seen["next"].as_u64().unwrap();
    assert!(all > first, "the second destination is an entry itself");

    let heard = rsyslog.heard(usize::try_from(all).unwrap()).await;
    let events = operator.get("api/v1/orgs/acme/audit/events").await.text;
    let wanted: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(heard.len() as u64, all);
    for (number, (message, wanted)) in heard.iter().zip(wanted).enumerate() {
        let entry: Value = serde_json::from_str(message["msg"].as_str().unwrap()).unwrap();
        assert_eq!(entry, wanted);
        assert_eq!((&message["syslogfacility"], &message["syslogseverity"]), (&json!("13"), &json!("6")));
        assert_eq!((&message["app-name"], &message["msgid"]), (&json!("attache-gateway"), &json!("audit")));
        assert_eq!((&message["hostname"], &message["procid"]), (&json!("localhost"), &json!("-")));
        assert_eq!(message["structured-data"], json!(format!("[meta sequenceId=\"{}\"]", number + 1)));
        assert_eq!(message["protocol-version"], json!("1"));
        let time = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert_eq!(time(&message["timereported"]).as_microsecond(), time(&entry["time"]).as_microsecond());
    }
}
