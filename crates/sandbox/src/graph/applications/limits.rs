//! How much one application holds (Entra reference §2.11).

use http::StatusCode;
use serde_json::Value;

use crate::directory::Application;
use crate::graph::call::Call;
use crate::graph::error::GraphError;

/// The owners of an application.
const OWNERS: usize = 100;
/// The entries of a manifest: all of its collections together.
const ENTRIES: usize = 1200;
/// The APIs that it asks for, and their permissions.
const APIS: usize = 50;
const PERMISSIONS: usize = 400;

/// The blueprints that an app makes in its own name, soft-deleted ones included (Microsoft: delete and restore agent
/// identity objects).
const BLUEPRINTS: usize = 250;

/// Whether the caller may make one blueprint more. An app owns those that it makes in its own name.
pub(super) fn check_blueprints(call: &Call<'_>) -> Result<(), GraphError> {
    let caller = call.caller;
    let is_its = |app: &&Application| {
        app.is_blueprint()
            && app.created_by_app_id.as_deref() == Some(caller.app_id.as_str())
            && app.owners.contains(&caller.object_id)
    };
    if caller.user_id().is_some() || call.tenant.applications.values().filter(is_its).count() < BLUEPRINTS {
        return Ok(());
    }
    Err(GraphError::new(
        StatusCode::BAD_REQUEST,
        "AgentBlueprint_LimitExceeded",
        format!(
            "An application cannot create more than {BLUEPRINTS} agent identity blueprints, soft-deleted ones included."
        ),
    ))
}

/// Whether so many may own it.
pub(super) fn check_owners(owners: usize) -> Result<(), GraphError> {
    if owners <= OWNERS {
        return Ok(());
    }
    Err(GraphError::bad_request(format!("An application cannot have more than {OWNERS} owners.")))
}

/// Whether a manifest is not too large.
pub(super) fn check(app: &Application) -> Result<(), GraphError> {
    let asked = items(app, "requiredResourceAccess");
    let permissions: usize =
        asked.iter().filter_map(|api| api["resourceAccess"].as_array()).map(Vec::len).sum();
    if asked.len() > APIS || permissions > PERMISSIONS {
        return Err(GraphError::bad_request(format!(
            "Property 'requiredResourceAccess' names more than {APIS} APIs, or more than {PERMISSIONS} of their permissions."
        )));
    }
    let kept = [
        app.identifier_uris.len(),
        app.scopes.len(),
        app.roles.len(),
        app.web_redirects.len(),
        app.spa_redirects.len(),
        app.public_redirects.len(),
        app.passwords.len(),
        app.keys.len(),
        asked.len(),
        permissions,
        items(app, "addIns").len(),
        items(app, "tags").len(),
    ];
    if kept.into_iter().sum::<usize>() <= ENTRIES {
        return Ok(());
    }
    Err(GraphError::bad_request(
        "The size of the manifest has exceeded its limit. Please reduce the number of values and retry your request.",
    ))
}

fn items<'a>(app: &'a Application, name: &str) -> &'a [Value] {
    app.other.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
