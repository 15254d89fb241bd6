//! The listener: connections, TLS where it is wanted, and an end that loses nothing that was accepted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::Acceptor;

/// How long a client may take to shake hands, and to send the head of a request.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Serves until `stop`, then finishes what was accepted for at most `patience`.
pub(crate) async fn serve(
    listener: TcpListener,
    acceptor: Acceptor,
    router: Router,
    patience: Duration,
    stop: CancellationToken,
) {
    let (acceptor, graceful) = (Arc::new(acceptor), GracefulShutdown::new());
    loop {
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Too many open files, most often: the connections that end make room.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::task::yield_now().await;
                    continue;
                }
            },
        };
        let (acceptor, watcher, router) = (Arc::clone(&acceptor), graceful.watcher(), router.clone());
        tokio::spawn(async move { connection(stream, peer, &acceptor, watcher, router).await });
    }
    drop(listener);
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that were still in flight were given up");
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: &Acceptor,
    watcher: Watcher,
    router: Router,
) {
    let _ = stream.set_nodelay(true);
    match acceptor.config().await {
        None => answer(stream, peer, watcher, router).await,
        Some(config) => {
            let accepting = tokio_rustls::TlsAcceptor::from(config).accept(stream);
            match tokio::time::timeout(HANDSHAKE, accepting).await {
                Ok(Ok(stream)) => answer(stream, peer, watcher, router).await,
                Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
                Err(_) => tracing::debug!("no TLS in time"),
            }
        }
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    watcher: Watcher,
    router: Router,
) {
    let service = hyper::service::service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HANDSHAKE);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(100);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(error = %error, "a connection broke");
    }
}
