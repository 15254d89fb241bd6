//! Sign-in in a browser, in two halves: the address to open, and waiting for what comes back.

use std::sync::Arc;
use std::time::Duration;

use attache_terms::Secret;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use tokio::task::JoinHandle;
use url::Url;
use uuid::Uuid;

use super::loopback::{Callback, Loopback};
use super::{SignInError, SignInRequest, SignedIn};
use crate::Hop;
use crate::endpoint::Form;
use crate::entra::Entra;

/// How long a person may take in the browser.
const TIME: Duration = Duration::from_secs(600);

impl Entra {
    /// Begins a sign-in: opens the port that the browser will come back to. From now on the browser is
    /// answered in the background; nothing is sent to Entra yet.
    pub async fn sign_in(self: &Arc<Self>, request: SignInRequest) -> Result<SignIn, SignInError> {
        let loopback = Loopback::open(request.port)
            .await
            .map_err(|source| SignInError::Listen { port: request.port, source })?;
        let port = loopback.port();
        let redirect = format!("http://localhost:{port}");
        let (state, verifier) = (self.unguessable(), self.unguessable());
        let nonce = self.rng.uuid();
        let url = self.authorize(&request, &redirect, &state, &verifier, nonce)?;
        let callback = Waiting(tokio::spawn(loopback.answer(state, Arc::clone(&self.clock))));
        Ok(SignIn { entra: Arc::clone(self), request, url, port, redirect, verifier, nonce, callback })
    }

    fn authorize(
        &self,
        request: &SignInRequest,
        redirect: &str,
        state: &str,
        verifier: &str,
        nonce: Uuid,
    ) -> Result<Url, SignInError> {
        let base = self.cloud().login.at(&format!("/{}/oauth2/v2.0/authorize", request.authority));
        let mut url = Url::parse(&base).map_err(|_| SignInError::Ended)?;
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("client_id", &request.client.to_string())
                .append_pair("response_type", "code")
                .append_pair("response_mode", "query")
                .append_pair("redirect_uri", redirect)
                .append_pair("scope", request.scopes.as_str())
                .append_pair("state", state)
                .append_pair("nonce", &nonce.to_string())
                .append_pair("code_challenge", &challenge(verifier))
                .append_pair("code_challenge_method", "S256");
            if let Some(hint) = &request.login_hint {
                query.append_pair("login_hint", hint);
            }
            if let Some(prompt) = request.prompt {
                query.append_pair("prompt", prompt.name());
            }
        }
        Ok(url)
    }

    /// 256 random bits as text: RFC 7636 §4.1 asks for that much.
    pub(super) fn unguessable(&self) -> String {
        let mut bytes = [0; 32];
        self.rng.fill(&mut bytes);
        BASE64URL.encode(bytes)
    }
}

/// The challenge of a verifier (RFC 7636 §4.2).
pub(super) fn challenge(verifier: &str) -> String {
    BASE64URL.encode(digest(&SHA256, verifier.as_bytes()))
}

/// A sign-in that waits for the browser. Dropped, it is over.
pub struct SignIn {
    entra: Arc<Entra>,
    request: SignInRequest,
    url: Url,
    port: u16,
    redirect: String,
    verifier: String,
    nonce: Uuid,
    callback: Waiting,
}

impl SignIn {
    /// The address to open in a browser on this machine.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The port that the browser comes back to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the browser, redeems what it brought, and keeps the refresh token.
    pub async fn finish(mut self) -> Result<SignedIn, SignInError> {
        let callback = tokio::select! {
            callback = &mut self.callback.0 => callback.map_err(|_| SignInError::Ended)?,
            () = self.entra.clock.sleep(TIME) => return Err(SignInError::TimedOut),
        };
        let code = match callback {
            Callback::Code(code) => code,
            Callback::Refused { error, description } => {
                return Err(SignInError::Refused { error, description });
            }
        };
        let form = Form::new("authorization_code", self.request.client)
            .with("redirect_uri", &self.redirect)
            .with("scope", self.request.scopes.as_str())
            .with("claims", crate::application::capabilities(Hop::AuthorizationCode, None)?)
            .secret("code", code)
            .secret("code_verifier", Secret::new(self.verifier.clone()));
        let asked = self.entra.clock.boot();
        let grant = self.entra.ask(Hop::AuthorizationCode, self.request.authority, form).await?;
        self.request.complete(&self.entra, &grant, Some(self.nonce), asked).await
    }
}

/// The task that serves the browser, which ends with the sign-in.
struct Waiting(JoinHandle<Callback>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.abort();
    }
}
