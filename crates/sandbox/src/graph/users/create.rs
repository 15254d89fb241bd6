//! `POST /users`: a person, or an agent user by `@odata.type` or cast (Entra reference §2.4, §3.1).

use std::collections::BTreeMap;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::changes::ChangeKind;
use crate::directory::{Life, User, UserKind, new_id};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::managers::{IDENTITY_PARENTED_BY, manages_identity};
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};
use crate::lag::Cause;

use super::{AGENT_USER, wire};

const CREATE: Needs = Needs::either(&[
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
]);
const CREATE_PERSON: Needs = Needs::either(&["User.ReadWrite.All", "Directory.ReadWrite.All"]);
const CREATE_AGENT_USER: Needs = Needs::either(&[
    "AgentIdUser.ReadWrite.IdentityParentedBy",
    "AgentIdUser.ReadWrite.All",
    "User.ReadWrite.All",
]);

/// Settable properties that nothing in the sandbox looks at.
pub(super) const PASSIVE: &[&str] = &[
    "aboutMe",
    "ageGroup",
    "authorizationInfo",
    "birthday",
    "businessPhones",
    "city",
    "companyName",
    "consentProvidedForMinor",
    "country",
    "department",
    "employeeHireDate",
    "employeeId",
    "employeeLeaveDateTime",
    "employeeOrgData",
    "employeeType",
    "faxNumber",
    "givenName",
    "hireDate",
    "identities",
    "interests",
    "jobTitle",
    "mobilePhone",
    "mySite",
    "officeLocation",
    "onPremisesExtensionAttributes",
    "onPremisesImmutableId",
    "otherMails",
    "passwordPolicies",
    "pastProjects",
    "postalCode",
    "preferredDataLocation",
    "preferredLanguage",
    "preferredName",
    "responsibilities",
    "schools",
    "showInAddressList",
    "skills",
    "state",
    "streetAddress",
    "surname",
    "userType",
];

/// What the service computes cannot be written.
const READ_ONLY: &[&str] = &[
    "id",
    "deletedDateTime",
    "assignedLicenses",
    "assignedPlans",
    "createdDateTime",
    "creationType",
    "externalUserState",
    "externalUserStateChangeDateTime",
    "imAddresses",
    "isManagementRestricted",
    "lastPasswordChangeDateTime",
    "legalAgeGroupClassification",
    "licenseAssignmentStates",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesLastSyncDateTime",
    "onPremisesProvisioningErrors",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "onPremisesUserPrincipalName",
    "provisionedPlans",
    "proxyAddresses",
    "securityIdentifier",
    "serviceProvisioningErrors",
    "signInActivity",
    "signInSessionsValidFromDateTime",
];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/users", CREATE, create),
        Route::new(Method::POST, "/users", CREATE_AGENT_USER, create).cast(AGENT_USER),
    ]
}

