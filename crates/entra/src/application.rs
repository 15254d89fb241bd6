//! Client credentials (Entra reference §1.8), and what every cached source has in common.

use std::sync::Arc;

use async_trait::async_trait;
use attache_terms::{AppId, TenantId};
use serde_json::{Value, json};

use crate::cache::{Key, Subject};
use crate::endpoint::Form;
use crate::entra::Entra;
use crate::response::Grant;
use crate::sign_in::Authority;
use crate::{AccessToken, Claims, ClientCredential, Hop, Resource, TokenError, TokenFault, TokenSource};

/// Fetches one kind of token when the cache has none.
#[async_trait]
pub(crate) trait Fetch: Send + Sync + 'static {
    async fn fetch(&self, challenge: Option<&Claims>) -> Result<Grant, TokenFault>;
}

/// A source that asks the cache first. Its key is made once, so that a warm token costs a look-up.
pub(crate) struct Cached<F> {
    entra: Arc<Entra>,
    key: Key,
    fetch: Arc<F>,
}

impl<F: Fetch> Cached<F> {
    pub(crate) fn new(entra: &Arc<Entra>, key: Key, fetch: F) -> Self {
        Self { entra: Arc::clone(entra), key, fetch: Arc::new(fetch) }
    }
}

#[async_trait]
impl<F: Fetch> TokenSource for Cached<F> {
    async fn token(&self, challenge: Option<&Claims>) -> Result<AccessToken, TokenFault> {
        let challenged;
        let key = match challenge {
            None => &self.key,
            Some(challenge) => {
                challenged = Key { challenge: Some(challenge.clone()), ..self.key.clone() };
                &challenged
            }
        };
        let fetch = || {
            let (fetch, challenge) = (Arc::clone(&self.fetch), challenge.cloned());
            async move { fetch.fetch(challenge.as_ref()).await }
        };
        self.entra.cache.get(key, fetch).await
    }

    fn refused(&self, token: &AccessToken) {
        self.entra.cache.refuse(token);
    }
}

/// An application that proves itself.
pub(crate) struct Application {
    entra: Arc<Entra>,
    tenant: TenantId,
    app: AppId,
    credential: ClientCredential,
    resource: Resource,
}

impl Application {
    pub(crate) fn source(
        entra: &Arc<Entra>,
        tenant: TenantId,
        app: AppId,
        credential: ClientCredential,
        resource: Resource,
    ) -> Arc<dyn TokenSource> {
        let key = Key {
            tenant,
            client: app,
            subject: Subject::Application { credential: credential.tag() },
            scope: Arc::clone(resource.scope()),
            challenge: None,
        };
        let fetch = Self { entra: Arc::clone(entra), tenant, app, credential, resource };
        Arc::new(Cached::new(entra, key, fetch))
    }
}

#[async_trait]
impl Fetch for Application {
    async fn fetch(&self, challenge: Option<&Claims>) -> Result<Grant, TokenFault> {
        const HOP: Hop = Hop::Application;
        let form = Form::new("client_credentials", self.app)
            .with("scope", self.resource.scope())
            .with("claims", capabilities(HOP, challenge)?)
            .proven(self.entra.prove(HOP, self.tenant, self.app, &self.credential).await?);
        Ok(self.entra.ask(HOP, Authority::Tenant(self.tenant), form).await?)
    }
}

impl Entra {
    /// The form fields that prove an application to its tenant's token endpoint.
    pub(crate) async fn prove(
        &self,
        hop: Hop,
        tenant: TenantId,
        app: AppId,
        credential: &ClientCredential,
    ) -> Result<crate::credential::Proof, TokenError> {
        let audience = self.token_endpoint(tenant);
        let proof = credential.prove(app, &audience, &*self.clock, &*self.rng).await;
        proof.map_err(|source| TokenError::Sign { hop, source })
    }
}

/// The `claims` of a request for an API: that we understand claims challenges, and the challenge if there
/// is one (Entra reference §1.12).
pub(crate) fn capabilities(hop: Hop, challenge: Option<&Claims>) -> Result<String, TokenError> {
    let malformed = || TokenError::ChallengeMalformed { hop };
    let mut claims = match challenge {
        None => json!({}),
        Some(challenge) => serde_json::from_str(&challenge.0).map_err(|_| malformed())?,
    };
    let members = claims.as_object_mut().ok_or_else(malformed)?;
    let token = members.entry("access_token").or_insert_with(|| json!({}));
    if token.is_null() {
        *token = json!({});
    }
    let token: &mut serde_json::Map<String, Value> = token.as_object_mut().ok_or_else(malformed)?;
    token.insert("xms_cc".to_owned(), json!({"values": ["cp1"]}));
    Ok(claims.to_string())
}

impl From<TokenError> for TokenFault {
    fn from(error: TokenError) -> TokenFault {
        Arc::new(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_passed_on_beside_what_we_can_do() {
        let challenge = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;
        let sent: Value =
            serde_json::from_str(&capabilities(Hop::Application, Some(&Claims(challenge.into()))).unwrap())
                .unwrap();
        assert_eq!(sent["access_token"]["nbf"]["value"], "1604106651");
        assert_eq!(sent["access_token"]["xms_cc"]["values"], json!(["cp1"]));
        assert_eq!(
            capabilities(Hop::Application, None).unwrap(),
            r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#
        );
    }

    #[test]
    fn a_challenge_that_is_none_is_an_error() {
        for text in ["", "[]", "nonsense", r#"{"access_token":"x"}"#] {
            assert!(matches!(
                capabilities(Hop::AgentUser, Some(&Claims(text.into()))),
                Err(TokenError::ChallengeMalformed { hop: Hop::AgentUser })
            ));
        }
    }

    /// What is passed on says what we can do, whatever it says besides.
    fn withstands(bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(sent) = capabilities(Hop::AgentUser, Some(&Claims(text.as_ref().into()))) {
            let sent: Value = serde_json::from_str(&sent).unwrap();
            assert_eq!(sent["access_token"]["xms_cc"]["values"], json!(["cp1"]));
        }
    }

    #[test]
    fn the_corpus_is_passed_on_or_refused() {
        crate::corpus::replay("claims-challenge", withstands);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_passed_on_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..120)) {
            withstands(&bytes);
        }

        #[test]
        fn any_claims_are_passed_on(name in ".{0,20}", value in ".{0,20}") {
            let challenge = json!({"access_token": {name: value}}).to_string();
            proptest::prop_assert!(capabilities(Hop::AgentUser, Some(&Claims(challenge.as_str().into()))).is_ok());
            withstands(challenge.as_bytes());
        }
    }
}
