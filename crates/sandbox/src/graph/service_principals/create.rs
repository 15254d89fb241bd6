//! `POST /servicePrincipals`: by `@odata.type` or cast an ordinary principal, a blueprint principal or an agent
//! identity (Entra reference §2.2, §2.3, §2.9).

use http::{Method, StatusCode};
use serde_json::Value;

use crate::authorize::CallerKind;
use crate::directory::{Application, Life, RoleAssignment, ServicePrincipal, ServicePrincipalKind, new_id};
use crate::graph::agent_versions::AgentObject;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::managers::{CREATE_AS_MANAGER, OWNED_BY, manages_blueprint, owns};
use crate::graph::odata::Query;
use crate::graph::payload::Payload;
use crate::graph::permissions::permission;
use crate::graph::route::{Needs, Route};
use crate::lag::Cause;

use super::{IDENTITY, PRINCIPAL, incompatible};

const CREATE: Needs = Needs::split(
    &[
        "Application.ReadWrite.All",
        "Directory.ReadWrite.All",
        "AgentIdentityBlueprintPrincipal.Create",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All",
        "AgentIdentity.Create.All",
        "AgentIdentity.ReadWrite.All",
    ],
    &[
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "Directory.ReadWrite.All",
        "AgentIdentityBlueprintPrincipal.Create",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All",
        "AgentIdentity.Create.All",
        "AgentIdentity.ReadWrite.All",
        "AgentIdentity.CreateAsManager",
    ],
);
const CREATE_ORDINARY: Needs = Needs::split(
    &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
    &["Application.ReadWrite.OwnedBy", "Application.ReadWrite.All", "Directory.ReadWrite.All"],
);
const CREATE_PRINCIPAL: Needs = Needs::either(&[
    "AgentIdentityBlueprintPrincipal.Create",
    "AgentIdentityBlueprintPrincipal.ReadWrite.All",
]);
const CREATE_IDENTITY: Needs = Needs::split(
    &["AgentIdentity.Create.All", "AgentIdentity.ReadWrite.All"],
    &["AgentIdentity.Create.All", "AgentIdentity.ReadWrite.All", "AgentIdentity.CreateAsManager"],
);

/// Settable properties that nothing in the sandbox looks at.
pub(super) const PASSIVE: &[&str] = &[
    "tags",
    "notes",
    "description",
    "appRoleAssignmentRequired",
    "alternativeNames",
    "notificationEmailAddresses",
    "loginUrl",
    "logoutUrl",
    "homepage",
    "preferredSingleSignOnMode",
    "preferredTokenSigningKeyThumbprint",
    "samlSingleSignOnSettings",
    "servicePrincipalNames",
    "tokenEncryptionKeyId",
    "addIns",
    "info",
    "customSecurityAttributes",
];

/// What the service computes, or the application says.
pub(super) const READ_ONLY: &[&str] = &[
    "id",
    "deletedDateTime",
    "agentIdentityBlueprintId",
    "appDescription",
    "appDisplayName",
    "appId",
    "appOwnerOrganizationId",
    "applicationTemplateId",
    "createdByAppId",
    "createdDateTime",
    "disabledByMicrosoftStatus",
    "oauth2PermissionScopes",
    "resourceSpecificApplicationPermissions",
    "servicePrincipalType",
    "signInAudience",
    "verifiedPublisher",
];

/// Agent identities of one blueprint that apps made, soft-deleted ones included.
const MOST_APP_ONLY: usize = 250;

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/servicePrincipals";
    vec![
        Route::new(Method::POST, ALL, CREATE, create),
        Route::new(Method::POST, ALL, CREATE_PRINCIPAL, create).cast(PRINCIPAL),
        Route::new(Method::POST, ALL, CREATE_IDENTITY, create).cast(IDENTITY),
    ]
}

fn create(call: &mut Call<'_>) -> Answer {
    let payload = Payload::read(call, "ServicePrincipal")?;
    create_from(call, payload)
}

