//! One request to Entra: sent, retried where that is right, and its answer or failure named. What is
//! retried: connections that never came about, 429 and 5xx, with `Retry-After` honoured (Entra reference
//! §1.14).

use std::error::Error;
use std::time::Duration;

use attache_terms::{AppId, Secret, TenantId, UserId};
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use uuid::Uuid;

use crate::credential::Proof;
use crate::entra::Entra;
use crate::response::{self, Grant, Head};
use crate::sign_in::Authority;
use crate::transport::cause;
use crate::{Hop, TokenError};

/// How often one request is made at most.
const ATTEMPTS: u32 = 4;
/// The first wait; each one more is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait that a caller is kept for; a longer `Retry-After` is passed on to them.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Entra's answers are a few kilobytes.
const LARGEST_ANSWER: usize = 1024 * 1024;
/// What Entra and we bear of each other's clocks.
const SKEW_SECONDS: i64 = 300;

/// A form, every value of which is treated as secret, as most are.
#[derive(Default)]
pub(crate) struct Form {
    fields: Vec<(&'static str, Secret)>,
    anchor: Option<String>,
}

impl Form {
    pub(crate) fn new(grant_type: &'static str, client: AppId) -> Self {
        Self::default().with("client_id", client).with("grant_type", grant_type)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fields.push((name, Secret::new(value.to_string())));
        self
    }

    pub(crate) fn secret(mut self, name: &'static str, value: Secret) -> Self {
        self.fields.push((name, value));
        self
    }

    pub(crate) fn proven(mut self, proof: Proof) -> Self {
        self.fields.extend(proof);
        self
    }

    /// Tells Entra whose data the request is about, so that it is routed well (`X-AnchorMailbox`).
    pub(crate) fn anchored(mut self, user: UserId, tenant: TenantId) -> Self {
        self.anchor = Some(format!("Oid:{user}@{tenant}"));
        self
    }

    fn body(&self) -> Secret {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.fields {
            form.append_pair(name, value.expose());
        }
        Secret::new(form.finish())
    }
}

/// A successful answer.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Entra {
    /// The URL of a tenant's token endpoint, which is also the audience of client assertions.
    pub(crate) fn token_endpoint(&self, tenant: TenantId) -> String {
        self.cloud().login.at(&format!("/{tenant}/oauth2/v2.0/token"))
    }

    /// Asks a token endpoint for a token.
    pub(crate) async fn ask(&self, hop: Hop, authority: Authority, form: Form) -> Result<Grant, TokenError> {
        let answer = self.post(hop, authority, "token", form).await?;
        self.granted(hop, &answer)
    }

    /// The grant in an answer.
    pub(crate) fn granted(&self, hop: Hop, answer: &Answer) -> Result<Grant, TokenError> {
        response::grant(&answer.body, &answer.head)
            .map_err(|why| self.malformed(hop, answer.head.status, why))
    }

    /// Posts a form until it is answered or the attempts are used up.
    pub(crate) async fn post(
        &self,
        hop: Hop,
        authority: Authority,
        endpoint: &'static str,
        form: Form,
    ) -> Result<Answer, TokenError> {
        let url = self.cloud().login.at(&format!("/{authority}/oauth2/v2.0/{endpoint}"));
        let body = form.body();
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            let error = match self.once(hop, &url, &body, form.anchor.as_deref()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let asked = error.refusal().and_then(|refusal| refusal.retry_after);
            let pause = asked.unwrap_or_else(|| wait.mul_f64(0.5 + self.rng.fraction()));
            if attempt == ATTEMPTS || pause > LONGEST_WAIT || !is_worth_repeating(hop, &error) {
                return Err(error);
            }
            tracing::debug!(%hop, attempt, pause_ms = pause.as_millis(), "the request to Entra is repeated");
            self.clock.sleep(pause).await;
            wait *= 2;
            attempt += 1;
        }
    }

    async fn once(
        &self,
        hop: Hop,
        url: &str,
        body: &Secret,
        anchor: Option<&str>,
    ) -> Result<Answer, TokenError> {
        let client = self.transport().client().map_err(|source| TokenError::Transport { hop, source })?;
        let client_request_id = self.rng.uuid();
        let mut request = client
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("client-request-id", client_request_id.to_string())
            .header("return-client-request-id", "true")
            .header("x-client-SKU", "attache")
            .header("x-client-Ver", env!("CARGO_PKG_VERSION"));
        if let Some(anchor) = anchor {
            request = request.header("X-AnchorMailbox", anchor);
        }
        let response = request.body(body.expose().to_owned()).send().await;
        let response = response.map_err(|error| self.failed(hop, &error))?;
        let head = self.head(response.status().as_u16(), response.headers(), client_request_id);
        let body = self.read(hop, response).await?;
        if head.status == 200 {
            return Ok(Answer { head, body });
        }
        Err(self.refused(hop, &head, &body))
    }

