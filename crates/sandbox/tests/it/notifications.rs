//! Notifications arrive: as each workload spells them, in time, again if they are refused, and encrypted if
//! asked for (Graph reference §6.2, §6.3, §6.5).

use std::time::Duration;

use attache_sandbox::{Effect, Fault};
use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use crate::cast::{delete, patch, permitted, person, post, sign_in};
use crate::mail_support::{SCOPES, consent, folder, inject};
use crate::receiver::{Manner, Receiver};
use crate::subscriptions::{chat, subscribe, tenant};
use crate::support::{Tenant, claims};

async fn say(tenant: &Tenant, token: &str, chat: &str, text: &str) -> String {
    let body = json!({ "body": { "content": text } });
    let path = format!("/v1.0/chats/{chat}/messages");
    post(tenant, &path, token, body).await.expect(201).text("/id").to_owned()
}

fn pass(tenant: &Tenant, seconds: u64) {
    tenant.sandbox.control().clock().advance(Duration::from_secs(seconds));
}

#[tokio::test]
async fn a_chat_message_is_told_at_once_and_in_teams_spelling() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    let made = subscribe(&tenant, &ada, &receiver, &format!("/chats/{chat}/messages"), json!({})).await;
    let made = made.expect(201);
    let id = say(&tenant, &grace, &chat, "hello").await;
    let message = receiver.message().await;
    assert!(message.get("validationTokens").is_none(), "{message}");
    let path = format!("chats('{chat}')/messages('{id}')");
    assert_eq!(
        message["value"],
        json!([{
            "subscriptionId": made.text("/id"),
            "subscriptionExpirationDateTime": "2026-03-01T12:45:00Z",
            "clientState": "secret",
            "changeType": "created",
            "resource": path,
            "tenantId": tenant.sandbox.ready().tenant_id,
            "resourceData": { "id": id, "@odata.type": "#Microsoft.Graph.chatMessage", "@odata.id": path },
        }])
    );
    let path = format!("/v1.0/chats/{chat}/messages/{id}");
    patch(&tenant, &path, &grace, json!({ "body": { "content": "good bye" } })).await.expect(204);
    assert_eq!(receiver.message().await["value"][0]["changeType"], "updated");
}

#[tokio::test]
async fn only_what_was_asked_for_is_told() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    let (one, other) =
        (chat(&tenant, &ada, &["ada", "grace"]).await, chat(&tenant, &ada, &["ada", "alan"]).await);
    let resource = format!("chats('{one}')/messages");
    subscribe(&tenant, &ada, &receiver, &resource, json!({ "changeType": "updated" })).await.expect(201);
    say(&tenant, &ada, &other, "elsewhere").await;
    let id = say(&tenant, &ada, &one, "new").await;
    let path = format!("/v1.0/chats/{one}/messages/{id}");
    patch(&tenant, &path, &ada, json!({ "body": { "content": "changed" } })).await.expect(204);
    let message = receiver.message().await;
    assert_eq!(message["value"].as_array().unwrap().len(), 1, "{message}");
    assert_eq!(message["value"][0]["changeType"], "updated");
    assert!(receiver.rest().is_empty());
}

#[tokio::test]
async fn what_is_refused_comes_again_at_longer_and_longer_intervals_for_four_hours() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    let also = json!({
        "expirationDateTime": "2026-03-03T12:00:00Z",
        "lifecycleNotificationUrl": receiver.url.replace("hook", "lifecycle"),
    });
    let made = subscribe(&tenant, &ada, &receiver, &format!("chats/{chat}/messages"), also).await.expect(201);
    let (lifecycle, asked) = (receiver.next().await, receiver.next().await);
    assert!(lifecycle.is_validation() && asked.is_validation() && asked.path == "/lifecycle");
    receiver.be(Manner::Status(503));
    say(&tenant, &ada, &chat, "hello").await;
    let first = receiver.message().await;
    // The message that was sent is counted before its pause begins.
    let mut pauses = Vec::new();
    for pause in [10, 20, 40, 80] {
        pass_until_posted(&tenant, &mut receiver, pause, &first).await;
        pauses.push(pause);
    }
    receiver.be(Manner::Good);
    pass_until_posted(&tenant, &mut receiver, 160, &first).await;
    assert_eq!(made.text("/id"), first["value"][0]["subscriptionId"]);
}

