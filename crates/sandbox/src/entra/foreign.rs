//! Applications of other tenants: a multi-tenant application (or blueprint) that somebody here uses for the first
//! time gets a service principal with their consent, and signs in here with its home's credentials (Entra
//! reference §13). What its registration says is kept here as a copy, looked at anew with each request.

use jiff::Timestamp;
use serde_json::Value;

use crate::directory::{
    Application, Foreign, Life, RoleAssignment, ServicePrincipal, ServicePrincipalKind, User, new_id,
};
use crate::graph::permission;
use crate::published;
use crate::realm::{Absent, Realm};
use crate::tenant::Tenant;

use super::context::Context;
use super::error::EntraError;
use super::microsoft::{self, MICROSOFT_SERVICES};

/// Brings the copies up to date.
pub(crate) fn refresh(realm: &Realm, context: &Context<'_>) -> Result<(), Absent> {
    let tenant = realm.look();
    let mut changed = Vec::new();
    for (app_id, foreign) in tenant.workloads.foreign.iter() {
        let home = context.others.tenant(&foreign.home)?;
        let found = home.as_ref().and_then(|home| home.application_by_app_id(app_id, context.now));
        if let Some(app) = found
            && serde_json::to_value(app).ok() != serde_json::to_value(&foreign.application).ok()
        {
            changed.push((app_id.clone(), app.clone()));
        }
    }
    drop(tenant);
    if !changed.is_empty() {
        let mut tenant = realm.enter();
        for (app_id, app) in changed {
            if let Some(foreign) = tenant.workloads.foreign.get_mut(&app_id) {
                foreign.application = app;
            }
        }
    }
    Ok(())
}

/// The tenant as it would be if that application had a principal here: if it has none yet, and is a
/// multi-tenant one of another tenant.
pub(crate) fn adopted(context: &Context<'_>, tenant: &Tenant, app_id: &str) -> Option<Tenant> {
    if tenant.service_principal_by_app_id(app_id, context.now).is_some() || app_id.is_empty() {
        return None;
    }
    let (app, home) = match tenant.workloads.foreign.get(&app_id.to_ascii_lowercase()) {
        Some(foreign) => (foreign.application.clone(), foreign.home.clone()),
        None => {
            let is_here = |tenant: &Tenant| tenant.registered(app_id, context.now).is_some();
            // What is not at hand yet is fetched, and the request is answered anew.
            match context.others.find(is_here).ok()? {
                Some(home) => (home.registered(app_id, context.now)?.clone(), home.id.clone()),
                None => (microsoft::client(app_id)?, MICROSOFT_SERVICES.to_owned()),
            }
        }
    };
    if !app.is_multi_tenant() || tenant.registered(app_id, context.now).is_some() {
        return None;
    }
    let mut adopted = tenant.clone();
    adopt(&mut adopted, app, &home, context.now);
    Some(adopted)
}

/// Gives a client of Microsoft's that asks nobody its principal when it is first used here.
pub(crate) fn install(context: &Context<'_>, tenant: &mut Tenant, app_id: &str) {
    if microsoft::asks_nobody(app_id)
        && let Some(adopted) = adopted(context, tenant, app_id)
    {
        *tenant = adopted;
    }
}

/// Gives an application of another tenant a principal here; its object id.
pub(crate) fn adopt(tenant: &mut Tenant, app: Application, home: &str, now: Timestamp) -> String {
    let kind = if app.is_blueprint() {
        ServicePrincipalKind::BlueprintPrincipal
    } else {
        ServicePrincipalKind::Application
    };
    let id = new_id();
    let principal =
        ServicePrincipal::new(id.clone(), app.app_id.clone(), Life::new(now, now), kind, &app.display_name);
    if let (true, Some(role)) =
        (app.is_blueprint(), permission("AgentIdentity.CreateAsManager").and_then(|one| one.role_id))
    {
        let resource_id = tenant.graph_id().to_owned();
        tenant.role_assignments.push(RoleAssignment {
            id: new_id(),
            principal_id: id.clone(),
            resource_id,
            role_id: role.to_owned(),
            created: now,
            effective: now,
        });
    }
    tenant.service_principals.insert(id.clone(), principal);
    tenant.principal_changed(&id);
    let is_new = !microsoft::asks_nobody(&app.app_id);
    let foreign = Foreign { home: home.to_owned(), application: app, is_new };
    tenant.workloads.foreign.insert(foreign.application.app_id.to_ascii_lowercase(), foreign);
    id
}

