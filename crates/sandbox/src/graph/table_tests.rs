//! The whole route table: nobody gets in without a permission, and with one the frame lets the call in.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use crate::exchange::Request;
use crate::sandbox::Shared;
use crate::seed::constants;
use crate::{Clock, Config, Sandbox};

use super::Path;

/// What stands for a parameter; nothing has this id.
const NOBODY: &str = "00000000-0000-4000-8000-00000000dead";

pub(super) async fn sandbox() -> Sandbox {
    let listen = "127.0.0.1:0".parse().unwrap();
    let clock = Clock::standing_at("2026-03-01T12:00:00Z".parse().unwrap());
    Sandbox::start(Config { listen, clock, ..Config::default() }).await.unwrap()
}

/// A token for Graph with exactly these permissions.
pub(super) fn token(shared: &Shared, subject: &str, kind: &str, permissions: &[&str]) -> String {
    let now = shared.realms.home().clock.now().as_second();
    let mut claims = json!({
        "aud": "https://graph.microsoft.com", "tid": constants::TENANT_ID, "oid": subject,
        "appid": constants::PROVISIONER_CLIENT_ID, "idtyp": kind, "iat": now - 300, "nbf": now - 300,
        "exp": now + 3600,
    });
    match kind {
        "app" => claims["roles"] = json!(permissions),
        _ => claims["scp"] = json!(permissions.join(" ")),
    }
    let Value::Object(claims) = claims else { unreachable!("an object") };
    shared.key.sign_v1(&claims, true)
}

pub(super) fn call(shared: &Shared, method: &Method, path: &str, token: &str) -> (u16, Value) {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
    let request = Request {
        method: method.clone(),
        path: path.to_owned(),
        raw_query: String::new(),
        query: Vec::new(),
        headers,
        body: Bytes::from_static(b"{}"),
        origin: "https://localhost".to_owned(),
    };
    let response = super::answer_at_once(shared, shared.realms.home(), &request, &Path::parse(path).unwrap());
    let (status, body) =
        (response.status.as_u16(), serde_json::from_slice(&response.body).unwrap_or_default());
    if !response.body.is_empty()
        && !path.ends_with("/$count")
        && !path.ends_with("/$value")
        && !path.ends_with("/content")
    {
        super::oracle::body::assert_graphs(method.as_str(), path, status, &body);
    }
    (status, body)
}

fn concrete(parts: &[String], cast: Option<&str>) -> String {
    let mut path = String::from("/v1.0");
    for (index, part) in parts.iter().enumerate() {
        path.push('/');
        path.push_str(if part.starts_with('{') { NOBODY } else { part });
        if let (0, Some(cast)) = (index, cast) {
            path.push_str("/microsoft.graph.");
            path.push_str(cast);
        }
    }
    path
}

pub(super) fn provisioner_principal(shared: &Shared) -> String {
    let home = shared.realms.home();
    home.look()
        .service_principal_by_app_id(constants::PROVISIONER_CLIENT_ID, home.clock.now())
        .unwrap()
        .id
        .clone()
}

#[tokio::test]
async fn without_a_permission_every_route_is_refused() {
    let sandbox = sandbox().await;
    let shared = sandbox.shared();
    let principal = provisioner_principal(shared);
    let app = token(shared, &principal, "app", &["Nothing.Read"]);
    let user = token(shared, constants::ADA_ID, "user", &["openid"]);
    let mut refused = 0;
    for (method, parts, cast, route) in shared.routes.all() {
        if route.needs.is_anyone() {
            continue;
        }
        let path = concrete(&parts, cast);
        for token in [&app, &user] {
            let (status, body) = call(shared, method, &path, token);
            if token == &app && parts.first().is_some_and(|first| first == "me") {
                assert_eq!(status, 400, "{method} {path}: {body}");
                continue;
            }
            assert_eq!(status, 403, "{method} {path}: {body}");
            let code = body["error"]["code"].as_str().unwrap();
            let expected = match route.area {
                super::Area::Directory => "Authorization_RequestDenied",
                super::Area::Teams => "Forbidden",
                super::Area::Outlook => "ErrorAccessDenied",
                super::Area::Files => "accessDenied",
            };
            assert_eq!(code, expected, "{method} {path}");
            refused += 1;
        }
    }
    assert!(refused > 150, "{refused}");
}

