//! One call: its token, its request, its repetitions, and its answer or failure. Headers: Entra reference
//! §7.4; the claims challenge: §1.12.

use std::sync::Arc;
use std::time::Duration;

use attache_entra::{AccessToken, Claims, TokenSource, Transport};
use attache_terms::{Boot, Clock, Cloud, Origin, Rng};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;

use crate::error::Cause;
use crate::exchange::{Exchange, ExchangeError};
use crate::needed::needed;
use crate::path::Path;
use crate::retry::{self, Decision, Repeat, Seen};
use crate::{Answer, Answered, Correlation, GraphError};

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const REQUEST_ID: &str = "request-id";

/// Microsoft Graph as one identity. Cheap to clone.
#[derive(Clone)]
pub struct Graph {
    door: Arc<Door>,
    correlation: Option<Uuid>,
    deadline: Option<Boot>,
}

struct Door {
    origin: Origin,
    exchange: Arc<dyn Exchange>,
    source: Arc<dyn TokenSource>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl Graph {
    /// The Graph of this cloud, as whoever `source` gives tokens for. Sends nothing.
    pub fn new(
        cloud: &Cloud,
        transport: Transport,
        source: Arc<dyn TokenSource>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self::over(cloud.graph.clone(), Arc::new(transport), source, clock, rng)
    }

    /// The Graph at `origin`, reached by `exchange`.
    pub fn over(
        origin: Origin,
        exchange: Arc<dyn Exchange>,
        source: Arc<dyn TokenSource>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            door: Arc::new(Door { origin, exchange, source, clock, rng }),
            correlation: None,
            deadline: None,
        }
    }

    /// The same Graph, whose requests carry this `client-request-id`: an intent can then name the request
    /// before it leaves.
    pub fn correlated(&self, client_request_id: Uuid) -> Self {
        Self { correlation: Some(client_request_id), ..self.clone() }
    }

    /// The same Graph, which begins no try of a request after this time: whoever may write only for so long, by a
    /// lease for instance, does not write later. A request may still take as long as one try takes. What was not
    /// sent at all ends as [`Cause::Unreachable`], what was refused as it was refused.
    pub fn before(&self, deadline: Boot) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// Has the source forget the token that it would give now. Permissions are merged into a token when it
    /// is issued (Entra reference §1.11), so what was granted since shows only in the next one.
    pub async fn renew(&self) {
        if let Ok(token) = self.door.source.token(None).await {
            self.door.source.refused(&token);
        }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.door.origin
    }

    pub(crate) fn fresh_correlation(&self) -> Correlation {
        Correlation::before(self.correlation.unwrap_or_else(|| self.door.rng.uuid()))
    }

    /// The address of a user, as `@odata.bind` wants it.
    pub(crate) fn user_reference(&self, user: attache_terms::UserId) -> String {
        self.door.origin.at(&format!("/v1.0/users/{user}"))
    }

    /// Sends a call whose answer has a body.
    pub(crate) async fn send<T: DeserializeOwned>(&self, call: Call) -> Answered<T> {
        let Answer { value: body, correlation } = self.settle(call).await?;
        match serde_json::from_slice(&body) {
            Ok(value) => Ok(Answer { value, correlation }),
            Err(error) => {
                Err(GraphError::new(Cause::Malformed { what: format!("the answer ({error})") }, correlation))
            }
        }
    }

    /// Sends a call whose answer has no body that matters.
    pub(crate) async fn send_bare(&self, call: Call) -> Answered<()> {
        Ok(self.settle(call).await?.map(|_| ()))
    }