/// What stands against keeping the principal that a consent would make: another one, which does not show yet.
pub(crate) fn check_conflict(tenant: &Tenant, app_id: &str) -> Result<(), EntraError> {
    let is_taken = is_new(tenant, app_id)
        && tenant.principals_of(app_id).filter(|principal| principal.life.is_live()).nth(1).is_some();
    if is_taken { Err(EntraError::principal_conflict(app_id, &tenant.id)) } else { Ok(()) }
}

/// Somebody consented: the principal stays.
pub(crate) fn settle(context: &Context<'_>, tenant: &mut Tenant, app_id: &str, user: &User) {
    let Some(foreign) = tenant.workloads.foreign.get_mut(&app_id.to_ascii_lowercase()) else { return };
    if !std::mem::take(&mut foreign.is_new) {
        return;
    }
    let principal = tenant.service_principal_by_app_id(app_id, context.now);
    let target = serde_json::json!({
        "id": principal.map(|sp| &sp.id), "displayName": principal.map(|sp| &sp.display_name),
        "type": "ServicePrincipal", "userPrincipalName": null, "groupType": null, "modifiedProperties": [],
    });
    tenant.audit(&crate::graph::Audit {
        at: context.now,
        activity: "Add service principal",
        category: "ApplicationManagement",
        operation: "Add",
        initiator: &crate::graph::user_initiator(Some(user)),
        correlation: &new_id(),
        targets: &[target],
    });
}

/// Whether nobody here has consented to the application yet.
pub(crate) fn is_new(tenant: &Tenant, app_id: &str) -> bool {
    tenant.workloads.foreign.get(&app_id.to_ascii_lowercase()).is_some_and(|foreign| foreign.is_new)
}

/// The tenant in which the application is registered.
pub(crate) fn home<'t>(tenant: &'t Tenant, app_id: &str) -> &'t str {
    tenant.workloads.foreign.get(&app_id.to_ascii_lowercase()).map_or(&tenant.id, |foreign| &foreign.home)
}

/// The id of the application's verified publisher.
pub(crate) fn verified_publisher(tenant: &Tenant, app_id: &str, now: Timestamp) -> Option<String> {
    let app = tenant.application_by_app_id(app_id, now)?;
    let publisher = app.other.get("verifiedPublisher")?.get("verifiedPublisherId")?.as_str()?;
    Some(publisher.to_owned()).filter(|id| !id.is_empty())
}

/// Whether the user's roles let them consent for the whole tenant.
pub(crate) fn may_consent_for_all(tenant: &Tenant, user: &User) -> bool {
    const ROLES: [&str; 4] = [
        "Global Administrator",
        "Privileged Role Administrator",
        "Application Administrator",
        "Cloud Application Administrator",
    ];
    user.is_admin || tenant.roles_of(&user.id).iter().any(|role| ROLES.contains(&role.name))
}

/// The app ids of the resources that the registration lists.
pub(crate) fn required_resources(app: &Application) -> Vec<&str> {
    let list = app.other.get("requiredResourceAccess").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|one| one["resourceAppId"].as_str()).collect()
}

/// The ids in the registration's `requiredResourceAccess` for that resource: scopes or roles.
pub(crate) fn required_ids(app: &Application, resource: &str, kind: &str) -> Vec<String> {
    let list = app.other.get("requiredResourceAccess").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter(|one| one["resourceAppId"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(resource)))
        .filter_map(|one| one["resourceAccess"].as_array())
        .flatten()
        .filter(|access| access["type"] == kind)
        .filter_map(|access| access["id"].as_str().map(str::to_ascii_lowercase))
        .collect()
}

/// The names of the scopes that the registration asks for; what the resource does not publish is refused.
pub(crate) fn required_scopes(
    tenant: &Tenant,
    app_id: &str,
    resource: &str,
    now: Timestamp,
) -> Result<Vec<String>, EntraError> {
    let Some(app) = tenant.application_by_app_id(app_id, now) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for id in required_ids(app, resource, "Scope") {
        let scope = published::scopes(tenant, resource, now).find(|scope| scope.id.eq_ignore_ascii_case(&id));
        let scope = scope.ok_or_else(|| EntraError::unknown_scope(&id, app_id, resource))?;
        if !super::resource::OIDC.contains(&scope.value) {
            names.push(scope.value.to_owned());
        }
    }
    Ok(names)
}

/// The app id that a form of sign-in names: a request, or a consent that was asked for.
pub(crate) fn client_of(text: &str) -> String {
    let mut fields = form_urlencoded::parse(text.as_bytes());
    fields.find(|(name, _)| name == "client_id").map(|(_, value)| value.into_owned()).unwrap_or_default()
}
