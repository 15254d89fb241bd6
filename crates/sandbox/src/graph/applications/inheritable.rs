//! `inheritablePermissions` of a blueprint: which of its principal's grants its agent identities have too
//! (Entra reference §2.6).

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::directory::{Application, Inheritance, InheritedScopes};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::route::{Needs, Route};
use crate::lag::Cause;

use super::BLUEPRINT;

const READ: Needs = Needs::either(&[
    "AgentIdentityBlueprint.Read.All",
    "AgentIdentityBlueprint.UpdateAuthProperties.All",
    "AgentIdentityBlueprint.ReadWrite.All",
]);
const WRITE: Needs = Needs::either(&[
    "AgentIdentityBlueprint.UpdateAuthProperties.All",
    "AgentIdentityBlueprint.ReadWrite.All",
]);

/// More resource applications a blueprint cannot name.
const MOST: usize = 10;

const COLLECTION: Surface = Surface {
    service: Service::Directory,
    type_name: "inheritablePermission",
    options: &["select", "filter", "top", "skiptoken"],
    properties: &["resourceAppId", "inheritableScopes"],
    expandable: &[],
    page: 100,
    largest_page: 999,
};

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/applications/{id}/inheritablePermissions";
    const ONE: &str = "/applications/{id}/inheritablePermissions/{resource}";
    [
        Route::new(Method::GET, ALL, READ, list),
        Route::new(Method::POST, ALL, WRITE, create),
        Route::new(Method::GET, ONE, READ, get),
        Route::new(Method::PATCH, ONE, WRITE, update),
        Route::new(Method::DELETE, ONE, WRITE, delete),
    ]
    .into_iter()
    .map(|route| route.cast(BLUEPRINT))
    .collect()
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let items = call.application()?.inheritable.iter().map(shown).collect();
    Ok(call.list_by(&query, &context(call), items, "resourceAppId", None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let resource = call.params.get("resource");
    let found =
        call.application()?.inheritable.iter().find(|one| one.resource_app_id.eq_ignore_ascii_case(resource));
    let found = found.ok_or_else(|| GraphError::no_object(resource))?;
    Ok(call.ok(&call.with_context(&context(call), shown(found))))
}

fn create(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let body = call.body()?;
    let resource = body.get("resourceAppId").and_then(Value::as_str).unwrap_or_default();
    let resource = uuid::Uuid::parse_str(resource).map_err(|_| invalid("resourceAppId"))?.to_string();
    let entry = Inheritance {
        resource_app_id: resource.clone(),
        scopes: scopes(&body)?,
        effective: call.due(Cause::Consent),
    };
    let body = call.with_context(&context(call), shown(&entry));
    let location = format!(
        "/applications/{}/microsoft.graph.{BLUEPRINT}/inheritablePermissions/{resource}",
        call.params.get("id")
    );
    let list = &mut call.application_mut()?.inheritable;
    if list.iter().any(|one| one.resource_app_id == resource) {
        return Err(GraphError::conflict(
            "Another object with the same value for property resourceAppId already exists.",
            "resourceAppId",
        ));
    }
    if list.len() >= MOST {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "Directory_QuotaExceeded",
            format!("The number of inheritable permissions exceeds the maximum of {MOST}."),
        ));
    }
    list.push(entry);
    Ok(call.created(&location, &body))
}

fn update(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let scopes = scopes(&call.body()?)?;
    let effective = call.due(Cause::Consent);
    let resource = call.params.get("resource").to_owned();
    let app = call.application_mut()?;
    let entry = find(app, &resource)?;
    entry.scopes = scopes;
    entry.effective = effective;
    let shown = shown(entry);
    Ok(call.ok(&call.with_context(&context(call), shown)))
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let resource = call.params.get("resource").to_owned();
    let app = call.application_mut()?;
    find(app, &resource)?;
    app.inheritable.retain(|one| !one.resource_app_id.eq_ignore_ascii_case(&resource));
    Ok(call.no_content())
}

fn find<'a>(app: &'a mut Application, resource: &str) -> Result<&'a mut Inheritance, GraphError> {
    let found = app.inheritable.iter_mut().find(|one| one.resource_app_id.eq_ignore_ascii_case(resource));
    found.ok_or_else(|| GraphError::no_object(resource))
}

fn context(call: &Call<'_>) -> String {
    format!("applications('{}')/microsoft.graph.{BLUEPRINT}/inheritablePermissions", call.params.get("id"))
}

fn shown(entry: &Inheritance) -> Value {
    let scopes = match &entry.scopes {
        InheritedScopes::AllAllowed => {
            json!({ "@odata.type": "#microsoft.graph.allAllowedScopes", "kind": "allAllowed" })
        }
        InheritedScopes::Enumerated(scopes) => {
            json!({ "@odata.type": "#microsoft.graph.enumeratedScopes", "kind": "enumerated", "scopes": scopes })
        }
        InheritedScopes::None => json!({ "@odata.type": "#microsoft.graph.noScopes", "kind": "none" }),
    };
    json!({ "resourceAppId": entry.resource_app_id, "inheritableScopes": scopes })
}

/// `inheritableScopes`: its `@odata.type` decides, else its `kind`.
fn scopes(body: &Map<String, Value>) -> Result<InheritedScopes, GraphError> {
    let scopes = body.get("inheritableScopes").and_then(Value::as_object);
    let scopes = scopes.ok_or_else(|| invalid("inheritableScopes"))?;
    let text = |name: &str| scopes.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = match text("@odata.type") {
        "" => text("kind"),
        name => name.rsplit('.').next().unwrap_or_default(),
    };
    match kind {
        "allAllowedScopes" | "allAllowed" => Ok(InheritedScopes::AllAllowed),
        "noScopes" | "none" => Ok(InheritedScopes::None),
        "enumeratedScopes" | "enumerated" => {
            let list = scopes.get("scopes").and_then(Value::as_array).ok_or_else(|| invalid("scopes"))?;
            let list = list.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            list.filter(|list| !list.is_empty())
                .map(InheritedScopes::Enumerated)
                .ok_or_else(|| invalid("scopes"))
        }
        _ => Err(invalid("inheritableScopes")),
    }
}

fn invalid(name: &str) -> GraphError {
    GraphError::bad_request(format!(
        "Invalid value specified for property '{name}' of resource 'InheritablePermission'."
    ))
}
