//! `POST /groups`.

use http::Method;

use crate::changes::ChangeKind;
use crate::directory::{Life, new_id};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::Query;
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};
use crate::graph::upsert;
use crate::lag::Cause;

use super::Group;

const CREATE: Needs = Needs::split(
    &["Group.ReadWrite.All", "Directory.ReadWrite.All"],
    &["Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"],
);

/// Settable properties that nothing in the sandbox looks at.
pub(super) const PASSIVE: &[&str] = &[
    "classification",
    "description",
    "membershipRule",
    "membershipRuleProcessingState",
    "preferredDataLocation",
    "preferredLanguage",
    "resourceBehaviorOptions",
    "resourceProvisioningOptions",
    "theme",
    "uniqueName",
    "visibility",
];

/// What the service computes.
pub(super) const READ_ONLY: &[&str] = &[
    "id",
    "deletedDateTime",
    "assignedLicenses",
    "createdDateTime",
    "expirationDateTime",
    "hasMembersWithLicenseErrors",
    "infoCatalogs",
    "isArchived",
    "isManagementRestricted",
    "licenseProcessingState",
    "mail",
    "onPremisesDomainName",
    "onPremisesExtensionAttributes",
    "onPremisesLastSyncDateTime",
    "onPremisesNetBiosName",
    "onPremisesProvisioningErrors",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "proxyAddresses",
    "renewedDateTime",
    "securityIdentifier",
    "serviceProvisioningErrors",
    "unseenConversationsCount",
    "unseenCount",
    "unseenMessagesCount",
];

/// References that one request may bind.
const MOST_BOUND: usize = 20;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(Method::POST, "/groups", CREATE, create)]
}

fn create(call: &mut Call<'_>) -> Answer {
    let payload = Payload::read(call, "Group")?;
    create_from(call, payload)
}

pub(super) fn create_from(call: &mut Call<'_>, mut payload: Payload) -> Answer {
    call.require(CREATE)?;
    payload.take_type();
    let display_name = payload.required_text("displayName", 256)?;
    let mail_nickname = payload.required_text("mailNickname", 64)?;
    check_nickname(&mail_nickname, &payload)?;
    let mail_enabled = payload.boolean("mailEnabled")?.ok_or_else(|| missing("mailEnabled"))?;
    let security_enabled = payload.boolean("securityEnabled")?.ok_or_else(|| missing("securityEnabled"))?;
    let group_types = payload.texts("groupTypes")?.unwrap_or_default();
    let takes_roles = payload.boolean("isAssignableToRole")?.unwrap_or_default();
    let owners = bound(call, &mut payload, "owners@odata.bind")?;
    let members = bound(call, &mut payload, "members@odata.bind")?;
    let mut group = Group {
        id: new_id(),
        life: Life::new(call.now, call.due(Cause::Replication)),
        display_name,
        mail_nickname,
        mail: None,
        mail_enabled,
        security_enabled,
        group_types,
        takes_roles,
        members: Vec::new(),
        owners,
        subscriptions: std::collections::BTreeMap::new(),
        other: payload.rest_but(PASSIVE, READ_ONLY)?,
    };
    check_kind(call, &group)?;
    check_unique_name(call, None, &group)?;
    for member in members {
        super::members::check_member(call, &group, &member)?;
        group.members.push(member);
    }
    // Who makes a group in their own name owns it.
    if let Some(user) = call.caller.user_id()
        && !group.owners.iter().any(|owner| owner == user)
    {
        group.owners.push(user.to_owned());
    }
    let id = call.add_group(group)?;
    let group = call.tenant.workloads.groups.get(&id).ok_or_else(|| GraphError::no_object(&id))?;
    let body = call.with_context("groups", call.group_json(group, &Query::default()));
    let location = format!("/groups/{id}");
    Ok(call.created(&location, &body))
}

