//! Sign-in to a web application: whose id tokens are believed. Each attack differs from what is believed in one
//! thing, and is told by its own reason, so that no check stands in for another.

use std::sync::{Arc, Mutex};

use attache_entra::{
    Authority as At, ClientCredential, Entra, Freshness, Proved, Scopes, SignInError, WebAttempt, WebClient,
};
use attache_terms::{Clock as _, Explain as _, ManualClock, Secret};
use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::authority::{Answer, Asked, Authority, client, clock, id_claims, tenant, user};
use crate::signer::{Signer, token};

const OTHER_TENANT: &str = "11111111-1bfe-48cd-8902-ddfdfd44e1ce";
const KID: &str = "key-1";

/// An authority that publishes one key, and gives out whatever id token it is told to.
struct Story {
    authority: Authority,
    entra: Arc<Entra>,
    clock: Arc<ManualClock>,
    signer: Signer,
    /// The status and the body of the answer to whoever asks for the keys.
    keys: Arc<Mutex<(u16, Value)>>,
    id_token: Arc<Mutex<String>>,
}

async fn story() -> Story {
    let (signer, clock) = (Signer::new(KID), clock());
    let keys = Arc::new(Mutex::new((200, json!({ "keys": [signer.published()] }))));
    let id_token: Arc<Mutex<String>> = Arc::default();
    // Both clocks agree, so that what is out of date is not laid to ours.
    let date = clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let (published, given) = (Arc::clone(&keys), Arc::clone(&id_token));
    let authority = Authority::start(move |asked: &Asked| {
        let (status, body) = if asked.path.ends_with("/discovery/v2.0/keys") {
            published.lock().unwrap().clone()
        } else {
            let token = given.lock().unwrap().clone();
            let body =
                json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "a", "id_token": token});
            (200, body)
        };
        Answer::json(status, &body).with("date", &date)
    })
    .await;
    let entra = authority.entra(&clock);
    Story { authority, entra, clock, signer, keys, id_token }
}

fn web(authority: At) -> WebClient {
    WebClient {
        authority,
        client: client(),
        credential: ClientCredential::Secret(Secret::new("secret".to_owned())),
        redirect_uri: "https://gateway.example/sign-in/callback".to_owned(),
        scopes: Scopes::new([]),
    }
}

impl Story {
    /// A sign-in that begins, and the claims that Entra would make for it.
    fn begin(&self, authority: At, freshness: Freshness) -> (WebAttempt, Value) {
        let (url, attempt) = self.entra.begin_web_sign_in(&web(authority), None, freshness).unwrap();
        let nonce = url.query_pairs().find(|(name, _)| name == "nonce").unwrap().1.into_owned();
        let mut claims = id_claims(&self.authority.origin);
        claims["nonce"] = nonce.into();
        (attempt, claims)
    }

    async fn finish(
        &self,
        authority: At,
        attempt: &WebAttempt,
        id_token: String,
    ) -> Result<Proved, SignInError> {
        *self.id_token.lock().unwrap() = id_token;
        self.entra.finish_web_sign_in(&web(authority), attempt, Secret::new("code".to_owned())).await
    }

    /// A sign-in at any organisation, which ends with the token that is made of the right claims.
    async fn sign_in(&self, make: impl FnOnce(&Signer, Value) -> String) -> Result<Proved, SignInError> {
        let (attempt, claims) = self.begin(At::Organizations, Freshness::Any);
        self.finish(At::Organizations, &attempt, make(&self.signer, claims)).await
    }
}

#[tokio::test]
async fn whoever_entra_signs_for_is_signed_in() {
    let story = story().await;
    let proved = story.sign_in(|signer, claims| signer.token(&claims)).await.unwrap();
    assert_eq!((proved.account.tenant, proved.account.user), (tenant(), user()));
    let asked: Vec<String> = story.authority.asked().into_iter().map(|asked| asked.path).collect();
    let keys = format!("/{}/discovery/v2.0/keys", tenant());
    assert_eq!(asked, ["/organizations/oauth2/v2.0/token", &keys], "the keys are the account's own tenant's");
}

