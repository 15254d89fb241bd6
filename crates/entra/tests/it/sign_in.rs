//! Sign-in in a browser: what Entra is asked, what the browser is answered, and who is believed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use attache_entra::{Authority as At, Prompt, Scopes, SignIn, SignInError, SignInRequest, SignedIn};
use attache_keys::{MemoryStore, SecretName, SecretStore};
use attache_terms::Explain as _;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::authority::{Answer, Asked, Authority, client, clock, id_token, tenant, user};

type Change = Arc<Mutex<Box<dyn FnMut(&mut Value) + Send>>>;

struct Story {
    authority: Authority,
    entra: Arc<attache_entra::Entra>,
    store: Arc<dyn SecretStore>,
    claims: Change,
}

fn name() -> SecretName {
    SecretName::new("default", "refresh-token")
}

async fn story() -> Story {
    let claims: Change = Arc::new(Mutex::new(Box::new(|_| {})));
    let origin = Arc::new(Mutex::new(None));
    let (known, change) = (Arc::clone(&origin), Arc::clone(&claims));
    let authority = Authority::start(move |_: &Asked| {
        let id_token = id_token(known.lock().unwrap().as_ref().unwrap(), |claims| (change.lock().unwrap())(claims));
        Answer::json(200, &json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "a", "refresh_token": "r", "id_token": id_token}))
    })
    .await;
    *origin.lock().unwrap() = Some(authority.origin.clone());
    let entra = authority.entra(&clock());
    Story { authority, entra, store: Arc::new(MemoryStore::default()), claims }
}

impl Story {
    fn request(&self) -> SignInRequest {
        SignInRequest::new(
            At::Tenant(tenant()),
            client(),
            Scopes::new(["User.Read"]),
            self.store.clone(),
            name(),
        )
    }

    /// Begins a sign-in whose id token carries the right nonce and whatever `change` makes of it.
    async fn begin(&self, change: impl Fn(&mut Value) + Send + 'static) -> SignIn {
        let sign_in = self.entra.sign_in(self.request()).await.unwrap();
        let nonce = query(&sign_in)["nonce"].clone();
        *self.claims.lock().unwrap() = Box::new(move |claims| {
            claims["nonce"] = nonce.clone().into();
            change(claims);
        });
        sign_in
    }

    async fn sign_in(&self, change: impl Fn(&mut Value) + Send + 'static) -> Result<SignedIn, SignInError> {
        let sign_in = self.begin(change).await;
        let back = format!("/?code=code-1&state={}&session_state=x", query(&sign_in)["state"]);
        assert!(browse(sign_in.port(), &back).await.starts_with("HTTP/1.1 200 "));
        sign_in.finish().await
    }
}

fn query(sign_in: &SignIn) -> HashMap<String, String> {
    sign_in.url().query_pairs().into_owned().collect()
}

/// What a browser gets for a GET on the loopback port.
async fn browse(port: u16, target: &str) -> String {
    raw(port, &format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html\r\n\r\n")).await
}

async fn raw(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_person_signs_in_with_pkce_over_the_loopback_redirect() {
    let story = story().await;
    let mut request = story.request();
    request.login_hint = Some("ada@contoso.example".to_owned());
    request.prompt = Some(Prompt::SelectAccount);
    let sign_in = story.entra.sign_in(request).await.unwrap();
    let query = query(&sign_in);
    assert_eq!(sign_in.url().path(), format!("/{}/oauth2/v2.0/authorize", tenant()));
    assert_eq!(query["client_id"], client().to_string());
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["redirect_uri"], format!("http://localhost:{}", sign_in.port()));
    assert_eq!(query["scope"], "User.Read offline_access openid profile");
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["login_hint"], "ada@contoso.example");
    assert_eq!(query["prompt"], "select_account");
    assert!(query["state"].len() >= 43);
    assert_eq!(story.authority.count(), 0, "nothing is sent before the browser comes back");
    let nonce = query["nonce"].clone();
    *story.claims.lock().unwrap() = Box::new(move |claims| claims["nonce"] = nonce.clone().into());

    let page = browse(sign_in.port(), &format!("/?code=co%2Fde&state={}", query["state"])).await;
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("<html lang=\"en\">"), "{page}");
    assert!(page.contains("<h1>Signed in</h1>") && !page.contains("co/de"), "{page}");
    assert!(page.contains("default-src 'none'"));

    let account = sign_in.finish().await.unwrap();
    let expected = SignedIn {
        tenant: tenant(),
        user: user(),
        upn: "ada@contoso.example".to_owned(),
        name: "Ada Lovelace".to_owned(),
    };
    assert_eq!(account, expected);
    assert_eq!(SignedIn::load(&*story.store, &name()).await.unwrap(), Some(expected));

    let asked = &story.authority.asked()[0];
    assert_eq!(asked.field("grant_type"), "authorization_code");
    assert_eq!(asked.field("code"), "co/de");
    assert_eq!(asked.field("redirect_uri"), query["redirect_uri"]);
    let challenge = BASE64URL.encode(digest(&SHA256, asked.field("code_verifier").as_bytes()));
    assert_eq!(challenge, query["code_challenge"]);
}

