//! The route table and the properties against what Microsoft publishes for machines: the table of permissions
//! and the CSDL (Entra reference §10). The two files are not part of the project; `ATTACHE_ORACLES` names their
//! folder, and without them these tests fail.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Map, Value};

use super::oracle::oracle_file;
use super::permission;
use super::table_tests::{call, provisioner_principal, sandbox, token};

/// Permission names by method and path, per scheme, as Graph's own table has them.
type Oracle = BTreeMap<(String, String), BTreeMap<String, BTreeSet<String>>>;

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
    let part =
        |part: &str| if part.starts_with(['{', '(']) { "{id}".to_owned() } else { part.to_ascii_lowercase() };
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
        && ["Application.Read.", "Directory.", "Organization.", "User.Read", "Chat."]
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
    // The table is uneven about /me/drive: an app has none, some rows lack what the same call elsewhere takes.
    let my_drive = path.starts_with("me/drive");
    // §4.1: a user's token reaches a shared mailbox by the scope for these; and who may change mail or settings
    // reads them (the documents' "higher privileged" permissions).
    let shared_mail = path.starts_with("users/{id}/") && permission.ends_with(".Shared");
    let mail_read = *method == Method::GET
        && (permission.starts_with("Mail.Read") || permission == "MailboxSettings.ReadWrite");
    my_drive
        || shared_mail
        || mail_read
        || plain_agent_path
        || broad_read
        || deleted
        || skus
        || app_owner
        || users
}

/// What the table has and the sandbox does not tell apart: permissions for single properties and methods, for apps
/// that are installed in a chat, for policies of messages and for migrations; and the second halves of pairs ("write this, and read the directory").
fn not_emulated(method: &Method, path: &str, permission: &str) -> bool {
    let narrow = [
        "User.ReadWrite.CrossCloud",
        "User-Mail.ReadWrite.All",
        "User-PasswordProfile.ReadWrite.All",
        "User-Phone.ReadWrite.All",
        "Chat.UpdatePolicyViolation.All",
        "Teamwork.Migrate.All",
        "Chat.ReadBasic.WhereInstalled",
        "Device.ReadWrite.All",
        "Group.ReadBasic.All",
    ];
    // Intune's part of a user, one kind of method, one property of a group.
    let families = ["DeviceManagement", "UserAuthMethod-", "Group-"];
    let is_narrow = narrow.contains(&permission) || families.iter().any(|own| permission.starts_with(own));
    let app_edits_message = *method == Method::PATCH && path == "chats/{id}/messages/{id}";
    // In the table for an app too, which has no `me`.
    let me_as_app = path.starts_with("me/") && permission.starts_with("Application.");
    let second_half = (*method != Method::GET && permission.ends_with(".Read.All"))
        || (*method == Method::DELETE
            && path.contains("/approleassign")
            && permission == "Application.ReadWrite.All");
    // The table has the sessions of messages and of events together; there are no events here.
    let events = path.ends_with("attachments/createuploadsession") && permission == "Calendars.ReadWrite";
    events || is_narrow || app_edits_message || me_as_app || second_half
}

/// Routes that the table does not have, by the start of their path, with the reason why they may be here.
const NOT_IN_THE_TABLE: &[(&str, &str)] = &[
    (
        "applications/microsoft.graph.agentidentityblueprint",
        "the table has blueprints' actions below the plain path only; §2.1, §2.6 have both",
    ),
    ("users/microsoft.graph.agentuser", "the cast form of POST /users (§2.4)"),
    ("users/{id}/photo/$value", "the table has the photo, not its content"),
    ("me/photo/$value", "the table has the photo, not its content"),
    ("users/{id}/photos/{id}/$value", "likewise"),
    ("me/photos/{id}/$value", "likewise"),
    ("me", "PATCH /me is PATCH /users/{id} of oneself"),
    ("applications/{id}/appmanagementpolicies", "the table leaves the policy's id out"),
    ("groups/{id}/members", "the table has adding a member under a misspelt path"),
    ("directory/deleteditems", "the table has only restore (§2.11)"),
    ("users/{id}/chats/getallmessages/delta", "in no table (§13)"),
    ("me/chats/getallmessages/delta", "in no table (§13)"),
    ("teams/{id}/channels/getallmessages/delta", "in no table (§13)"),
    ("communications/presences/{id}", "the table has the collection only (§5.5)"),
    (
        "teams/{id}/channels/{id}/messages/{id}/hostedcontents/{id}/$value",
        "the table has the items only (§5.3)",
    ),
    (
        "teams/{id}/channels/{id}/messages/{id}/replies/{id}/hostedcontents/{id}/$value",
        "the table has the items only (§5.3)",
    ),
    ("teams/{id}/operations", "the operation that POST /teams names"),
    ("chats/{id}/members/add", "the table has it for teams only (§5.2)"),
    ("me/drive/items/{id}/delta", "the table has the root's, and the drive's root is an item here"),
    ("users/{id}/drive/items/{id}/delta", "likewise"),
    ("drives/{id}/items/{id}/delta", "likewise"),
    ("me/drive/items/{id}/search", "the table writes search with its argument, and of the root"),
    ("users/{id}/drive/items/{id}/search", "likewise"),
    ("drives/{id}/items/{id}/search", "likewise"),
    ("me/drive/items/{id}/permanentdelete", "in the CSDL and on Microsoft's page, not in the table"),
    ("users/{id}/drive/items/{id}/permanentdelete", "likewise"),
    ("drives/{id}/items/{id}/permanentdelete", "likewise"),
    ("me/drive/search", "the table writes search with its argument"),
    ("users/{id}/drive/search", "the table writes search with its argument"),
    ("drives/{id}/search", "the table writes search with its argument"),
    (
        "shares/",
        "the table has the share, its item and its content; the pages also root, children, permission",
    ),
    ("me/messages", "the table lacks $value, $count and single attachments (§4.3)"),
    ("users/{id}/messages", "as for one's own"),
    ("me/mailfolders", "a message in its folder is a message (§4.3); the table has some of its actions only"),
    ("users/{id}/mailfolders", "as for one's own"),
    ("me/mailboxsettings/{id}", "the table lists the parts by name"),
    ("users/{id}/mailboxsettings/{id}", "as for one's own"),
];

