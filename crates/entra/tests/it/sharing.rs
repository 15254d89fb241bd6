//! Many callers, one request.

use std::sync::Arc;
use std::time::Duration;

use attache_entra::{AccessToken, ClientCredential, Resource, TokenFault, TokenSource};
use attache_terms::Secret;
use tokio::task::JoinSet;

use crate::authority::{Answer, Authority, blueprint, clock, tenant};

fn application(entra: &Arc<attache_entra::Entra>) -> Arc<dyn TokenSource> {
    let secret = ClientCredential::Secret(Secret::new("s3cret".to_owned()));
    entra.application(tenant(), blueprint(), secret, Resource::graph(entra.cloud()))
}

fn a_hundred(source: &Arc<dyn TokenSource>) -> JoinSet<Result<AccessToken, TokenFault>> {
    (0..100)
        .map(|_| {
            let source = Arc::clone(source);
            async move { source.token(None).await }
        })
        .collect()
}

/// Until the authority has been asked this often.
async fn until(authority: &Authority, count: usize) {
    while authority.count() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_hundred_callers_make_one_request_and_get_one_token() {
    let authority = Authority::start(|_| Answer::token("t")).await;
    authority.close().await;
    let clock = clock();
    let callers = a_hundred(&application(&authority.entra(&clock)));
    until(&authority, 1).await;
    authority.open();
    let tokens = callers.join_all().await;
    assert!(tokens.iter().all(|token| token.as_ref().is_ok_and(|token| token.secret.expose() == "t")));
    assert_eq!(authority.count(), 1);
}

#[tokio::test]
async fn a_hundred_callers_share_one_refusal_and_the_next_asks_again() {
    let authority = Authority::start(|_| Answer::refusal(401, "invalid_client", 7_000_222)).await;
    authority.close().await;
    let clock = clock();
    let source = application(&authority.entra(&clock));
    let callers = a_hundred(&source);
    until(&authority, 1).await;
    authority.open();
    for outcome in callers.join_all().await {
        assert_eq!(outcome.unwrap_err().code(), "secret_expired");
    }
    assert_eq!(authority.count(), 1);
    source.token(None).await.unwrap_err();
    assert_eq!(authority.count(), 2);
}

#[tokio::test]
async fn when_the_first_caller_leaves_the_others_are_served_by_the_same_request() {
    let authority = Authority::start(|_| Answer::token("t")).await;
    authority.close().await;
    let clock = clock();
    let source = application(&authority.entra(&clock));
    let first = {
        let source = Arc::clone(&source);
        tokio::spawn(async move { source.token(None).await })
    };
    until(&authority, 1).await;
    let others = a_hundred(&source);
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    authority.open();
    assert!(others.join_all().await.iter().all(Result::is_ok));
    assert_eq!(authority.count(), 1);
}

#[tokio::test]
async fn in_its_last_quarter_a_token_is_renewed_behind_the_callers_back() {
    let mut number = 0;
    let authority = Authority::start(move |_| {
        number += 1;
        Answer::token(&number.to_string())
    })
    .await;
    let clock = clock();
    let source = application(&authority.entra(&clock));
    source.token(None).await.unwrap();

    authority.close().await;
    clock.advance(Duration::from_secs(3000));
    for _ in 0..10 {
        let token = source.token(None).await.unwrap();
        assert_eq!(token.secret.expose(), "1", "nobody waits");
    }
    until(&authority, 2).await;
    authority.open();
    while source.token(None).await.unwrap().secret.expose() != "2" {
        tokio::task::yield_now().await;
    }
    assert_eq!(authority.count(), 2);
}

#[tokio::test]
async fn a_token_that_the_api_refused_is_not_given_again() {
    let mut number = 0;
    let authority = Authority::start(move |_| {
        number += 1;
        Answer::token(&number.to_string())
    })
    .await;
    let clock = clock();
    let source = application(&authority.entra(&clock));
    let first = source.token(None).await.unwrap();
    source.refused(&first);
    let second = source.token(None).await.unwrap();
    assert_eq!(second.secret.expose(), "2");
    source.refused(&first);
    assert!(source.token(None).await.unwrap().is(&second), "an old complaint does not touch the new token");
}
