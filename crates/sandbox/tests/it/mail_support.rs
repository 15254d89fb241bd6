//! Who takes part in the tests of mail: people whose client may read and send, and the control API's side.

use http::Method;
use serde_json::{Value, json};

use crate::cast::{get, patch, post, sign_in, tenant};
use crate::support::{Reply, Tenant};

pub(crate) const SCOPES: &str = "openid User.Read User.ReadBasic.All Mail.ReadBasic Mail.ReadWrite Mail.Send \
     Mail.Send.Shared Mail.ReadWrite.Shared MailboxSettings.ReadWrite";

/// A tenant whose clock stands and whose client may read and send mail.
pub(crate) async fn mail_tenant() -> Tenant {
    let tenant = tenant().await;
    consent(&tenant, SCOPES).await;
    tenant
}

/// What the client may do in everybody's name, from the next sign-in on.
pub(crate) async fn consent(tenant: &Tenant, scopes: &str) {
    let token = tenant.provisioner().await;
    let client = &tenant.sandbox.ready().apps.client.client_id;
    let principal =
        get(tenant, &format!("/v1.0/servicePrincipals(appId='{client}')"), &token).await.expect(200);
    let grants = get(tenant, "/v1.0/oauth2PermissionGrants", &token).await.expect(200);
    let grant = grants.json["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|grant| grant["clientId"] == principal.json["id"])
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    patch(tenant, &format!("/v1.0/oauth2PermissionGrants/{grant}"), &token, json!({ "scope": scopes }))
        .await
        .expect(204);
}

pub(crate) async fn both(tenant: &Tenant) -> (String, String) {
    (sign_in(tenant, "ada").await, sign_in(tenant, "grace").await)
}

pub(crate) fn to(addresses: &[&str]) -> Value {
    addresses.iter().map(|one| json!({ "emailAddress": { "address": one } })).collect()
}

/// A plain message.
pub(crate) fn letter(subject: &str, addresses: &[&str]) -> Value {
    json!({ "subject": subject, "body": { "contentType": "Text", "content": "hello" }, "toRecipients": to(addresses) })
}

/// `sendMail` in one's own name.
pub(crate) async fn send(tenant: &Tenant, token: &str, message: Value) -> Reply {
    post(tenant, "/v1.0/me/sendMail", token, json!({ "message": message })).await
}

/// The messages of a folder, newest first.
pub(crate) async fn folder(tenant: &Tenant, token: &str, folder: &str) -> Vec<Value> {
    let select = "$select=id,subject,from,sender,toRecipients,ccRecipients,bccRecipients,isRead,isDraft,body,\
         internetMessageHeaders,internetMessageId,conversationId,conversationIndex,parentFolderId,hasAttachments,\
         bodyPreview,receivedDateTime,replyTo,importance,uniqueBody";
    let path = format!("/v1.0/me/mailFolders/{folder}/messages?$top=200&{select}");
    get(tenant, &path, token).await.expect(200).json["value"].as_array().unwrap().clone()
}

pub(crate) fn header<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    message["internetMessageHeaders"]
        .as_array()?
        .iter()
        .find(|one| one["name"].as_str().unwrap().eq_ignore_ascii_case(name))?["value"]
        .as_str()
}

/// What lies in the spool.
pub(crate) async fn spool(tenant: &Tenant) -> Vec<Value> {
    let reply = tenant.control(Method::GET, "mail/outgoing", None).await.expect(200);
    reply.json["value"].as_array().unwrap().clone()
}

/// Mail from outside, by the control API.
pub(crate) async fn inject(tenant: &Tenant, letter: Value) -> Reply {
    tenant.control(Method::POST, "mail", Some(letter)).await
}
