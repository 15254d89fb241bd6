//! A started sandbox and a client that trusts it.

use attache_sandbox::{Clock, Config, Sandbox};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use crate::evidence::Running;

pub(crate) const GRAPH: &str = "https://graph.microsoft.com/.default";
pub(crate) const EXCHANGE: &str = "api://AzureADTokenExchange/.default";
pub(crate) const BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(crate) struct Tenant {
    pub(crate) sandbox: Running,
    pub(crate) http: reqwest::Client,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Reply {
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| {
            panic!("no text at {pointer} in {} {}", self.status, self.text);
        })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The token endpoint's error: its name and its number.
    pub(crate) fn error(&self) -> (&str, u64) {
        (self.text("/error"), self.json["error_codes"][0].as_u64().unwrap())
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }
}

pub(crate) fn config() -> Config {
    Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() }
}

/// A clock that stands, so that nothing passes unseen.
pub(crate) fn standing() -> Clock {
    Clock::standing_at("2026-03-01T12:00:00Z".parse().unwrap())
}

impl Tenant {
    pub(crate) async fn start() -> Self {
        Self::start_with(config()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let sandbox = Running::new(Sandbox::start(config).await.unwrap());
        let http = client(&sandbox).build().unwrap();
        Self { sandbox, http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.ready().url)
    }

    pub(crate) fn login(&self, path: &str) -> String {
        self.url(&format!("/{}{path}", self.sandbox.ready().tenant_id))
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        reply(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, url: &str) -> Reply {
        self.send(self.http.get(url)).await
    }

    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> Reply {
        self.send(self.http.post(self.login("/oauth2/v2.0/token")).form(form)).await
    }

    pub(crate) async fn graph(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Reply {
        let request = self.http.request(method, self.url(path)).bearer_auth(token);
        self.send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// The provisioner's token for Graph, by secret.
    pub(crate) async fn provisioner(&self) -> String {
        let app = &self.sandbox.ready().apps.provisioner;
        let form = [
            ("client_id", app.client_id.as_str()),
            ("client_secret", &app.client_secret),
            ("grant_type", "client_credentials"),
            ("scope", GRAPH),
        ];
        self.token(&form).await.expect(200).text("/access_token").to_owned()
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let token = self.sandbox.ready().control_token.clone();
        self.graph(method, &format!("/_sandbox/{path}"), &token, body).await
    }
}

pub(crate) fn client(sandbox: &Sandbox) -> reqwest::ClientBuilder {
    let bundle = std::fs::read(&sandbox.ready().ca).unwrap();
    reqwest::Client::builder()
        .tls_certs_only(reqwest::Certificate::from_pem_bundle(&bundle).unwrap())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
}

pub(crate) async fn reply(response: reqwest::Response) -> Reply {
    let (status, headers) = (response.status(), response.headers().clone());
    let path = response.url().path().to_owned();
    let text = response.text().await.unwrap();
    let json = serde_json::from_str(&text).unwrap_or_default();
    let reply = Reply { status, headers, text, json };
    check_against_the_csdl(&path, &reply);
    reply
}

/// Every JSON body of Graph's that a test sees is one that Graph could have sent. What a fault made up has no
/// request id, and what a file or an attachment holds is nobody's business.
fn check_against_the_csdl(path: &str, reply: &Reply) {
    let is_graphs = path.starts_with("/v1.0/") || path.starts_with("/beta/");
    let is_content = path.ends_with("/content") || path.ends_with("/$value");
    // Who asked for no metadata is not told what it is.
    let sent = reply.header("content-type");
    let is_json = sent.starts_with("application/json") && !sent.contains("odata.metadata=none");
    let is_success = reply.status.is_success();
    if is_graphs
        && is_json
        && !reply.text.is_empty()
        && !reply.header("request-id").is_empty()
        && !(is_content && is_success)
    {
        crate::oracle::body::assert_graphs("", path, reply.status.as_u16(), &reply.json);
    }
}

/// What a JWT says, unchecked.
pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}

pub(crate) fn header(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The odd numbers of a facet claim, in order.
pub(crate) fn facets(claims: &Value, name: &str) -> Vec<u32> {
    let text = claims[name].as_str().unwrap_or_default();
    let mut odd: Vec<u32> =
        text.split(' ').filter_map(|number| number.parse().ok()).filter(|number| number % 2 == 1).collect();
    odd.sort_unstable();
    odd
}

/// A key and its self-signed certificate, as a client holds them.
pub(crate) struct Certificate {
    key: RsaKeyPair,
    pub(crate) der: Vec<u8>,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let params = rcgen::CertificateParams::default();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { key: RsaKeyPair::from_pkcs8(&key.serialize_der()).unwrap(), der }
    }

    /// As `keyCredentials` takes it.
    pub(crate) fn credential(&self) -> Value {
        json!({
            "type": "AsymmetricX509Cert", "usage": "Verify", "key": STANDARD.encode(&self.der),
            "displayName": "test",
        })
    }

    pub(crate) fn thumbprint(&self, algorithm: &'static aws_lc_rs::digest::Algorithm) -> String {
        URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(algorithm, &self.der))
    }

    pub(crate) fn ps256(&self, claims: &Value) -> String {
        let thumbprint = self.thumbprint(&aws_lc_rs::digest::SHA256);
        self.sign(&json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint }), claims, &RSA_PSS_SHA256)
    }

    pub(crate) fn rs256(&self, claims: &Value) -> String {
        let thumbprint = self.thumbprint(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
        // With padding, as MSAL for Python has sent it.
        self.sign(
            &json!({ "alg": "RS256", "typ": "JWT", "x5t": format!("{thumbprint}=") }),
            claims,
            &RSA_PKCS1_SHA256,
        )
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value, encoding: &'static dyn RsaEncoding) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