fn create(call: &mut Call<'_>) -> Answer {
    let mut payload = Payload::read(call, "User")?;
    let is_agent = match payload.take_type().as_deref() {
        Some("agentuser") => true,
        Some("user") | None => call.path.cast == Some(AGENT_USER),
        Some(other) => {
            return Err(GraphError::unreadable(format!(
                "A type named 'microsoft.graph.{other}' could not be resolved by the model."
            )));
        }
    };
    call.require(if is_agent { CREATE_AGENT_USER } else { CREATE_PERSON })?;
    call.require_administrator()?;

    let account_enabled = payload.boolean("accountEnabled")?.ok_or_else(|| {
        GraphError::bad_request("A value is required for property 'accountEnabled' of resource 'User'.")
    })?;
    let display_name = payload.required_text("displayName", 256)?;
    let mail_nickname = payload.required_text("mailNickname", 64)?;
    check_nickname(&mail_nickname, &payload)?;
    let upn = payload.required_text("userPrincipalName", 113)?;
    check_upn(call, &upn, None)?;
    super::addresses::check_address(call, &upn, None)?;
    let mail = payload.text("mail")?;
    if let Some(mail) = &mail {
        check_mail(mail, &payload)?;
        super::addresses::check_address(call, mail, None)?;
    }
    let (kind, password) = if is_agent {
        (agent(call, &mut payload)?, None)
    } else {
        (UserKind::Person, Some(password(&mut payload)?))
    };

    let user = User {
        must_change_password: password.as_ref().is_some_and(|password| password.must_change),
        id: new_id(),
        life: Life::new(call.now, call.due(Cause::Replication)),
        kind,
        upn,
        display_name,
        mail_nickname,
        mail,
        account_enabled,
        usage_location: payload.text("usageLocation")?.map(|country| country_code(&country)).transpose()?,
        usage_location_effective: call.now,
        password: password.map(|password| password.text),
        registered: Some(Vec::new()),
        is_admin: false,
        sessions_valid_from: call.now,
        licences: Vec::new(),
        sponsors: match payload.texts("sponsors@odata.bind")? {
            Some(references) => {
                let ids = call.bind(references)?;
                call.check_sponsors(&ids)?;
                ids
            }
            None => Vec::new(),
        },
        other: settable(payload).map(without_nulls)?.into_iter().collect(),
    };

    call.check_room(is_agent)?;
    call.has_made(&user.id);
    // A new user shows what was set, not every property.
    let mut shown = call.user_json(&user, &crate::graph::odata::Query::default());
    if let Some(fields) = shown.as_object_mut() {
        let kept = |name: &str| name.starts_with("@odata.") || wire::DEFAULTS.contains(&name);
        fields.retain(|name, _| kept(name) || (is_agent && name == "identityParentId"));
    }
    let body = call.with_context("users", shown);
    let location = format!("/users/{}", user.id);
    call.tenant.user_changed(ChangeKind::Created, &user.id);
    call.tenant.users.insert(user.id.clone(), user);
    Ok(call.created(&location, &body))
}

/// The passive properties, with the limits that some have.
pub(super) fn settable(payload: Payload) -> Result<BTreeMap<String, Value>, GraphError> {
    let rest = payload.rest_but(PASSIVE, READ_ONLY)?;
    let invalid = |name: &str| {
        GraphError::bad_request(format!("Invalid value specified for property '{name}' of resource 'User'."))
    };
    for (name, value) in &rest {
        let texts = || value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        let is_fine = match name.as_str() {
            "otherMails" => texts() && value.as_array().is_some_and(|list| list.len() <= 250),
            "businessPhones" => texts() && value.as_array().is_some_and(|list| list.len() <= 1),
            "interests" | "pastProjects" | "responsibilities" | "schools" | "skills" => texts(),
            "identities" => value.is_array(),
            "employeeOrgData" | "authorizationInfo" | "onPremisesExtensionAttributes" => {
                value.is_object() || value.is_null()
            }
            "birthday" | "hireDate" | "employeeHireDate" | "employeeLeaveDateTime" => {
                value.is_null() || value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok())
            }
            "showInAddressList" => value.is_boolean() || value.is_null(),
            "userType" => value.is_null() || value == "Member" || value == "Guest",
            "givenName" | "surname" | "companyName" => {
                value.is_null() || value.as_str().is_some_and(|text| text.chars().count() <= 64)
            }
            "jobTitle" | "officeLocation" | "city" | "country" | "state" => {
                value.is_null() || value.as_str().is_some_and(|text| text.chars().count() <= 128)
            }
            _ => value.is_null() || value.is_string(),
        };
        if !is_fine {
            return Err(invalid(name));
        }
    }
    Ok(rest)
}

/// An SMTP address.
pub(super) fn check_mail(mail: &str, payload: &Payload) -> Result<(), GraphError> {
    let is_address = mail.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !mail.contains(char::is_whitespace)
    });
    if is_address { Ok(()) } else { Err(payload.invalid("mail")) }
}

