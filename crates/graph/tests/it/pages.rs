use attache_graph::{Cause, ChatExpand};

use crate::scripted::{Script, answer};

const CHAT: &str =
    r#"{"id":"19:2da4c29f6d7041eca70b638b43d45437@thread.v2","chatType":"group","topic":"Launch"}"#;

#[tokio::test]
async fn pages_are_followed_verbatim_also_through_an_empty_one() {
    let next = r#""@odata.nextLink":"https://graph.example/v1.0/me/chats?$skiptoken=a%2Bb""#;
    let (graph, script) = Script::graph([
        answer(200, &[], &format!(r#"{{"value":[],{next}}}"#)),
        answer(200, &[], &format!(r#"{{"value":[{CHAT},{{"id":"28:bot"}}]}}"#)),
    ]);
    let first = graph.chats(ChatExpand::Nothing, 50).await.unwrap().value;
    assert!(first.items.is_empty() && first.has_more());
    let second = graph.next_page(&first).await.unwrap().value.unwrap();
    assert_eq!((second.items.len(), second.unreadable), (1, 1));
    assert!(graph.next_page(&second).await.unwrap().value.is_none());
    assert_eq!(script.paths()[1], "https://graph.example/v1.0/me/chats?$skiptoken=a%2Bb");
}

#[tokio::test]
async fn a_link_to_another_host_gets_no_token() {
    for link in [
        "https://graph.example.evil.test/v1.0/me/chats",
        "http://graph.example/v1.0/me/chats",
        "https://graph.example:8443/v1.0/me/chats",
        "https://graph.example@evil.test/",
        "//evil.test/",
    ] {
        let page = format!(r#"{{"value":[],"@odata.nextLink":"{link}"}}"#);
        let (graph, script) = Script::graph([answer(200, &[], &page)]);
        let first = graph.chats(ChatExpand::Nothing, 50).await.unwrap().value;
        let error = graph.next_page(&first).await.unwrap_err();
        assert!(
            matches!(error.cause(), Cause::ForeignLink { .. } | Cause::Malformed { .. }),
            "{link}: {error}"
        );
        assert_eq!(script.requests(), 1, "{link}");
    }
}

#[tokio::test]
async fn what_decides_about_a_creation_must_be_readable() {
    let (graph, _) = Script::graph([answer(200, &[], r#"{"value":[{"appId":"no guid"}]}"#)]);
    let error = graph.blueprints_tagged("attache:x").await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_service_that_ignores_a_filter_does_not_mislead() {
    let other = r#"{"value":[{"id":"8a22dfd8-f315-4ee1-be84-c5f46a5b0b3c","appId":"8a22dfd8-f315-4ee1-be84-c5f46a5b0b3c","tags":["attache:y"]}]}"#;
    let (graph, script) = Script::graph([answer(200, &[], other)]);
    assert!(graph.blueprints_tagged("attache:x").await.unwrap().value.is_empty());
    assert!(script.paths()[0].contains("$filter=tags/any(t:t%20eq%20'attache:x')"), "{:?}", script.paths());
}
