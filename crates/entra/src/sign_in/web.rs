//! Sign-in to a web application: a confidential client with a redirect of its own (Entra reference §1.3, §1.4).
//! What must survive between the two halves is a value, [`WebAttempt`], which the caller keeps with the browser's
//! session; the id token is checked in full, its signature included.

use std::sync::Arc;
use std::time::Duration;

use attache_terms::{AppId, Secret, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::browser::challenge;
use super::{Authority, Prompt, Proved, SignInError, id_token, signature};
use crate::endpoint::Form;
use crate::entra::Entra;
use crate::{ClientCredential, Hop, Scopes};

/// A web application that people sign in to.
#[derive(Clone)]
pub struct WebClient {
    /// Where they sign in.
    pub authority: Authority,
    /// The application.
    pub client: AppId,
    /// How it proves itself.
    pub credential: ClientCredential,
    /// Where Entra sends the browser back to, as it is registered.
    pub redirect_uri: String,
    /// The permissions; none are needed to know who it is.
    pub scopes: Scopes,
}

/// One attempt, between the two halves. It is to be kept where only the browser's own session finds it, used
/// once, and forgotten after some minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebAttempt {
    /// What Entra sends back unchanged: it finds this attempt again.
    pub state: String,
    /// The PKCE verifier (RFC 7636).
    verifier: String,
    nonce: Uuid,
    /// Since when the person must have proved who they are, if it matters.
    #[serde(default)]
    since: Option<Timestamp>,
}

/// How lately a person must have proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It does not matter, and is not asked.
    Any,
    /// Within so long; Entra asks them again otherwise, and says when it was (`max_age`, OpenID Connect Core §3.1.2.1).
    Within(Duration),
    /// After this sign-in began.
    Now,
}

impl Entra {
    /// Begins a sign-in: the address to send the browser to, and what to keep until it comes back.
    pub fn begin_web_sign_in(
        &self,
        web: &WebClient,
        prompt: Option<Prompt>,
        freshness: Freshness,
    ) -> Result<(Url, WebAttempt), SignInError> {
        let attempt = WebAttempt {
            state: self.unguessable(),
            verifier: self.unguessable(),
            nonce: self.rng.uuid(),
            since: matches!(freshness, Freshness::Now).then(|| self.clock.now()),
        };
        let base = self.cloud().login.at(&format!("/{}/oauth2/v2.0/authorize", web.authority));
        let mut url = Url::parse(&base).map_err(|_| SignInError::Ended)?;
        let mut query = url.query_pairs_mut();
        query
            .append_pair("client_id", &web.client.to_string())
            .append_pair("response_type", "code")
            .append_pair("response_mode", "query")
            .append_pair("redirect_uri", &web.redirect_uri)
            .append_pair("scope", web.scopes.as_str())
            .append_pair("state", &attempt.state)
            .append_pair("nonce", &attempt.nonce.to_string())
            .append_pair("code_challenge", &challenge(&attempt.verifier))
            .append_pair("code_challenge_method", "S256");
        let seconds = match freshness {
            Freshness::Any => None,
            Freshness::Within(span) => Some(span.as_secs()),
            Freshness::Now => Some(0),
        };
        if let Some(seconds) = seconds {
            query.append_pair("max_age", &seconds.to_string());
        }
        if let Some(prompt) = prompt {
            query.append_pair("prompt", prompt.name());
        }
        drop(query);
        Ok((url, attempt))
    }

    /// Ends a sign-in with the code that the browser brought: who it was, and when they proved it. What the browser
    /// was sent to can be edited on the way, so that freshness is judged by what Entra signed.
    pub async fn finish_web_sign_in(
        self: &Arc<Self>,
        web: &WebClient,
        attempt: &WebAttempt,
        code: Secret,
    ) -> Result<Proved, SignInError> {
        const HOP: Hop = Hop::AuthorizationCode;
        let tenant = match web.authority {
            Authority::Tenant(tenant) => Some(tenant),
            Authority::Organizations => None,
        };
        let form = Form::new("authorization_code", web.client)
            .with("redirect_uri", &web.redirect_uri)
            .with("scope", web.scopes.as_str())
            .secret("code", code)
            .secret("code_verifier", Secret::new(attempt.verifier.clone()))
            .proven(self.prove_web(web, tenant).await?);
        let grant = self.ask(HOP, web.authority, form).await?;
        let token = grant.id_token.as_ref().ok_or(SignInError::IdToken("there is no id token"))?;
        let proved = id_token::judged(
            self,
            &id_token::Expected { client: web.client, authority: web.authority, nonce: Some(attempt.nonce) },
            token,
            grant.ahead_seconds,
        )?;
        signature::check(self, proved.account.tenant, token.expose()).await?;
        let skewed = |since: Timestamp| since.saturating_sub(id_token::SKEW).unwrap_or(since);
        match attempt.since.map(skewed) {
            Some(since) if proved.at.is_none_or(|at| at < since) => Err(SignInError::NotFresh),
            _ => Ok(proved),
        }
    }

    async fn prove_web(
        &self,
        web: &WebClient,
        tenant: Option<TenantId>,
    ) -> Result<crate::credential::Proof, crate::TokenError> {
        match (&web.credential, tenant) {
            (ClientCredential::Secret(secret), _) => Ok(vec![("client_secret", secret.clone())]),
            (certificate, Some(tenant)) => {
                self.prove(Hop::AuthorizationCode, tenant, web.client, certificate).await
            }
            (certificate, None) => {
                // The audience of an assertion at /organizations is that endpoint itself.
                let audience = self.cloud().login.at("/organizations/oauth2/v2.0/token");
                let proof = certificate.prove(web.client, &audience, &*self.clock, &*self.rng).await;
                proof.map_err(|source| crate::TokenError::Sign { hop: Hop::AuthorizationCode, source })
            }
        }
    }
}
