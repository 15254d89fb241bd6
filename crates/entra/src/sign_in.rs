//! How a person signs in: in a browser on this machine (authorization code with PKCE over a loopback
//! redirect, Entra reference §1.3 and §1.4; RFC 8252), or with a code on another device (§1.5).

mod account;
mod browser;
mod device;
mod error;
mod id_token;
mod loopback;
mod signature;
mod web;

use std::fmt;
use std::sync::Arc;

use attache_keys::{SecretName, SecretStore};
use attache_terms::{AppId, Boot, TenantId};
use uuid::Uuid;

use crate::Scopes;
use crate::entra::Entra;
use crate::response::Grant;

pub(crate) use account::Kept;
pub use account::{Proved, SignedIn};
pub use browser::SignIn;
pub use device::DeviceCode;
pub use error::SignInError;
pub use web::{Freshness, WebAttempt, WebClient};

/// Where a person signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authority {
    /// At this tenant.
    Tenant(TenantId),
    /// At whatever tenant the account belongs to.
    Organizations,
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => tenant.fmt(f),
            Self::Organizations => f.write_str("organizations"),
        }
    }
}

/// What Entra should show although it need not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// The list of accounts.
    SelectAccount,
    /// The password, even with a session.
    Login,
    /// The list of permissions.
    Consent,
}

impl Prompt {
    fn name(self) -> &'static str {
        match self {
            Self::SelectAccount => "select_account",
            Self::Login => "login",
            Self::Consent => "consent",
        }
    }
}

/// Who signs in, for what, and where the refresh token is kept.
#[derive(Clone)]
pub struct SignInRequest {
    /// Where.
    pub authority: Authority,
    /// The public client application.
    pub client: AppId,
    /// The permissions.
    pub scopes: Scopes,
    /// Where the refresh token is kept.
    pub store: Arc<dyn SecretStore>,
    /// Under which name.
    pub name: SecretName,
    /// The account's user name, filled in for the person.
    pub login_hint: Option<String>,
    /// What Entra should show although it need not.
    pub prompt: Option<Prompt>,
    /// The port of the loopback redirect; 0 takes a free one.
    pub port: u16,
}

impl SignInRequest {
    /// A request without hint or prompt, on a free port.
    pub fn new(
        authority: Authority,
        client: AppId,
        scopes: Scopes,
        store: Arc<dyn SecretStore>,
        name: SecretName,
    ) -> Self {
        Self { authority, client, scopes, store, name, login_hint: None, prompt: None, port: 0 }
    }

    /// Judges the answer to a sign-in, keeps its refresh token, and keeps its access token warm.
    async fn complete(
        &self,
        entra: &Entra,
        grant: &Grant,
        nonce: Option<Uuid>,
        asked: Boot,
    ) -> Result<SignedIn, SignInError> {
        let account = id_token::account(entra, self, grant, nonce)?;
        let refresh_token = grant.refresh_token.clone().ok_or(SignInError::NoRefreshToken)?;
        let kept = Kept { client: self.client, account: account.clone(), refresh_token };
        kept.save(&*self.store, &self.name).await?;
        entra.cache.keep(
            crate::delegated::key(account.tenant, self.client, &account, &self.scopes),
            grant,
            asked,
        );
        Ok(account)
    }
}