#[tokio::test]
async fn a_token_that_entra_did_not_sign_is_not_believed() {
    type Forge = fn(&Signer, Value) -> String;
    let forgeries: [(&str, &str, Forge); 7] = [
        ("another key under the published id", "signature is wrong", |_, claims| {
            Signer::new(KID).token(&claims)
        }),
        ("a key that nobody published", "does not publish", |_, claims| Signer::new("key-2").token(&claims)),
        ("claims of another token", "signature is wrong", |signer, mut claims| {
            let true_one = signer.token(&claims);
            claims["oid"] = "11111111-5bb3-4f0d-a43f-e555fd399c6f".into();
            let edited = signer.token(&claims);
            let (text, _) = edited.rsplit_once('.').unwrap();
            format!("{text}.{}", true_one.rsplit('.').next().unwrap())
        }),
        ("no signature", "signature is wrong", |signer, claims| {
            let signed = signer.token(&claims);
            format!("{}.", signed.rsplit_once('.').unwrap().0)
        }),
        ("alg: none", "not signed with RS256", |_, claims| {
            token(&json!({ "alg": "none", "typ": "JWT", "kid": KID }), &claims, |_| Vec::new())
        }),
        ("the public key as a shared secret", "not signed with RS256", |signer, claims| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, signer.public());
            let header = json!({ "alg": "HS256", "typ": "JWT", "kid": KID });
            token(&header, &claims, |text| hmac::sign(&key, text).as_ref().to_vec())
        }),
        ("no key's name", "not readable", |_, claims| {
            token(&json!({ "alg": "RS256", "typ": "JWT" }), &claims, |_| vec![0; 256])
        }),
    ];
    let story = story().await;
    for (what, reason, forge) in forgeries {
        let error = story.sign_in(forge).await.unwrap_err();
        assert!(matches!(error, SignInError::IdToken(told) if told.contains(reason)), "{what}: {error}");
    }
}

#[tokio::test]
async fn a_token_that_entra_signed_for_something_else_is_not_believed() {
    type Change = fn(&mut Value);
    let changes: [(&str, &str, Change); 6] = [
        ("aud", "another application", |claims| {
            claims["aud"] = "8a22dfd8-f315-4ee1-be84-c5f46a5b0b3c".into();
        }),
        ("tid", "another issuer", |claims| claims["tid"] = OTHER_TENANT.into()),
        ("iss", "another issuer", |claims| {
            claims["iss"] = format!("https://evil.example/{}/v2.0", tenant()).into();
        }),
        ("nonce", "does not belong", |claims| {
            claims["nonce"] = "0b1c2d3e-0000-4000-8000-000000000000".into();
        }),
        ("exp", "has expired", |claims| claims["exp"] = 1.into()),
        ("nbf", "not valid yet", |claims| claims["nbf"] = 4_102_444_800_u64.into()),
    ];
    let story = story().await;
    for (what, reason, change) in changes {
        let signed = |signer: &Signer, mut claims: Value| {
            change(&mut claims);
            signer.token(&claims)
        };
        let error = story.sign_in(signed).await.unwrap_err();
        assert!(matches!(error, SignInError::IdToken(told) if told.contains(reason)), "{what}: {error}");
    }
}

#[tokio::test]
async fn another_tenants_person_is_believed_only_where_any_organisation_may_sign_in() {
    let story = story().await;
    for (authority, is_believed) in [(At::Organizations, true), (At::Tenant(tenant()), false)] {
        let (attempt, mut claims) = story.begin(authority, Freshness::Any);
        claims["tid"] = OTHER_TENANT.into();
        claims["iss"] = format!("{}/{OTHER_TENANT}/v2.0", story.authority.origin).into();
        let ended = story.finish(authority, &attempt, story.signer.token(&claims)).await;
        match ended {
            Ok(proved) => assert!(is_believed && proved.account.tenant.to_string() == OTHER_TENANT),
            Err(error) => assert!(!is_believed && error.to_string().contains("of another tenant"), "{error}"),
        }
    }
}

#[tokio::test]
async fn whoever_must_prove_it_now_is_believed_by_what_entra_signed() {
    let story = story().await;
    let began = story.clock.now().as_second();
    for (at, is_fresh) in [(Some(began), true), (Some(began - 3600), false), (None, false)] {
        let (attempt, mut claims) = story.begin(At::Organizations, Freshness::Now);
        claims["auth_time"] = at.into();
        let ended = story.finish(At::Organizations, &attempt, story.signer.token(&claims)).await;
        let code = ended.as_ref().err().map(SignInError::code);
        assert_eq!(code, (!is_fresh).then_some("sign_in_not_fresh"), "{at:?}");
    }
}

#[tokio::test]
async fn without_entras_keys_nobody_is_believed() {
    let story = story().await;
    for (answer, code) in [
        ((503, json!({})), "signing_keys_unavailable"),
        ((200, json!("none")), "signing_keys_unavailable"),
        ((200, json!({ "keys": [] })), "id_token_invalid"),
    ] {
        *story.keys.lock().unwrap() = answer;
        let error = story.sign_in(|signer, claims| signer.token(&claims)).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}
