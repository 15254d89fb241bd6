//! Fetches an issuer's keys by OpenID discovery, in plain HTTP from loopback.

use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use url::Url;

/// How long an issuer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest document that is read.
const LIMIT: usize = 256 * 1024;

/// The `keys` of the issuer's JWKS, or why they cannot be had.
pub(super) async fn keys(issuer: &str) -> Result<Vec<Value>, String> {
    let fetching = async {
        let discovery = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document = get(&discovery).await?;
        if document["issuer"] != issuer {
            return Err("its discovery document names another issuer".to_owned());
        }
        let jwks = document["jwks_uri"].as_str().ok_or("its discovery document has no jwks_uri")?;
        let keys = get(jwks).await?;
        keys["keys"].as_array().cloned().ok_or_else(|| "its JWKS has no keys".to_owned())
    };
    tokio::time::timeout(PATIENCE, fetching).await.unwrap_or_else(|_| Err("it did not answer".to_owned()))
}

async fn get(url: &str) -> Result<Value, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let host = url.host_str().unwrap_or_default();
    if url.scheme() != "http" || !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        return Err(format!("{url} is not on loopback"));
    }
    let port = url.port_or_known_default().unwrap_or(80);
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((name, port)).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let request = http::Request::get(target)
        .header(HOST, format!("{host}:{port}"))
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        if !response.status().is_success() {
            return Err(format!("{url} answers {}", response.status()));
        }
        let body =
            Limited::new(response.into_body(), LIMIT).collect().await.map_err(|error| error.to_string())?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| format!("{url} is no JSON: {error}"))
    };
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        // The connection drives the exchange; once it has ended, only what has arrived is left.
        _ = connection => exchange.await,
    }
}
