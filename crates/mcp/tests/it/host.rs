//! A host that speaks JSON-RPC by hand, so that nothing of the SDK checks itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use attache_agent::{Agent, AgentWishes, Profile, Secrets, Settings};
use attache_mcp::ServeError;
use attache_terms::{Cloud, Origin, SystemClock, SystemRng};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A service that takes connections and says nothing.
pub(crate) struct Silent {
    listener: TcpListener,
}

impl Silent {
    pub(crate) async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    fn origin(&self) -> Origin {
        format!("https://{}", self.listener.local_addr().unwrap()).parse().unwrap()
    }
}

/// An agent with a profile in `home`, whose cloud is `silent`. Nobody has signed in.
pub(crate) fn agent(home: &Path, silent: &Silent) -> Arc<Agent> {
    let profile = Profile::new(home, "default".parse().unwrap());
    let settings = Settings {
        secrets: Secrets::KeyFile {
            sealed: profile.directory().join("secrets"),
            key: profile.directory().join("secrets.key"),
        },
        profile,
        cloud: Cloud::at(silent.origin(), silent.origin()),
        ca: None,
        tenant: "323626f5-1bfe-48cd-8902-ddfdfd44e1ce".parse().unwrap(),
        client_id: "1b671a64-40d5-491e-99b0-da01ff1f3341".parse().unwrap(),
        agent: AgentWishes {
            display_name: "Agent".to_owned(),
            nickname: "agent".to_owned(),
            domain: None,
            usage_location: "DE".to_owned(),
            licences: Vec::new(),
            sponsor: None,
        },
        provisioner: None,
        prefix: "[Attaché] ".into(),
        conversation: None,
        poll: Duration::from_millis(50),
        provision_in_background: false,
        provision_scale: 1.0,
    };
    Agent::open(settings, Arc::new(SystemClock), Arc::new(SystemRng))
}

pub(crate) struct Host {
    from: Lines<BufReader<ReadHalf<DuplexStream>>>,
    to: WriteHalf<DuplexStream>,
    server: JoinHandle<Result<(), ServeError>>,
    requests: u64,
}

impl Host {
    pub(crate) fn of(agent: Arc<Agent>) -> Self {
        let (here, there) = tokio::io::duplex(1 << 20);
        let (from, to) = tokio::io::split(here);
        let (input, output) = tokio::io::split(there);
        let server = tokio::spawn(attache_mcp::serve(agent, input, output));
        Self { from: BufReader::new(from).lines(), to, server, requests: 0 }
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.to.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// Sends what may be no message at all.
    pub(crate) async fn send_line(&mut self, line: &str) {
        self.to.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    pub(crate) async fn receive(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(10), self.from.next_line());
        let line =
            line.await.expect("an answer within ten seconds").unwrap().expect("the server still speaks");
        serde_json::from_str(&line).unwrap()
    }

    /// Asks and waits for the answer; nothing else may come in between.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        let answer = self.receive().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Asks and waits for the answer, past complaints about what was sent before.
    pub(crate) async fn ask_past_errors(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        loop {
            let answer = self.receive().await;
            if answer["id"] == id {
                return answer;
            }
            assert!(answer["error"].is_object() && answer["id"].is_null(), "{answer}");
        }
    }

    pub(crate) async fn initialize(&mut self) -> Value {
        let params = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "a host by hand", "version": "1" },
        });
        let answer = self.ask("initialize", params).await["result"].clone();
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        answer
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await["result"].clone()
    }

    /// Closes the input, as a script does that has asked everything, and takes what still comes.
    pub(crate) async fn answer_after_closing(mut self) -> Value {
        self.to.shutdown().await.unwrap();
        let answer = self.receive().await;
        self.hang_up().await;
        answer
    }

    /// Closes the pipe and waits for the server to end.
    pub(crate) async fn hang_up(self) {
        drop((self.to, self.from));
        let ended = tokio::time::timeout(Duration::from_secs(10), self.server).await;
        ended.expect("the server ends with its input").unwrap().unwrap();
    }
}