/// The table's entry, or that of another path of the same thing: `me` for a user, a chat with its user or
/// without.
fn schemes_of<'a>(
    oracle: &'a Oracle,
    method: &Method,
    path: &str,
) -> Option<&'a BTreeMap<String, BTreeSet<String>>> {
    let of_user = path.strip_prefix("me/").or_else(|| path.strip_prefix("users/{id}/")).unwrap_or(path);
    [path.to_owned(), format!("users/{{id}}/{of_user}"), format!("me/{of_user}"), of_user.to_owned()]
        .into_iter()
        .find_map(|path| oracle.get(&(method.to_string(), path)))
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
        let Some(schemes) = schemes_of(&oracle, method, &path) else {
            if !NOT_IN_THE_TABLE.iter().any(|(start, _)| path.starts_with(start)) {
                wrong.push(format!("{method} {path}: Graph's table has no such route"));
            }
            continue;
        };
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

/// Graph publishes what its table names, but for what is granted in one chat, team or meeting, and for names that
/// only the table has.
#[test]
fn the_tables_permissions_are_published() {
    let table: Value = serde_json::from_str(&oracle_file("graph-permissions.json.gz")).unwrap();
    let mut missing = Vec::new();
    for (name, one) in table["permissions"].as_object().unwrap() {
        let schemes = &one["schemes"];
        let is_of_one = [".Chat", ".Group", ".User"].iter().any(|end| name.ends_with(end))
            && schemes["DelegatedWork"].is_null();
        let found = permission(name);
        for (scheme, id) in [
            ("DelegatedWork", found.and_then(|found| found.scope_id)),
            ("Application", found.and_then(|found| found.role_id)),
        ] {
            let is_titled =
                schemes[scheme]["adminDisplayName"].as_str().is_some_and(|title| !title.is_empty());
            if is_titled && !is_of_one && id.is_none() {
                missing.push(format!("{scheme} {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "permissions.tsv lacks:\n{}", missing.join("\n"));
}

#[test]
fn properties_are_those_of_the_csdl() {
    let csdl = oracle_file("graph-v1.csdl.gz");
    for (name, ours, also) in [
        ("user", super::properties::USER, &[][..]),
        ("application", super::properties::APPLICATION, &[]),
        ("group", super::properties::GROUP, &[]),
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
}

/// What `$metadata` says is Graph's own document, without what describes it (annotations) and without indentation.
/// With `ATTACHE_WRITE_MODEL` set, writes it.
#[test]
fn the_model_is_graphs() {
    let text = without_annotations(&oracle_file("graph-v1.csdl.gz"));
    let text: String = text.lines().map(str::trim).collect();
    if std::env::var_os("ATTACHE_WRITE_MODEL").is_some() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/graph/model.gz");
        std::fs::write(file, encoder.finish().unwrap()).unwrap();
        return;
    }
    assert!(super::model::document() == text, "set ATTACHE_WRITE_MODEL and run this test once");
    for (of, name, member) in [
        ("user", "aboutMe", Some(super::model::Member::Structural)),
        ("agentUser", "deletedDateTime", Some(super::model::Member::Structural)),
        ("application", "federatedidentitycredentials", Some(super::model::Member::Navigation)),
        ("group", "nosuch", None),
    ] {
        assert_eq!(super::model::member(of, name), member, "{of} {name}");
    }
}

fn without_annotations(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("<Annotation") {
        kept.push_str(&rest[..start]);
        rest = &rest[start..];
        let head = &rest[..=rest.find('>').unwrap()];
        let end = if head.starts_with("<Annotations ") { "</Annotations>" } else { "</Annotation>" };
        let past = if head.ends_with("/>") { head.len() } else { rest.find(end).unwrap() + end.len() };
        rest = &rest[past..];
    }
    kept + rest
}

/// The list of Graph's paths is what the two oracles say. With `ATTACHE_WRITE_KNOWN_PATHS` set, writes it.
#[test]
fn known_paths_are_graphs() {
    let mut lines: BTreeMap<String, BTreeSet<String>> =
        super::oracle::paths::paths().into_keys().map(|path| (path, BTreeSet::new())).collect();
    for function in super::oracle::paths::functions() {
        lines.entry(function).or_default().insert("GET".to_owned());
    }
    for (method, path) in oracle().into_keys() {
        lines.entry(path.replace("{id}", "{}")).or_default().insert(method);
    }
    let line = |(path, methods): (String, BTreeSet<String>)| {
        let methods = methods.into_iter().collect::<Vec<_>>().join(",");
        format!("{path} {methods}").trim_end().to_owned()
    };
    let text = lines.into_iter().map(line).collect::<Vec<_>>().join("\n");
    if std::env::var_os("ATTACHE_WRITE_KNOWN_PATHS").is_some() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/graph/known-paths.gz");
        std::fs::write(file, encoder.finish().unwrap()).unwrap();
        return;
    }
    let mut kept = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(super::known::COMPRESSED), &mut kept)
        .unwrap();
    assert!(kept == text, "set ATTACHE_WRITE_KNOWN_PATHS and run this test once");
    assert!(super::known::COMPRESSED.len() < 200 * 1024, "{}", super::known::COMPRESSED.len());
}