pub(super) fn create_from(call: &mut Call<'_>, mut payload: Payload) -> Answer {
    let named = payload.take_type();
    let kind = match (call.path.cast, named.as_deref()) {
        (Some(IDENTITY), _) | (None, Some("agentidentity")) => IDENTITY,
        (Some(PRINCIPAL), _) | (None, Some("agentidentityblueprintprincipal")) => PRINCIPAL,
        (_, None | Some("serviceprincipal")) => "servicePrincipal",
        (_, Some(other)) => {
            return Err(GraphError::unreadable(format!(
                "A type named 'microsoft.graph.{other}' could not be resolved by the model."
            )));
        }
    };
    match kind {
        IDENTITY => call.check_version(AgentObject::Identity)?,
        PRINCIPAL => call.check_version(AgentObject::Principal)?,
        _ => {}
    }
    call.check_room(kind != "servicePrincipal")?;
    let sp = match kind {
        IDENTITY => agent_identity(call, payload)?,
        PRINCIPAL => principal(call, payload, ServicePrincipalKind::BlueprintPrincipal)?,
        _ => principal(call, payload, ServicePrincipalKind::Application)?,
    };
    call.has_made(&sp.id);
    let mut shown = call.principal_json(&sp, &Query::default());
    if kind == IDENTITY {
        // Right after the create the date is not there yet.
        shown["createdDateTime"] = Value::Null;
    }
    let body = call.with_context(&super::context(call.path.cast), shown);
    let location = format!("/servicePrincipals/{}", sp.id);
    call.tenant.principal_changed(&sp.id);
    call.tenant.service_principals.insert(sp.id.clone(), sp);
    Ok(call.created(&location, &body))
}

/// The principal of an application of this tenant. A blueprint's gets the role to create its children.
fn principal(
    call: &mut Call<'_>,
    mut payload: Payload,
    kind: ServicePrincipalKind,
) -> Result<ServicePrincipal, GraphError> {
    let is_blueprint = kind == ServicePrincipalKind::BlueprintPrincipal;
    call.require(if is_blueprint { CREATE_PRINCIPAL } else { CREATE_ORDINARY })?;
    let app_id = payload.required_text("appId", 36)?;
    if call.tenant.application_by_app_id(&app_id, call.now).is_none() {
        return foreign_principal(call, &app_id, payload);
    }
    let app = call
        .tenant
        .application_by_app_id(&app_id, call.now)
        .ok_or_else(|| no_backing_application(&app_id))?;
    let by_owner = owns(call.caller, app);
    if !by_owner {
        call.require_administrator()?;
    }
    let only_owned = !call.holds_any(&["Application.ReadWrite.All", "Directory.ReadWrite.All"]);
    if !is_blueprint && call.caller.holds(OWNED_BY) && only_owned && !by_owner {
        return Err(GraphError::denied());
    }
    match (is_blueprint, app.is_blueprint()) {
        (true, false) => {
            return Err(GraphError::new(
                StatusCode::BAD_REQUEST,
                "AgentBlueprintPrincipal_RequireAgentBlueprint",
                "An Agent Blueprint Principal can be created for an Agent Blueprint only.",
            ));
        }
        (false, true) => {
            return Err(GraphError::new(
                StatusCode::BAD_REQUEST,
                "AgentBlueprintPrincipal_IncompatibleProperty",
                "The principal of an Agent Blueprint has to be created as microsoft.graph.agentIdentityBlueprintPrincipal.",
            ));
        }
        _ => {}
    }
    let (app_id, name) = (app.app_id.clone(), app.display_name.clone());
    check_unused(call, &app_id)?;

    let life = Life::new(call.now, call.due(Cause::Replication));
    let mut sp = ServicePrincipal::new(new_id(), app_id, life, kind, &name);
    sp.created_by_app_id = Some(call.caller.app_id.clone());
    sp.owners.push(call.caller.object_id.clone());
    if let Some(enabled) = payload.boolean("accountEnabled")? {
        sp.account_enabled = enabled;
    }
    if let Some(sponsors) = payload.texts("sponsors@odata.bind")? {
        sp.sponsors = call.bind(sponsors)?;
    }
    payload.take("displayName");
    incompatible::refuse(&sp.kind, &mut payload)?;
    sp.other = payload.rest_but(PASSIVE, READ_ONLY)?;
    if is_blueprint {
        grant_create_as_manager(call, &sp.id);
    }
    Ok(sp)
}

