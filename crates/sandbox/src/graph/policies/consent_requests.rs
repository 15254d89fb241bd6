//! The admin-consent request workflow: `/policies/adminConsentRequestPolicy` switches it on, the consent page
//! files a request, and `/identityGovernance/appConsent/appConsentRequests` lists what waits (Entra reference §13).

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::directory::{User, new_id};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::instants::seven_digits;
use crate::graph::odata::{Service, Surface};
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};
use crate::tenant::Tenant;

/// One app that people wait for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConsentRequest {
    id: String,
    app_id: String,
    app_name: String,
    scopes: Vec<String>,
    users: Vec<UserRequest>,
}

/// One person's request.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct UserRequest {
    id: String,
    user: String,
    reason: String,
    created: Timestamp,
    completed: Option<Timestamp>,
}

/// `adminConsentRequestPolicy`: whether people may ask an administrator, and who answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RequestPolicy {
    pub(crate) is_enabled: bool,
    notifies_reviewers: bool,
    reminds_reviewers: bool,
    days: u32,
    version: u32,
    /// Graph's queries for the reviewers.
    reviewers: Vec<String>,
}

impl Default for RequestPolicy {
    fn default() -> Self {
        Self {
            is_enabled: false,
            notifies_reviewers: true,
            reminds_reviewers: true,
            days: 30,
            version: 0,
            reviewers: Vec::new(),
        }
    }
}

impl RequestPolicy {
    fn shown(&self) -> Value {
        let reviewer = |query| json!({ "query": query, "queryType": "MicrosoftGraph", "queryRoot": null });
        json!({
            "isEnabled": self.is_enabled,
            "notifyReviewers": self.notifies_reviewers,
            "remindersEnabled": self.reminds_reviewers,
            "requestDurationInDays": self.days,
            "version": self.version,
            "reviewers": self.reviewers.iter().map(reviewer).collect::<Vec<_>>(),
        })
    }

    /// The policy that a `PUT` asks for, the next version of this one.
    fn replaced(&self, call: &Call<'_>) -> Result<Self, GraphError> {
        let mut payload = Payload::read(call, "AdminConsentRequestPolicy")?;
        payload.take_type();
        let is_enabled = payload.boolean("isEnabled")?.ok_or_else(|| payload.invalid("isEnabled"))?;
        let reviewers = payload.objects("reviewers")?.unwrap_or_default();
        let query = |one: &serde_json::Map<String, Value>| {
            one.get("query").and_then(Value::as_str).map(str::to_owned)
        };
        let reviewers: Option<Vec<String>> = reviewers.iter().map(query).collect();
        let reviewers = reviewers.ok_or_else(|| payload.invalid("reviewers"))?;
        let days = match payload.take("requestDurationInDays") {
            None | Some(Value::Null) => Some(self.days),
            Some(days) => days.as_u64().and_then(|days| u32::try_from(days).ok()),
        };
        let days = days.ok_or_else(|| payload.invalid("requestDurationInDays"))?;
        let notifies_reviewers = payload.boolean("notifyReviewers")?.unwrap_or(self.notifies_reviewers);
        let reminds_reviewers = payload.boolean("remindersEnabled")?.unwrap_or(self.reminds_reviewers);
        payload.take("version");
        payload.rest(&[])?;
        Ok(Self {
            is_enabled,
            notifies_reviewers,
            reminds_reviewers,
            days,
            version: self.version + 1,
            reviewers,
        })
    }
}

impl Tenant {
    /// Files a person's request; twice for the same app is once.
    pub(crate) fn ask_administrator(
        &mut self,
        (app_id, app_name): (&str, &str),
        scopes: &[String],
        user: &User,
        reason: &str,
        now: Timestamp,
    ) {
        let request = UserRequest {
            id: new_id(),
            user: user.id.clone(),
            reason: reason.chars().take(500).collect(),
            created: now,
            completed: None,
        };
        let requests = &mut self.workloads.policies.requests;
        let open = requests.iter_mut().find(|one| one.app_id == app_id && one.is_open());
        match open {
            Some(open) => {
                for scope in scopes {
                    if !open.scopes.contains(scope) {
                        open.scopes.push(scope.clone());
                    }
                }
                if !open.users.iter().any(|one| one.user == user.id) {
                    open.users.push(request);
                }
            }
            None => requests.push(ConsentRequest {
                id: new_id(),
                app_id: app_id.to_owned(),
                app_name: app_name.to_owned(),
                scopes: scopes.to_owned(),
                users: vec![request],
            }),
        }
    }

