//! The limit for reads of the gateway: a server on the same HTTP stack (axum's router on hyper, plain TCP, two
//! threads) that gives one answer for ever. It takes the answer from standard input and says where it listens.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tower::Service as _;

/// The route as it is registered, and the answer.
#[derive(Serialize, Deserialize)]
struct Answer {
    route: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let Answer { route, headers, body } = serde_json::from_reader(std::io::stdin())?;
    let headers: Result<HeaderMap, anyhow::Error> =
        headers.into_iter().map(|(name, value)| Ok((name.parse()?, value.parse()?))).collect();
    let answer = Arc::new((headers?, body));
    let router = Router::new().route(&route, get(move |_: Request| answered(Arc::clone(&answer))));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    std::io::Write::write_all(&mut std::io::stdout(), format!("{}\n", listener.local_addr()?).as_bytes())?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let router = router.clone();
        let service =
            hyper::service::service_fn(move |request: http::Request<Incoming>| router.clone().call(request));
        tokio::spawn(async move {
            let mut builder = Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).header_read_timeout(std::time::Duration::from_secs(10));
            // A connection that broke is the client's to tell.
            let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
        });
    }
}

async fn answered(answer: Arc<(HeaderMap, String)>) -> Result<Response, Infallible> {
    let mut response = Response::new(answer.1.clone().into());
    *response.headers_mut() = answer.0.clone();
    Ok(response)
}