/// An application has one principal in a tenant.
fn check_unused(call: &Call<'_>, app_id: &str) -> Result<(), GraphError> {
    if call.tenant.principals_of(app_id).any(|sp| sp.life.is_live()) {
        let message = format!(
            "The service principal cannot be created, updated, or restored because the service principal name {app_id} is already in use."
        );
        return Err(GraphError::conflict(&message, "None"));
    }
    Ok(())
}

/// The principal of a multi-tenant application of another tenant.
fn foreign_principal(
    call: &mut Call<'_>,
    app_id: &str,
    payload: Payload,
) -> Result<ServicePrincipal, GraphError> {
    let now = call.now;
    let home = call.others.find(|tenant| {
        tenant.registered(app_id, now).is_some_and(crate::directory::Application::is_multi_tenant)
    })?;
    let found = home.and_then(|home| Some((home.registered(app_id, now)?.clone(), home.id.clone())));
    let (app, home) = found.ok_or_else(|| no_backing_application(app_id))?;
    call.require_administrator()?;
    check_unused(call, app_id)?;
    let other = payload.rest_but(PASSIVE, READ_ONLY)?;
    let id = crate::entra::adopt(call.tenant, app, &home, now);
    if let Some(foreign) = call.tenant.workloads.foreign.get_mut(&app_id.to_ascii_lowercase()) {
        foreign.is_new = false;
    }
    let mut sp =
        call.tenant.service_principals.get(&id).cloned().ok_or_else(|| GraphError::no_object(&id))?;
    sp.life.visible = call.due(Cause::Replication);
    sp.created_by_app_id = Some(call.caller.app_id.clone());
    sp.other = other;
    Ok(sp)
}

fn grant_create_as_manager(call: &mut Call<'_>, principal_id: &str) {
    let Some(role_id) = permission(CREATE_AS_MANAGER).and_then(|permission| permission.role_id) else {
        return;
    };
    let assignment = RoleAssignment {
        id: new_id(),
        principal_id: principal_id.to_owned(),
        resource_id: call.tenant.graph_id().to_owned(),
        role_id: role_id.to_owned(),
        created: call.now,
        effective: call.now,
    };
    call.tenant.role_assignments.push(assignment);
}

fn agent_identity(call: &Call<'_>, mut payload: Payload) -> Result<ServicePrincipal, GraphError> {
    call.require(CREATE_IDENTITY)?;
    let blueprint_id = match payload.text("agentAppId")? {
        Some(early) => early,
        None => payload.required_text("agentIdentityBlueprintId", 36)?,
    };
    check_creator(call, &blueprint_id)?;
    let app_only = matches!(call.caller.kind, CallerKind::App { .. });
    check_limit(call, &blueprint_id, app_only)?;

    let name = payload.required_text("displayName", 256)?;
    let id = new_id();
    let life = Life::new(call.now, call.due(Cause::Replication));
    let kind = ServicePrincipalKind::AgentIdentity { blueprint_id, created_app_only: app_only };
    let mut identity = ServicePrincipal::new(id.clone(), id, life, kind, &name);
    identity.created_by_app_id = Some(call.caller.app_id.clone());
    identity.sponsors = match (payload.texts("sponsors@odata.bind")?, call.caller.user_id()) {
        (Some(references), _) if !references.is_empty() => {
            let ids = call.bind(references)?;
            call.check_sponsors(&ids)?;
            ids
        }
        (_, Some(user)) => vec![user.to_owned()],
        _ => {
            return Err(GraphError::bad_request(
                "No sponsor specified. Please provide at least one sponsor for the agent identity.",
            ));
        }
    };
    identity.owners = match payload.texts("owners@odata.bind")? {
        Some(references) => call.bind(references)?,
        None => call.caller.user_id().map(str::to_owned).into_iter().collect(),
    };
    if let Some(enabled) = payload.boolean("accountEnabled")? {
        identity.account_enabled = enabled;
    }
    incompatible::refuse(&identity.kind, &mut payload)?;
    identity.other = payload.rest_but(PASSIVE, READ_ONLY)?;
    Ok(identity)
}