/// Lets the pause pass in two steps: nothing comes in the first, the same message after the second. The step
/// before it ends waits for the sandbox to have seen the answer: the pause begins then.
async fn pass_until_posted(tenant: &Tenant, receiver: &mut Receiver, pause: u64, first: &Value) {
    let again = async {
        loop {
            let message = receiver.message().await;
            if message == *first {
                return;
            }
        }
    };
    let passing = async {
        for _ in 0..pause * 2 {
            tokio::task::yield_now().await;
            pass(tenant, 1);
            // A real request in between: the sandbox has had its turn.
            tenant.get(&tenant.url("/_sandbox/none")).await;
        }
    };
    tokio::pin!(again);
    tokio::select! {
        () = &mut again => {}
        () = passing => again.await,
    }
}

#[tokio::test]
async fn who_has_a_lifecycle_url_is_asked_before_the_token_ends_and_held_until_then() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    let also = json!({
        "expirationDateTime": "2026-03-03T12:00:00Z", "lifecycleNotificationUrl": receiver.url,
    });
    let made = subscribe(&tenant, &ada, &receiver, &format!("chats/{chat}/messages"), also).await.expect(201);
    let expires = claims(&ada)["exp"].as_i64().unwrap();
    let now = tenant.sandbox.control().clock().now().as_second();
    let left = u64::try_from(expires - now).unwrap();
    pass(&tenant, left - 15 * 60);
    let asked = receiver.message().await;
    assert_eq!(asked["value"][0]["lifecycleEvent"], "reauthorizationRequired", "{asked}");
    assert_eq!(asked["value"][0]["subscriptionId"], made.text("/id"));
    assert_eq!(asked["value"][0]["clientState"], "secret");

    pass(&tenant, 15 * 60);
    assert_eq!(receiver.message().await["value"][0]["lifecycleEvent"], "reauthorizationRequired");
    let grace = sign_in(&tenant, "grace").await;
    let id = say(&tenant, &grace, &chat, "while nobody may look").await;
    let ada = sign_in(&tenant, "ada").await;
    assert!(receiver.rest().is_empty());
    let path = format!("/v1.0/subscriptions/{}/reauthorize", made.text("/id"));
    post(&tenant, &path, &ada, json!({})).await.expect(204);
    let message = receiver.message().await;
    assert_eq!(message["value"][0]["resourceData"]["id"], id, "{message}");
}