    /// Reads a public page of Entra's; how many seconds our clock is ahead, where the answer told the time.
    pub(crate) async fn get(&self, hop: Hop, url: &str) -> Result<Option<i64>, TokenError> {
        let client = self.transport().client().map_err(|source| TokenError::Transport { hop, source })?;
        let response = client.get(url).send().await.map_err(|error| self.failed(hop, &error))?;
        let head = self.head(response.status().as_u16(), response.headers(), self.rng.uuid());
        let body = self.read(hop, response).await?;
        if head.status == 200 { Ok(head.ahead_seconds) } else { Err(self.refused(hop, &head, &body)) }
    }

    async fn read(&self, hop: Hop, mut response: Response) -> Result<Vec<u8>, TokenError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(hop, &error))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(self.malformed(hop, response.status().as_u16(), "it is too large".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn head(&self, status: u16, headers: &HeaderMap, client_request_id: Uuid) -> Head {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let date = text(DATE.as_str()).and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        Head {
            status,
            request_id: response::bearable(text("x-ms-request-id").unwrap_or_default(), 100),
            client_request_id,
            retry_after: text(RETRY_AFTER.as_str())
                .and_then(|text| text.trim().parse().ok().map(Duration::from_secs)),
            ahead_seconds: date.map(|date| self.clock.now().as_second() - date.timestamp().as_second()),
        }
    }

    fn refused(&self, hop: Hop, head: &Head, body: &[u8]) -> TokenError {
        let refusal = match response::refusal(body, head) {
            Ok(refusal) => refusal,
            // A gateway in front of Entra, or Entra in trouble, answers with a page.
            Err(_) if head.status >= 500 || head.status == 429 => unnamed(head),
            Err(why) => return self.malformed(hop, head.status, why),
        };
        let about_time = refusal.meaning().is_some_and(crate::aadsts::Meaning::is_about_time);
        match head.ahead_seconds {
            Some(ahead_seconds) if about_time && ahead_seconds.abs() > SKEW_SECONDS => {
                TokenError::ClockWrong { hop, ahead_seconds }
            }
            _ => TokenError::Refused { hop, refusal: Box::new(refusal) },
        }
    }

    fn malformed(&self, hop: Hop, status: u16, why: String) -> TokenError {
        TokenError::Malformed { hop, host: self.host(), status, why }
    }

    fn failed(&self, hop: Hop, error: &reqwest::Error) -> TokenError {
        let host = self.host();
        if let Some(why) = distrust(error) {
            return TokenError::Untrusted { hop, host, why };
        }
        match self.transport().proxy_of(&self.cloud().login) {
            Some(proxy) if error.is_connect() => TokenError::Proxy { hop, host, proxy, why: cause(error) },
            _ if error.is_timeout() && !error.is_connect() => TokenError::TimedOut { hop, host },
            _ => TokenError::Unreachable { hop, host, why: cause(error) },
        }
    }

    fn host(&self) -> String {
        self.cloud().login.as_str().trim_start_matches("https://").to_owned()
    }
}

/// A code from the browser can be redeemed once: when the connection broke, it may have been.
fn is_worth_repeating(hop: Hop, error: &TokenError) -> bool {
    match error {
        TokenError::Refused { refusal, .. } => refusal.is_transient(),
        TokenError::Unreachable { .. } => hop != Hop::AuthorizationCode,
        _ => false,
    }
}

/// A refusal that carried no OAuth error.
fn unnamed(head: &Head) -> crate::Refusal {
    crate::Refusal {
        error: "server_error".to_owned(),
        codes: Vec::new(),
        message: String::new(),
        suberror: None,
        claims: None,
        trace_id: None,
        correlation_id: None,
        request_id: head.request_id.clone(),
        client_request_id: head.client_request_id,
        status: head.status,
        retry_after: head.retry_after,
    }
}

/// What is wrong with the server's certificate, where that is why. `io::Error` hides what it wraps from
/// `source`, so it is opened on the way.
fn distrust(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return match tls {
                rustls::Error::InvalidCertificate(why) => Some(why.to_string()),
                _ => None,
            };
        }
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