/// The blueprint's principal is there, and the caller is the blueprint itself or holds the broad permission.
fn check_creator(call: &Call<'_>, blueprint_id: &str) -> Result<(), GraphError> {
    let creator = call.tenant.service_principal_by_app_id(&call.caller.app_id, call.now);
    if creator.is_some_and(|sp| sp.blueprint_id().is_some()) {
        return Err(GraphError::new(
            StatusCode::FORBIDDEN,
            "Error_AgentIdentitiesCreatingAgentIdentitiesNotAllowed",
            "Agent identities are not allowed to create agent identities.",
        ));
    }
    check_parent(call, blueprint_id)?;
    let manages = manages_blueprint(call.tenant, call.caller, blueprint_id);
    if call.holds_any(&["AgentIdentity.Create.All", "AgentIdentity.ReadWrite.All"]) {
        // Whatever a blueprint was granted, other blueprints' children are not its to make.
        if creator.is_some_and(|sp| sp.kind == ServicePrincipalKind::BlueprintPrincipal) && !manages {
            return Err(GraphError::new(
                StatusCode::FORBIDDEN,
                "Error_AgentBlueprintCannotCreateAssociatedIdentity",
                "An Agent Blueprint cannot create agent identities that are associated with another Agent Blueprint.",
            ));
        }
        let owner = call
            .tenant
            .application_by_app_id(blueprint_id, call.now)
            .is_some_and(|blueprint| owns(call.caller, blueprint));
        return if owner { Ok(()) } else { call.require_administrator() };
    }
    if manages {
        return Ok(());
    }
    Err(GraphError::new(
        StatusCode::FORBIDDEN,
        "Error_AgentIdentitySelfCreateRequired",
        "An Agent Blueprint can create agent identities of its own only.",
    ))
}

/// The parent is a blueprint, and its principal is there.
fn check_parent(call: &Call<'_>, blueprint_id: &str) -> Result<(), GraphError> {
    let principal = call.tenant.service_principal_by_app_id(blueprint_id, call.now);
    let application = call.tenant.application_by_app_id(blueprint_id, call.now);
    match principal.map(|sp| &sp.kind) {
        Some(ServicePrincipalKind::BlueprintPrincipal) => Ok(()),
        None if application.is_none_or(Application::is_blueprint) => Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "AgentIdentity_AgentBlueprintPrincipalDoesNotExist",
            "The Agent Blueprint Principal for the Agent Blueprint does not exist.",
        )),
        _ => Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "AgentIdentity_IncompatibleParentType",
            "The parent of an Agent Identity has to be an Agent Blueprint.",
        )),
    }
}

fn check_limit(call: &Call<'_>, blueprint_id: &str, app_only: bool) -> Result<(), GraphError> {
    if app_only && call.tenant.service_principals.count(blueprint_id) >= MOST_APP_ONLY {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "AgentIdentity_LimitExceeded",
            format!("The Agent Blueprint cannot have more than {MOST_APP_ONLY} agent identities."),
        ));
    }
    Ok(())
}

fn no_backing_application(app_id: &str) -> GraphError {
    let message = format!(
        "The appId '{app_id}' of the service principal does not reference a valid application object."
    );
    let mut error = GraphError::bad_request(message.clone());
    error.details.push(serde_json::json!({
        "code": "NoBackingApplicationObject", "message": message, "target": "appId",
    }));
    error
}
