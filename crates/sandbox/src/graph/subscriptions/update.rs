//! `PATCH /subscriptions/{id}`: a new expiry, perhaps a new endpoint or certificate (Graph reference §6.4).

use super::Workload;
use super::create::check_permission;
use super::rules::{certificate, endpoint, expiry, invalid, short_text, text};
use super::state::Subscription;
use super::wire;
use crate::changes::Change;
use crate::graph::call::{Awaited, Call};
use crate::graph::error::Answer;

/// What may change; the rest is fixed when a subscription is made.
const CHANGEABLE: [&str; 5] = [
    "expirationDateTime",
    "notificationUrl",
    "encryptionCertificate",
    "encryptionCertificateId",
    "@odata.type",
];

pub(super) fn update(call: &mut Call<'_>) -> Answer {
    let body = call.body()?;
    let current = call.subscription()?;
    check_permission(call, &current.resource)?;
    if let Some(name) = body.keys().find(|name| !CHANGEABLE.contains(&name.as_str())) {
        return Err(invalid(format!("The property '{name}' of a subscription cannot be updated.")));
    }
    let expires = match text(&body, "expirationDateTime")? {
        Some(asked) => expiry(&asked, longest(current), call.now)?,
        None if body.is_empty() => {
            return Err(invalid("expirationDateTime is a required property for subscription update"));
        }
        None => current.expires,
    };
    let url = text(&body, "notificationUrl")?;
    if let Some(url) = &url {
        endpoint(url, "notificationUrl")?;
    }
    let given = text(&body, "encryptionCertificate")?;
    if given.as_deref().is_some_and(|text| certificate(text).is_none()) {
        return Err(invalid(
            "Certificate validation error: 'encryptionCertificate' is no X.509 certificate with an RSA key of 2048 to 4096 bits.",
        ));
    }
    let certificate_id = short_text(&body, "encryptionCertificateId")?;
    if url.is_some() {
        call.awaited(Awaited { endpoints: url.iter().cloned().collect(), reads: None })?;
    }

    let caller = call.caller.clone();
    let one = call.subscription_mut()?;
    one.expires = expires;
    one.caller = caller;
    if let Some(url) = url {
        one.notification_url = url;
    }
    one.certificate = given.or_else(|| one.certificate.take());
    one.certificate_id = certificate_id.or_else(|| one.certificate_id.take());
    let one = one.clone();
    call.subscription_changed(&one.id, Change::updated);
    let shown = wire::subscription(&one, call.caller);
    Ok(call.ok(&call.with_context("subscriptions", shown)))
}

/// Without a URL for lifecycle notifications, which cannot be added, Teams' live an hour (Graph reference §6.1).
fn longest(one: &Subscription) -> i64 {
    match one.workload {
        Workload::Teams if one.lifecycle_url.is_none() => 60,
        Workload::Outlook if one.is_rich => 1_440,
        Workload::Outlook => 10_080,
        Workload::Teams => 4_320,
        Workload::Presence => 60,
        Workload::Directory => 41_760,
        Workload::Drive => 42_300,
    }
}