/// With any one of the permissions that a route declares, the frame lets the call in: what the handler then
/// says about a thing that is not there is no refusal of the whole route.
#[tokio::test]
async fn with_each_declared_permission_the_frame_lets_the_call_in() {
    let sandbox = sandbox().await;
    let shared = sandbox.shared();
    let principal = provisioner_principal(shared);
    let mut wrong = Vec::new();
    for (method, parts, cast, route) in shared.routes.all() {
        if route.needs.is_anyone() {
            continue;
        }
        let path = concrete(&parts, cast);
        let second: Vec<&str> = route.needs.and.iter().take(1).copied().collect();
        for (subject, kind, list) in [
            (principal.as_str(), "app", route.needs.application),
            (constants::ADA_ID, "user", route.needs.delegated),
        ] {
            for one in list {
                let mut held = second.clone();
                held.push(one);
                let (status, body) = call(shared, method, &path, &token(shared, subject, kind, &held));
                if status == 403 && !stays_closed(method, &path, one) {
                    wrong.push(format!("{method} {path} with {one} as {kind}: {body}"));
                }
                assert_ne!(status, 500, "{method} {path}: {body}");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the frame lets in and the handler refuses for another reason than a missing permission.
fn stays_closed(method: &Method, path: &str, permission: &str) -> bool {
    // Without `@odata.type` the body asks for an ordinary object, which agents' permissions do not make.
    let made = ["/v1.0/applications", "/v1.0/servicePrincipals", "/v1.0/users"].contains(&path);
    let by_type = *method == Method::POST && made && permission.starts_with("AgentId");
    // In a user's name `/users/{id}/chats` is about that user; an app imports only in a migration.
    let others_chats = path.starts_with("/v1.0/users/") && path.contains("/chats");
    // Who may see nobody else is not told that there is nobody.
    let only_oneself =
        *method == Method::GET && path == format!("/v1.0/users/{NOBODY}") && !permission.contains(".All");
    by_type || others_chats || only_oneself || permission == "Teamwork.Migrate.All"
}

#[tokio::test]
async fn tokens_for_others_are_no_tokens() {
    let sandbox = sandbox().await;
    let shared = sandbox.shared();
    let good = token(shared, constants::ADA_ID, "user", &["User.Read"]);
    assert_eq!(call(shared, &Method::GET, "/v1.0/me", &good).0, 200);
    let (status, body) = call(shared, &Method::GET, "/v1.0/me", &format!("{good}x"));
    assert_eq!((status, body["error"]["code"].as_str()), (401, Some("InvalidAuthenticationToken")));
    assert_eq!(call(shared, &Method::GET, "/v1.0/me", "").0, 401);
}

#[tokio::test]
async fn whoever_may_see_nobody_else_is_not_told_who_exists() {
    let sandbox = sandbox().await;
    let shared = sandbox.shared();
    for (permissions, known, unknown) in
        [(&["User.Read"][..], 403, 403), (&["User.Read", "User.ReadBasic.All"], 200, 404)]
    {
        let token = token(shared, constants::ADA_ID, "user", permissions);
        let status = |user: &str| call(shared, &Method::GET, &format!("/v1.0/users/{user}"), &token).0;
        assert_eq!(status(constants::ADA_ID), 200);
        assert_eq!(status(constants::GRACE_ID), known, "{permissions:?}");
        assert_eq!(status("nobody@contoso.example"), unknown, "{permissions:?}");
    }
}
