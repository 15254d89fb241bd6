//! What can be wrong, and what the error says about it.

use std::sync::Arc;
use std::time::Duration;

use attache_entra::{ClientCredential, Entra, Resource, TokenError, TokenFault, Transport, TransportConfig};
use attache_terms::{Clock, Cloud, ManualClock, Secret, SeededRng, Who};
use tokio::net::TcpListener;

use crate::authority::{Answer, Authority, blueprint, clock, tenant};

async fn ask(entra: &Arc<Entra>) -> Result<String, TokenFault> {
    let secret = ClientCredential::Secret(Secret::new("s3cret".to_owned()));
    let source = entra.application(tenant(), blueprint(), secret, Resource::graph(entra.cloud()));
    source.token(None).await.map(|token| token.secret.expose().to_owned())
}

/// Asks while the clock runs, so that waits end. It moves only while a wait is on, not during a request.
async fn ask_and_wait(
    authority: &Authority,
    clock: &Arc<ManualClock>,
) -> (Result<String, TokenFault>, Duration) {
    let entra = authority.entra(clock);
    let begun = clock.boot();
    let asked = tokio::spawn(async move { ask(&entra).await });
    while !asked.is_finished() {
        clock.advance(Duration::from_millis(10));
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    (asked.await.unwrap(), begun.until(clock.boot()))
}

#[tokio::test]
async fn a_busy_authority_is_asked_again_after_as_long_as_it_says() {
    let mut count = 0;
    let authority = Authority::start(move |_| {
        count += 1;
        match count {
            1 => Answer::refusal(429, "temporarily_unavailable", 90_055).with("retry-after", 7),
            2 => Answer::page(502),
            _ => Answer::token("t"),
        }
    })
    .await;
    let (outcome, waited) = ask_and_wait(&authority, &clock()).await;
    assert_eq!(outcome.unwrap(), "t");
    assert_eq!(authority.count(), 3);
    assert!(waited >= Duration::from_secs(7), "{waited:?}");
    let ids: std::collections::HashSet<_> = authority
        .asked()
        .iter()
        .map(|one| one.headers["client-request-id"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 3, "each attempt has an id of its own");
}

#[tokio::test]
async fn a_long_wait_is_the_callers_to_decide() {
    let authority = Authority::start(|_| {
        Answer::refusal(429, "temporarily_unavailable", 90_055).with("retry-after", 3600)
    })
    .await;
    let fault = ask(&authority.entra(&clock())).await.unwrap_err();
    assert_eq!(authority.count(), 1);
    assert_eq!(fault.code(), "throttled");
    assert_eq!(fault.remedy().who, Who::Platform { retry_after: Some(Duration::from_secs(3600)) });
}

#[tokio::test]
async fn an_authority_that_stays_broken_is_given_up_on() {
    let authority = Authority::start(|_| Answer::page(503)).await;
    let (outcome, _) = ask_and_wait(&authority, &clock()).await;
    let fault = outcome.unwrap_err();
    assert_eq!(authority.count(), 4);
    assert_eq!(fault.code(), "authority_failed");
    assert!(matches!(fault.remedy().who, Who::Platform { .. }));
}

#[tokio::test]
async fn what_will_not_change_is_not_asked_again() {
    for (status, error, code, word) in [
        (401, "invalid_client", 7_000_215, "secret_wrong"),
        (401, "invalid_client", 700_027, "certificate_unknown"),
        (400, "unauthorized_client", 700_016, "application_unknown"),
        (400, "invalid_grant", 53_003, "conditional_access"),
        (400, "invalid_request", 90_002, "tenant_unknown"),
    ] {
        // A clock that is right: a certificate is also refused when it is not valid yet.
        let on_time =
            move |_: &_| Answer::refusal(status, error, code).with("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        let authority = Authority::start(on_time).await;
        let fault = ask(&authority.entra(&clock())).await.unwrap_err();
        assert_eq!(authority.count(), 1, "{code}");
        assert_eq!(fault.code(), word);
        let text = fault.to_string();
        assert!(text.contains(&format!("AADSTS{code}")) && text.contains("trace id t"), "{text}");
        assert_eq!(fault.remedy().who, Who::Operator);
        let refusal = TokenError::of(&fault).and_then(TokenError::refusal).unwrap();
        assert_eq!(refusal.correlation_id.as_deref(), Some("c"));
        assert_eq!(refusal.request_id, "request-1");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_by_more_than_five_minutes_is_named_with_the_amount() {
    for (date, expected) in [
        ("Sun, 22 Nov 2026 10:06:00 GMT", "6 min 0 s behind"),
        ("Sun, 22 Nov 2026 07:59:00 GMT", "2 h 1 min ahead"),
    ] {
        let answer = move |_: &_| Answer::refusal(401, "invalid_client", 700_024).with("date", date);
        let authority = Authority::start(answer).await;
        let fault = ask(&authority.entra(&clock())).await.unwrap_err();
        assert_eq!(fault.code(), "clock_wrong");
        assert!(fault.to_string().contains(expected), "{fault}");
    }
    let answer =
        |_: &_| Answer::refusal(401, "invalid_client", 700_024).with("date", "Sun, 22 Nov 2026 10:04:00 GMT");
    let authority = Authority::start(answer).await;
    let fault = ask(&authority.entra(&clock())).await.unwrap_err();
    assert_eq!(fault.code(), "assertion_expired", "four minutes are borne");
}

#[tokio::test]
async fn an_answer_that_is_not_entras_is_an_error_that_repeats_none_of_it() {
    for answer in [
        || Answer::page(200),
        || Answer::page(403),
        || Answer::json(200, &serde_json::json!({"access_token": "leaked", "expires_in": 1})),
        || {
            Answer::json(
                200,
                &serde_json::json!({"token_type": "Bearer", "access_token": "leaked\nHost: evil", "expires_in": 1}),
            )
        },
    ] {
        let authority = Authority::start(move |_| answer()).await;
        let fault = ask(&authority.entra(&clock())).await.unwrap_err();
        assert_eq!(fault.code(), "authority_malformed");
        assert!(!fault.to_string().contains("leaked"), "{fault}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Authority::start(|_| Answer::token("stolen")).await;
    let location = elsewhere.origin.at("/token");
    let authority = Authority::start(move |_| Answer::page(307).with("location", &location)).await;
    let fault = ask(&authority.entra(&clock())).await.unwrap_err();
    assert_eq!(fault.code(), "authority_malformed");
    assert_eq!(elsewhere.count(), 0, "the secret went nowhere else");
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_gets_nothing_and_the_error_says_ca() {
    let authority = Authority::start(|_| Answer::token("t")).await;
    let other = Authority::start(|_| Answer::token("t")).await;
    let clock: Arc<dyn Clock> = clock();
    let entra = Entra::new(authority.cloud(), other.transport(), clock, Arc::new(SeededRng::new(1)));
    let fault = ask(&entra).await.unwrap_err();
    assert_eq!(fault.code(), "authority_untrusted", "{fault}");
    assert!(fault.remedy().what.contains("--ca"));
    assert_eq!(authority.count(), 0);
}

#[tokio::test]
async fn an_authority_that_is_not_there_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    let origin = || format!("https://localhost:{port}").parse().unwrap();
    let transport = Transport::new(TransportConfig::default()).unwrap();
    let clock = clock();
    let entra =
        Entra::new(Cloud::at(origin(), origin()), transport, clock.clone(), Arc::new(SeededRng::new(1)));
    let asked = tokio::spawn(async move { ask(&entra).await });
    while !asked.is_finished() {
        clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    let fault = asked.await.unwrap().unwrap_err();
    assert_eq!(fault.code(), "authority_unreachable", "{fault}");
    assert!(fault.to_string().contains(&format!("localhost:{port}")), "{fault}");
}

#[tokio::test]
async fn an_authority_that_hangs_is_given_up_on() {
    let authority = Authority::start(|_| Answer::token("t")).await;
    authority.close().await;
    let config = TransportConfig {
        ca: Some(authority.ca.clone()),
        timeout: Duration::from_millis(300),
        ..TransportConfig::default()
    };
    let clock: Arc<dyn Clock> = clock();
    let entra =
        Entra::new(authority.cloud(), Transport::new(config).unwrap(), clock, Arc::new(SeededRng::new(1)));
    let fault = ask(&entra).await.unwrap_err();
    assert_eq!(fault.code(), "authority_timed_out", "{fault}");
}
