//! A person's tokens from the refresh token that is kept.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use attache_entra::{Authority as At, DeviceCode, Scopes, SignInRequest, SignedIn, TokenSource};
use attache_keys::{MemoryStore, SecretName, SecretStore, StoreError};
use attache_terms::{ManualClock, SecretBytes, UserId};
use serde_json::json;

use crate::authority::{Answer, Asked, Authority, client, clock, id_token, tenant, user};

fn name() -> SecretName {
    SecretName::new("default", "refresh-token")
}

fn scopes() -> Scopes {
    Scopes::new(["User.Read", "Chat.ReadWrite"])
}

/// Signs Ada in by device code, the shortest way to a kept refresh token.
async fn signed_in(
    entra: &Arc<attache_entra::Entra>,
    clock: &ManualClock,
    store: &Arc<dyn SecretStore>,
) -> SignedIn {
    let request = SignInRequest::new(At::Tenant(tenant()), client(), scopes(), store.clone(), name());
    let code: DeviceCode = entra.device_code(request).await.unwrap();
    let finished = tokio::spawn(code.finish());
    while !finished.is_finished() {
        clock.advance(Duration::from_secs(1));
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    finished.await.unwrap().unwrap()
}

/// An authority that signs Ada in and rotates her refresh token, until it says otherwise.
async fn authority(mut refresh: impl FnMut(u32) -> Option<Answer> + Send + 'static) -> Authority {
    let origin = Arc::new(Mutex::new(None));
    let known = Arc::clone(&origin);
    let mut number = 0;
    let authority = Authority::start(move |asked: &Asked| {
        if asked.path.ends_with("/devicecode") {
            return Answer::json(200, &json!({"device_code": "d", "user_code": "ABC", "verification_uri": "https://microsoft.com/devicelogin", "expires_in": 900, "interval": 5, "message": "m"}));
        }
        let origin = known.lock().unwrap();
        let mut body = json!({"token_type": "Bearer", "expires_in": 3600, "scope": "User.Read", "access_token": format!("a{number}"), "refresh_token": format!("r{number}")});
        if asked.field("grant_type") == "refresh_token" {
            number += 1;
            if let Some(answer) = refresh(number) {
                return answer;
            }
            body["access_token"] = format!("a{number}").into();
            body["refresh_token"] = format!("r{number}").into();
        } else {
            body["id_token"] = id_token(origin.as_ref().unwrap(), |_| {}).into();
        }
        Answer::json(200, &body)
    })
    .await;
    *origin.lock().unwrap() = Some(authority.origin.clone());
    authority
}

async fn text(source: &Arc<dyn TokenSource>) -> String {
    source.token(None).await.unwrap().secret.expose().to_owned()
}

#[tokio::test]
async fn the_token_of_the_sign_in_serves_first_and_then_each_refresh_token_in_turn() {
    let authority = authority(|_| None).await;
    let clock = clock();
    let entra = authority.entra(&clock);
    let store: Arc<dyn SecretStore> = Arc::new(MemoryStore::default());
    let account = signed_in(&entra, &clock, &store).await;
    assert_eq!(SignedIn::load(&*store, &name()).await.unwrap().as_ref(), Some(&account));
    let source = entra.delegated(&account, client(), scopes(), store.clone(), name());
    let before = authority.count();
    assert_eq!(text(&source).await, "a0");
    assert_eq!(authority.count(), before, "the sign-in's own token needs no request");

    for expected in ["a1", "a2"] {
        clock.advance(Duration::from_secs(3600));
        assert_eq!(text(&source).await, expected);
    }
    let asked = authority.asked();
    let refreshes: Vec<_> = asked.iter().filter(|one| one.field("grant_type") == "refresh_token").collect();
    assert_eq!(refreshes.iter().map(|one| one.field("refresh_token")).collect::<Vec<_>>(), ["r0", "r1"]);
    assert_eq!(refreshes[0].path, format!("/{}/oauth2/v2.0/token", tenant()));
    assert_eq!(refreshes[0].field("scope"), "Chat.ReadWrite User.Read offline_access openid profile");

    // Another process starts from what is kept.
    let other = authority.entra(&clock).delegated(&account, client(), scopes(), store, name());
    assert_eq!(text(&other).await, "a3");
    assert_eq!(authority.asked().last().unwrap().field("refresh_token"), "r2");

    entra.forget(account.tenant, client(), account.user);
    assert_eq!(text(&source).await, "a4", "after a sign-out nothing is warm");
}

#[tokio::test]
async fn a_refresh_token_that_is_refused_asks_for_a_new_sign_in() {
    for (code, word) in [
        (700_082, "sign_in_again"),
        (50_173, "sign_in_again"),
        (65_001, "consent_required"),
        (1, "sign_in_again"),
    ] {
        let authority = authority(move |_| Some(Answer::refusal(400, "invalid_grant", code))).await;
        let clock = clock();
        let entra = authority.entra(&clock);
        let store: Arc<dyn SecretStore> = Arc::new(MemoryStore::default());
        let account = signed_in(&entra, &clock, &store).await;
        let source = entra.delegated(&account, client(), scopes(), store.clone(), name());
        clock.advance(Duration::from_secs(3600));
        let fault = source.token(None).await.unwrap_err();
        assert_eq!(fault.code(), word);
        assert!(fault.remedy().what.contains("sign in again"), "{}", fault.remedy());
        assert!(SignedIn::load(&*store, &name()).await.unwrap().is_some(), "who it was is still known");
    }
}

#[tokio::test]
async fn nobody_elses_sign_in_is_used() {
    let authority = authority(|_| None).await;
    let clock = clock();
    let entra = authority.entra(&clock);
    let store: Arc<dyn SecretStore> = Arc::new(MemoryStore::default());
    let account = signed_in(&entra, &clock, &store).await;
    let bob = SignedIn {
        user: UserId::new(uuid::Uuid::from_u128(1)),
        upn: "bob@contoso.example".to_owned(),
        ..account.clone()
    };
    let before = authority.count();
    let fault =
        entra.delegated(&bob, client(), scopes(), store.clone(), name()).token(None).await.unwrap_err();
    assert_eq!(fault.code(), "sign_in_again");
    assert!(fault.to_string().contains("bob@contoso.example"), "{fault}");

    store.delete(&name()).await.unwrap();
    entra.forget(account.tenant, client(), account.user);
    let fault = entra.delegated(&account, client(), scopes(), store, name()).token(None).await.unwrap_err();
    assert_eq!(fault.code(), "sign_in_again");
    assert_eq!(authority.count(), before, "nothing was sent");
}

/// A store that no longer takes anything.
struct Full(MemoryStore);

#[async_trait]
impl SecretStore for Full {
    fn place(&self) -> String {
        "a full disk".to_owned()
    }

    async fn get(&self, name: &SecretName) -> Result<Option<SecretBytes>, StoreError> {
        self.0.get(name).await
    }

    async fn put(&self, _: &SecretName, _: &SecretBytes) -> Result<(), StoreError> {
        Err(StoreError::Unavailable { place: self.place(), why: "no space left".to_owned() })
    }

    async fn delete(&self, name: &SecretName) -> Result<(), StoreError> {
        self.0.delete(name).await
    }
}

#[tokio::test]
async fn a_token_whose_refresh_token_could_not_be_kept_is_not_given_out() {
    let authority = authority(|_| None).await;
    let clock = clock();
    let entra = authority.entra(&clock);
    let memory = Arc::new(MemoryStore::default());
    let store: Arc<dyn SecretStore> = memory.clone();
    let account = signed_in(&entra, &clock, &store).await;
    let full = Full(MemoryStore::default());
    full.0.put(&name(), &memory.get(&name()).await.unwrap().unwrap()).await.unwrap();
    clock.advance(Duration::from_secs(3600));
    let source = entra.delegated(&account, client(), scopes(), Arc::new(full), name());
    let fault = source.token(None).await.unwrap_err();
    assert_eq!(fault.code(), "secret_store_unavailable");
    assert_eq!(account.user, user());
}
