//! Signing in and out. The default is the loopback redirect with PKCE; the device code is for where no browser
//! can reach this machine. A new token is staged until it is known whose it is, so that a sign-in by the wrong
//! person does not cost the sponsor theirs.

use std::time::Duration;

use attache_entra::{Authority, DeviceCode, Scopes, SignInRequest, SignedIn};
use attache_ledger::{Act, ActName, Actor, Code, Mode, Outcome, Target};
use attache_terms::Explain;
use tracing::info;
use url::Url;

use super::{Event, Identity, IdentityError, IdentityMode, Person, SPONSOR_SCOPES, SPONSOR_TOKEN};
use crate::audit::Audit;

/// Where a token stands until it is known whose it is.
pub(super) const STAGED: &str = "sponsor-token.staged";

/// What a person needs to sign in by device code.
#[derive(Debug, Clone)]
pub struct DevicePrompt {
    /// The code to type.
    pub user_code: String,
    /// Where to type it.
    pub verification_uri: String,
    /// Entra's own sentence that says both.
    pub message: String,
    /// How long the code is good.
    pub expires_in: Duration,
}

impl Identity {
    /// Signs the sponsor in through their browser: `open` gets the page to open, which answers to this
    /// process on loopback.
    pub(crate) async fn sign_in(
        &self,
        audit: &Audit,
        open: impl FnOnce(&Url) + Send,
    ) -> Result<Person, IdentityError> {
        self.recorded(audit, "sign_in", async {
            let entra = self.connections.entra().await?;
            let sign_in = entra.sign_in(self.request().await?).await?;
            open(sign_in.url());
            Ok(sign_in.finish().await?)
        })
        .await
    }

    /// Signs the sponsor in by a code that they type on another device.
    pub(crate) async fn sign_in_device(
        &self,
        audit: &Audit,
        show: impl FnOnce(&DevicePrompt) + Send,
    ) -> Result<Person, IdentityError> {
        self.recorded(audit, "sign_in_device", async {
            let entra = self.connections.entra().await?;
            let code: DeviceCode = entra.device_code(self.request().await?).await?;
            show(&DevicePrompt {
                user_code: code.user_code.clone(),
                verification_uri: code.verification_uri.clone(),
                message: code.message.clone(),
                expires_in: code.expires_in,
            });
            Ok(code.finish().await?)
        })
        .await
    }

    /// Forgets the sponsor and their tokens. What was provisioned stays as it is.
    pub(crate) async fn sign_out(&self, audit: &Audit) -> Result<(), IdentityError> {
        let sponsor = self.record()?.sponsor().map(|sponsor| sponsor.id);
        let act = Act::new(ActName::new("sign_out"), self.actor())
            .on(Target { user: sponsor, ..Target::default() });
        let begun = audit.begin(act, None).await?;
        // The tokens first: killed in between, the agent asks for a sign-in instead of acting.
        let done = match self.forget_token().await {
            Ok(()) => self.apply(Event::SignedOut).await.map(drop),
            Err(error) => Err(error),
        };
        begun.end(match &done {
            Ok(()) => Outcome::done(),
            Err(error) => Outcome::failed(Code::new(error.code())),
        });
        audit.flush().await?;
        info!("signed out");
        done
    }

    async fn request(&self) -> Result<SignInRequest, IdentityError> {
        let settings = self.connections.settings();
        let store = self.connections.secrets().await?.clone();
        Ok(SignInRequest::new(
            Authority::Tenant(settings.tenant),
            settings.client_id,
            Scopes::new(SPONSOR_SCOPES),
            store,
            self.connections.secret(STAGED),
        ))
    }

    fn actor(&self) -> Actor {
        Actor {
            tenant: Some(self.connections.settings().tenant),
            mode: Some(Mode::Sponsor),
            ..Actor::default()
        }
    }

    async fn recorded(
        &self,
        audit: &Audit,
        name: &'static str,
        get: impl Future<Output = Result<SignedIn, IdentityError>> + Send,
    ) -> Result<Person, IdentityError> {
        let begun = audit.begin(Act::new(ActName::new(name), self.actor()), None).await?;
        let done = match get.await {
            Ok(account) => self.take_in(account).await,
            Err(error) => Err(error),
        };
        begun.end(match &done {
            Ok(person) => Outcome::done().on(Target { user: Some(person.id), ..Target::default() }),
            Err(error) => Outcome::failed(Code::new(error.code())),
        });
        done
    }

    /// Makes whoever signed in the sponsor, or, when they are already, renews their token.
    async fn take_in(&self, account: SignedIn) -> Result<Person, IdentityError> {
        let store = self.connections.secrets().await?;
        let (staged, kept) = (self.connections.secret(STAGED), self.connections.secret(SPONSOR_TOKEN));
        let person = Person { id: account.user, upn: account.upn, display_name: account.name };
        let record = self.record()?;
        if record.sponsor().is_some_and(|sponsor| sponsor.id != person.id) {
            store.delete(&staged).await?;
            // The machine says it in its own words, and nothing is changed.
            self.apply(Event::SignedIn(person.clone())).await?;
            return Ok(person);
        }
        // An agent with a name of its own has no use for the sponsor's token.
        if record.mode() != IdentityMode::AgentUser
            && let Some(token) = store.get(&staged).await?
        {
            store.put(&kept, &token).await?;
        }
        store.delete(&staged).await?;
        self.apply(Event::SignedIn(person.clone())).await?;
        info!(mode = record.mode().word(), "signed in");
        Ok(person)
    }
}