    #[tracing::instrument(name = "graph", skip_all, fields(method = %call.method, tries, status))]
    async fn settle(&self, call: Call) -> Answered<Bytes> {
        let mut correlation = self.fresh_correlation();
        let url = match &call.target {
            Target::Path(path) => self.door.origin.at(path.as_str()),
            Target::Link(url) => url.to_string(),
        };
        let body = match call.body {
            Ok(body) => body,
            Err(what) => return Err(GraphError::new(Cause::Malformed { what }, correlation)),
        };
        let mut challenge: Option<Claims> = None;
        let mut refused = false;
        let mut tries = 0;
        loop {
            let token = match self.door.source.token(challenge.as_ref()).await {
                Ok(token) => token,
                Err(fault) => return Err(GraphError::new(Cause::Token(fault), correlation)),
            };
            if self.is_late(Duration::ZERO) {
                let why = "the time for it was over before it was sent".to_owned();
                return Err(GraphError::new(Cause::Unreachable { why }, correlation));
            }
            correlation.token_request_id = Some(token.request_id.to_string());
            let request = match request(&call.method, &url, &call.headers, &body, &token, &correlation) {
                Ok(request) => request,
                Err(what) => return Err(GraphError::new(Cause::Malformed { what }, correlation)),
            };
            let ended = self.door.exchange.exchange(request).await;
            if let Ok(response) = &ended {
                correlation.request_id = request_id(response);
                if response.status() == StatusCode::UNAUTHORIZED && !refused {
                    refused = true;
                    challenge = challenge_of(response.headers());
                    self.door.source.refused(&token);
                    continue;
                }
            }
            let seen = self.seen(&ended);
            tracing::Span::current().record("tries", tries + 1);
            match retry::decide(seen, call.repeat, tries, self.door.rng.fraction()) {
                Decision::Again(span) if self.is_late(span) => return self.take(ended, seen, correlation),
                Decision::Again(span) => {
                    tries += 1;
                    tracing::debug!(?seen, wait_ms = span.as_millis(), "asking Graph again");
                    self.door.clock.sleep(span).await;
                }
                Decision::Unknown => return Err(GraphError::new(unknown(&ended), correlation)),
                Decision::Take => {
                    let names = match &call.target {
                        Target::Path(path) => needed(&call.method, path.as_str()),
                        Target::Link(_) => None,
                    };
                    return self.take(ended, seen, correlation).map_err(|error| error.wanting(names));
                }
            }
        }
    }

    /// Whether the deadline is over after this long.
    fn is_late(&self, span: Duration) -> bool {
        self.deadline.is_some_and(|deadline| self.door.clock.boot().after(span) > deadline)
    }

    fn seen(&self, ended: &Result<http::Response<Bytes>, ExchangeError>) -> Seen {
        match ended {
            Ok(response) => Seen::Status {
                status: response.status().as_u16(),
                retry_after: response
                    .headers()
                    .get(header::RETRY_AFTER)
                    .and_then(|value| value.to_str().ok())
                    .and_then(|value| retry::retry_after(value, self.door.clock.now())),
            },
            Err(ExchangeError::NotSent(_)) => Seen::NotSent,
            Err(ExchangeError::Lost(_)) => Seen::Lost,
            // It was answered; asking again would bring the same.
            Err(ExchangeError::TooLarge { .. }) => Seen::Status { status: 200, retry_after: None },
        }
    }

    fn take(
        &self,
        ended: Result<http::Response<Bytes>, ExchangeError>,
        seen: Seen,
        correlation: Correlation,
    ) -> Answered<Bytes> {
        let retry_after = match seen {
            Seen::Status { retry_after, .. } => retry_after,
            Seen::NotSent | Seen::Lost => None,
        };
        match ended {
            Ok(response) => {
                tracing::Span::current().record("status", response.status().as_u16());
                if response.status().is_success() {
                    return Ok(Answer { value: response.into_body(), correlation });
                }
                Err(GraphError::answered(response.status(), response.body(), retry_after, correlation))
            }
            Err(ExchangeError::TooLarge { limit }) => {
                Err(GraphError::new(Cause::TooLarge { limit }, correlation))
            }
            Err(ExchangeError::NotSent(why) | ExchangeError::Lost(why)) => {
                Err(GraphError::new(Cause::Unreachable { why }, correlation))
            }
        }
    }
}

/// A call before it is sent.
pub(crate) struct Call {
    method: Method,
    target: Target,
    headers: HeaderMap,
    body: Result<Bytes, String>,
    repeat: Repeat,
}

enum Target {
    Path(Path),
    Link(Url),
}

impl Call {
    fn new(method: Method, target: Target, repeat: Repeat) -> Self {
        Self { method, target, headers: HeaderMap::new(), body: Ok(Bytes::new()), repeat }
    }

    pub(crate) fn get(path: Path) -> Self {
        Self::new(Method::GET, Target::Path(path), Repeat::Freely)
    }

    /// A link that was checked against the origin.
    pub(crate) fn follow(url: Url) -> Self {
        Self::new(Method::GET, Target::Link(url), Repeat::Freely)
    }