#[tokio::test]
async fn resource_data_is_encrypted_for_the_subscriber() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let der = rcgen::CertificateParams::default().self_signed(&key).unwrap().der().to_vec();
    let also = json!({
        "includeResourceData": true, "encryptionCertificate": STANDARD.encode(&der),
        "encryptionCertificateId": "mine",
    });
    let resource = format!("chats/{chat}/messages");
    let made = subscribe(&tenant, &ada, &receiver, &resource, also).await.expect(201);
    assert_eq!(made.json["includeResourceData"], true);
    let id = say(&tenant, &ada, &chat, "between us").await;
    let message = receiver.message().await;
    let content = &message["value"][0]["encryptedContent"];
    assert_eq!(content["encryptionCertificateId"], "mine");
    let thumbprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &der);
    let thumbprint: String = thumbprint.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(content["encryptionCertificateThumbprint"], thumbprint);

    let bytes = |name: &str| STANDARD.decode(content[name].as_str().unwrap()).unwrap();
    let private = PrivateDecryptingKey::from_pkcs8(&key.serialize_der()).unwrap();
    let private = OaepPrivateDecryptingKey::new(private).unwrap();
    let mut buffer = vec![0; private.min_output_size()];
    let key = private.decrypt(&OAEP_SHA1_MGF1SHA1, &bytes("dataKey"), &mut buffer, None).unwrap().to_vec();
    assert_eq!(key.len(), 32);
    let mut data = bytes("data");
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), &data, &bytes("dataSignature")).unwrap();
    let unbound = UnboundCipherKey::new(&AES_256, &key).unwrap();
    let vector: &[u8; 16] = key.first_chunk().unwrap();
    let context = DecryptionContext::Iv128(FixedLength::from(vector));
    let plain =
        PaddedBlockDecryptingKey::cbc_pkcs7(unbound).unwrap().decrypt(&mut data, context).unwrap().to_vec();
    let plain: Value = serde_json::from_slice(&plain).unwrap();
    assert_eq!(
        (plain["id"].as_str(), plain["body"]["content"].as_str()),
        (Some(id.as_str()), Some("between us"))
    );
    crate::oracle::body::assert_graphs("GET", "/v1.0/notification", 200, &plain);

    let tokens = message["validationTokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 1);
    let said = claims(tokens[0].as_str().unwrap());
    let tenant_id = &tenant.sandbox.ready().tenant_id;
    assert_eq!(said["aud"], made.text("/applicationId"));
    assert_eq!(said["iss"], format!("https://sts.windows.net/{tenant_id}/"));
    assert_eq!(said["appid"], "0bf30f3b-4a52-48df-9a82-234910c4a086");
}

/// A change as subscriptions tell it: its kind and whom it concerns.
fn told(message: &Value) -> (&str, &str) {
    let item = &message["value"][0];
    (item["changeType"].as_str().unwrap(), item["resource"].as_str().unwrap())
}

#[tokio::test]
async fn users_are_updated_until_they_are_gone_for_good() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let token = permitted(&tenant, &["User.ReadWrite.All", "User.DeleteRestore.All"]).await;
    subscribe(&tenant, &token, &receiver, "/users", json!({})).await.expect(201);
    let domain = &tenant.sandbox.ready().domain;
    let body = json!({
        "accountEnabled": true, "displayName": "Joan", "mailNickname": "joan",
        "userPrincipalName": format!("joan@{domain}"), "passwordProfile": { "password": "Enigma-1941-b" },
    });
    let id = post(&tenant, "/v1.0/users", &token, body).await.expect(201).text("/id").to_owned();
    let (path, named) = (format!("/v1.0/users/{id}"), format!("Users/{id}"));
    let message = receiver.message().await;
    assert_eq!(told(&message), ("updated", named.as_str()));
    assert_eq!(
        message["value"][0]["resourceData"],
        json!({
            "@odata.type": "#Microsoft.Graph.User", "@odata.id": named, "id": id,
            "organizationId": tenant.sandbox.ready().tenant_id,
        })
    );
    patch(&tenant, &path, &token, json!({ "jobTitle": "" })).await.expect(204);
    assert_eq!(told(&receiver.message().await), ("updated", named.as_str()));
    patch(&tenant, &path, &token, json!({ "jobTitle": 7 })).await.expect(400);
    delete(&tenant, &path, &token).await.expect(204);
    assert_eq!(told(&receiver.message().await), ("updated", named.as_str()));
    let deleted = format!("/v1.0/directory/deletedItems/{id}");
    post(&tenant, &format!("{deleted}/restore"), &token, json!({})).await.expect(200);
    assert_eq!(told(&receiver.message().await), ("updated", named.as_str()));
    delete(&tenant, &path, &token).await.expect(204);
    assert_eq!(told(&receiver.message().await), ("updated", named.as_str()));
    delete(&tenant, &deleted, &token).await.expect(204);
    assert_eq!(told(&receiver.message().await), ("deleted", named.as_str()));
}

