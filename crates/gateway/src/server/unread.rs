//! What no route has read of a body is read and thrown away while the answer is on its way: most clients look for an
//! answer only when they have sent everything, and would see a connection that breaks in place of a refusal (RFC 9112
//! §9.6, RFC 9113 §8.1).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use attache_terms::Clock;
use axum::body::{Bytes, HttpBody};
use http::HeaderMap;
use http::header::EXPECT;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::runtime::Handle;

/// How much is thrown away at most, in bytes, and for how long: whoever sends more loses the connection.
const MOST: usize = 64 * 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(10);

/// Tells whether a body is still on its way, for as long as somebody wants it.
#[derive(Debug, Clone)]
pub(super) struct Arriving(Arc<AtomicBool>);

impl Arriving {
    /// Whether it is.
    pub(super) fn goes_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A request's body, whose rest is read when nobody wants it.
pub(super) struct Body {
    /// The rest, until it has ended.
    rest: Option<Incoming>,
    /// By which it is seen how long the rest takes; none where nothing is on its way, since the client asks first
    /// whether to send it.
    clock: Option<Arc<dyn Clock>>,
    arriving: Option<Arriving>,
}

impl Body {
    /// The body of a request with these headers.
    pub(super) fn new(body: Incoming, headers: &HeaderMap, clock: &Arc<dyn Clock>) -> Self {
        let clock = (!headers.contains_key(EXPECT)).then(|| Arc::clone(clock));
        let rest = Some(body).filter(|body| !body.is_end_stream());
        let arriving = rest.is_some().then(|| Arriving(Arc::new(AtomicBool::new(true))));
        Self { rest, clock, arriving }
    }

    /// What tells whether it is still on its way, if it has not arrived with its head.
    pub(super) fn arriving(&self) -> Option<Arriving> {
        self.arriving.clone()
    }

    fn nobody_waits(&self) {
        if let Some(Arriving(arriving)) = &self.arriving {
            arriving.store(false, Ordering::Relaxed);
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(rest).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.rest = None;
            self.nobody_waits();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.nobody_waits();
        let (Some(rest), Some(clock)) = (self.rest.take(), self.clock.take()) else { return };
        if !rest.is_end_stream()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move {
                tokio::select! {
                    () = discard(rest) => {}
                    () = clock.sleep(LONGEST) => {}
                }
            });
        }
    }
}

async fn discard(mut rest: Incoming) {
    let mut most = MOST;
    while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut rest).poll_frame(context)).await {
        let Some(left) = most.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return };
        most = left;
    }
}
