//! The whole route table: nobody gets in without a permission, and the permissions are Graph's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Map, Value, json};

use crate::exchange::Request;
use crate::sandbox::Shared;
use crate::seed::constants;
use crate::tenant::GRAPH_APP_ID;
use crate::{Clock, Config, Sandbox};

use super::{Path, permission};

/// What stands for a parameter; nothing has this id.
const NOBODY: &str = "00000000-0000-4000-8000-00000000dead";

async fn sandbox() -> Sandbox {
    let listen = "127.0.0.1:0".parse().unwrap();
    let clock = Clock::standing_at("2026-03-01T12:00:00Z".parse().unwrap());
    Sandbox::start(Config { listen, clock, ..Config::default() }).await.unwrap()
}

/// A token for Graph with exactly these permissions.
fn token(shared: &Shared, subject: &str, kind: &str, permissions: &[&str]) -> String {
    let now = shared.clock.now().as_second();
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

fn call(shared: &Shared, method: &Method, path: &str, token: &str) -> (u16, Value) {
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
    let response = super::answer(shared, &request, &Path::parse(path).unwrap());
    (response.status.as_u16(), serde_json::from_slice(&response.body).unwrap_or_default())
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

fn provisioner_principal(shared: &Shared) -> String {
    let world = shared.world();
    let tenant = &world.tenants[constants::TENANT_ID];
    tenant
        .service_principal_by_app_id(constants::PROVISIONER_CLIENT_ID, shared.clock.now())
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
            assert_eq!(status, 403, "{method} {path}: {body}");
            let code = body["error"]["code"].as_str().unwrap();
            let expected = match route.area {
                super::Area::Directory => "Authorization_RequestDenied",
                super::Area::Teams => "Forbidden",
                super::Area::Outlook => "ErrorAccessDenied",
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
    by_type || others_chats || permission == "Teamwork.Migrate.All"
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

// ---- the oracle ----

/// Permission names by method and path, per scheme, as Graph's own table has them.
type Oracle = BTreeMap<(String, String), BTreeMap<String, BTreeSet<String>>>;

fn oracle_file(name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    let folder = std::env::var_os("ATTACHE_ORACLES").map_or(root, PathBuf::from);
    let file = folder.join(name);
    let output = Command::new("gzip").arg("-dc").arg(&file).output().expect("gzip runs");
    assert!(
        output.status.success(),
        "The oracle {} cannot be read; set ATTACHE_ORACLES to the folder that holds it.",
        file.display()
    );
    String::from_utf8(output.stdout).unwrap()
}

fn oracle() -> Oracle {
    let table: Value = serde_json::from_str(&oracle_file("graph-permissions.json.gz")).unwrap();
    let mut oracle = Oracle::new();
    let list = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    for (name, permission) in table["permissions"].as_object().unwrap() {
        for set in permission["pathSets"].as_array().unwrap() {
            for path in set["paths"].as_object().unwrap().keys() {
                for method in list(&set["methods"]) {
                    let schemes = oracle.entry((method, normal(path))).or_default();
                    for scheme in list(&set["schemeKeys"]) {
                        schemes.entry(scheme).or_default().insert(name.clone());
                    }
                }
            }
        }
    }
    oracle
}

fn normal(path: &str) -> String {
    let parts = path.trim_matches('/').split('/').filter(|part| !part.eq_ignore_ascii_case("$ref"));
    let part = |part: &str| if part.starts_with('{') { "{id}".to_owned() } else { part.to_ascii_lowercase() };
    parts.map(part).collect::<Vec<_>>().join("/")
}

/// What the table lacks, with where it is written; the documents stand beside the table, not below it.
fn beyond_the_table(method: &Method, path: &str, permission: &str) -> bool {
    // §2.1-§2.3: the documents address blueprints, principals and agent identities by the plain path too, where
    // the table has only applications' permissions.
    let plain_agent_path = (path.starts_with("applications") || path.starts_with("serviceprincipals"))
        && permission.starts_with("AgentIdentity");
    // In the table for a neighbouring path: who reads the collection reads its items, and the other way round.
    let broad_read = *method == Method::GET
        && ["Directory.", "Organization.", "User.Read", "Chat."]
            .iter()
            .any(|family| permission.starts_with(family));
    // §2.11: only `restore` is in the table.
    let deleted = path.starts_with("directory/deleteditems");
    // §3.3: LicenseAssignment.Read.All is least for subscribedSkus.
    let skus = path.starts_with("subscribedskus") && permission.starts_with("LicenseAssignment.");
    // The reading sibling of a permission of the table, which grants the same and more.
    let app_owner =
        permission == "Application.ReadWrite.OwnedBy" || permission == "Application.ReadWrite.All";
    let users =
        path.starts_with("users/{id}/revokesigninsessions") && permission == "User.RevokeSessions.All";
    plain_agent_path || broad_read || deleted || skus || app_owner || users
}

/// What the table has and the sandbox does not tell apart: permissions for single properties, for policies of
/// messages and for migrations; and the second halves of pairs ("write this, and read the directory").
fn not_emulated(method: &Method, path: &str, permission: &str) -> bool {
    let narrow = [
        "User.ReadWrite.CrossCloud",
        "User-Mail.ReadWrite.All",
        "User-PasswordProfile.ReadWrite.All",
        "User-Phone.ReadWrite.All",
        "Chat.UpdatePolicyViolation.All",
        "Teamwork.Migrate.All",
    ];
    let app_edits_message = *method == Method::PATCH && path == "chats/{id}/messages/{id}";
    let second_half = (*method != Method::GET && permission.ends_with(".Read.All"))
        || (*method == Method::DELETE
            && path.contains("/approleassign")
            && permission == "Application.ReadWrite.All");
    narrow.contains(&permission) || app_edits_message || second_half
}

#[tokio::test]
async fn declared_permissions_are_graphs() {
    let oracle = oracle();
    let sandbox = sandbox().await;
    let mut compared = 0;
    let mut wrong = Vec::new();
    for (method, parts, cast, route) in sandbox.shared().routes.all() {
        if route.needs.is_anyone() {
            continue;
        }
        let mut parts = parts;
        if let Some(cast) = cast {
            parts.insert(1, format!("microsoft.graph.{cast}"));
        }
        let path = normal(&parts.join("/"));
        let Some(schemes) = oracle.get(&(method.to_string(), path.clone())) else { continue };
        compared += 1;
        for (scheme, declared) in
            [("DelegatedWork", route.needs.delegated), ("Application", route.needs.application)]
        {
            let none = BTreeSet::new();
            let known = schemes.get(scheme).unwrap_or(&none);
            for one in declared {
                if !known.contains(*one)
                    && !route.needs.and.contains(one)
                    && !beyond_the_table(method, &path, one)
                {
                    wrong.push(format!("{method} {path} {scheme}: {one} is not Graph's"));
                }
            }
            for one in known {
                // Permissions that the sandbox does not publish cannot be granted in it.
                if permission(one).is_some()
                    && !declared.contains(&one.as_str())
                    && !route.needs.and.contains(&one.as_str())
                    && !not_emulated(method, &path, one)
                {
                    wrong.push(format!("{method} {path} {scheme}: {one} is missing"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 50, "{compared}");
}

#[test]
fn properties_are_those_of_the_csdl() {
    let csdl = oracle_file("graph-v1.csdl.gz");
    for (name, ours, also) in [
        ("user", super::properties::USER, &[][..]),
        ("application", super::properties::APPLICATION, &[]),
        (
            "servicePrincipal",
            super::properties::SERVICE_PRINCIPAL,
            &["agentIdentityBlueprintId", "createdDateTime"],
        ),
    ] {
        let mut declared = structural(&csdl, name);
        declared.extend(["id", "deletedDateTime"].map(str::to_owned));
        declared.extend(also.iter().map(|one| (*one).to_owned()));
        let ours: BTreeSet<String> = ours.iter().map(|one| (*one).to_owned()).collect();
        assert_eq!(ours, declared, "{name}");
    }
}

fn structural(csdl: &str, name: &str) -> BTreeSet<String> {
    let start = csdl.find(&format!("<EntityType Name=\"{name}\"")).unwrap();
    let body = &csdl[start..start + csdl[start..].find("</EntityType>").unwrap()];
    body.split("<Property Name=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Every property that the sandbox shows of a directory object is one that the CSDL knows.
#[tokio::test]
async fn objects_show_only_what_the_csdl_declares() {
    let sandbox = sandbox().await;
    let shared = sandbox.shared();
    let principal = provisioner_principal(shared);
    let token = token(shared, &principal, "app", &["Application.Read.All", "User.Read.All"]);
    for (path, known) in [
        ("/v1.0/applications", super::properties::APPLICATION),
        ("/v1.0/servicePrincipals", super::properties::SERVICE_PRINCIPAL),
        ("/v1.0/users", super::properties::USER),
    ] {
        let (status, body) = call(shared, &Method::GET, path, &token);
        assert_eq!(status, 200, "{body}");
        let items = body["value"].as_array().unwrap();
        assert!(!items.is_empty(), "{path}");
        let shown: BTreeSet<&String> =
            items.iter().filter_map(Value::as_object).flat_map(Map::keys).collect();
        for name in shown {
            assert!(name.starts_with("@odata.") || known.contains(&name.as_str()), "{path}: {name}");
        }
    }
    assert!(permission("User.Read").is_some_and(|one| one.scope_id.is_some()));
    assert_eq!(GRAPH_APP_ID.len(), 36);
}
