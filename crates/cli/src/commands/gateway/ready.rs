//! `attache gateway ready`: whether the gateway with these settings is ready. The health check of its container.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use attache_entra::{Transport, TransportConfig};
use serde_json::json;
use tokio::time::timeout;
use url::Url;

use super::stop::cause;
use crate::config::Values;
use crate::loopback::Loopback;
use crate::output::{Failure, Output};

/// For how long it is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(4);

/// Asks it.
pub(super) async fn ask(values: Values, output: Output) -> Result<(), Failure> {
    let url = url(&values)?;
    let status = match timeout(PATIENCE, status(&url, &values)).await {
        Ok(status) => status?,
        Err(_) => return Err(not_ready(&url, "it does not answer")),
    };
    if status != 200 {
        return Err(not_ready(&url, &format!("it answers {status}")));
    }
    if output.json {
        output.object(&json!({ "ok": true, "url": url.as_str() }));
    } else {
        output.line(format!("{url} says that it is ready"));
    }
    Ok(())
}

/// Where it can be asked: one that speaks TLS by its public name, which its certificate has; else where it listens.
fn url(values: &Values) -> Result<Url, Failure> {
    let wrong = |name: &str, why: String| Failure::usage(name, format!("{name}: {why}"));
    let text = |name: &str| values.get(name).map(|value| value.text.as_str());
    if text("tls_certificate").is_some()
        && let Some(public) = text("public_url")
    {
        let public: Url = public.parse().map_err(|error| wrong("public_url", format!("{error}")))?;
        return public.join("readyz").map_err(|error| wrong("public_url", error.to_string()));
    }
    let listen = text("listen").unwrap_or_default();
    let address: SocketAddr = listen.parse().map_err(|error| wrong("listen", format!("{error}")))?;
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let url = format!("http://{}/readyz", SocketAddr::new(host, address.port()));
    url.parse().map_err(|error| wrong("listen", format!("{error}")))
}

async fn status(url: &Url, values: &Values) -> Result<u16, Failure> {
    if url.scheme() == "http" {
        let answer = Loopback::default().get(url).await;
        return answer.map(|answer| answer.status).map_err(|error| not_ready(url, &format!("{error:#}")));
    }
    let ca: Option<PathBuf> = values.get("ca").map(|value| PathBuf::from(&value.text));
    let transport = Transport::new(TransportConfig { ca, ..TransportConfig::default() })?;
    let answer = transport.client()?.get(url.clone()).send().await;
    answer.map(|answer| answer.status().as_u16()).map_err(|error| unreachable(url, &error))
}

/// No answer by TLS: mostly a certificate that this machine does not know.
fn unreachable(url: &Url, error: &reqwest::Error) -> Failure {
    Failure::new(
        "not_ready",
        format!("{url} cannot be asked: {}", cause(error)),
        "start the gateway; when its certificate is of an authority of your own, name that with `ca` (ATTACHE_CA)",
    )
}

fn not_ready(url: &Url, why: &str) -> Failure {
    Failure::new(
        "not_ready",
        format!("{url}: {why}"),
        "start the gateway, and see that it can reach its database; its log says why it cannot",
    )
}
