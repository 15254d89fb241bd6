//! Traces, as a collector gets them: by OTLP over HTTP, from a running gateway.

use anyhow::{Context, Result, ensure};
use attache_tests::{DEADLINE, Gateway, Home};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn requests_jobs_and_calls_of_graph_reach_a_collector_and_belong_together() -> Result<()> {
    let (endpoint, mut received) = collector().await?;
    let home = Home::new()?
        .with("ATTACHE_GATEWAY_OTLP_ENDPOINT", &endpoint)
        .with("ATTACHE_GATEWAY_OTLP_HEADERS", "authorization=Bearer canary");
    let gateway = Gateway::at(home).await?;
    let session = gateway.sign_in().await?;
    gateway.organisation(&session, "acme").await?;
    let path = "api/v1/orgs/acme/agent-identity/provision";
    gateway.ask(&session, Method::POST, path, &json!({})).await?;

    let (mut spans, mut text) = (Vec::<Value>::new(), String::new());
    let named = |spans: &[Value], name: &str| spans.iter().find(|span| span["name"] == name).cloned();
    while named(&spans, "POST /api/v1/orgs/{org}/agent-identity/provision").is_none()
        || !spans.iter().any(|span| is_within(&spans, span, "graph", "identity.provision"))
    {
        let heard = timeout(DEADLINE, received.recv()).await.with_context(|| format!("{spans:#?}"))?;
        let (head, body): (String, String) = heard.context("the collector ended")?;
        ensure!(head.starts_with("POST /v1/traces HTTP/1.1") && head.contains("Bearer canary"), "{head}");
        let request: Value = serde_json::from_str(&body)?;
        let sent = request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().cloned();
        spans.extend(sent.with_context(|| format!("no spans in {body}"))?);
        text += &body;
    }
    let asked = named(&spans, "POST /api/v1/orgs/{org}/agent-identity/provision").context("it was there")?;
    let status = json!({ "key": "http.response.status_code", "value": { "intValue": "202" } });
    ensure!(asked["attributes"].as_array().is_some_and(|all| all.contains(&status)), "{asked}");
    ensure!(asked["traceId"].as_str().is_some_and(|id| id.len() == 32), "{asked}");
    // What is traced is how it went, never what it was about.
    ensure!(!text.contains("acme") && !text.contains(&session) && !text.contains("canary"), "{text}");
    gateway.end().await?;
    Ok(())
}

/// Whether a span of this name was made below one that is called `above`.
fn is_within(spans: &[Value], span: &Value, name: &str, above: &str) -> bool {
    let parent = |span: &Value| spans.iter().find(|one| one["spanId"] == span["parentSpanId"]);
    if span["name"] != name {
        return false;
    }
    let mut up = parent(span);
    while let Some(one) = up {
        if one["name"] == above {
            return one["traceId"] == span["traceId"];
        }
        up = parent(one);
    }
    false
}

/// A collector: its address, and the head and the body of each request that it gets.
pub(crate) async fn collector() -> Result<(String, mpsc::UnboundedReceiver<(String, String)>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let (sender, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(collect(stream, sender.clone()));
        }
    });
    Ok((endpoint, received))
}

/// Reads requests of one connection, and takes each.
async fn collect(stream: TcpStream, sender: mpsc::UnboundedSender<(String, String)>) -> Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let begun = head.len();
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
            let line = head[begun..].trim().to_ascii_lowercase();
            if let Some(given) = line.strip_prefix("content-length:") {
                length = given.trim().parse()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        sender.send((head, String::from_utf8(body)?))?;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        stream.get_mut().write_all(answer).await?;
    }
}
