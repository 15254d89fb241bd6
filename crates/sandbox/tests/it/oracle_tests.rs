//! The judge judged: it finds what is wrong, and nothing wrong with what Microsoft's documents show.

use serde_json::{Value, json};

use crate::oracle::body::faults;

fn said(fragment: &str, mut body: Value) -> Vec<String> {
    body["@odata.context"] = json!(format!("https://localhost:1/v1.0/$metadata#{fragment}"));
    faults("/v1.0/x", 200, &body)
}

#[test]
fn good_bodies_pass() {
    let member = json!({
        "@odata.type": "#microsoft.graph.aadUserConversationMember", "id": "1", "roles": ["owner"],
        "visibleHistoryStartDateTime": "0001-01-01T00:00:00Z", "email": null,
    });
    for (fragment, body) in [
        ("users/$entity", json!({ "id": "1", "displayName": "x", "accountEnabled": true })),
        ("users", json!({ "value": [{ "id": "1", "businessPhones": [] }], "@odata.nextLink": "x" })),
        ("users(id,manager(displayName))", json!({ "value": [{ "id": "1" }] })),
        ("users('ada@x.example')/messages(subject)/$entity", json!({ "id": "1", "importance": "high" })),
        ("users('1')/mailFolders('in/box')/messages", json!({ "value": [{ "isRead": true }] })),
        ("chats('19%3Ax')/members", json!({ "value": [member] })),
        ("Collection(message)", json!({ "value": [{ "id": "1", "@removed": { "reason": "deleted" } }] })),
        (
            "servicePrincipals/microsoft.graph.agentIdentity/$entity",
            json!({ "id": "1", "agentIdentityBlueprintId": "2" }),
        ),
        ("directoryObjects/$entity", json!({ "@odata.type": "#microsoft.graph.user", "mail": null })),
        ("microsoft.graph.passwordCredential", json!({ "keyId": "00000000-0000-4000-8000-000000000000" })),
        ("Edm.Boolean", json!({ "value": true })),
        ("$ref", json!({ "@odata.id": "https://x" })),
        ("users('1')/mailboxSettings", json!({ "timeZone": "UTC" })),
        ("communications/presences/$entity", json!({ "id": "1", "availability": "Away" })),
    ] {
        assert_eq!(said(fragment, body), [""; 0], "{fragment}");
    }
}

#[test]
fn bad_bodies_do_not() {
    for (fragment, body, part) in [
        ("users/$entity", json!({ "nosuch": 1 }), "no such property"),
        ("users/$entity", json!({ "displayName": 1 }), "is no Edm.String"),
        ("users/$entity", json!({ "createdDateTime": "2026-01-01" }), "Edm.DateTimeOffset"),
        ("users/$entity", json!({ "signInActivity": { "nosuch": 1 } }), "signInActivity.nosuch"),
        ("users/$entity", json!({ "id": null }), "forbids"),
        ("users", json!({ "value": { "id": "1" } }), "is no list"),
        ("users", json!({ "value": [], "extra": 1 }), "beside"),
        ("chats/$entity", json!({ "chatType": "duo" }), "no member"),
        ("chats('1')/members", json!({ "value": [{ "id": "1" }] }), "abstract"),
        ("chats('1')/members", json!({ "value": [{ "@odata.type": "#microsoft.graph.user" }] }), "is no"),
        ("chats('1')/nosuch", json!({ "value": [] }), "no property nosuch"),
        ("nosuch", json!({ "value": [] }), "no entity set"),
        ("users/$entity", json!({ "@odata.nosuch": 1 }), "annotation"),
    ] {
        let faults = said(fragment, body);
        assert!(faults.iter().any(|fault| fault.contains(part)), "{fragment} {part}: {faults:?}");
    }
    assert_eq!(faults("/v1.0/users", 200, &json!({ "value": [] })).len(), 1, "no context");
    let inner = json!({ "date": "2026-03-12T23:50:07", "request-id": "1", "client-request-id": "1" });
    let error = json!({ "error": { "code": "X", "message": "x", "innerError": inner } });
    assert_eq!(faults("/v1.0/users", 404, &error), [""; 0]);
    assert_eq!(faults("/v1.0/users", 404, &json!({ "error": "x" })).len(), 5);
}

#[test]
fn paths_lead_along_navigation_from_the_container() {
    let paths = crate::oracle::paths::paths();
    for path in ["users", "users/{}", "users/{}/messages", "me/chats/{}", "applications/{}/owners"] {
        assert!(paths.contains_key(path), "{path}");
    }
    assert!(!paths.contains_key("users/{}/displayname"), "a property is no path");
    let functions = crate::oracle::paths::functions();
    for path in ["users/delta", "users/{}/memberof/delta", "me/chats/getallmessages", "me/reminderview({})"] {
        assert!(functions.contains(path), "{path}");
    }
    assert!(!functions.contains("users/{}/delta"), "a function of a collection is none of what is in it");
}