#[tokio::test]
async fn the_browser_is_answered_over_ipv6_too() {
    let story = story().await;
    let sign_in = story.begin(|_| {}).await;
    let Ok(mut stream) = TcpStream::connect(("::1", sign_in.port())).await else {
        assert!(std::net::TcpListener::bind("[::1]:0").is_err(), "where there is IPv6, it is listened on");
        return;
    };
    stream
        .write_all(format!("GET /?code=c&state={} HTTP/1.1\r\n\r\n", query(&sign_in)["state"]).as_bytes())
        .await
        .unwrap();
    assert_eq!(sign_in.finish().await.unwrap().user, user());
}

#[tokio::test]
async fn what_does_not_belong_to_the_sign_in_is_turned_away_and_does_not_end_it() {
    let story = story().await;
    let sign_in = story.begin(|_| {}).await;
    let (port, state) = (sign_in.port(), query(&sign_in)["state"].clone());
    // A connection that a browser opens ahead and never uses.
    let _idle = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    for (target, status) in [
        ("/favicon.ico", "404"),
        ("/callback?code=evil&state=x", "404"),
        ("/", "400"),
        ("/?code=evil", "400"),
        ("/?code=evil&state=guessed", "400"),
        ("/?error=access_denied&state=guessed", "400"),
        (format!("/?state={state}").as_str(), "400"),
    ] {
        let page = browse(port, target).await;
        assert!(page.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {page}");
        assert!(!page.contains("evil"));
    }
    let posted = raw(port, &format!("POST /?code=evil&state={state} HTTP/1.1\r\n\r\n")).await;
    assert!(posted.starts_with("HTTP/1.1 405 "));
    let mut endless = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // How far it gets before the connection is closed is up to the kernel.
    let _ = endless.write_all(format!("GET /{} HTTP/1.1\r\n", "x".repeat(40_000)).as_bytes()).await;
    let mut answer = Vec::new();
    let _ = endless.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "an endless request is not answered");

    browse(port, &format!("/?code=good&state={state}")).await;
    sign_in.finish().await.unwrap();
    assert_eq!(story.authority.asked()[0].field("code"), "good");
}

#[tokio::test]
async fn a_person_who_declines_is_told_so_and_nothing_is_kept() {
    let story = story().await;
    let sign_in = story.begin(|_| {}).await;
    let state = query(&sign_in)["state"].clone();
    let target = format!(
        "/?error=access_denied&error_description=AADSTS65004%3A+declined%0A%3Cscript%3E&state={state}"
    );
    let page = browse(sign_in.port(), &target).await;
    assert!(page.contains("<h1>Not signed in</h1>") && !page.contains("<script>"), "{page}");
    let error = sign_in.finish().await.unwrap_err();
    assert_eq!(error.code(), "sign_in_declined");
    assert!(!error.to_string().contains('\n'), "{error}");
    assert_eq!(story.authority.count(), 0);
    assert_eq!(SignedIn::load(&*story.store, &name()).await.unwrap(), None);
}

#[tokio::test]
async fn an_id_token_that_is_not_for_us_is_not_believed() {
    type Forge = fn(&mut Value);
    let forgeries: [(&str, Forge); 7] = [
        ("aud", |claims| claims["aud"] = "another app".into()),
        ("iss", |claims| claims["iss"] = "https://evil.example/v2.0".into()),
        ("nonce", |claims| claims["nonce"] = "another sign-in".into()),
        ("no nonce", |claims| claims["nonce"] = Value::Null),
        ("oid", |claims| claims["oid"] = "../me".into()),
        ("exp", |claims| claims["exp"] = 1.into()),
        ("nbf", |claims| claims["nbf"] = 4_102_444_800_u64.into()),
    ];
    for (what, forge) in forgeries {
        let story = story().await;
        let error = story.sign_in(forge).await.unwrap_err();
        let expected = if matches!(what, "exp" | "nbf") {
            ["id_token_invalid", "clock_wrong"]
        } else {
            ["id_token_invalid"; 2]
        };
        assert!(expected.contains(&error.code()), "{what}: {error}");
        assert_eq!(SignedIn::load(&*story.store, &name()).await.unwrap(), None, "{what}");
    }
}

#[tokio::test]
async fn another_tenants_account_is_not_believed_where_one_tenant_was_asked() {
    let story = story().await;
    let other = "11111111-1bfe-48cd-8902-ddfdfd44e1ce";
    let issuer = format!("{}/{other}/v2.0", story.authority.origin);
    let error = story
        .sign_in(move |claims| {
            claims["tid"] = other.into();
            claims["iss"] = issuer.clone().into();
        })
        .await
        .unwrap_err();
    assert!(matches!(error, SignInError::IdToken(_)), "{error}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let story = story().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut request = story.request();
    request.port = taken.local_addr().unwrap().port();
    let error = story.entra.sign_in(request.clone()).await.err().unwrap();
    assert!(matches!(error, SignInError::Listen { .. }));
    assert!(error.to_string().contains(&request.port.to_string()), "{error}");
}

#[tokio::test]
async fn a_sign_in_that_is_dropped_closes_its_port() {
    let story = story().await;
    let sign_in = story.begin(|_| {}).await;
    let port = sign_in.port();
    drop(sign_in);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}