#[tokio::test]
async fn groups_tell_of_their_members_and_security_groups_go_at_once() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let token = permitted(&tenant, &["Group.ReadWrite.All"]).await;
    subscribe(&tenant, &token, &receiver, "/groups", json!({})).await.expect(201);
    let body = json!({
        "displayName": "Readers", "mailNickname": "readers", "mailEnabled": false, "securityEnabled": true,
    });
    let id = post(&tenant, "/v1.0/groups", &token, body).await.expect(201).text("/id").to_owned();
    let (path, named) = (format!("/v1.0/groups/{id}"), format!("Groups/{id}"));
    assert_eq!(told(&receiver.message().await), ("updated", named.as_str()));
    patch(&tenant, &path, &token, json!({ "description": "Who may read" })).await.expect(204);
    assert_eq!(told(&receiver.message().await), ("updated", named.as_str()));
    let ada = &tenant.sandbox.ready().users[0].id;
    let body = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{ada}") });
    post(&tenant, &format!("{path}/members/$ref"), &token, body).await.expect(204);
    assert_eq!(told(&receiver.message().await), ("updated", named.as_str()));
    delete(&tenant, &path, &token).await.expect(204);
    assert_eq!(told(&receiver.message().await), ("deleted", named.as_str()));
    let feed = tenant.control(Method::GET, &format!("changes?resource=groups/{id}"), None).await.expect(200);
    let kinds: Vec<_> = feed.json["value"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["created", "updated", "updated", "deleted"]);
}

#[tokio::test]
async fn who_is_deleted_is_subscribed_to_nothing() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    let also = json!({ "lifecycleNotificationUrl": receiver.url });
    subscribe(&tenant, &grace, &receiver, &format!("/chats/{chat}/messages"), also).await.expect(201);
    let token = permitted(&tenant, &["User.DeleteRestore.All"]).await;
    let path = format!("/v1.0/users/{}", person(&tenant, "grace"));
    delete(&tenant, &path, &token).await.expect(204);
    assert_eq!(receiver.message().await["value"][0]["lifecycleEvent"], "subscriptionRemoved");
}

#[tokio::test]
async fn a_fault_sends_notifications_twice_or_out_of_order() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    subscribe(&tenant, &ada, &receiver, &format!("/chats/{chat}/messages"), json!({})).await.expect(201);
    let fault = |effect| Fault { method: None, ..Fault::once("", "chats/*/messages/*", effect) };
    tenant.sandbox.control().add_fault(fault(Effect::DuplicateNotification));
    let twice = say(&tenant, &ada, &chat, "once").await;
    assert_eq!(ids_told(&mut receiver, 2).await, [twice.clone(), twice]);
    tenant.sandbox.control().add_fault(fault(Effect::ReorderNotification));
    let first = say(&tenant, &ada, &chat, "first").await;
    let second = say(&tenant, &ada, &chat, "second").await;
    assert_eq!(ids_told(&mut receiver, 2).await, [second, first]);
}

/// The ids of the next notified messages, in their order.
async fn ids_told(receiver: &mut Receiver, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let message = receiver.message().await;
        let items = message["value"].as_array().unwrap().iter();
        ids.extend(items.map(|item| item["resourceData"]["id"].as_str().unwrap().to_owned()));
    }
    ids
}

