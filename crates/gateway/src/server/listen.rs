//! The listener: connections, TLS where it is wanted, and an end that loses nothing that was accepted. So many are open
//! at once and no more; one on which nothing is asked makes room.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use attache_terms::Clock;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::{Acceptor, router, unread};
use crate::Gateway;

/// How long a client may take to shake hands and to ask for something first.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a connection on which something was asked may rest, the head of the next request included: longer than
/// proxies keep those of theirs (nginx and AWS a minute), since what they ask on one that is just ending is lost.
const REST: Duration = Duration::from_secs(75);

/// How often it is seen that whoever keeps an HTTP/2 connection open is still there.
const THERE: Duration = Duration::from_secs(60);

/// How long it waits after a connection that could not be accepted, at first and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// Serves until `stop`, then finishes what was accepted for as long as the configuration says.
pub(crate) async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    acceptor: Acceptor,
    stop: CancellationToken,
) {
    let (acceptor, graceful, router) = (Arc::new(acceptor), GracefulShutdown::new(), router(&gateway));
    let room = Arc::new(Semaphore::new(gateway.config.connections));
    let [mut pause, longest] = PAUSES;
    loop {
        // Whoever finds no room waits where the system keeps them.
        let next = async { (Arc::clone(&room).acquire_owned().await, listener.accept().await) };
        let (permit, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, most often: the connections that end make room.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = gateway.clock.sleep(pause) => pause = (pause * 2).min(longest),
                }
                continue;
            }
        };
        [pause, _] = PAUSES;
        let (clock, acceptor) = (Arc::clone(&gateway.clock), Arc::clone(&acceptor));
        let (watcher, router) = (graceful.watcher(), router.clone());
        tokio::spawn(async move {
            connection(&clock, stream, peer, &acceptor, watcher, router).await;
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(gateway.config.stop_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that were still in flight were given up");
    }
}

async fn connection(
    clock: &Arc<dyn Clock>,
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: &Acceptor,
    watcher: Watcher,
    router: Router,
) {
    let _ = stream.set_nodelay(true);
    let Some(config) = acceptor.config().await else {
        return answer(clock, stream, peer, watcher, router).await;
    };
    let accepting = tokio_rustls::TlsAcceptor::from(config).accept(stream);
    let accepted = tokio::select! {
        accepted = accepting => accepted,
        () = clock.sleep(HANDSHAKE) => return tracing::debug!("no TLS in time"),
    };
    match accepted {
        Ok(stream) => answer(clock, stream, peer, watcher, router).await,
        Err(error) => tracing::debug!(%error, "no TLS"),
    }
}

async fn answer(
    clock: &Arc<dyn Clock>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    watcher: Watcher,
    router: Router,
) {
    let asked = CancellationToken::new();
    let asks = asked.clone();
    let of_body = Arc::clone(clock);
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        asks.cancel();
        let (mut head, body) = request.into_parts();
        head.extensions.insert(ConnectInfo(peer));
        let body = unread::Body::new(body, &head.headers, &of_body);
        if let Some(arriving) = body.arriving() {
            head.extensions.insert(arriving);
        }
        let request = http::Request::from_parts(head, body);
        router.clone().call(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(REST);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).max_concurrent_streams(100);
    http2.keep_alive_interval(THERE).keep_alive_timeout(HANDSHAKE);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    // Before the first request it is not even known which version of HTTP is spoken, and no time limit of either holds.
    let silent = async {
        tokio::select! {
            biased;
            () = asked.cancelled() => std::future::pending().await,
            () = clock.sleep(HANDSHAKE) => {}
        }
    };
    // What has arrived when the time is up is answered: the connection is looked at first.
    tokio::select! {
        biased;
        ended = watcher.watch(connection) => {
            if let Err(error) = ended {
                tracing::debug!(error = %error, "a connection broke");
            }
        }
        () = silent => tracing::debug!("a connection asked for nothing"),
    }
}
