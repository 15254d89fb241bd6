//! `/policies/permissionGrantPolicies`: Microsoft's and the tenant's own, and what a policy lets people consent
//! to (Entra reference §13).

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::directory::new_id;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};
use crate::tenant::{GRAPH_APP_ID, Tenant};

use super::{FOR_SELF, LEGACY, LOW, MANAGED};

/// A policy of the tenant's own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct GrantPolicy {
    name: String,
    description: String,
    includes: Vec<Conditions>,
    excludes: Vec<Conditions>,
}

/// A `permissionGrantConditionSet`: all of it holds; an empty or `all` condition holds always.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Conditions {
    id: String,
    /// `delegated`, `delegatedUserConsentable` or `application`.
    kind: String,
    /// `all` or `low`.
    classification: String,
    /// `any` or an app id.
    resource: String,
    permissions: Vec<String>,
    clients: Vec<String>,
    tenants: Vec<String>,
    publishers: Vec<String>,
    verified_only: bool,
}

/// A person's consent that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// The client's app id.
    pub(crate) client: &'a str,
    /// The tenant in which the client is registered.
    pub(crate) home: &'a str,
    /// The verified publisher, if the client has one.
    pub(crate) publisher: Option<&'a str>,
    /// The resource's app id.
    pub(crate) resource: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) scope_id: &'a str,
    /// Whether the resource wants an administrator for this scope.
    pub(crate) needs_admin: bool,
}

/// Data of Exchange and Teams, and files: since late 2025 the managed policy wants an administrator for
/// them (§13).
const GUARDED: [&str; 9] =
    ["Mail", "Chat", "Channel", "Calendars", "Contacts", "Files", "Sites", "Team", "OnlineMeeting"];

/// The permissions that count as of low impact, as long as the tenant classifies none.
const LOW_IMPACT: [&str; 5] = ["User.Read", "openid", "profile", "email", "offline_access"];

impl Tenant {
    /// Whether ordinary users may consent at all.
    pub(crate) fn lets_users_consent(&self) -> bool {
        self.workloads.policies.assigned.iter().any(|id| id.starts_with(FOR_SELF))
    }

    /// Whether an ordinary user may give that consent.
    pub(crate) fn lets_user_consent(&self, asking: &Asking<'_>) -> bool {
        let policies = &self.workloads.policies;
        // Risk-based step-up: an unverified app of another tenant that wants more than a basic profile.
        let is_foreign = !asking.home.eq_ignore_ascii_case(&self.id);
        let is_risky = is_foreign && asking.publisher.is_none() && !LOW_IMPACT.contains(&asking.scope);
        if is_risky && !policies.allows_risky {
            return false;
        }
        policies.assigned.iter().filter_map(|id| id.strip_prefix(FOR_SELF)).any(|id| match id {
            LEGACY => !asking.needs_admin,
            MANAGED => {
                let is_guarded = asking.resource == GRAPH_APP_ID
                    && GUARDED.iter().any(|family| {
                        asking.scope.to_ascii_lowercase().starts_with(&family.to_ascii_lowercase())
                    });
                !asking.needs_admin && !is_guarded
            }
            LOW => {
                let is_trusted = asking.publisher.is_some() || !is_foreign;
                is_trusted && !asking.needs_admin && LOW_IMPACT.contains(&asking.scope)
            }
            own => policies.custom.get(own).is_some_and(|policy| policy.lets(asking)),
        })
    }
}

impl GrantPolicy {
    fn lets(&self, asking: &Asking<'_>) -> bool {
        self.includes.iter().any(|one| one.holds(asking))
            && !self.excludes.iter().any(|one| one.holds(asking))
    }
}

impl Conditions {
    fn holds(&self, asking: &Asking<'_>) -> bool {
        let one_of = |list: &[String], value: &str| {
            list.is_empty() || list.iter().any(|one| one == "all" || one.eq_ignore_ascii_case(value))
        };
        let kind = match self.kind.as_str() {
            "delegated" => true,
            "delegatedUserConsentable" => !asking.needs_admin,
            _ => false,
        };
        kind && (self.classification != "low" || LOW_IMPACT.contains(&asking.scope))
            && (self.resource == "any" || self.resource.eq_ignore_ascii_case(asking.resource))
            && one_of(&self.permissions, asking.scope_id)
            && one_of(&self.clients, asking.client)
            && one_of(&self.tenants, asking.home)
            && one_of(&self.publishers, asking.publisher.unwrap_or_default())
            && (!self.verified_only || asking.publisher.is_some())
    }

