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
    let address = address(&values)?;
    let url = url(&values, address)?;
    let status = match timeout(PATIENCE, status(&url, address, &values)).await {
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

fn wrong(name: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::usage(name, format!("{name}: {why}"))
}

/// Where it listens, as this machine reaches that. Another gateway may have the same public name.
fn address(values: &Values) -> Result<SocketAddr, Failure> {
    let listen = values.get("listen").map(|value| value.text.as_str()).unwrap_or_default();
    let address: SocketAddr = listen.parse().map_err(|error| wrong("listen", &error))?;
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Ok(SocketAddr::new(host, address.port()))
}

/// What is asked there: of one that speaks TLS by its public name, which its certificate has.
fn url(values: &Values, address: SocketAddr) -> Result<Url, Failure> {
    let text = |name: &str| values.get(name).map(|value| value.text.as_str());
    let (Some(_), Some(public)) = (text("tls_certificate"), text("public_url")) else {
        return format!("http://{address}/readyz").parse().map_err(|error| wrong("listen", &error));
    };
    let mut public: Url = public.parse().map_err(|error| wrong("public_url", &error))?;
    public.set_port(Some(address.port())).map_err(|()| wrong("public_url", &"it has no host"))?;
    public.join("readyz").map_err(|error| wrong("public_url", &error))
}

async fn status(url: &Url, address: SocketAddr, values: &Values) -> Result<u16, Failure> {
    if url.scheme() == "http" {
        let answer = Loopback::default().get(url).await;
        return answer.map(|answer| answer.status).map_err(|error| not_ready(url, &format!("{error:#}")));
    }
    let ca: Option<PathBuf> = values.get("ca").map(|value| PathBuf::from(&value.text));
    let resolve = url.host_str().map(|host| (host.to_owned(), address));
    let transport = Transport::new(TransportConfig { ca, resolve, ..TransportConfig::default() })?;
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