    pub(crate) fn post(path: Path, body: &impl Serialize) -> Self {
        Self::new(Method::POST, Target::Path(path), Repeat::OnlyIfRefused).json(body)
    }

    /// A POST of a text, as Graph takes MIME.
    pub(crate) fn post_text(path: Path, text: String) -> Self {
        let mut call = Self::new(Method::POST, Target::Path(path), Repeat::OnlyIfRefused);
        call.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        call.body = Ok(Bytes::from(text));
        call
    }

    /// A PUT of something that is not JSON.
    pub(crate) fn put(path: Path, media: &'static str, body: Bytes) -> Self {
        let mut call = Self::new(Method::PUT, Target::Path(path), Repeat::Freely);
        call.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        call.body = Ok(body);
        call
    }

    /// A POST that sets a value rather than making something new.
    pub(crate) fn action(path: Path, body: &impl Serialize) -> Self {
        Self::new(Method::POST, Target::Path(path), Repeat::Freely).json(body)
    }

    pub(crate) fn patch(path: Path, body: &impl Serialize) -> Self {
        Self::new(Method::PATCH, Target::Path(path), Repeat::Freely).json(body)
    }

    pub(crate) fn delete(path: Path) -> Self {
        Self::new(Method::DELETE, Target::Path(path), Repeat::Freely)
    }

    /// Directory writes by `@odata.type` ask for this header (Entra reference §2).
    pub(crate) fn typed(mut self) -> Self {
        self.headers.insert("odata-version", HeaderValue::from_static("4.0"));
        self
    }

    fn json(mut self, body: &impl Serialize) -> Self {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body =
            serde_json::to_vec(body).map(Bytes::from).map_err(|error| format!("the request ({error})"));
        self
    }
}

fn request(
    method: &Method,
    url: &str,
    headers: &HeaderMap,
    body: &Bytes,
    token: &AccessToken,
    correlation: &Correlation,
) -> Result<http::Request<Bytes>, String> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.secret.expose()))
        .map_err(|_| "the token (it does not fit a header)".to_owned())?;
    bearer.set_sensitive(true);
    let mut request = http::Request::builder()
        .method(method)
        .uri(url)
        .header(header::AUTHORIZATION, bearer)
        .header(header::ACCEPT, "application/json")
        .header(CLIENT_REQUEST_ID, correlation.client_request_id.to_string())
        .body(body.clone())
        .map_err(|error| format!("the request's address ({error})"))?;
    request.headers_mut().extend(headers.clone());
    Ok(request)
}

fn request_id(response: &http::Response<Bytes>) -> Option<String> {
    response.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Why nobody knows whether a write happened.
fn unknown(ended: &Result<http::Response<Bytes>, ExchangeError>) -> Cause {
    let why = match ended {
        Ok(response) => format!("Graph answered {}", response.status().as_u16()),
        Err(error) => error.to_string(),
    };
    Cause::OutcomeUnknown { why }
}

/// The claims of a CAE challenge: base64 in `WWW-Authenticate: Bearer …, claims="…"`.
fn challenge_of(headers: &HeaderMap) -> Option<Claims> {
    headers.get_all(header::WWW_AUTHENTICATE).iter().find_map(|value| {
        let (_, rest) = value.to_str().ok()?.split_once("claims=\"")?;
        let (encoded, _) = rest.split_once('"')?;
        let json = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
            .iter()
            .find_map(|engine| engine.decode(encoded).ok())?;
        let json = String::from_utf8(json).ok()?;
        serde_json::from_str::<serde_json::Map<_, _>>(&json).ok()?;
        Some(Claims(json.into()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn challenge(value: &str) -> Option<Claims> {
        let mut headers = HeaderMap::new();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::try_from(value).ok()?);
        challenge_of(&headers)
    }

    #[test]
    fn the_challenge_of_the_reference_is_read() {
        let json = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;
        let header = format!(
            r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000", error="insufficient_claims", claims="{}""#,
            STANDARD.encode(json)
        );
        assert_eq!(challenge(&header), Some(Claims(json.into())));
        assert_eq!(challenge(r#"Bearer claims="bm90IGpzb24=""#), None);
        assert_eq!(challenge("Bearer"), None);
    }

    proptest! {
        #[test]
        fn a_header_never_panics(text in "[ -~]{0,80}") {
            let _ = challenge(&text);
        }
    }
}