    fn read(call: &Call<'_>) -> Result<Self, GraphError> {
        let mut payload = Payload::read(call, "PermissionGrantConditionSet")?;
        payload.take_type();
        let all = || vec!["all".to_owned()];
        let kind = payload.text("permissionType")?.unwrap_or_else(|| "delegated".to_owned());
        if !["delegated", "application", "delegatedUserConsentable"].contains(&kind.as_str()) {
            return Err(payload.invalid("permissionType"));
        }
        let classification = payload.text("permissionClassification")?.unwrap_or_else(|| "all".to_owned());
        if !["all", "low", "medium", "high"].contains(&classification.as_str()) {
            return Err(payload.invalid("permissionClassification"));
        }
        let conditions = Self {
            id: new_id(),
            kind,
            classification,
            resource: payload.text("resourceApplication")?.unwrap_or_else(|| "any".to_owned()),
            permissions: payload.texts("permissions")?.unwrap_or_else(all),
            clients: payload.texts("clientApplicationIds")?.unwrap_or_else(all),
            tenants: payload.texts("clientApplicationTenantIds")?.unwrap_or_else(all),
            publishers: payload.texts("clientApplicationPublisherIds")?.unwrap_or_else(all),
            verified_only: payload
                .boolean("clientApplicationsFromVerifiedPublisherOnly")?
                .unwrap_or_default(),
        };
        payload.rest(&[])?;
        Ok(conditions)
    }

    fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "permissionClassification": self.classification,
            "permissionType": self.kind,
            "resourceApplication": self.resource,
            "permissions": self.permissions,
            "clientApplicationIds": self.clients,
            "clientApplicationTenantIds": self.tenants,
            "clientApplicationPublisherIds": self.publishers,
            "clientApplicationsFromVerifiedPublisherOnly": self.verified_only,
        })
    }
}

const READ: Needs = Needs::either(&["Policy.Read.PermissionGrant", "Policy.ReadWrite.PermissionGrant"]);
const WRITE: Needs = Needs::either(&["Policy.ReadWrite.PermissionGrant"]);
const READ_CONDITIONS: Needs = Needs::either(&["Policy.Read.PermissionGrant", "Directory.Read.All"]);

const COLLECTION: Surface = Surface {
    service: Service::Directory,
    type_name: "permissionGrantPolicy",
    options: &["filter", "select", "top", "skiptoken", "expand"],
    properties: &["id", "deletedDateTime", "description", "displayName"],
    expandable: &["includes", "excludes"],
    page: 100,
    largest_page: 999,
};

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/policies/permissionGrantPolicies";
    const ONE: &str = "/policies/permissionGrantPolicies/{policy}";
    const INCLUDES: &str = "/policies/permissionGrantPolicies/{policy}/includes";
    const EXCLUDES: &str = "/policies/permissionGrantPolicies/{policy}/excludes";
    vec![
        Route::new(Method::GET, ALL, READ, list),
        Route::new(Method::POST, ALL, WRITE, create),
        Route::new(Method::GET, ONE, READ, get),
        Route::new(Method::PATCH, ONE, WRITE, update),
        Route::new(Method::DELETE, ONE, WRITE, delete),
        Route::new(Method::GET, INCLUDES, READ_CONDITIONS, includes),
        Route::new(Method::POST, INCLUDES, WRITE, include),
        Route::new(
            Method::DELETE,
            "/policies/permissionGrantPolicies/{policy}/includes/{set}",
            WRITE,
            remove_include,
        ),
        Route::new(Method::GET, EXCLUDES, READ_CONDITIONS, excludes),
        Route::new(Method::POST, EXCLUDES, WRITE, exclude),
        Route::new(
            Method::DELETE,
            "/policies/permissionGrantPolicies/{policy}/excludes/{set}",
            WRITE,
            remove_exclude,
        ),
    ]
}

/// Microsoft's policies: id, name and description.
const BUILT_IN: [(&str, &str, &str); 5] = [
    (
        "microsoft-all-application-permissions",
        "All application permissions, for any client app",
        "Includes all application permissions (app roles), for all APIs, for any client application.",
    ),
    (
        "microsoft-application-admin",
        "Application Admin Policy",
        "Permissions consentable by Application Administrators.",
    ),
    (LEGACY, "Default User Legacy Policy", "Permissions that users may consent to by themselves."),
    (
        LOW,
        "Default User Low Risk Policy",
        "Low-impact permissions of verified publishers or of this tenant's apps.",
    ),
    (
        MANAGED,
        "Microsoft User Default Recommended Policy",
        "Permissions consentable based on Microsoft's current recommendations.",
    ),
];

fn shown(id: &str, name: &str, description: &str) -> Value {
    json!({ "id": id, "deletedDateTime": null, "displayName": name, "description": description })
}

fn own(call: &Call<'_>) -> Result<(String, GrantPolicy), GraphError> {
    let id = call.params.get("policy");
    let found = call.tenant.workloads.policies.custom.get(id);
    match found {
        Some(policy) => Ok((id.to_owned(), policy.clone())),
        None if BUILT_IN.iter().any(|(known, ..)| *known == id) => {
            Err(GraphError::bad_request("Built-in permission grant policies cannot be changed."))
        }
        None => Err(GraphError::no_object(id)),
    }
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let built_in = BUILT_IN.iter().map(|(id, name, text)| shown(id, name, text));
    let custom =
        call.tenant.workloads.policies.custom.iter().map(|(id, policy)| whole(id, policy, &query.expand));
    let items = built_in.chain(custom).collect();
    Ok(call.list(&query, "policies/permissionGrantPolicies", items, None))
}

