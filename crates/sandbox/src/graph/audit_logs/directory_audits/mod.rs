//! `/auditLogs/directoryAudits`: one row for each change of the directory, found by the `client-request-id` that
//! the client sent or saw (Entra reference §13). Dispatch asks [`before`] and [`after`] around every handler of
//! a directory route, so that no handler writes its own.

mod activity;
mod subject;

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::authorize::CallerKind;
use crate::directory::{User, new_id};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::instants::seven_digits;
use crate::graph::odata::{Service, Surface};
use crate::graph::route::{Needs, Route};
use crate::sharing::{Part, SnapshotList, whole};
use crate::tenant::Tenant;

use activity::{Activity, activities};
use subject::{Subject, modified, subject};

/// The newest rows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Audits(SnapshotList<Row>);

/// A row: its id, and all of it as JSON text, which is small.
#[derive(Debug, Clone)]
struct Row {
    id: Box<str>,
    text: Box<str>,
}

impl Row {
    fn new(id: &str, row: &Value) -> Self {
        Self { id: id.into(), text: row.to_string().into() }
    }

    fn shown(&self) -> Value {
        // It was made from a value.
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let row = Value::deserialize(deserializer)?;
        Ok(Self::new(row["id"].as_str().unwrap_or_default(), &row))
    }
}

whole!(Row);

impl Part for Audits {
    fn since(&self, earlier: &Self) -> Option<Value> {
        self.0.since(&earlier.0)
    }

    fn take_up(&mut self, change: Value) -> Result<(), serde_json::Error> {
        self.0.take_up(change)
    }
}

/// How many rows are kept.
const KEPT: usize = 10_000;

const READ: Needs = Needs::either(&["AuditLog.Read.All", "Directory.Read.All"]);

/// Reports filter and sort at once, and refuse options as ASP.NET's OData does.
const COLLECTION: Surface = Surface {
    service: Service::Teams,
    type_name: "directoryAudit",
    options: &["filter", "orderby", "top", "skiptoken"],
    properties: &[
        "id",
        "activityDateTime",
        "activityDisplayName",
        "additionalDetails",
        "category",
        "correlationId",
        "initiatedBy",
        "loggedByService",
        "operationType",
        "result",
        "resultReason",
        "targetResources",
    ],
    expandable: &[],
    page: 1000,
    largest_page: 1000,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/auditLogs/directoryAudits", READ, list),
        Route::new(Method::GET, "/auditLogs/directoryAudits/{audit}", READ, get),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    // Newest first, unless the client asks for another order.
    let items = call.tenant.workloads.audits.0.iter().rev().map(Row::shown).collect();
    Ok(call.list(&query, "auditLogs/directoryAudits", items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let asked = call.params.get("audit");
    let found = call.tenant.workloads.audits.0.iter().find(|row| &*row.id == asked);
    let found = found.ok_or_else(|| GraphError::no_object(asked))?;
    Ok(call.ok(&call.with_context("auditLogs/directoryAudits", found.shown())))
}

/// What the call is about to change.
pub(in crate::graph) struct Before {
    activities: Vec<Activity>,
    subject: Option<Subject>,
}

/// Looks at what the call is about; `None` if such calls are not audited.
pub(in crate::graph) fn before(call: &Call<'_>) -> Option<Before> {
    let activities = activities(call)?;
    Some(Before { activities, subject: subject(call) })
}

/// Writes down what the call did.
pub(in crate::graph) fn after(call: &mut Call<'_>, before: Before, answer: &Answer, request_id: &str) {
    let Ok(response) = answer else { return };
    let made: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let now = match (&before.subject, made["id"].as_str()) {
        (Some(subject), _) => subject::object(call, &subject.id),
        (None, Some(id)) => subject::object(call, id),
        (None, None) => None,
    };
    let subject = before.subject.clone().or_else(|| Subject::made(call, &made));
    let correlation = call
        .request
        .header("client-request-id")
        .filter(|id| uuid::Uuid::parse_str(id).is_ok())
        .unwrap_or(request_id)
        .to_owned();
    let initiator = initiator(call);
    for activity in before.activities {
        let changes = match activity.operation {
            "Add" => modified(None, now.as_ref().or(Some(&made))),
            "Delete" => Vec::new(),
            _ => modified(before.subject.as_ref().map(|subject| &subject.object), now.as_ref()),
        };
        let mut targets: Vec<Value> =
            subject.iter().map(|subject| subject.target(activity.target, &changes)).collect();
        if let Some(referenced) = subject::referenced(call) {
            targets.insert(0, referenced);
        }
        let at = call.now;
        call.tenant.audit(&Audit {
            at,
            activity: activity.name,
            category: activity.category,
            operation: activity.operation,
            initiator: &initiator,
            correlation: &correlation,
            targets: &targets,
        });
    }
}

fn initiator(call: &Call<'_>) -> Value {
    match &call.caller.kind {
        CallerKind::User { .. } => user_initiator(call.tenant.users.get(&call.caller.object_id)),
        CallerKind::App { .. } => {
            let sp = call.tenant.service_principals.get(&call.caller.object_id);
            json!({
                "user": null,
                "app": {
                    "appId": call.caller.app_id,
                    "displayName": sp.map(|sp| &sp.display_name),
                    "servicePrincipalId": call.caller.object_id,
                    "servicePrincipalName": null,
                },
            })
        }
    }
}

/// `initiatedBy` of a person.
pub(crate) fn user_initiator(user: Option<&User>) -> Value {
    json!({
        "app": null,
        "user": {
            "id": user.map(|user| &user.id),
            "displayName": user.map(|user| &user.display_name),
            "ipAddress": "127.0.0.1",
            "userPrincipalName": user.map(|user| &user.upn),
        },
    })
}

/// One row.
pub(crate) struct Audit<'a> {
    pub(crate) at: Timestamp,
    pub(crate) activity: &'a str,
    pub(crate) category: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) initiator: &'a Value,
    pub(crate) correlation: &'a str,
    pub(crate) targets: &'a [Value],
}

impl Tenant {
    /// Adds a row; the oldest is forgotten.
    pub(crate) fn audit(&mut self, audit: &Audit<'_>) {
        let rows = &mut self.workloads.audits.0;
        if rows.len() >= KEPT {
            rows.pop_front();
        }
        let id = format!("Directory_{}_{}", audit.correlation, new_id());
        let row = json!({
            "id": id,
            "activityDateTime": seven_digits(audit.at),
            "activityDisplayName": audit.activity,
            "additionalDetails": [],
            "category": audit.category,
            "correlationId": audit.correlation,
            "initiatedBy": audit.initiator,
            "loggedByService": "Core Directory",
            "operationType": audit.operation,
            "result": "success",
            "resultReason": "",
            "targetResources": audit.targets,
        });
        rows.push(Row::new(&id, &row));
    }
}