#[tokio::test]
async fn a_test_waits_for_notifications_and_reads_what_became_of_them() {
    let (tenant, receiver) = (tenant().await, Receiver::start().await);
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    let path = format!("/chats/{chat}/messages");
    let made = subscribe(&tenant, &ada, &receiver, &path, json!({})).await.expect(201);
    receiver.be(Manner::Status(503));
    let waiting = tenant.control(Method::GET, "notifications?what=created&wait=30s", None);
    let (found, id) = tokio::join!(waiting, say(&tenant, &grace, &chat, "hello"));
    let refused = &found.expect(200).json["value"][0];
    assert_eq!(
        (&refused["taken"], &refused["status"], &refused["attempt"]),
        (&json!(false), &json!(503), &json!(1))
    );
    assert_eq!(refused["subscription"], made.json["id"]);
    assert_eq!(refused["notification"]["resourceData"]["id"], json!(id));

    receiver.be(Manner::Good);
    let waiting = tenant.control(Method::GET, "notifications?taken=true&wait=30s", None);
    let (found, ()) = tokio::join!(waiting, async { pass(&tenant, 10) });
    let taken = &found.expect(200).json["value"][0];
    assert_eq!((&taken["attempt"], &taken["kind"]), (&json!(2), &json!("change")));
    let resource = format!("notifications?resource=chats('{}')&after=1", chat.replace(':', "%3A"));
    let later = tenant.control(Method::GET, &resource, None).await.expect(200);
    assert_eq!(later.json["value"].as_array().unwrap().len(), 1);
    tenant.control(Method::GET, "notifications?taken=perhaps", None).await.expect(400);
    tenant.control(Method::POST, "reset", None).await.expect(200);
    let none = tenant.control(Method::GET, "notifications", None).await.expect(200);
    assert_eq!(none.json["value"], json!([]));
}

#[tokio::test]
async fn a_drive_and_a_presence_tell_that_they_have_changed() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let scopes = "Files.ReadWrite Presence.Read.All Presence.ReadWrite";
    let ada = crate::granted::sign_in_with(&tenant, "ada", scopes).await;
    let updated = || json!({ "changeType": "updated" });
    let drive = subscribe(&tenant, &ada, &receiver, "/me/drive/root", updated()).await.expect(201);
    let request = tenant.http.put(tenant.url("/v1.0/me/drive/root:/new.txt:/content")).bearer_auth(&ada);
    tenant.send(request.body("new")).await.expect(201);
    let message = receiver.message().await;
    assert_eq!(message["value"][0]["subscriptionId"], drive.text("/id"), "{message}");
    assert_eq!(message["value"][0]["changeType"], "updated");
    delete(&tenant, &format!("/v1.0/subscriptions/{}", drive.text("/id")), &ada).await.expect(204);

    let path = format!("/communications/presences/{}", person(&tenant, "ada"));
    let presence = subscribe(&tenant, &ada, &receiver, &path, updated()).await.expect(201);
    let body = json!({
        "sessionId": tenant.sandbox.ready().apps.client.client_id, "availability": "Busy", "activity": "InACall",
        "expirationDuration": "PT1H",
    });
    post(&tenant, "/v1.0/me/presence/setPresence", &ada, body).await.expect(200);
    let message = receiver.message().await;
    assert_eq!(message["value"][0]["subscriptionId"], presence.text("/id"), "{message}");
    assert_eq!(message["value"][0]["resourceData"]["id"], person(&tenant, "ada"));
}

/// The next lifecycle event that is posted while time passes.
async fn lifecycle_event(tenant: &Tenant, receiver: &mut Receiver) -> Value {
    let told = async {
        loop {
            let message = receiver.message().await;
            if message["value"][0]["lifecycleEvent"].is_string() {
                return message["value"][0].clone();
            }
        }
    };
    let passing = async {
        loop {
            pass(tenant, 300);
            // A real request in between: the sandbox has had its turn.
            tenant.get(&tenant.url("/_sandbox/none")).await;
        }
    };
    tokio::select! {
        event = told => event,
        () = passing => unreachable!("it never ends"),
    }
}

#[tokio::test]
async fn who_refuses_for_four_hours_is_told_that_something_was_missed() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    let also = json!({ "lifecycleNotificationUrl": receiver.url.replace("hook", "lifecycle") });
    let made = subscribe(&tenant, &ada, &receiver, &format!("chats/{chat}/messages"), also).await.expect(201);
    // Nobody has to authorise again meanwhile.
    let far = json!({ "expirationDateTime": "2026-03-03T12:00:00Z" });
    patch(&tenant, &format!("/v1.0/subscriptions/{}", made.text("/id")), &ada, far).await.expect(200);
    receiver.be(Manner::Status(503));
    say(&tenant, &ada, &chat, "hello").await;
    loop {
        let event = lifecycle_event(&tenant, &mut receiver).await;
        if event["lifecycleEvent"] == "missed" {
            assert_eq!(event["subscriptionId"], made.json["id"]);
            assert_eq!((&event["clientState"], event.get("changeType")), (&json!("secret"), None));
            return;
        }
        assert_eq!(event["lifecycleEvent"], "reauthorizationRequired");
        let again = format!("/v1.0/subscriptions/{}/reauthorize", made.text("/id"));
        tenant.graph(Method::POST, &again, &sign_in(&tenant, "ada").await, None).await.expect(204);
    }
}

