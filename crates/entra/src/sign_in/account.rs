//! Who signed in, and the record of it in a secret store.

use attache_keys::{SecretName, SecretStore, StoreError};
use attache_terms::{AppId, Secret, SecretBytes, TenantId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The format that is written, and the newest that is read.
const FORMAT: u64 = 1;

/// A person who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The tenant of the account.
    pub tenant: TenantId,
    /// The account's object id.
    pub user: UserId,
    /// The user name.
    pub upn: String,
    /// The name as the directory shows it.
    pub name: String,
}

/// A person who signed in to a web application, and when they proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Who.
    pub account: SignedIn,
    /// When (`auth_time`, OpenID Connect Core §2). Entra says so where the application's registration has that
    /// optional claim in its ID tokens; an earlier proof of the browser's session may do for a sign-in.
    pub at: Option<Timestamp>,
}

impl SignedIn {
    /// Who is signed in, as the store knows it; nothing is asked of Entra.
    pub async fn load(store: &dyn SecretStore, name: &SecretName) -> Result<Option<Self>, StoreError> {
        Ok(Kept::load(store, name).await?.map(|kept| kept.account))
    }
}

/// A sign-in as it is kept.
pub(crate) struct Kept {
    pub(crate) client: AppId,
    pub(crate) account: SignedIn,
    pub(crate) refresh_token: Secret,
}

#[derive(Serialize, Deserialize)]
struct Record<T> {
    client: AppId,
    tenant: TenantId,
    user: UserId,
    upn: T,
    name: T,
    refresh_token: T,
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    format: u64,
    #[serde(flatten)]
    rest: T,
}

#[derive(Deserialize)]
struct Anything {}

impl Kept {
    pub(crate) async fn load(store: &dyn SecretStore, name: &SecretName) -> Result<Option<Self>, StoreError> {
        let Some(bytes) = store.get(name).await? else { return Ok(None) };
        let damaged = || StoreError::Damaged {
            place: store.place(),
            why: format!("what is kept as {name} is no sign-in"),
        };
        let version: Versioned<Anything> = serde_json::from_slice(bytes.expose()).map_err(|_| damaged())?;
        if version.format > FORMAT {
            return Err(StoreError::Newer { place: store.place(), version: version.format });
        }
        let record: Versioned<Record<String>> =
            serde_json::from_slice(bytes.expose()).map_err(|_| damaged())?;
        let Record { client, tenant, user, upn, name, refresh_token } = record.rest;
        Ok(Some(Self {
            client,
            account: SignedIn { tenant, user, upn, name },
            refresh_token: Secret::new(refresh_token),
        }))
    }

    pub(crate) async fn save(&self, store: &dyn SecretStore, name: &SecretName) -> Result<(), StoreError> {
        let record = Versioned {
            format: FORMAT,
            rest: Record {
                client: self.client,
                tenant: self.account.tenant,
                user: self.account.user,
                upn: self.account.upn.as_str(),
                name: self.account.name.as_str(),
                refresh_token: self.refresh_token.expose(),
            },
        };
        let bytes = serde_json::to_vec(&record)
            .map_err(|error| StoreError::Damaged { place: store.place(), why: error.to_string() })?;
        store.put(name, &SecretBytes::new(bytes)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attache_keys::MemoryStore;

    fn name() -> SecretName {
        SecretName::new("default", "refresh-token")
    }

    #[tokio::test]
    async fn a_sign_in_is_kept_whole() {
        let store = MemoryStore::default();
        assert_eq!(SignedIn::load(&store, &name()).await.unwrap(), None);
        let account = SignedIn {
            tenant: "323626f5-1bfe-48cd-8902-ddfdfd44e1ce".parse().unwrap(),
            user: "82fe7758-5bb3-4f0d-a43f-e555fd399c6f".parse().unwrap(),
            upn: "ada@contoso.example".to_owned(),
            name: "Ada".to_owned(),
        };
        let kept = Kept {
            client: "8a22dfd8-f315-4ee1-be84-c5f46a5b0b3c".parse().unwrap(),
            account: account.clone(),
            refresh_token: Secret::new("0.AXkA".to_owned()),
        };
        kept.save(&store, &name()).await.unwrap();
        let again = Kept::load(&store, &name()).await.unwrap().unwrap();
        assert_eq!((again.account, again.client), (account, kept.client));
        assert_eq!(again.refresh_token.expose(), "0.AXkA");
    }

    #[tokio::test]
    async fn a_newer_record_is_refused_and_another_is_damaged() {
        let store = MemoryStore::default();
        store.put(&name(), &SecretBytes::new(br#"{"format":2,"other":true}"#.to_vec())).await.unwrap();
        assert!(matches!(SignedIn::load(&store, &name()).await, Err(StoreError::Newer { version: 2, .. })));
        store.put(&name(), &SecretBytes::new(br#"{"format":1}"#.to_vec())).await.unwrap();
        assert!(matches!(SignedIn::load(&store, &name()).await, Err(StoreError::Damaged { .. })));
    }
}