fn whole(id: &str, policy: &GrantPolicy, expand: &[String]) -> Value {
    let mut object = shown(id, &policy.name, &policy.description);
    for name in expand {
        match name.to_ascii_lowercase().as_str() {
            "includes" => object["includes"] = policy.includes.iter().map(Conditions::shown).collect(),
            _ => object["excludes"] = policy.excludes.iter().map(Conditions::shown).collect(),
        }
    }
    object
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface { options: &["select", "expand"], ..COLLECTION })?;
    let id = call.params.get("policy");
    let built_in = BUILT_IN.iter().find(|(known, ..)| *known == id);
    let object = match built_in {
        Some((id, name, text)) => shown(id, name, text),
        None => {
            let (id, policy) = own(call)?;
            whole(&id, &policy, &query.expand)
        }
    };
    Ok(call.entity(&query, "policies/permissionGrantPolicies", object, None))
}

fn create(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let mut payload = Payload::read(call, "PermissionGrantPolicy")?;
    payload.take_type();
    let id = payload.required_text("id", 64)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if id.starts_with("microsoft-") || !id.chars().all(is_plain) {
        return Err(payload.invalid("id"));
    }
    let policy = GrantPolicy {
        name: payload.required_text("displayName", 256)?,
        description: payload.text("description")?.unwrap_or_default(),
        ..GrantPolicy::default()
    };
    payload.rest(&[])?;
    let custom = &mut call.tenant.workloads.policies.custom;
    if custom.contains_key(&id) {
        return Err(GraphError::conflict(
            "A conflicting object with one or more of the specified property values is present in the directory.",
            "id",
        ));
    }
    let object = shown(&id, &policy.name, &policy.description);
    custom.insert(id.clone(), policy);
    let body = call.with_context("policies/permissionGrantPolicies", object);
    Ok(call.created(&format!("/policies/permissionGrantPolicies/{id}"), &body))
}

fn update(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let (id, mut policy) = own(call)?;
    let mut payload = Payload::read(call, "PermissionGrantPolicy")?;
    payload.take_type();
    if let Some(name) = payload.text("displayName")? {
        policy.name = name;
    }
    if let Some(text) = payload.text("description")? {
        policy.description = text;
    }
    payload.rest(&[])?;
    call.tenant.workloads.policies.custom.insert(id, policy);
    Ok(call.no_content())
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let (id, _) = own(call)?;
    let policies = &mut call.tenant.workloads.policies;
    if policies.assigned.iter().any(|one| one.strip_prefix(FOR_SELF) == Some(&id)) {
        return Err(GraphError::bad_request("The policy is assigned to the default user role."));
    }
    policies.custom.remove(&id);
    Ok(call.no_content())
}

fn includes(call: &mut Call<'_>) -> Answer {
    sets(call, "includes", |policy| &policy.includes)
}

fn excludes(call: &mut Call<'_>) -> Answer {
    sets(call, "excludes", |policy| &policy.excludes)
}

fn sets(call: &Call<'_>, name: &str, of: fn(&GrantPolicy) -> &Vec<Conditions>) -> Answer {
    let (id, policy) = own(call)?;
    let items = of(&policy).iter().map(Conditions::shown).collect();
    Ok(call.whole(&format!("policies/permissionGrantPolicies('{id}')/{name}"), items))
}

fn include(call: &mut Call<'_>) -> Answer {
    add(call, "includes", |policy| &mut policy.includes)
}

fn exclude(call: &mut Call<'_>) -> Answer {
    add(call, "excludes", |policy| &mut policy.excludes)
}

fn add(call: &mut Call<'_>, name: &str, of: fn(&mut GrantPolicy) -> &mut Vec<Conditions>) -> Answer {
    call.require_administrator()?;
    let (id, mut policy) = own(call)?;
    let conditions = Conditions::read(call)?;
    let path = format!("policies/permissionGrantPolicies('{id}')/{name}");
    let body = call.with_context(&path, conditions.shown());
    let location = format!("/policies/permissionGrantPolicies/{id}/{name}/{}", conditions.id);
    of(&mut policy).push(conditions);
    call.tenant.workloads.policies.custom.insert(id, policy);
    Ok(call.created(&location, &body))
}

fn remove_include(call: &mut Call<'_>) -> Answer {
    remove(call, |policy| &mut policy.includes)
}

fn remove_exclude(call: &mut Call<'_>) -> Answer {
    remove(call, |policy| &mut policy.excludes)
}

fn remove(call: &mut Call<'_>, of: fn(&mut GrantPolicy) -> &mut Vec<Conditions>) -> Answer {
    call.require_administrator()?;
    let (id, mut policy) = own(call)?;
    let set = call.params.get("set").to_owned();
    let sets = of(&mut policy);
    let at = sets.iter().position(|one| one.id == set).ok_or_else(|| GraphError::no_object(&set))?;
    sets.remove(at);
    call.tenant.workloads.policies.custom.insert(id, policy);
    Ok(call.no_content())
}
