//! How groups look in JSON (names of properties from the CSDL).

use serde_json::{Value, json};

use crate::graph::instants::{seconds, seconds_or_null};

use super::Group;

/// What a group shows when nothing is selected.
pub(crate) const DEFAULTS: &[&str] = &[
    "id",
    "deletedDateTime",
    "classification",
    "createdDateTime",
    "description",
    "displayName",
    "expirationDateTime",
    "groupTypes",
    "isAssignableToRole",
    "mail",
    "mailEnabled",
    "mailNickname",
    "membershipRule",
    "membershipRuleProcessingState",
    "onPremisesDomainName",
    "onPremisesLastSyncDateTime",
    "onPremisesNetBiosName",
    "onPremisesProvisioningErrors",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "preferredDataLocation",
    "preferredLanguage",
    "proxyAddresses",
    "renewedDateTime",
    "resourceBehaviorOptions",
    "resourceProvisioningOptions",
    "securityEnabled",
    "securityIdentifier",
    "serviceProvisioningErrors",
    "theme",
    "uniqueName",
    "visibility",
];

/// The whole object.
pub(super) fn group(group: &Group) -> Value {
    let addresses: Vec<String> = group.mail.iter().map(|mail| format!("SMTP:{mail}")).collect();
    let mut object = json!({
        "id": group.id,
        "deletedDateTime": seconds_or_null(group.life.deleted),
        "classification": null,
        "createdDateTime": seconds(group.life.created),
        "description": null,
        "displayName": group.display_name,
        "expirationDateTime": null,
        "groupTypes": group.group_types,
        "isAssignableToRole": group.takes_roles.then_some(true),
        "mail": group.mail,
        "mailEnabled": group.mail_enabled,
        "mailNickname": group.mail_nickname,
        "membershipRule": null,
        "membershipRuleProcessingState": null,
        "onPremisesDomainName": null,
        "onPremisesLastSyncDateTime": null,
        "onPremisesNetBiosName": null,
        "onPremisesProvisioningErrors": [],
        "onPremisesSamAccountName": null,
        "onPremisesSecurityIdentifier": null,
        "onPremisesSyncEnabled": null,
        "preferredDataLocation": null,
        "preferredLanguage": null,
        "proxyAddresses": addresses,
        "renewedDateTime": seconds(group.life.created),
        "resourceBehaviorOptions": [],
        "resourceProvisioningOptions": [],
        "securityEnabled": group.security_enabled,
        "securityIdentifier": security_identifier(&group.id),
        "serviceProvisioningErrors": [],
        "theme": null,
        "uniqueName": null,
        "visibility": if group.is_unified() { json!("Public") } else { Value::Null },
    });
    for (name, value) in &group.other {
        object[name] = value.clone();
    }
    object
}

/// `S-1-12-1-` and the four 32-bit parts of the object id.
pub(crate) fn security_identifier(id: &str) -> Option<String> {
    let bytes = uuid::Uuid::parse_str(id).ok()?.to_bytes_le();
    let part = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    Some(format!("S-1-12-1-{}-{}-{}-{}", part(0), part(4), part(8), part(12)))
}
