use std::time::Duration;

use attache_graph::{Cause, Content};
use attache_terms::{Boot, ChatId, Explain};
use uuid::Uuid;

use crate::scripted::{Script, answer, lost, not_sent};

const ME: &str = r#"{"id":"82fe7758-5bb3-4f0d-a43f-e555fd399c6f","displayName":null,"userPrincipalName":"ada@contoso.example"}"#;
const SENT: &str = r#"{"id":"1612289765949","messageType":"message","createdDateTime":"2026-11-22T01:27:15Z",
    "from":null,"body":{"contentType":"text","content":"hi"}}"#;

fn chat() -> ChatId {
    "19:2da4c29f6d7041eca70b638b43d45437@thread.v2".parse().unwrap()
}

#[tokio::test]
async fn a_message_is_one_request_with_the_callers_correlation() {
    let (graph, script) = Script::graph([answer(201, &[], SENT)]);
    let id = Uuid::from_u128(7);
    let sent = graph.correlated(id).send_message(&chat(), Content::Text("hi")).await.unwrap();
    assert_eq!(sent.correlation.client_request_id, id);
    assert_eq!(
        script.paths(),
        ["https://graph.example/v1.0/chats/19%3A2da4c29f6d7041eca70b638b43d45437%40thread.v2/messages"]
    );
}

#[tokio::test]
async fn a_throttled_message_is_sent_after_the_time_that_was_asked_for() {
    let throttled =
        || answer(429, &[("retry-after", "3")], r#"{"error":{"code":"TooManyRequests","message":""}}"#);
    let (graph, script) = Script::graph([throttled(), throttled(), answer(201, &[], SENT)]);
    graph.send_message(&chat(), Content::Html("<p>hi</p>")).await.unwrap();
    let slept = script.slept.lock().unwrap();
    assert_eq!(slept.len(), 2);
    assert!(slept.iter().all(|span| (3000..3500).contains(&span.as_millis())), "{slept:?}");
}

#[tokio::test]
async fn no_try_begins_after_the_deadline() {
    let throttled =
        || answer(429, &[("retry-after", "20")], r#"{"error":{"code":"TooManyRequests","message":""}}"#);
    let (graph, script) = Script::graph([throttled(), throttled()]);
    let graph = graph.before(Boot(Duration::from_secs(30)));
    let error = graph.send_message(&chat(), Content::Text("hi")).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Throttled { .. }), "{error}");
    assert_eq!(script.requests(), 2, "a third try would begin after 40 seconds");
    let late = graph.before(Boot(Duration::from_secs(19)));
    let error = late.correlated(Uuid::nil()).me().await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Unreachable { .. }), "{error}");
    assert_eq!(script.requests(), 2, "nothing was sent");
}

#[tokio::test]
async fn nobody_knows_whether_a_message_was_sent_whose_answer_is_lost() {
    for ended in
        [lost(), answer(500, &[], "{}"), answer(502, &[], ""), answer(503, &[], ""), answer(504, &[], "")]
    {
        let shown = format!("{ended:?}");
        let (graph, script) = Script::graph([ended]);
        let error = graph.send_message(&chat(), Content::Text("hi")).await.unwrap_err();
        assert!(matches!(error.cause(), Cause::OutcomeUnknown { .. }), "{shown}: {error}");
        assert_eq!(error.code(), "outcome_unknown");
        assert_eq!(script.requests(), 1, "it was not sent twice");
    }
}

#[tokio::test]
async fn a_message_that_never_left_is_tried_again_and_then_certainly_not_sent() {
    let (graph, script) = Script::graph([not_sent(), not_sent()]);
    let error = graph.send_message(&chat(), Content::Text("hi")).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Unreachable { .. }), "{error}");
    assert_eq!(script.requests(), 2);
}

#[tokio::test]
async fn a_read_survives_what_passes() {
    let (graph, script) = Script::graph([
        lost(),
        answer(503, &[], ""),
        answer(500, &[], "<html>"),
        answer(504, &[("retry-after", "1")], ""),
        answer(200, &[], ME),
    ]);
    graph.me().await.unwrap();
    assert!(script.slept.lock().unwrap()[3] >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_the_callers() {
    let (graph, script) = Script::graph([answer(429, &[("retry-after", "600")], "{}")]);
    let error = graph.me().await.unwrap_err();
    assert!(
        matches!(error.cause(), Cause::Throttled { retry_after: Some(span) } if span.as_secs() == 600),
        "{error:?}"
    );
    assert!(script.slept.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_of_another_shape_is_named_as_such() {
    let (graph, _) = Script::graph([answer(200, &[], r#"{"id":"nobody"}"#)]);
    let error = graph.me().await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Malformed { .. }), "{error}");
    let (graph, _) = Script::graph([answer(302, &[("location", "https://evil.example/")], "")]);
    let error = graph.me().await.unwrap_err();
    assert!(
        matches!(error.cause(), Cause::Rejected { status: 302, .. }),
        "a redirect is not followed: {error}"
    );
}