#[tokio::test]
async fn what_comes_while_an_endpoint_is_too_slow_is_missed() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    let also = json!({ "lifecycleNotificationUrl": receiver.url });
    let made = subscribe(&tenant, &ada, &receiver, &format!("chats/{chat}/messages"), also).await.expect(201);
    receiver.be(Manner::Silent);
    // One message each: the sandbox has posted it before the next is said.
    for number in 0..10 {
        say(&tenant, &ada, &chat, &number.to_string()).await;
        receiver.message().await;
    }
    let late = "notifications?taken=false&wait=20s&after=9";
    pass(&tenant, 11);
    let seen = tenant.control(Method::GET, late, None).await.expect(200);
    assert!(!seen.json["value"].as_array().unwrap().is_empty(), "all ten were too late");
    receiver.be(Manner::Good);
    say(&tenant, &ada, &chat, "lost").await;
    let event = lifecycle_event(&tenant, &mut receiver).await;
    assert_eq!((&event["lifecycleEvent"], &event["subscriptionId"]), (&json!("missed"), &made.json["id"]));
}

#[tokio::test]
async fn a_message_is_told_after_the_documented_time_and_with_what_else_is_due() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    subscribe(&tenant, &ada, &receiver, &format!("chats/{chat}/messages"), json!({})).await.expect(201);
    // Graph's table of latency has Teams at less than 10 seconds on average, and at a minute at most.
    for (profile, seconds) in [("typical", 3), ("worst", 60)] {
        tenant
            .control(Method::POST, "lag", Some(json!({ "profile": profile, "scale": 1.0 })))
            .await
            .expect(200);
        let said = [say(&tenant, &ada, &chat, "one").await, say(&tenant, &ada, &chat, "two").await];
        pass(&tenant, seconds - 1);
        // A real request in between: the sandbox has had its turn.
        tenant.get(&tenant.url("/_sandbox/none")).await;
        assert!(receiver.rest().is_empty(), "{profile}: it came too early");
        pass(&tenant, 1);
        let message = receiver.message().await;
        let told = message["value"].as_array().unwrap().iter().map(|one| one["resourceData"]["id"].clone());
        assert_eq!(told.collect::<Vec<_>>(), said, "{profile}: both in one post");
    }
}

#[tokio::test]
async fn a_filter_of_mail_says_which_letters_are_told() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    consent(&tenant, SCOPES).await;
    let ada = sign_in(&tenant, "ada").await;
    let resource = "me/mailFolders('inbox')/messages?$filter=subject eq 'Wanted'";
    subscribe(&tenant, &ada, &receiver, resource, json!({ "changeType": "created" })).await.expect(201);
    for subject in ["Other", "Wanted"] {
        let letter = json!({ "from": "out@outside.example", "to": ["ada@contoso.example"], "subject": subject, "text": "x" });
        inject(&tenant, letter).await.expect(201);
    }
    let message = receiver.message().await;
    let inbox = folder(&tenant, &ada, "inbox").await;
    let wanted = inbox.iter().find(|one| one["subject"] == "Wanted").unwrap();
    assert_eq!(message["value"].as_array().map(Vec::len), Some(1), "{message}");
    assert_eq!(message["value"][0]["resourceData"]["id"], wanted["id"]);
    assert!(receiver.rest().is_empty());
}