    /// An administrator has consented: who waited for the app waits no more.
    pub(crate) fn consent_given(&mut self, app_id: &str, now: Timestamp) {
        for request in self.workloads.policies.requests.iter_mut().filter(|one| one.app_id == app_id) {
            for user in request.users.iter_mut().filter(|one| one.completed.is_none()) {
                user.completed = Some(now);
            }
        }
    }
}

impl ConsentRequest {
    fn is_open(&self) -> bool {
        self.users.iter().any(|one| one.completed.is_none())
    }

    fn shown(&self) -> Value {
        let scopes: Vec<Value> = if self.is_open() {
            self.scopes.iter().map(|one| json!({ "displayName": one })).collect()
        } else {
            Vec::new()
        };
        json!({
            "id": self.id, "appId": self.app_id, "appDisplayName": self.app_name, "pendingScopes": scopes,
        })
    }

    fn shown_users(&self, tenant: &Tenant) -> Vec<Value> {
        let users = self.users.iter();
        users
            .map(|one| {
                let user = tenant.users.get(&one.user);
                json!({
                    "id": one.id,
                    "reason": one.reason,
                    "status": if one.completed.is_some() { "Completed" } else { "InProgress" },
                    "createdDateTime": seven_digits(one.created),
                    "completedDateTime": one.completed.map(seven_digits),
                    "approvalId": one.id,
                    "customData": null,
                    "createdBy": { "user": {
                        "id": one.user, "displayName": user.map(|user| &user.display_name),
                    } },
                })
            })
            .collect()
    }
}

const READ_POLICY: Needs = Needs::either(&[
    "Policy.Read.All",
    "Policy.ReadWrite.ConsentRequest",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const WRITE_POLICY: Needs = Needs::either(&["Policy.ReadWrite.ConsentRequest", "Directory.ReadWrite.All"]);
const READ: Needs = Needs::either(&["ConsentRequest.Read.All", "ConsentRequest.ReadWrite.All"]);

const COLLECTION: Surface = Surface {
    service: Service::Directory,
    type_name: "appConsentRequest",
    options: &["filter", "select", "top", "skiptoken", "expand"],
    properties: &["id", "appId", "appDisplayName", "pendingScopes"],
    expandable: &["userConsentRequests"],
    page: 100,
    largest_page: 999,
};

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/identityGovernance/appConsent/appConsentRequests";
    const ONE: &str = "/identityGovernance/appConsent/appConsentRequests/{request}";
    vec![
        Route::new(Method::GET, "/policies/adminConsentRequestPolicy", READ_POLICY, policy),
        Route::new(Method::PUT, "/policies/adminConsentRequestPolicy", WRITE_POLICY, set_policy),
        Route::new(Method::GET, ALL, READ, list),
        Route::new(Method::GET, ONE, READ, get),
        Route::new(
            Method::GET,
            "/identityGovernance/appConsent/appConsentRequests/{request}/userConsentRequests",
            READ,
            users,
        ),
    ]
}

fn policy(call: &mut Call<'_>) -> Answer {
    let mut object = call.tenant.workloads.policies.request_policy.shown();
    object["@odata.context"] = call.context("policies/adminConsentRequestPolicy/$entity").into();
    Ok(call.ok(&object))
}

fn set_policy(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let policy = call.tenant.workloads.policies.request_policy.replaced(call)?;
    call.tenant.workloads.policies.request_policy = policy;
    Ok(call.no_content())
}

fn shown(call: &Call<'_>, request: &ConsentRequest, expand: &[String]) -> Value {
    let mut object = request.shown();
    if !expand.is_empty() {
        object["userConsentRequests"] = request.shown_users(call.tenant).into();
    }
    object
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let requests = call.tenant.workloads.policies.requests.iter();
    let items = requests.map(|request| shown(call, request, &query.expand)).collect();
    Ok(call.list(&query, "identityGovernance/appConsent/appConsentRequests", items, None))
}

fn find<'c>(call: &'c Call<'_>) -> Result<&'c ConsentRequest, GraphError> {
    let asked = call.params.get("request");
    let found = call.tenant.workloads.policies.requests.iter().find(|one| one.id == asked);
    found.ok_or_else(|| GraphError::no_object(asked))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface { options: &["select", "expand"], ..COLLECTION })?;
    let object = shown(call, find(call)?, &query.expand);
    Ok(call.entity(&query, "identityGovernance/appConsent/appConsentRequests", object, None))
}

fn users(call: &mut Call<'_>) -> Answer {
    let request = find(call)?;
    let path =
        format!("identityGovernance/appConsent/appConsentRequests('{}')/userConsentRequests", request.id);
    Ok(call.whole(&path, request.shown_users(call.tenant)))
}
