//! The client of a sandbox's control API, `/_sandbox/…`.

use std::time::Duration;

use attache_entra::{Transport, TransportConfig};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::at::Known;
use crate::output::{Failure, Output};

/// What an answer may take, beside the time that a request asks to wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// A sandbox, or one of its tenants, that is steered.
pub(super) struct Control {
    client: Client,
    known: Known,
}

impl Control {
    /// The sandbox that is known.
    pub(super) fn of(known: Known) -> Result<Self, Failure> {
        Self::patient(known, Duration::ZERO)
    }

    /// The same, for requests that wait so long before they are answered.
    pub(super) fn patient(known: Known, wait: Duration) -> Result<Self, Failure> {
        let config =
            TransportConfig { ca: known.ca.clone(), timeout: PATIENCE + wait, ..TransportConfig::default() };
        let client = Transport::new(config)?.client()?.clone();
        Ok(Self { client, known })
    }

    /// The sandbox that is steered.
    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// Reads.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, &[], None).await
    }

    /// Reads with a query.
    pub(super) async fn ask(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        self.call(Method::GET, path, query, None).await
    }

    /// Sends JSON.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let body = Body { kind: "application/json", bytes: body.to_string().into_bytes() };
        self.call(Method::POST, path, &[], Some(body)).await
    }

    /// Removes.
    pub(super) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::DELETE, path, &[], None).await
    }

    /// Any request; the JSON that came back, null when nothing did.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<Body>,
    ) -> Result<Value, Failure> {
        let mut url = endpoint(&self.known.url, path);
        {
            let mut pairs = url.query_pairs_mut();
            pairs.extend_pairs(query);
            if let Some(tenant) = &self.known.tenant {
                pairs.append_pair("tenant", tenant);
            }
        }
        if url.query() == Some("") {
            url.set_query(None);
        }
        let mut request = self.client.request(method, url).bearer_auth(&self.known.token);
        if let Some(Body { kind, bytes }) = body {
            request = request.header("content-type", kind).body(bytes);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        let answer = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() { Ok(answer) } else { Err(refused(status, &answer)) }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let url = &self.known.url;
        let mut innermost: &dyn std::error::Error = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        if innermost.to_string().contains("certificate") {
            return Failure::new(
                "sandbox_untrusted",
                format!("the certificate at {url} is not trusted: {innermost}"),
                "give --ca the ca.pem of this sandbox",
            );
        }
        Failure::new(
            "sandbox_unreachable",
            format!("the sandbox at {url} does not answer: {innermost}"),
            "start it with `attache sandbox`; if a proxy is set, add its host to NO_PROXY",
        )
    }
}

/// What is sent.
pub(super) struct Body {
    /// The media type.
    pub(super) kind: &'static str,
    /// The content.
    pub(super) bytes: Vec<u8>,
}

/// Prints an answer for programs: a list as one object a line, anything else as it is.
pub(super) fn objects(answer: &Value, output: Output) {
    match answer["value"].as_array() {
        Some(list) => list.iter().for_each(|object| output.object(object)),
        None if answer.is_null() => output.object(&serde_json::json!({ "ok": true })),
        None => output.object(answer),
    }
}

/// A field of an answer as text for people.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One segment of a path, whatever it holds.
pub(super) fn segment(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn endpoint(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/_sandbox/{path}", base.path().trim_end_matches('/')));
    url
}

fn refused(status: StatusCode, answer: &Value) -> Failure {
    let said = answer["error"]["message"].as_str().unwrap_or("it gave no reason");
    match status {
        StatusCode::UNAUTHORIZED => Failure::new(
            "control_token",
            "the sandbox does not know this control token",
            "give --token (ATTACHE_SANDBOX_TOKEN) the control_token of its ready line",
        ),
        StatusCode::BAD_REQUEST => Failure::usage("sandbox_refused", format!("the sandbox refused: {said}")),
        StatusCode::NOT_FOUND => {
            Failure::new("not_found", said, "list what there is, and take an id from it")
        }
        _ => Failure::new(
            "sandbox_refused",
            format!("the sandbox answered {status}: {said}"),
            "see the sandbox's own output; the message above is its answer",
        ),
    }
}
