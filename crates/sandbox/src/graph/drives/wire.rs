//! How drives, items, permissions and versions look in JSON (Microsoft's pages on `drive`, `driveItem`,
//! `permission` and `driveItemVersion`; names and types are the CSDL's).

use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::graph::instants::seconds;
use crate::tenant::Tenant;

use super::special;
use super::state::{Author, Drive, Item, Permission, Role, Version};

/// What a path segment of a URL has encoded.
const SEGMENT: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?');

/// What every item has, for `$select` and friends.
pub(super) const DRIVE_ITEM: &[&str] = &[
    "id",
    "createdBy",
    "createdDateTime",
    "description",
    "eTag",
    "lastModifiedBy",
    "lastModifiedDateTime",
    "name",
    "parentReference",
    "webUrl",
    "audio",
    "bundle",
    "content",
    "cTag",
    "deleted",
    "file",
    "fileSystemInfo",
    "folder",
    "image",
    "location",
    "malware",
    "package",
    "pendingOperations",
    "photo",
    "publication",
    "remoteItem",
    "root",
    "searchResult",
    "shared",
    "sharepointIds",
    "size",
    "specialFolder",
    "video",
    "webDavUrl",
];

/// The same for drives.
pub(super) const DRIVE: &[&str] = &[
    "id",
    "createdBy",
    "createdDateTime",
    "description",
    "eTag",
    "lastModifiedBy",
    "lastModifiedDateTime",
    "name",
    "parentReference",
    "webUrl",
    "driveType",
    "owner",
    "quota",
    "sharePointIds",
    "system",
];

/// The same for permissions.
pub(super) const PERMISSION: &[&str] = &[
    "id",
    "expirationDateTime",
    "grantedTo",
    "grantedToIdentities",
    "grantedToIdentitiesV2",
    "grantedToV2",
    "hasPassword",
    "inheritedFrom",
    "invitation",
    "link",
    "roles",
    "shareId",
];

/// A drive.
pub(super) fn drive(tenant: &Tenant, drive: &Drive) -> Value {
    let used = drive.used();
    let remaining = drive.total.saturating_sub(used);
    let share = used.saturating_mul(100) / drive.total.max(1);
    let state = match share {
        100.. => "exceeded",
        95..100 => "critical",
        90..95 => "nearing",
        _ => "normal",
    };
    let owner = Author { app_id: String::new(), user: Some(drive.owner.clone()) };
    json!({
        "createdDateTime": seconds(drive.created),
        "description": "",
        "id": drive.id,
        "lastModifiedDateTime": seconds(
            drive.items.values().map(|item| item.modified).max().unwrap_or(drive.created)
        ),
        "name": "OneDrive",
        "webUrl": format!("{}/Documents", site(tenant, &drive.owner)),
        "driveType": "business",
        "createdBy": { "user": { "displayName": "System Account" } },
        "lastModifiedBy": identities(tenant, &owner),
        "owner": identities(tenant, &owner),
        "quota": {
            "deleted": 0, "remaining": remaining, "state": state, "total": drive.total, "used": used,
        },
    })
}