fn without_nulls(rest: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    rest.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// The parent of an agent user: visible, of the caller's blueprint if the permission says so, and not taken.
fn agent(call: &Call<'_>, payload: &mut Payload) -> Result<UserKind, GraphError> {
    if payload.take("passwordProfile").is_some_and(|profile| !profile.is_null()) {
        return Err(GraphError::bad_request(
            "The property 'passwordProfile' must not be set for an agent user.",
        ));
    }
    let parent = payload.required_text("identityParentId", 36)?.to_ascii_lowercase();
    let identity = call
        .tenant
        .service_principal(&parent, call.now)
        .filter(|sp| sp.blueprint_id().is_some())
        .ok_or_else(|| GraphError::bad_request("Agent user IdentityParent does not exist"))?;
    let broad = call.holds_any(&["AgentIdUser.ReadWrite.All", "User.ReadWrite.All"]);
    let is_parent =
        call.caller.holds(IDENTITY_PARENTED_BY) && manages_identity(call.tenant, call.caller, identity);
    if !broad && !is_parent {
        return Err(GraphError::denied());
    }
    let kind = UserKind::Agent { identity_parent_id: parent };
    let UserKind::Agent { identity_parent_id } = &kind else { return Ok(kind) };
    if call.tenant.agent_users_of(identity_parent_id).next().is_some() {
        return Err(object_conflict("identityParentId"));
    }
    Ok(kind)
}

/// A `passwordProfile`.
pub(super) struct Password {
    pub(super) text: String,
    pub(super) must_change: bool,
}

fn password(payload: &mut Payload) -> Result<Password, GraphError> {
    read_password(&payload.take("passwordProfile").unwrap_or(Value::Null))
}

/// Reads a `passwordProfile`.
pub(super) fn read_password(profile: &Value) -> Result<Password, GraphError> {
    let text = profile.get("password").and_then(Value::as_str).filter(|one| super::update::is_complex(one));
    let text = text.ok_or_else(|| {
        GraphError::bad_request("The specified password does not comply with password complexity requirements. Please provide a different password.")
    })?;
    let text = text.to_owned();
    let says = |name: &str| profile.get(name).and_then(Value::as_bool).unwrap_or(false);
    let must_change = says("forceChangePasswordNextSignIn") || says("forceChangePasswordNextSignInWithMfa");
    Ok(Password { text, must_change })
}

/// The name before the @ has no characters that an address cannot have.
pub(super) fn check_nickname(nickname: &str, payload: &Payload) -> Result<(), GraphError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-./=?^_`{|}~".contains(c);
    if nickname.chars().all(plain) { Ok(()) } else { Err(payload.invalid("mailNickname")) }
}

/// The user principal name stands on a verified domain, and nobody else has it.
pub(super) fn check_upn(call: &Call<'_>, upn: &str, except: Option<&str>) -> Result<(), GraphError> {
    let Some((name, domain)) = upn.rsplit_once('@') else {
        return Err(GraphError::bad_request(
            "Invalid value specified for property 'userPrincipalName' of resource 'User'.",
        ));
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "'.-_!#^~+".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(GraphError::bad_request(
            "Invalid value specified for property 'userPrincipalName' of resource 'User'.",
        ));
    }
    if !call.tenant.domains.contains(domain) {
        return Err(GraphError::bad_request(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.",
        ));
    }
    let holder = call.tenant.user_by_upn(upn).filter(|user| Some(user.id.as_str()) != except);
    if holder.is_some() { Err(object_conflict("userPrincipalName")) } else { Ok(()) }
}

/// 400 with the `ObjectConflict` detail, as field reports have it; the documentation of agent users says 409.
fn object_conflict(property: &str) -> GraphError {
    let message = format!("Another object with the same value for property {property} already exists.");
    let mut error = GraphError::bad_request(message.clone());
    error.details.push(json!({ "code": "ObjectConflict", "message": message, "target": property }));
    error
}

/// ISO 3166 alpha-2.
pub(super) fn country_code(country: &str) -> Result<String, GraphError> {
    if country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(country.to_ascii_uppercase());
    }
    Err(GraphError::bad_request("Invalid value specified for property 'usageLocation' of resource 'User'."))
}
