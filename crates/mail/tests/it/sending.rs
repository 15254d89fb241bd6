//! What arrives is what was sent, under the identity's name, with why and where on record.

use attache_graph::Mailbox;
use attache_mail::{GraphMail, Sent, Transport};
use serde_json::json;
use uuid::Uuid;

use crate::world::{World, draft, header, message};

#[tokio::test]
async fn mail_arrives_from_the_identitys_address_with_both_lines() {
    let world = World::that_may_send().await;
    let request = Uuid::from_u128(42);
    let letter = message("ada", "grace");
    let sent = world.mail_of(world.user("ada")).send(&letter, request).await.unwrap();
    found_again(&sent, request);

    let got = world.folder("grace", "inbox").await.remove(0);
    assert_eq!(got["from"]["emailAddress"]["address"], "ada@contoso.example");
    assert_eq!(got["toRecipients"][0]["emailAddress"]["address"], "grace@contoso.example");
    assert_eq!(got["replyTo"][0]["emailAddress"]["address"], "help@contoso.example");
    assert_eq!((&got["subject"], &got["internetMessageId"]), (&json!("Grüße <b>"), &json!(sent.message_id)));
    let html = got["body"]["content"].as_str().unwrap();
    assert_eq!(got["body"]["contentType"], "html");
    assert!(html.contains("Hello &lt;world&gt;."), "{html}");
    assert!(html.contains("Why you got this: you asked for a test (req_0123)"), "{html}");
    assert!(html.contains("Audit: <a href=\"https://attache.example/a/0123\">"), "{html}");
    assert_eq!(header(&got, "x-run"), Some("7"));
    assert_eq!(header(&got, "list-id"), Some("<a.b>"));
    assert_eq!(header(&got, "x-attache-key"), Some("01234567-89ab-cdef-0123-456789abcdef"));

    let kept = world.folder("ada", "sentitems").await.remove(0);
    assert_eq!(kept["internetMessageId"], got["internetMessageId"], "it is found in Sent Items");
}

#[tokio::test]
async fn a_user_sends_from_their_own_mailbox() {
    let world = World::that_may_send().await;
    let mail = GraphMail::new(world.ada().await, Mailbox::Mine);
    let sent = mail.send(&message("ada", "grace"), Uuid::from_u128(43)).await.unwrap();
    assert_eq!(sent.correlation.token_request_id.as_deref(), Some("issue-1"));
    let got = world.folder("grace", "inbox").await.remove(0);
    assert_eq!(got["from"]["emailAddress"]["address"], "ada@contoso.example");
    assert_eq!(world.folder("ada", "sentitems").await.len(), 1);
}

#[tokio::test]
async fn a_name_is_shown_and_several_people_get_one_message() {
    let world = World::that_may_send().await;
    let mut two = draft("ada", "grace");
    two.to.push("alan@contoso.example".parse().unwrap());
    let letter = two.finish().unwrap();
    world.mail_of(world.user("ada")).send(&letter, Uuid::nil()).await.unwrap();
    for person in ["grace", "alan"] {
        let got = world.folder(person, "inbox").await;
        assert_eq!(got.len(), 1, "{person}");
        assert_eq!(got[0]["toRecipients"].as_array().unwrap().len(), 2);
    }
}

fn found_again(sent: &Sent, request: Uuid) {
    assert_eq!(sent.transport, "graph");
    assert_eq!(sent.message_id, "<0123456789abcdef0123456789abcdef@contoso.example>");
    assert_eq!(sent.correlation.client_request_id, request);
    for id in [&sent.correlation.request_id, &sent.correlation.token_request_id] {
        assert!(id.as_ref().is_some_and(|id| !id.is_empty()), "{sent:?}");
    }
}