/// An item, without its download URL.
pub(super) fn item(tenant: &Tenant, drive: &Drive, item: &Item, now: Timestamp) -> Value {
    if item.deleted {
        return tombstone(drive, item);
    }
    let (created_on_disk, modified_on_disk) = item.on_disk.unwrap_or((item.created, item.modified));
    let mut object = Map::new();
    let Value::Object(fields) = json!({
        "createdDateTime": seconds(item.created),
        "eTag": item.e_tag(),
        "id": item.id,
        "lastModifiedDateTime": seconds(item.modified),
        "name": item.name,
        "webUrl": web_url(tenant, drive, item),
        "cTag": item.c_tag(),
        "size": drive.size(item),
        "createdBy": identities(tenant, &item.created_by),
        "lastModifiedBy": identities(tenant, &item.modified_by),
        "parentReference": parent_reference(drive, item),
        "fileSystemInfo": {
            "createdDateTime": seconds(created_on_disk), "lastModifiedDateTime": seconds(modified_on_disk),
        },
    }) else {
        return Value::Null;
    };
    object.extend(fields);
    if let Some(description) = &item.description {
        object.insert("description".to_owned(), json!(description));
    }
    match &item.file {
        Some(file) => {
            let facet = json!({
                "mimeType": file.mime_type,
                "hashes": { "quickXorHash": file.content.quick_xor, "sha256Hash": file.content.sha256 },
            });
            object.insert("file".to_owned(), facet);
        }
        None => {
            object.insert("folder".to_owned(), json!({ "childCount": drive.children(&item.id).count() }));
            if let Some(name) = special::name_of(drive, item) {
                object.insert("specialFolder".to_owned(), json!({ "name": name }));
            }
        }
    }
    if item.parent.is_none() {
        object.insert("root".to_owned(), json!({}));
        object.remove("parentReference");
        object.insert("parentReference".to_owned(), json!({ "driveType": "business", "driveId": drive.id }));
    }
    if item.permissions.iter().any(|permission| permission.is_current(now)) {
        let is_wide =
            |permission: &Permission| permission.link.as_ref().is_some_and(|link| link.scope != "users");
        let scope = if item.permissions.iter().any(is_wide) { "organization" } else { "users" };
        object.insert("shared".to_owned(), json!({ "scope": scope }));
    }
    Value::Object(object)
}

/// What delta says of an item that is gone.
fn tombstone(drive: &Drive, item: &Item) -> Value {
    json!({
        "id": item.id,
        "deleted": { "state": "deleted" },
        "parentReference": { "driveType": "business", "driveId": drive.id, "id": item.parent },
    })
}

/// An item of another drive, as the person sees it with whom it was shared.
pub(super) fn remote(tenant: &Tenant, drive: &Drive, shared: &Item, now: Timestamp) -> Value {
    let whole = item(tenant, drive, shared, now);
    let mut remote = Map::new();
    for name in [
        "createdBy",
        "createdDateTime",
        "file",
        "fileSystemInfo",
        "folder",
        "id",
        "lastModifiedBy",
        "lastModifiedDateTime",
        "name",
        "parentReference",
        "size",
        "webUrl",
    ] {
        if let Some(value) = whole.get(name) {
            remote.insert(name.to_owned(), value.clone());
        }
    }
    let owner = Author { app_id: String::new(), user: Some(drive.owner.clone()) };
    remote.insert(
        "shared".to_owned(),
        json!({
            "scope": "users", "sharedDateTime": seconds(shared.modified),
            "owner": identities(tenant, &owner), "sharedBy": identities(tenant, &owner),
        }),
    );
    let mut object = Map::new();
    for name in [
        "createdDateTime",
        "id",
        "lastModifiedDateTime",
        "name",
        "webUrl",
        "size",
        "createdBy",
        "lastModifiedBy",
        "file",
        "folder",
        "fileSystemInfo",
    ] {
        if let Some(value) = whole.get(name) {
            object.insert(name.to_owned(), value.clone());
        }
    }
    object.insert("remoteItem".to_owned(), Value::Object(remote));
    Value::Object(object)
}

/// Where an item is: `itemReference`.
pub(super) fn parent_reference(drive: &Drive, item: &Item) -> Value {
    let parent = item.parent.as_ref().and_then(|parent| drive.items.get(parent));
    match parent {
        Some(parent) => reference(drive, parent),
        None => json!({ "driveType": "business", "driveId": drive.id }),
    }
}

fn reference(drive: &Drive, folder: &Item) -> Value {
    let path = drive.path(folder);
    let path: String = utf8_percent_encode(&path, SEGMENT).to_string();
    json!({
        "driveType": "business",
        "driveId": drive.id,
        "id": folder.id,
        "name": if folder.parent.is_none() { "root" } else { folder.name.as_str() },
        "path": format!("/drives/{}/root:{path}", drive.id),
    })
}

