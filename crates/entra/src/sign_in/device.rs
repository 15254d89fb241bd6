//! Sign-in with a code on another device, for machines without a browser (RFC 8628; Entra reference §1.5).

use std::sync::Arc;
use std::time::Duration;

use attache_terms::{Boot, Secret};
use serde::Deserialize;

use super::{SignInError, SignInRequest, SignedIn};
use crate::endpoint::Form;
use crate::entra::Entra;
use crate::response::{bearable, read};
use crate::{Hop, TokenError};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// What RFC 8628 §3.5 adds on `slow_down`, and what it takes where the server names no interval.
const FIVE_SECONDS: Duration = Duration::from_secs(5);

/// A code that a person enters in a browser somewhere.
pub struct DeviceCode {
    /// The code.
    pub user_code: String,
    /// Where to enter it.
    pub verification_uri: String,
    /// Both, as a sentence for the person, in Entra's words.
    pub message: String,
    /// How long the code is good.
    pub expires_in: Duration,
    entra: Arc<Entra>,
    request: SignInRequest,
    device_code: Secret,
    interval: Duration,
    ends: Boot,
}

#[derive(Deserialize)]
struct Given {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    expires_in: u64,
    interval: Option<u64>,
    #[serde(default)]
    message: String,
}

impl Entra {
    /// Asks for a code.
    pub async fn device_code(self: &Arc<Self>, request: SignInRequest) -> Result<DeviceCode, SignInError> {
        let form = Form::default().with("client_id", request.client).with("scope", request.scopes.as_str());
        let now = self.clock.boot();
        let answer = self.post(Hop::DeviceCode, request.authority, "devicecode", form).await?;
        let given: Given = read(&answer.body).map_err(|why| TokenError::Malformed {
            hop: Hop::DeviceCode,
            host: self.cloud().login.host().to_owned(),
            status: answer.head.status,
            why,
        })?;
        let expires_in = Duration::from_secs(given.expires_in);
        Ok(DeviceCode {
            user_code: bearable(&given.user_code, 40),
            verification_uri: bearable(&given.verification_uri, 200),
            message: bearable(&given.message, 500),
            expires_in,
            entra: Arc::clone(self),
            request,
            device_code: Secret::new(given.device_code),
            interval: given.interval.map_or(FIVE_SECONDS, Duration::from_secs),
            ends: now.after(expires_in),
        })
    }
}

impl DeviceCode {
    /// Waits as long as Entra asked to, then asks once whether the person is done; `None` while not.
    pub async fn poll(&mut self) -> Result<Option<SignedIn>, SignInError> {
        self.entra.clock.sleep(self.interval).await;
        let asked = self.entra.clock.boot();
        if asked >= self.ends {
            return Err(SignInError::TimedOut);
        }
        let form = Form::new(GRANT, self.request.client)
            .with("claims", crate::application::capabilities(Hop::DeviceCode, None)?)
            .secret("device_code", self.device_code.clone());
        let error = match self.entra.ask(Hop::DeviceCode, self.request.authority, form).await {
            Ok(grant) => return self.request.complete(&self.entra, &grant, None, asked).await.map(Some),
            Err(error) => error,
        };
        let TokenError::Refused { refusal, .. } = &error else {
            // A network that is away for a moment does not end the sign-in; its code ends it.
            return match error {
                TokenError::Unreachable { .. } | TokenError::TimedOut { .. } => Ok(None),
                error => Err(error.into()),
            };
        };
        match refusal.error.as_str() {
            "authorization_pending" => Ok(None),
            "slow_down" => {
                self.interval += FIVE_SECONDS;
                Ok(None)
            }
            "expired_token" => Err(SignInError::TimedOut),
            "authorization_declined" | "access_denied" => Err(SignInError::Refused {
                error: refusal.error.clone(),
                description: refusal.message.clone(),
            }),
            _ if refusal.is_transient() => Ok(None),
            _ => Err(error.into()),
        }
    }

    /// Polls until the person is done.
    pub async fn finish(mut self) -> Result<SignedIn, SignInError> {
        loop {
            if let Some(account) = self.poll().await? {
                return Ok(account);
            }
        }
    }
}
