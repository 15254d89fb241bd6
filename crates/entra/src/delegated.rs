//! A signed-in person's tokens, from a refresh token in a secret store (Entra reference §1.4). Each use
//! brings a new refresh token, which is kept before the access token is given out.

use std::sync::Arc;

use async_trait::async_trait;
use attache_keys::{SecretName, SecretStore};
use attache_terms::{AppId, Secret, TenantId};
use tokio::sync::Mutex;

use crate::application::{Cached, Fetch, capabilities};
use crate::cache::{Key, Subject};
use crate::endpoint::Form;
use crate::entra::Entra;
use crate::response::Grant;
use crate::sign_in::{Authority, Kept, SignedIn};
use crate::{Claims, Hop, Scopes, TokenError, TokenFault, TokenSource};

/// A person's sign-in, kept in a store.
pub(crate) struct Delegated {
    entra: Arc<Entra>,
    account: SignedIn,
    client: AppId,
    scopes: Scopes,
    store: Arc<dyn SecretStore>,
    name: SecretName,
    /// One refresh at a time, so that the newest refresh token is the one that stays.
    turn: Mutex<()>,
}

/// The key of a person's token: the same after a sign-in and after a refresh.
pub(crate) fn key(tenant: TenantId, client: AppId, account: &SignedIn, scopes: &Scopes) -> Key {
    Key {
        tenant,
        client,
        subject: Subject::User(account.user),
        scope: Arc::clone(scopes.asked()),
        challenge: None,
    }
}

impl Delegated {
    pub(crate) fn source(
        entra: &Arc<Entra>,
        account: &SignedIn,
        client: AppId,
        scopes: Scopes,
        store: Arc<dyn SecretStore>,
        name: SecretName,
    ) -> Arc<dyn TokenSource> {
        let key = key(account.tenant, client, account, &scopes);
        let fetch = Self {
            entra: Arc::clone(entra),
            account: account.clone(),
            client,
            scopes,
            store,
            name,
            turn: Mutex::new(()),
        };
        Arc::new(Cached::new(entra, key, fetch))
    }

    async fn kept(&self) -> Result<Kept, TokenError> {
        let not_signed_in = |why| TokenError::NotSignedIn { wanted: self.account.upn.clone(), why };
        let kept = Kept::load(&*self.store, &self.name).await;
        let kept = kept.map_err(|source| TokenError::Store { hop: Hop::Refresh, source })?;
        let kept = kept.ok_or_else(|| not_signed_in("there is no sign-in"))?;
        if kept.account.user != self.account.user || kept.account.tenant != self.account.tenant {
            return Err(not_signed_in("somebody else has signed in"));
        }
        if kept.client != self.client {
            return Err(not_signed_in("the sign-in is for another application"));
        }
        Ok(kept)
    }
}

#[async_trait]
impl Fetch for Delegated {
    async fn fetch(&self, challenge: Option<&Claims>) -> Result<Grant, TokenFault> {
        const HOP: Hop = Hop::Refresh;
        let _turn = self.turn.lock().await;
        let kept = self.kept().await?;
        let form = Form::new("refresh_token", self.client)
            .with("scope", self.scopes.asked())
            .with("claims", capabilities(HOP, challenge)?)
            .secret("refresh_token", kept.refresh_token.clone())
            .anchored(self.account.user, self.account.tenant);
        let grant = self.entra.ask(HOP, Authority::Tenant(self.account.tenant), form).await;
        let grant = grant.map_err(sign_in_again)?;
        if let Some(fresh) = &grant.refresh_token {
            let fresh = Kept { refresh_token: Secret::clone(fresh), ..kept };
            let put = fresh.save(&*self.store, &self.name).await;
            put.map_err(|source| TokenError::Store { hop: HOP, source })?;
        }
        Ok(grant)
    }
}

/// A refresh token that is refused can only be replaced by a new sign-in.
fn sign_in_again(error: TokenError) -> TokenError {
    match error {
        TokenError::Refused { refusal, .. }
            if matches!(refusal.error.as_str(), "invalid_grant" | "interaction_required") =>
        {
            TokenError::SignInAgain { refusal }
        }
        other => other,
    }
}
