//! `POST /applications`: an ordinary application, or a blueprint by `@odata.type` or cast
//! (Entra reference §2.1).

use http::Method;

use crate::directory::{Application, ApplicationKind, Life, new_id};
use crate::graph::agent_versions::AgentObject;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::Query;
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};
use crate::lag::Cause;

use super::{BLUEPRINT, limits, update};

const CREATE: Needs = Needs::split(
    &[
        "Application.ReadWrite.All",
        "AppRegistration.Create",
        "AgentIdentityBlueprint.Create",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
    &[
        "Application.ReadWrite.OwnedBy",
        "AppRegistration.Create",
        "Application.ReadWrite.All",
        "AgentIdentityBlueprint.Create",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
);
const CREATE_APPLICATION: Needs = Needs::split(
    &["Application.ReadWrite.All", "AppRegistration.Create"],
    &["Application.ReadWrite.OwnedBy", "AppRegistration.Create", "Application.ReadWrite.All"],
);
const CREATE_BLUEPRINT: Needs =
    Needs::either(&["AgentIdentityBlueprint.Create", "AgentIdentityBlueprint.ReadWrite.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/applications", CREATE, create),
        Route::new(Method::POST, "/applications", CREATE_BLUEPRINT, create).cast(BLUEPRINT),
    ]
}

fn create(call: &mut Call<'_>) -> Answer {
    let payload = Payload::read(call, "Application")?;
    create_from(call, payload)
}

pub(super) fn create_from(call: &mut Call<'_>, mut payload: Payload) -> Answer {
    let kind = match payload.take_type().as_deref() {
        Some("agentidentityblueprint") => ApplicationKind::Blueprint,
        Some("application") | None if call.path.cast == Some(BLUEPRINT) => ApplicationKind::Blueprint,
        Some("application") | None => ApplicationKind::Ordinary,
        Some(other) => {
            return Err(GraphError::unreadable(format!(
                "A type named 'microsoft.graph.{other}' could not be resolved by the model."
            )));
        }
    };
    call.require(match kind {
        ApplicationKind::Ordinary => CREATE_APPLICATION,
        ApplicationKind::Blueprint => CREATE_BLUEPRINT,
    })?;
    if kind == ApplicationKind::Blueprint {
        call.check_version(AgentObject::Blueprint)?;
        limits::check_blueprints(call)?;
    }
    // Ordinary users may register applications, as long as the tenant lets them.
    let may_register = kind == ApplicationKind::Ordinary && call.tenant.workloads.policies.allows_apps;
    if !may_register {
        call.require_administrator()?;
    }

    let name = payload.required_text("displayName", 256)?;
    let id = new_id();
    let (id, app_id) = match kind {
        ApplicationKind::Blueprint => (id.clone(), id),
        ApplicationKind::Ordinary => (id, new_id()),
    };
    let life = Life::new(call.now, call.due(Cause::Replication));
    let mut app = Application::new(id, app_id, life, kind, &name);
    app.created_by_app_id = Some(call.caller.app_id.clone());

    let mut owners = match payload.texts("owners@odata.bind")? {
        Some(references) => call.bind(references)?,
        None => Vec::new(),
    };
    // Who creates a blueprint owns it; an app owns what it creates.
    if !owners.contains(&call.caller.object_id) {
        owners.push(call.caller.object_id.clone());
    }
    limits::check_owners(owners.len())?;
    app.owners = owners;
    app.sponsors = sponsors(call, &mut payload, kind)?;
    update::apply(call, &mut app, payload)?;

    call.check_room(kind == ApplicationKind::Blueprint)?;
    call.has_made(&app.id);
    let body = call.with_context("applications", call.application_json(&app, &Query::default()));
    let location = format!("/applications/{}", app.id);
    call.tenant.application_changed(&app.id);
    call.tenant.applications.insert(app.id.clone(), app);
    Ok(call.created(&location, &body))
}

/// A blueprint has at least one sponsor; a person who names none becomes it.
fn sponsors(
    call: &Call<'_>,
    payload: &mut Payload,
    kind: ApplicationKind,
) -> Result<Vec<String>, GraphError> {
    match (payload.texts("sponsors@odata.bind")?, kind) {
        (Some(references), ApplicationKind::Blueprint) if !references.is_empty() => {
            let ids = call.bind(references)?;
            call.check_sponsors(&ids)?;
            Ok(ids)
        }
        (_, ApplicationKind::Blueprint) => match call.caller.user_id() {
            Some(user) => Ok(vec![user.to_owned()]),
            None => Err(GraphError::bad_request(
                "No sponsor specified. Please provide at least one sponsor for the agent identity blueprint.",
            )),
        },
        (Some(_), ApplicationKind::Ordinary) => Err(GraphError::bad_request("Invalid property 'sponsors'.")),
        (None, ApplicationKind::Ordinary) => Ok(Vec::new()),
    }
}