impl Call<'_> {
    /// Takes up a new group, which has an address if it is a Microsoft 365 group; its id.
    pub(crate) fn add_group(&mut self, mut group: Group) -> Result<String, GraphError> {
        self.check_room(false)?;
        self.has_made(&group.id);
        if group.is_unified() {
            let domain = self.tenant.domains.first().unwrap_or_default();
            group.mail = Some(format!("{}@{domain}", group.mail_nickname));
        }
        let id = group.id.clone();
        self.tenant.group_changed(ChangeKind::Created, &id);
        self.tenant.workloads.groups.insert(id.clone(), group);
        Ok(id)
    }
}

/// That nobody else has the name, and that it is the one that the group had.
pub(super) fn check_unique_name(
    call: &Call<'_>,
    earlier: Option<&Group>,
    group: &Group,
) -> Result<(), GraphError> {
    let Some(asked) = group.other.get("uniqueName") else { return Ok(()) };
    let others = call.tenant.workloads.groups.values().filter(|other| other.id != group.id);
    let others = others.filter_map(|other| other.other.get("uniqueName"));
    upsert::check_unique_name(earlier.and_then(|earlier| earlier.other.get("uniqueName")), asked, others)
}

fn bound(call: &Call<'_>, payload: &mut Payload, name: &str) -> Result<Vec<String>, GraphError> {
    match payload.texts(name)? {
        Some(list) if list.len() > MOST_BOUND => {
            Err(GraphError::bad_request(format!("The request binds more than {MOST_BOUND} references.")))
        }
        Some(list) => call.bind(list),
        None => Ok(Vec::new()),
    }
}

/// Distribution lists and mail-enabled security groups are Exchange's to make.
fn check_kind(call: &Call<'_>, group: &Group) -> Result<(), GraphError> {
    if let Some(unknown) = group
        .group_types
        .iter()
        .find(|kind| !["Unified", "DynamicMembership"].iter().any(|known| known.eq_ignore_ascii_case(kind)))
    {
        return Err(GraphError::bad_request(format!(
            "A value is provided for property 'groupTypes' that is not valid: '{unknown}'."
        )));
    }
    if group.mail_enabled != group.is_unified() {
        return Err(GraphError::bad_request(
            "The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.",
        ));
    }
    if !group.mail_enabled && !group.security_enabled {
        return Err(GraphError::bad_request("Group needs to be mail enabled or security enabled."));
    }
    if group.is_dynamic() != group.other.contains_key("membershipRule") {
        return Err(GraphError::bad_request(
            "A dynamic group needs 'DynamicMembership' in groupTypes and a value for membershipRule.",
        ));
    }
    if group.takes_roles {
        if group.is_dynamic() || !group.security_enabled {
            return Err(GraphError::bad_request(
                "A role-assignable group has to be security enabled with an assigned membership.",
            ));
        }
        call.require_administrator()?;
    }
    let is_taken = |other: &&Group| {
        other.life.is_live()
            && other.mail_enabled
            && other.mail_nickname.eq_ignore_ascii_case(&group.mail_nickname)
    };
    if group.mail_enabled && call.tenant.workloads.groups.named(&group.mail_nickname).iter().any(is_taken) {
        let message = "Another object with the same value for property mailNickname already exists.";
        let mut error = GraphError::bad_request(message);
        error.details.push(serde_json::json!({
            "code": "ObjectConflict", "message": message, "target": "mailNickname",
        }));
        return Err(error);
    }
    Ok(())
}

/// The characters that a group's nickname cannot have.
pub(super) fn check_nickname(nickname: &str, payload: &Payload) -> Result<(), GraphError> {
    let is_bad = |c: char| !c.is_ascii() || c.is_whitespace() || "@()\\[]\";:<>,".contains(c);
    if nickname.chars().any(is_bad) { Err(payload.invalid("mailNickname")) } else { Ok(()) }
}

fn missing(name: &str) -> GraphError {
    GraphError::bad_request(format!("A value is required for property '{name}' of resource 'Group'."))
}
