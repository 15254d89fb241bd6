//! What a caller learns when mail does not leave, or may not have.

use std::time::Duration;

use attache_mail::{Outcome, SendError, Transport};
use attache_sandbox::{Effect, Fault};
use attache_terms::{Explain, UserId, Who};
use uuid::Uuid;

use crate::world::{World, message};

async fn refused(world: &World, user: UserId, from: &str) -> SendError {
    world.mail_of(user).send(&message(from, "grace"), Uuid::from_u128(1)).await.unwrap_err()
}

fn send_mail(effect: Effect) -> Fault {
    Fault::once("POST", "/v1.0/users/*/sendMail", effect)
}

#[tokio::test]
async fn a_mailbox_without_a_licence_is_named_as_missing() {
    let world = World::that_may_send().await;
    world.control().plant("[[users]]\nupn = \"poor\"\nlicences = []\n").unwrap();
    let poor = world.application().user_by_name("poor@contoso.example").await.unwrap().value.unwrap();
    let error = refused(&world, poor.id, "poor").await;
    assert_eq!((error.code(), error.outcome()), ("mailbox_missing", Outcome::NotSent));
    assert!(error.remedy().what.contains("licence"), "{error}");
    assert!(error.correlation().request_id.is_some(), "{error:?}");
}

#[tokio::test]
async fn an_application_that_may_not_send_is_told_what_it_lacks() {
    let world = World::start().await;
    let error = refused(&world, world.user("ada"), "ada").await;
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert_eq!(error.remedy().who, Who::Operator, "{error}: {}", error.remedy());
}

#[tokio::test]
async fn another_mailboxs_address_may_not_be_used() {
    let world = World::that_may_send().await;
    let error = refused(&world, world.user("ada"), "alan").await;
    assert_eq!((error.code(), error.outcome()), ("send_as_denied", Outcome::NotSent));
}

#[tokio::test]
async fn throttling_is_waited_for_while_it_is_short_and_passed_on_when_it_is_long() {
    let world = World::that_may_send().await;
    let throttled = |retry_after| Effect::Answer { status: 429, body: None, retry_after: Some(retry_after) };
    world.control().add_fault(send_mail(throttled(0)));
    let ada = world.user("ada");
    world.mail_of(ada).send(&message("ada", "grace"), Uuid::nil()).await.unwrap();

    world.control().add_fault(send_mail(throttled(600)));
    let error = refused(&world, ada, "ada").await;
    assert_eq!((error.code(), error.outcome()), ("throttled", Outcome::NotSent));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(600)));
    assert_eq!(world.folder("grace", "inbox").await.len(), 1);
}

#[tokio::test]
async fn a_cut_connection_leaves_it_open_and_the_message_id_settles_it() {
    for (effect, arrived) in [
        (Effect::ResetAfterCommit, 1),
        (Effect::ResetBeforeCommit, 0),
        (Effect::Answer { status: 502, body: None, retry_after: None }, 0),
    ] {
        let world = World::that_may_send().await;
        world.control().add_fault(send_mail(effect.clone()));
        let error = refused(&world, world.user("ada"), "ada").await;
        assert_eq!((error.code(), error.outcome()), ("outcome_unknown", Outcome::Unknown), "{effect:?}");
        let message_id = message("ada", "grace").message_id().to_owned();
        assert!(error.remedy().what.contains(&message_id), "{}", error.remedy());
        assert_eq!(error.correlation().client_request_id, Uuid::from_u128(1));

        let kept = world.folder("ada", "sentitems").await;
        let found = kept.iter().filter(|one| one["internetMessageId"] == *message_id).count();
        assert_eq!(found, arrived, "{effect:?}");
        assert_eq!(world.folder("grace", "inbox").await.len(), arrived, "it was not sent twice");
    }
}
