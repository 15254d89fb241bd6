//! A subscription as JSON (Graph reference §6.1, appendix B).

use serde_json::{Value, json};

use crate::authorize::Caller;
use crate::changes::ChangeKind;

use super::state::Subscription;

/// As `caller` sees it: the client state is for who made it.
pub(super) fn subscription(one: &Subscription, caller: &Caller) -> Value {
    let changes: Vec<&str> = one.changes.iter().map(|kind| name(*kind)).collect();
    let is_own = one.caller.object_id == caller.object_id;
    json!({
        "id": one.id,
        "resource": one.resource,
        "applicationId": one.caller.app_id,
        "changeType": changes.join(","),
        "clientState": if is_own { one.client_state.as_deref() } else { None },
        "notificationUrl": one.notification_url,
        "notificationQueryOptions": null,
        "lifecycleNotificationUrl": one.lifecycle_url,
        "expirationDateTime": one.expires,
        "creatorId": one.caller.object_id,
        "includeResourceData": one.is_rich.then_some(true),
        "latestSupportedTlsVersion": one.tls,
        "encryptionCertificate": one.certificate,
        "encryptionCertificateId": one.certificate_id,
        "notificationUrlAppId": one.url_app_id,
    })
}

/// As `changeType` spells it.
pub(crate) fn name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Created => "created",
        ChangeKind::Updated => "updated",
        ChangeKind::Deleted => "deleted",
    }
}
