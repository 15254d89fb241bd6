//! A Graph that answers as a test says, and notes what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use attache_entra::{AccessToken, Claims, TokenFault, TokenSource};
use attache_graph::{Exchange, ExchangeError, Graph};
use attache_terms::{Boot, Clock, Secret, SeededRng, Sleep};
use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) type Ended = Result<http::Response<Bytes>, ExchangeError>;

#[derive(Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Ended>>,
    pub(crate) asked: Mutex<Vec<http::Request<Bytes>>>,
    pub(crate) slept: Mutex<Vec<Duration>>,
    pub(crate) tokens: Mutex<Vec<Option<String>>>,
    pub(crate) refused: Mutex<Vec<String>>,
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Ended {
    let mut response = http::Response::builder().status(status).header("request-id", "graph-1");
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Ok(response.body(Bytes::copy_from_slice(body.as_bytes())).unwrap())
}

pub(crate) fn lost() -> Ended {
    Err(ExchangeError::Lost("connection reset".to_owned()))
}

pub(crate) fn not_sent() -> Ended {
    Err(ExchangeError::NotSent("connection refused".to_owned()))
}

impl Script {
    pub(crate) fn graph(answers: impl IntoIterator<Item = Ended>) -> (Graph, Arc<Self>) {
        let script = Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() });
        let graph = Graph::over(
            "https://graph.example".parse().unwrap(),
            Arc::clone(&script) as _,
            Arc::clone(&script) as _,
            Arc::clone(&script) as _,
            Arc::new(SeededRng::new(7)),
        );
        (graph, script)
    }

    pub(crate) fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|request| request.uri().to_string()).collect()
    }
}

#[async_trait]
impl Exchange for Script {
    async fn exchange(&self, request: http::Request<Bytes>) -> Ended {
        self.asked.lock().unwrap().push(request);
        self.answers.lock().unwrap().pop_front().expect("an answer for every request")
    }
}

#[async_trait]
impl TokenSource for Script {
    async fn token(&self, challenge: Option<&Claims>) -> Result<AccessToken, TokenFault> {
        let mut tokens = self.tokens.lock().unwrap();
        tokens.push(challenge.map(|claims| claims.0.to_string()));
        let secret = Secret::new(format!("token-{}", tokens.len()));
        Ok(AccessToken::new(secret, "sts-1", Uuid::nil()))
    }

    fn refused(&self, token: &AccessToken) {
        self.refused.lock().unwrap().push(token.secret.expose().to_owned());
    }
}

/// Time passes as fast as it is waited for.
impl Clock for Script {
    fn now(&self) -> Timestamp {
        "2026-11-23T06:00:00Z".parse().unwrap()
    }

    fn boot(&self) -> Boot {
        Boot(self.slept.lock().unwrap().iter().sum())
    }

    fn sleep(&self, span: Duration) -> Sleep {
        self.slept.lock().unwrap().push(span);
        Box::pin(async {})
    }
}
