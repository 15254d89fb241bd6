//! `/policies/defaultAppManagementPolicy` and `/policies/appManagementPolicies`: which secrets and certificates
//! applications may get, and for how long (Entra reference §8).

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::directory::{Application, ServicePrincipal, new_id};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};

/// The tenant's restrictions and those that single applications have instead.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct AppManagement {
    is_enabled: bool,
    applications: Restrictions,
    service_principals: Restrictions,
    own: BTreeMap<String, OwnPolicy>,
}

/// `passwordCredentials` and `keyCredentials` of a policy, as they were written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Restrictions {
    passwords: Vec<Value>,
    keys: Vec<Value>,
}

/// A policy for applications that name it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OwnPolicy {
    name: String,
    description: String,
    is_enabled: bool,
    restrictions: Restrictions,
    /// Object ids.
    applies_to: Vec<String>,
}

/// A credential that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential {
    Password,
    Key,
}

impl AppManagement {
    /// Refuses a credential that the policy of that application does not allow.
    pub(crate) fn check(
        &self,
        app: &Application,
        credential: Credential,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<(), GraphError> {
        let own = self.own.values().find(|policy| policy.is_enabled && policy.applies_to.contains(&app.id));
        let restrictions = match own {
            Some(policy) => &policy.restrictions,
            None if self.is_enabled => &self.applications,
            None => return Ok(()),
        };
        restrictions.check(app.life.created, credential, start, end)
    }

    /// Refuses a credential of a service principal that the tenant's policy does not allow.
    pub(crate) fn check_principal(
        &self,
        principal: &ServicePrincipal,
        credential: Credential,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<(), GraphError> {
        if !self.is_enabled {
            return Ok(());
        }
        self.service_principals.check(principal.life.created, credential, start, end)
    }
}

impl Restrictions {
    /// `created` is when the object was made that is to have the credential.
    fn check(
        &self,
        created: Timestamp,
        credential: Credential,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<(), GraphError> {
        let (list, addition, lifetime) = match credential {
            Credential::Password => (&self.passwords, "passwordAddition", "passwordLifetime"),
            Credential::Key => (&self.keys, "", "asymmetricKeyLifetime"),
        };
        for rule in list.iter().filter(|rule| concerns(rule, created)) {
            let kind = rule["restrictionType"].as_str().unwrap_or_default();
            if kind == addition {
                return Err(GraphError::new(
                    StatusCode::BAD_REQUEST,
                    "CredentialTypeNotAllowedAsPerAppPolicy",
                    "Credential type not allowed as per assigned policy.",
                ));
            }
            let longest = rule["maxLifetime"].as_str().and_then(duration);
            let is_longer = longest.is_some_and(|longest| end.duration_since(start) > longest);
            if kind == lifetime && is_longer {
                let allowed = rule["maxLifetime"].as_str().unwrap_or_default();
                return Err(GraphError::new(
                    StatusCode::BAD_REQUEST,
                    "CredentialInvalidLifetimeAsPerAppPolicy",
                    format!(
                        "The credential lifetime exceeds the max value allowed as per assigned policy. The maximum allowed is {allowed}."
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// A rule is on, and the object was made after it began.
fn concerns(rule: &Value, created: Timestamp) -> bool {
    let since = rule["restrictForAppsCreatedAfterDateTime"].as_str().and_then(|text| text.parse().ok());
    rule["state"] != "disabled" && since.is_none_or(|since: Timestamp| created >= since)
}

/// `P90D`, `P4DT12H30M5S`.
fn duration(text: &str) -> Option<SignedDuration> {
    let (days, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((text.strip_prefix('P')?, ""));
    let days = match days {
        "" => 0,
        days => days.strip_suffix('D')?.parse::<i64>().ok()?,
    };
    let mut seconds = days.checked_mul(86_400)?;
    let mut rest = time;
    for (unit, factor) in [('H', 3600_i64), ('M', 60), ('S', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            seconds = seconds.checked_add(number.parse::<i64>().ok()?.checked_mul(factor)?)?;
            rest = after;
        }
    }
    rest.is_empty().then(|| SignedDuration::from_secs(seconds))
}

impl Restrictions {
    fn read(value: Option<&Value>) -> Result<Self, GraphError> {
        let mut read = Self::default();
        for (name, list) in value.and_then(Value::as_object).into_iter().flatten() {
            let rules = || list.as_array().cloned().ok_or_else(|| invalid(name));
            match name.as_str() {
                "passwordCredentials" => {
                    read.passwords = normal(
                        rules()?,
                        name,
                        &[
                            "passwordAddition",
                            "passwordLifetime",
                            "customPasswordAddition",
                            "symmetricKeyAddition",
                            "symmetricKeyLifetime",
                        ],
                    )?;
                }
                "keyCredentials" => read.keys = normal(rules()?, name, &["asymmetricKeyLifetime"])?,
                "@odata.type" => {}
                "identifierUris" | "applicationRestrictions" if list.is_null() => {}
                _ => {
                    return Err(GraphError::new(
                        StatusCode::NOT_IMPLEMENTED,
                        "sandboxNotEmulated",
                        format!("The sandbox does not emulate '{name}' of app management policies."),
                    ));
                }
            }
        }
        Ok(read)
    }

    fn shown(&self) -> Value {
        json!({ "passwordCredentials": self.passwords, "keyCredentials": self.keys })
    }
}

/// The rules with every property that Graph shows.
fn normal(rules: Vec<Value>, list: &str, known: &[&str]) -> Result<Vec<Value>, GraphError> {
    let rule = |rule: Value| {
        let kind = rule["restrictionType"]
            .as_str()
            .filter(|kind| known.contains(kind))
            .ok_or_else(|| invalid(list))?;
        let longest = rule["maxLifetime"].as_str();
        let needs_lifetime = kind.ends_with("Lifetime");
        if needs_lifetime != longest.is_some() || longest.is_some_and(|text| duration(text).is_none()) {
            return Err(invalid("maxLifetime"));
        }
        let state = rule["state"].as_str().unwrap_or("enabled");
        if !["enabled", "disabled"].contains(&state) {
            return Err(invalid("state"));
        }
        Ok(json!({
            "restrictionType": kind,
            "maxLifetime": longest,
            "state": state,
            "restrictForAppsCreatedAfterDateTime": rule["restrictForAppsCreatedAfterDateTime"],
        }))
    };
    rules.into_iter().map(rule).collect()
}

fn invalid(name: &str) -> GraphError {
    GraphError::bad_request(format!(
        "Invalid value specified for property '{name}' of resource 'AppManagementPolicy'."
    ))
}

const READ: Needs = Needs::either(&["Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration"]);
const WRITE: Needs = Needs::either(&["Policy.ReadWrite.ApplicationConfiguration"]);
const READ_APPLIES: Needs =
    Needs::either(&["Application.Read.All", "Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration"]);
const ASSIGN: Needs = Needs::either(&["Policy.ReadWrite.ApplicationConfiguration"])
    .and(&["Application.Read.All", "Application.ReadWrite.All"]);

const COLLECTION: Surface = Surface {
    service: Service::Directory,
    type_name: "appManagementPolicy",
    options: &["filter", "select", "top", "skiptoken"],
    properties: &["id", "deletedDateTime", "description", "displayName", "isEnabled", "restrictions"],
    expandable: &[],
    page: 100,
    largest_page: 999,
};

pub(super) fn routes() -> Vec<Route> {
    const DEFAULT: &str = "/policies/defaultAppManagementPolicy";
    const ALL: &str = "/policies/appManagementPolicies";
    const ONE: &str = "/policies/appManagementPolicies/{policy}";
    vec![
        Route::new(Method::GET, DEFAULT, READ, get_default),
        Route::new(Method::PATCH, DEFAULT, WRITE, update_default),
        Route::new(Method::GET, ALL, READ, list),
        Route::new(Method::POST, ALL, WRITE, create),
        Route::new(Method::GET, ONE, READ, get),
        Route::new(Method::PATCH, ONE, WRITE, update),
        Route::new(Method::DELETE, ONE, WRITE, delete),
        Route::new(
            Method::GET,
            "/policies/appManagementPolicies/{policy}/appliesTo",
            READ_APPLIES,
            applies_to,
        ),
        Route::new(Method::POST, "/applications/{id}/appManagementPolicies/$ref", ASSIGN, assign),
        Route::new(
            Method::DELETE,
            "/applications/{id}/appManagementPolicies/{policy}/$ref",
            ASSIGN,
            withdraw,
        ),
    ]
}

fn get_default(call: &mut Call<'_>) -> Answer {
    let management = &call.tenant.workloads.policies.app_management;
    Ok(call.ok(&json!({
        "@odata.context": call.context("policies/defaultAppManagementPolicy/$entity"),
        "id": "00000000-0000-0000-0000-000000000000",
        "deletedDateTime": null,
        "displayName": "Default app management tenant policy",
        "description": "Default tenant policy that enforces app management restrictions on applications and service principals. To apply policy to targeted resources, create a new policy under appManagementPolicies collection.",
        "isEnabled": management.is_enabled,
        "applicationRestrictions": management.applications.shown(),
        "servicePrincipalRestrictions": management.service_principals.shown(),
    })))
}

fn update_default(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let mut management = call.tenant.workloads.policies.app_management.clone();
    let mut payload = Payload::read(call, "TenantAppManagementPolicy")?;
    payload.take_type();
    if let Some(enabled) = payload.boolean("isEnabled")? {
        management.is_enabled = enabled;
    }
    if let Some(value) = payload.take("applicationRestrictions") {
        management.applications = Restrictions::read(Some(&value))?;
    }
    if let Some(value) = payload.take("servicePrincipalRestrictions") {
        management.service_principals = Restrictions::read(Some(&value))?;
    }
    payload.take("displayName");
    payload.take("description");
    payload.rest(&[])?;
    call.tenant.workloads.policies.app_management = management;
    Ok(call.no_content())
}

fn shown(id: &str, policy: &OwnPolicy) -> Value {
    json!({
        "id": id,
        "deletedDateTime": null,
        "displayName": policy.name,
        "description": policy.description,
        "isEnabled": policy.is_enabled,
        "restrictions": policy.restrictions.shown(),
    })
}

fn own(call: &Call<'_>) -> Result<(String, OwnPolicy), GraphError> {
    let id = call.params.get("policy").to_ascii_lowercase();
    let found = call.tenant.workloads.policies.app_management.own.get(&id).cloned();
    found.map(|policy| (id.clone(), policy)).ok_or_else(|| GraphError::no_object(&id))
}

fn keep(call: &mut Call<'_>, id: String, policy: OwnPolicy) {
    call.tenant.workloads.policies.app_management.own.insert(id, policy);
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let own = call.tenant.workloads.policies.app_management.own.iter();
    let items = own.map(|(id, policy)| shown(id, policy)).collect();
    Ok(call.list(&query, "policies/appManagementPolicies", items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface { options: &["select"], ..COLLECTION })?;
    let (id, policy) = own(call)?;
    Ok(call.entity(&query, "policies/appManagementPolicies", shown(&id, &policy), None))
}

fn create(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let mut payload = Payload::read(call, "AppManagementPolicy")?;
    payload.take_type();
    let policy = OwnPolicy {
        name: payload.required_text("displayName", 256)?,
        description: payload.text("description")?.unwrap_or_default(),
        is_enabled: payload.boolean("isEnabled")?.unwrap_or_default(),
        restrictions: Restrictions::read(payload.take("restrictions").as_ref())?,
        applies_to: Vec::new(),
    };
    payload.rest(&[])?;
    let id = new_id();
    let body = call.with_context("policies/appManagementPolicies", shown(&id, &policy));
    let location = format!("/policies/appManagementPolicies/{id}");
    keep(call, id, policy);
    Ok(call.created(&location, &body))
}

fn update(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let (id, mut policy) = own(call)?;
    let mut payload = Payload::read(call, "AppManagementPolicy")?;
    payload.take_type();
    if let Some(name) = payload.text("displayName")? {
        policy.name = name;
    }
    if let Some(text) = payload.text("description")? {
        policy.description = text;
    }
    if let Some(enabled) = payload.boolean("isEnabled")? {
        policy.is_enabled = enabled;
    }
    if let Some(value) = payload.take("restrictions") {
        policy.restrictions = Restrictions::read(Some(&value))?;
    }
    payload.rest(&[])?;
    keep(call, id, policy);
    Ok(call.no_content())
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let (id, _) = own(call)?;
    call.tenant.workloads.policies.app_management.own.remove(&id);
    Ok(call.no_content())
}

fn applies_to(call: &mut Call<'_>) -> Answer {
    let (_, policy) = own(call)?;
    call.referenced(&policy.applies_to)
}

/// An application has at most one policy of its own.
fn assign(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let app = call.application()?.id.clone();
    let body = call.body()?;
    let reference = body.get("@odata.id").and_then(Value::as_str).unwrap_or_default();
    let id = reference.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let management = &mut call.tenant.workloads.policies.app_management;
    if management.own.values().any(|policy| policy.applies_to.contains(&app)) {
        return Err(GraphError::bad_request("The application has an app management policy already."));
    }
    let policy = management.own.get_mut(&id).ok_or_else(|| GraphError::no_object(&id))?;
    policy.applies_to.push(app);
    Ok(call.no_content())
}

fn withdraw(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let app = call.application()?.id.clone();
    let (id, mut policy) = own(call)?;
    let at =
        policy.applies_to.iter().position(|one| *one == app).ok_or_else(|| GraphError::no_object(&id))?;
    policy.applies_to.remove(at);
    keep(call, id, policy);
    Ok(call.no_content())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_iso_durations() {
        let seconds = |text: &str| duration(text).map(|one| one.as_secs());
        assert_eq!(seconds("P90D"), Some(7_776_000));
        assert_eq!(seconds("P4DT12H30M5S"), Some(4 * 86_400 + 12 * 3600 + 30 * 60 + 5));
        assert_eq!(seconds("PT1H"), Some(3600));
        for bad in ["", "P", "90D", "P1Y", "PT1X", "P-", "PT"] {
            assert!(seconds(bad).is_none() || bad == "P" || bad == "PT", "{bad}");
        }
    }
}
