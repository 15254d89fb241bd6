//! Sign-in with a code on another device (RFC 8628; Entra reference §1.5).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_entra::{Authority as At, Scopes, SignInError, SignInRequest, SignedIn};
use attache_keys::{MemoryStore, SecretName, SecretStore};
use attache_terms::{Boot, Clock, Explain as _, ManualClock};
use serde_json::json;

use crate::authority::{Answer, Asked, Authority, client, clock, id_token, tenant, user};

struct Story {
    authority: Authority,
    clock: Arc<ManualClock>,
    /// When each poll came.
    polls: Arc<Mutex<Vec<Boot>>>,
}

/// Answers the polls in turn; the last answer stays.
async fn story(answers: Vec<(u16, &'static str, u32)>) -> Story {
    let clock = clock();
    let polls: Arc<Mutex<Vec<Boot>>> = Arc::default();
    let origin = Arc::new(Mutex::new(None));
    let (seen, known, at) = (Arc::clone(&polls), Arc::clone(&origin), Arc::clone(&clock));
    let authority = Authority::start(move |asked: &Asked| {
        if asked.path.ends_with("/devicecode") {
            return Answer::json(
                200,
                &json!({"device_code": "dev-1", "user_code": "ABCD1234", "verification_uri": "https://microsoft.com/devicelogin", "expires_in": 900, "interval": 5, "message": "Enter ABCD1234"}),
            );
        }
        let mut seen = seen.lock().unwrap();
        seen.push(at.boot());
        match answers.get(seen.len() - 1) {
            Some((status, error, code)) => Answer::refusal(*status, error, *code),
            None => {
                let id_token = id_token(known.lock().unwrap().as_ref().unwrap(), |_| {});
                Answer::json(200, &json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "a", "refresh_token": "r", "id_token": id_token}))
            }
        }
    })
    .await;
    *origin.lock().unwrap() = Some(authority.origin.clone());
    Story { authority, clock, polls }
}

impl Story {
    async fn finish(&self) -> Result<SignedIn, SignInError> {
        let store: Arc<dyn SecretStore> = Arc::new(MemoryStore::default());
        let name = SecretName::new("default", "refresh-token");
        let scopes = Scopes::new(["User.Read"]);
        let request = SignInRequest::new(At::Tenant(tenant()), client(), scopes, store, name);
        let code = self.authority.entra(&self.clock).device_code(request).await.unwrap();
        assert_eq!(code.user_code, "ABCD1234");
        assert_eq!(code.verification_uri, "https://microsoft.com/devicelogin");
        assert_eq!(code.expires_in, Duration::from_secs(900));
        let finished = tokio::spawn(code.finish());
        while !finished.is_finished() {
            let polled = self.authority.count();
            self.clock.advance(Duration::from_secs(1));
            // The clock moves only when no request is in flight.
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            while self.authority.count() > polled
                && self.polls.lock().unwrap().len() + 1 < self.authority.count()
            {
                tokio::task::yield_now().await;
            }
        }
        finished.await.unwrap()
    }
}

#[tokio::test]
async fn it_polls_as_slowly_as_it_is_told_until_the_person_is_done() {
    let story = story(vec![
        (400, "authorization_pending", 70_016),
        (400, "slow_down", 70_016),
        (400, "authorization_pending", 70_016),
    ])
    .await;
    let account = story.finish().await.unwrap();
    assert_eq!((account.user, account.upn.as_str()), (user(), "ada@contoso.example"));

    let polls = story.polls.lock().unwrap().clone();
    let gaps: Vec<u64> = polls.windows(2).map(|pair| pair[0].until(pair[1]).as_secs()).collect();
    assert!(gaps[0] >= 5 && gaps[1] >= 10 && gaps[2] >= 10, "{gaps:?}");
    let asked = story.authority.asked();
    assert!(asked[0].path.ends_with(&format!("/{}/oauth2/v2.0/devicecode", tenant())));
    assert_eq!(asked[1].field("grant_type"), "urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!(asked[1].field("device_code"), "dev-1");
    assert!(!asked[1].form.contains_key("client_secret"));
}

#[tokio::test]
async fn a_person_who_declines_ends_it() {
    let story = story(vec![(400, "authorization_declined", 70_000)]).await;
    let error = story.finish().await.unwrap_err();
    assert_eq!(error.code(), "sign_in_declined");
}

#[tokio::test]
async fn a_code_that_has_expired_ends_it() {
    let story = story(vec![(400, "authorization_pending", 70_016), (400, "expired_token", 70_019)]).await;
    assert!(matches!(story.finish().await, Err(SignInError::TimedOut)));
}

#[tokio::test]
async fn a_policy_that_blocks_it_is_named() {
    let story = story(vec![(400, "invalid_grant", 53_003)]).await;
    assert_eq!(story.finish().await.unwrap_err().code(), "conditional_access");
}
