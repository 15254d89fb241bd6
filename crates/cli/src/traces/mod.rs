//! Traces for whoever runs a gateway: each request, job and call of Graph is a span, sent to a collector by OTLP over
//! HTTP in its JSON encoding (OpenTelemetry Protocol Specification 1.7, "OTLP/HTTP", "JSON Protobuf Encoding"). They
//! carry the fields that the log has, and no content. Without an endpoint nothing of this exists.
//!
//! The protocol is spoken here because its library would bring fourteen crates for one POST.

mod collect;
mod send;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use attache_entra::{Transport, TransportConfig};
use attache_terms::{Clock, Rng, Secret, SystemClock, SystemRng};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing_subscriber::filter::{LevelFilter, Targets};
use url::Url;

pub(crate) use collect::Collect;

/// How many finished spans wait to be sent; what is more is dropped and counted, so that a collector that is gone
/// costs a gateway nothing else.
const WAITING: usize = 4096;

/// How long the last spans may take to be sent when the gateway ends.
const FAREWELL: Duration = Duration::from_secs(3);

/// Where traces go.
pub(crate) struct Endpoint {
    /// `…/v1/traces`.
    pub(crate) url: Url,
    /// What each request carries: `authorization`, and its value.
    pub(crate) headers: Vec<(String, Secret)>,
}

/// The sending of traces, under way.
pub(crate) struct Traces {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Traces {
    /// Starts it: what collects spans, and what sends them.
    pub(crate) fn start(
        endpoint: Endpoint,
        ca: Option<std::path::PathBuf>,
    ) -> Result<(Collect, Self), String> {
        let config = TransportConfig {
            ca,
            timeout: Duration::from_secs(10),
            plain_here: endpoint.url.scheme() == "http",
            ..TransportConfig::default()
        };
        let transport = Transport::new(config).map_err(|error| error.to_string())?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let (stop, stopped) = oneshot::channel();
        let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let collect = Collect::new(sender, Arc::clone(&clock), rng);
        let sending = send::Sending { endpoint, transport, clock, lost: collect.lost() };
        Ok((collect, Self { stop, task: tokio::spawn(sending.run(receiver, stopped)) }))
    }

    /// Sends what is left, for a moment.
    pub(crate) async fn end(self) {
        let _ = self.stop.send(());
        if tokio::time::timeout(FAREWELL, self.task).await.is_err() {
            tracing::warn!("the last traces were not taken in time");
        }
    }
}

/// What is traced: our own spans, none of a library's.
pub(crate) fn ours() -> Targets {
    Targets::new().with_target("attache", LevelFilter::INFO)
}
