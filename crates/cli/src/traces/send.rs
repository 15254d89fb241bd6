//! What sends spans: some at once, after a moment; again where the protocol says that it may help; and no more than
//! that, since a trace is never worth what it traces.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use attache_entra::Transport;
use attache_terms::Clock;
use reqwest::StatusCode;
use tokio::sync::{mpsc, oneshot};

use super::collect::Span;
use super::{Endpoint, wire};

/// How many spans share a request.
const MOST: usize = 512;
/// How long the first of them waits for others.
const GATHER: Duration = Duration::from_secs(1);
/// How long to wait before each further try.
const AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(16)];

/// Sends spans to a collector.
pub(super) struct Sending {
    pub(super) endpoint: Endpoint,
    pub(super) transport: Transport,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lost: Arc<AtomicU64>,
}

/// Why a request came to nothing.
enum Failed {
    /// Again may help.
    ForNow(String),
    /// It will not.
    ForGood(String),
}

impl Sending {
    /// Until it is stopped; then what is there is sent, once.
    pub(super) async fn run(self, mut spans: mpsc::Receiver<Span>, mut stop: oneshot::Receiver<()>) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                () = self.gather(&mut batch, &mut spans) => {}
                _ = &mut stop => break,
            }
            tokio::select! {
                () = self.deliver(&batch) => batch.clear(),
                _ = &mut stop => break,
            }
        }
        self.farewell(batch, &mut spans).await;
    }

    /// The next spans: as many as come within a moment, or as share a request if they are there already. What is in the
    /// batch stays there if this is dropped.
    async fn gather(&self, batch: &mut Vec<Span>, spans: &mut mpsc::Receiver<Span>) {
        let Some(first) = spans.recv().await else { return std::future::pending().await };
        batch.push(first);
        if spans.len() + 1 < MOST {
            self.clock.sleep(GATHER).await;
        }
        fill(batch, spans);
    }

    async fn deliver(&self, batch: &[Span]) {
        let body = wire::request(batch).to_string();
        let mut waits = AGAIN.iter();
        loop {
            match (self.post(body.clone()).await, waits.next()) {
                (Ok(()), _) => return,
                (Err(Failed::ForNow(_)), Some(wait)) => self.clock.sleep(*wait).await,
                (Err(Failed::ForNow(why) | Failed::ForGood(why)), _) => {
                    return self.give_up(batch.len(), &why);
                }
            }
        }
    }

    /// What is left, in one try each.
    async fn farewell(&self, mut batch: Vec<Span>, spans: &mut mpsc::Receiver<Span>) {
        loop {
            fill(&mut batch, spans);
            if batch.is_empty() {
                return;
            }
            if let Err(Failed::ForNow(why) | Failed::ForGood(why)) =
                self.post(wire::request(&batch).to_string()).await
            {
                return self.give_up(batch.len(), &why);
            }
            batch.clear();
        }
    }

    fn give_up(&self, spans: usize, why: &str) {
        let before = self.lost.swap(0, Ordering::Relaxed);
        tracing::warn!(spans, before, why, "traces were not taken by the collector, and are dropped");
    }

    async fn post(&self, body: String) -> Result<(), Failed> {
        let client = self.transport.client().map_err(|error| Failed::ForGood(error.to_string()))?;
        let mut request =
            client.post(self.endpoint.url.clone()).header("content-type", "application/json").body(body);
        for (name, value) in &self.endpoint.headers {
            request = request.header(name, value.expose());
        }
        let answer = request.send().await.map_err(|error| Failed::ForNow(error.without_url().to_string()))?;
        let retryable = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ];
        match answer.status() {
            status if status.is_success() => Ok(()),
            status if retryable.contains(&status) => Err(Failed::ForNow(status.to_string())),
            status => Err(Failed::ForGood(status.to_string())),
        }
    }
}

fn fill(batch: &mut Vec<Span>, spans: &mut mpsc::Receiver<Span>) {
    while batch.len() < MOST
        && let Ok(span) = spans.try_recv()
    {
        batch.push(span);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use attache_entra::TransportConfig;
    use attache_terms::ManualClock;
    use jiff::Timestamp;

    use super::*;

    fn span() -> Span {
        Span {
            trace: [1; 16],
            id: [2; 8],
            parent: None,
            name: "request",
            begun: Timestamp::UNIX_EPOCH,
            ended: Timestamp::UNIX_EPOCH,
            fields: Vec::new(),
            failed: false,
        }
    }

    #[tokio::test]
    async fn a_few_spans_wait_for_others_and_as_many_as_share_a_request_do_not() {
        let sending = Sending {
            endpoint: Endpoint { url: "http://localhost/v1/traces".parse().unwrap(), headers: Vec::new() },
            transport: Transport::new(TransportConfig::default()).unwrap(),
            clock: Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)),
            lost: Arc::default(),
        };
        let (sender, mut spans) = mpsc::channel(2 * MOST);
        for _ in 0..MOST + 1 {
            sender.try_send(span()).unwrap();
        }
        let mut batch = Vec::new();
        sending.gather(&mut batch, &mut spans).await;
        assert_eq!(batch.len(), MOST, "without any time");
        let mut next = Vec::new();
        let mut waits = Box::pin(sending.gather(&mut next, &mut spans));
        let is_waiting =
            |context: &mut std::task::Context<'_>| Poll::Ready(waits.as_mut().poll(context).is_pending());
        assert!(std::future::poll_fn(is_waiting).await, "the one that is left");
    }
}