/// A permission of an item; `inherited` is the folder that it comes from, if it is not the item's own.
pub(super) fn permission(
    tenant: &Tenant,
    drive: &Drive,
    permission: &Permission,
    inherited: Option<&Item>,
) -> Value {
    let mut object = Map::new();
    object.insert("id".to_owned(), json!(permission.id));
    object.insert("roles".to_owned(), json!([role_name(permission.role)]));
    object.insert("hasPassword".to_owned(), json!(permission.has_password));
    if let Some(expires) = permission.expires {
        object.insert("expirationDateTime".to_owned(), json!(seconds(expires)));
    }
    match &permission.link {
        Some(link) => {
            let url = link_url(tenant, drive, &link.token);
            object.insert("shareId".to_owned(), json!(share_id(&url)));
            object.insert(
                "link".to_owned(),
                json!({
                    "scope": link.scope, "type": link.kind, "webUrl": url, "preventsDownload": false,
                }),
            );
            let people: Vec<Value> = permission.users.iter().map(|user| person(tenant, user)).collect();
            let old: Vec<Value> = people.iter().map(|one| json!({ "user": one["user"] })).collect();
            object.insert("grantedToIdentitiesV2".to_owned(), json!(people));
            object.insert("grantedToIdentities".to_owned(), json!(old));
        }
        None => {
            if let Some(user) = permission.users.first() {
                let person = person(tenant, user);
                object.insert("grantedTo".to_owned(), json!({ "user": person["user"] }));
                object.insert("grantedToV2".to_owned(), person);
            }
        }
    }
    if let Some(invitation) = &permission.invitation {
        object.insert(
            "invitation".to_owned(),
            json!({
                "email": invitation.email, "signInRequired": invitation.sign_in_required,
                "invitedBy": identities(tenant, &invitation.invited_by),
            }),
        );
    }
    if let Some(folder) = inherited {
        object.insert("inheritedFrom".to_owned(), reference(drive, folder));
    }
    Value::Object(object)
}

/// How a role is called.
pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Read => "read",
        Role::Write => "write",
        Role::Owner => "owner",
    }
}

/// A content that a file has or had.
pub(super) fn version(tenant: &Tenant, version: &Version) -> Value {
    json!({
        "id": version.id,
        "lastModifiedBy": identities(tenant, &version.modified_by),
        "lastModifiedDateTime": seconds(version.modified),
        "size": version.content.size(),
    })
}

/// `identitySet`: the app and the user.
pub(super) fn identities(tenant: &Tenant, author: &Author) -> Value {
    let mut set = Map::new();
    let app = tenant.principals_of(&author.app_id).next();
    if let Some(app) = app {
        set.insert("application".to_owned(), json!({ "id": app.app_id, "displayName": app.display_name }));
    }
    if let Some(user) = &author.user {
        set.insert("user".to_owned(), person(tenant, user)["user"].clone());
    }
    Value::Object(set)
}

/// A user as `sharePointIdentitySet`.
fn person(tenant: &Tenant, user: &str) -> Value {
    let known = tenant.users.get(user);
    let name = known.map_or(user, |user| user.display_name.as_str());
    let email = known.map_or(user, |user| user.mail.as_deref().unwrap_or(&user.upn));
    json!({
        "user": { "displayName": name, "id": known.map(|user| &user.id) },
        "siteUser": {
            "displayName": name, "id": site_user_number(user),
            "loginName": format!("i:0#.f|membership|{email}"),
        },
    })
}

/// SharePoint numbers the people of a site; any number that is a person's own does.
fn site_user_number(user: &str) -> String {
    user.bytes()
        .fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)) % 9_973)
        .to_string()
}

/// `https://contoso-my.sharepoint.com/personal/ada_contoso_example`.
pub(super) fn site(tenant: &Tenant, owner: &str) -> String {
    let upn = tenant.users.get(owner).map_or(owner, |user| user.upn.as_str());
    let place = upn.to_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    format!("https://{}-my.sharepoint.com/personal/{place}", tenant.sharepoint_name())
}

/// The address of an item for a browser.
pub(super) fn web_url(tenant: &Tenant, drive: &Drive, item: &Item) -> String {
    let path = drive.path(item);
    format!("{}/Documents{}", site(tenant, &drive.owner), utf8_percent_encode(&path, SEGMENT))
}

/// The address of a sharing link.
fn link_url(tenant: &Tenant, drive: &Drive, token: &str) -> String {
    site(tenant, &drive.owner).replace("/personal/", "/:u:/g/personal/") + "/" + token
}

/// A URL as `/shares` takes it.
fn share_id(url: &str) -> String {
    use base64::Engine as _;
    format!("u!{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(url))
}
