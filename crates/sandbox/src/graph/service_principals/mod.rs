//! `/servicePrincipals`: ordinary principals, blueprint principals and agent identities
//! (Entra reference §2.2, §2.3, §2.8).

mod create;
mod incompatible;
mod passwords;
mod sponsors;
pub(crate) mod wire;

use http::Method;
use jiff::Timestamp;
use serde_json::Value;

use crate::changes::ChangeKind;
use crate::directory::{KeyCredential, ServicePrincipal, ServicePrincipalKind};
use crate::graph::agent_versions::AgentObject;
use crate::graph::applications::credentials::replace_keys;
use crate::graph::call::Call;
use crate::graph::cascades;
use crate::graph::error::{Answer, GraphError};
use crate::graph::managers::{CREATE_AS_MANAGER, OWNED_BY, manages_identity};
use crate::graph::odata::{Query, Service, Surface};
use crate::graph::path::Key;
use crate::graph::payload::Payload;
use crate::graph::permission_grants;
use crate::graph::policies::Credential;
use crate::graph::properties::SERVICE_PRINCIPAL;
use crate::graph::references;
use crate::graph::role_assignments;
use crate::graph::route::{Needs, Route};
use crate::lag::Cause;
use crate::tenant::Tenant;

/// The casts below `/servicePrincipals`.
const PRINCIPAL: &str = "agentIdentityBlueprintPrincipal";
const IDENTITY: &str = "agentIdentity";

/// Who reads every service principal.
const READS_ALL: &[&str] = &[
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READS_IDENTITIES: &[&str] = &["AgentIdentity.Read.All", "AgentIdentity.ReadWrite.All"];
const READS_PRINCIPALS: &[&str] =
    &["AgentIdentityBlueprintPrincipal.Read.All", "AgentIdentityBlueprintPrincipal.ReadWrite.All"];

/// What a caller may do to service principals: the permissions for all of them, for blueprint principals and
/// for agent identities.
struct Reach {
    broad: &'static [&'static str],
    principals: &'static [&'static str],
    identities: &'static [&'static str],
}

const UPDATE: Reach = Reach {
    broad: &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
    principals: &[
        "AgentIdentityBlueprintPrincipal.EnableDisable.All",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    ],
    identities: &["AgentIdentity.EnableDisable.All", "AgentIdentity.ReadWrite.All"],
};
const DELETE: Reach = Reach {
    broad: &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
    principals: &[
        "AgentIdentityBlueprintPrincipal.DeleteRestore.All",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    ],
    identities: &["AgentIdentity.DeleteRestore.All", "AgentIdentity.ReadWrite.All"],
};

const READ_NEEDS: Needs = Needs::split(
    &[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "AgentIdentity.Read.All",
        "AgentIdentity.ReadWrite.All",
        "AgentIdentityBlueprintPrincipal.Read.All",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    ],
    &[
        "Application.Read.All",
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "AgentIdentity.Read.All",
        "AgentIdentity.ReadWrite.All",
        "AgentIdentity.CreateAsManager",
        "AgentIdentityBlueprintPrincipal.Read.All",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    ],
);
const READ_IDENTITY_NEEDS: Needs = Needs::split(
    READS_IDENTITIES,
    &["AgentIdentity.Read.All", "AgentIdentity.ReadWrite.All", "AgentIdentity.CreateAsManager"],
);
const READ_PRINCIPAL_NEEDS: Needs = Needs::either(READS_PRINCIPALS);
const UPDATE_NEEDS: Needs = Needs::split(
    &[
        "Application.ReadWrite.All",
        "Directory.ReadWrite.All",
        "AgentIdentity.EnableDisable.All",
        "AgentIdentity.ReadWrite.All",
        "AgentIdentityBlueprintPrincipal.EnableDisable.All",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    ],
    &[
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "Directory.ReadWrite.All",
        "AgentIdentity.EnableDisable.All",
        "AgentIdentity.ReadWrite.All",
        "AgentIdentity.CreateAsManager",
        "AgentIdentityBlueprintPrincipal.EnableDisable.All",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    ],
);
const DELETE_NEEDS: Needs = Needs::split(
    &[
        "Application.ReadWrite.All",
        "Directory.ReadWrite.All",
        "AgentIdentity.DeleteRestore.All",
        "AgentIdentity.ReadWrite.All",
        "AgentIdentityBlueprintPrincipal.DeleteRestore.All",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    ],
    &[
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "Directory.ReadWrite.All",
        "AgentIdentity.DeleteRestore.All",
        "AgentIdentity.ReadWrite.All",
        "AgentIdentity.CreateAsManager",
        "AgentIdentityBlueprintPrincipal.DeleteRestore.All",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    ],
);

const EXPANDABLE: &[&str] = &[
    "owners",
    "sponsors",
    "memberOf",
    "transitiveMemberOf",
    "appRoleAssignments",
    "appRoleAssignedTo",
    "oauth2PermissionGrants",
];
const COLLECTION: Surface =
    Surface::directory("servicePrincipal", SERVICE_PRINCIPAL).expanding(EXPANDABLE).searching();
const OBJECT: Surface =
    Surface::object(Service::Directory, "servicePrincipal", SERVICE_PRINCIPAL).expanding(EXPANDABLE);

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/servicePrincipals";
    const ONE: &str = "/servicePrincipals/{id}";
    let mut routes = vec![
        Route::new(Method::GET, ALL, READ_NEEDS, list),
        Route::new(Method::GET, ALL, READ_IDENTITY_NEEDS, list).cast(IDENTITY),
        Route::new(Method::GET, ALL, READ_PRINCIPAL_NEEDS, list).cast(PRINCIPAL),
        Route::new(Method::GET, ONE, READ_NEEDS, get),
        Route::new(Method::GET, ONE, READ_IDENTITY_NEEDS, get).cast(IDENTITY),
        Route::new(Method::GET, ONE, READ_PRINCIPAL_NEEDS, get).cast(PRINCIPAL),
        Route::new(Method::PATCH, ONE, UPDATE_NEEDS, update),
        Route::new(Method::PATCH, ONE, casting(&UPDATE, IDENTITY), update).cast(IDENTITY),
        Route::new(Method::PATCH, ONE, casting(&UPDATE, PRINCIPAL), update).cast(PRINCIPAL),
        Route::new(Method::DELETE, ONE, DELETE_NEEDS, delete),
        Route::new(Method::DELETE, ONE, casting(&DELETE, IDENTITY), delete).cast(IDENTITY),
        Route::new(Method::DELETE, ONE, casting(&DELETE, PRINCIPAL), delete).cast(PRINCIPAL),
    ];
    routes.extend(create::routes());
    routes.extend(passwords::routes());
    routes.extend(sponsors::routes());
    routes
}

/// What a path with a cast needs: the permissions of its type only.
fn casting(reach: &Reach, cast: &str) -> Needs {
    Needs::either(if cast == IDENTITY { reach.identities } else { reach.principals })
}

impl Call<'_> {
    /// The service principal that the path's `{id}` names, if it is there, visible, and of the cast's type.
    pub(crate) fn service_principal(&self) -> Result<&ServicePrincipal, GraphError> {
        let found = match self.params.key("id") {
            Key::Id(id) => self.tenant.service_principal(id, self.now),
            Key::By(name, value) if name.eq_ignore_ascii_case("appId") => {
                self.tenant.service_principal_by_app_id(value, self.now)
            }
            Key::By(..) => None,
        };
        let found = found
            .filter(|sp| is_cast(sp, self.path.cast))
            .ok_or_else(|| GraphError::no_object(self.params.get("id")))?;
        match AgentObject::of(&found.kind) {
            Some(object) => self.check_version(object).map(|()| found),
            None => Ok(found),
        }
    }

    /// The same, to change it.
    pub(crate) fn service_principal_mut(&mut self) -> Result<&mut ServicePrincipal, GraphError> {
        let id = self.service_principal()?.id.clone();
        self.tenant.principal_changed(&id);
        self.tenant.service_principals.get_mut(&id).ok_or_else(|| GraphError::no_object(&id))
    }

    /// Whether the caller may read that service principal.
    fn reads(&self, sp: &ServicePrincipal) -> bool {
        self.holds_any(READS_ALL)
            || match sp.kind {
                ServicePrincipalKind::Application => false,
                ServicePrincipalKind::BlueprintPrincipal => self.holds_any(READS_PRINCIPALS),
                ServicePrincipalKind::AgentIdentity { .. } => {
                    self.holds_any(READS_IDENTITIES) || self.is_parent(sp)
                }
            }
    }

    /// Whether the caller is the blueprint of that agent identity, and manages its children.
    fn is_parent(&self, sp: &ServicePrincipal) -> bool {
        self.caller.holds(CREATE_AS_MANAGER) && manages_identity(self.tenant, self.caller, sp)
    }

    fn check_principal_reach(&self, sp: &ServicePrincipal, reach: &Reach) -> Result<(), GraphError> {
        let of_its_kind = match sp.kind {
            ServicePrincipalKind::Application => false,
            ServicePrincipalKind::BlueprintPrincipal => self.holds_any(reach.principals),
            ServicePrincipalKind::AgentIdentity { .. } => {
                self.holds_any(reach.identities) || self.is_parent(sp)
            }
        };
        let owned = sp.owners.contains(&self.caller.object_id);
        if !(of_its_kind || self.holds_any(reach.broad) || (owned && self.caller.holds(OWNED_BY))) {
            return Err(GraphError::denied());
        }
        if owned { Ok(()) } else { self.require_administrator() }
    }

    pub(crate) fn principal_json(&self, sp: &ServicePrincipal, query: &Query) -> Value {
        let mut object = wire::service_principal(self.tenant, sp);
        query.fill(&mut object, SERVICE_PRINCIPAL);
        self.expand(&mut object, query, &sp.owners, &sp.sponsors);
        self.expand_memberships(&mut object, query, &sp.id);
        references::expand_items(&mut object, query, "appRoleAssignments", || {
            role_assignments::of(self, |one| one.principal_id == sp.id)
        });
        references::expand_items(&mut object, query, "appRoleAssignedTo", || {
            role_assignments::of(self, |one| one.resource_id == sp.id)
        });
        references::expand_items(&mut object, query, "oauth2PermissionGrants", || {
            permission_grants::granted_to(self, &sp.id)
        });
        object
    }
}

fn is_cast(sp: &ServicePrincipal, cast: Option<&str>) -> bool {
    match cast {
        Some(PRINCIPAL) => sp.kind == ServicePrincipalKind::BlueprintPrincipal,
        Some(IDENTITY) => matches!(sp.kind, ServicePrincipalKind::AgentIdentity { .. }),
        _ => true,
    }
}

fn context(cast: Option<&str>) -> String {
    match cast {
        Some(cast @ (PRINCIPAL | IDENTITY)) => format!("servicePrincipals/microsoft.graph.{cast}"),
        _ => "servicePrincipals".to_owned(),
    }
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    match call.path.cast {
        Some(PRINCIPAL) => call.check_version(AgentObject::Principal)?,
        Some(IDENTITY) => call.check_version(AgentObject::Identity)?,
        _ => {}
    }
    let items = call
        .tenant
        .service_principals
        .candidates(query.demanded(&["agentIdentityBlueprintId"]), query.demanded(&["appId", "tags"]))
        .into_iter()
        .filter(|sp| sp.life.is_visible(call.now) && is_cast(sp, call.path.cast) && call.reads(sp))
        .map(|sp| call.principal_json(sp, &query))
        .collect();
    Ok(call.list(&query, &context(call.path.cast), items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let sp = call.service_principal()?;
    if !call.reads(sp) {
        return Err(GraphError::denied());
    }
    Ok(call.entity(&query, &context(call.path.cast), call.principal_json(sp, &query), None))
}

fn update(call: &mut Call<'_>) -> Answer {
    if let (Some(app_id), Err(_)) = (call.to_be_made("appId"), call.service_principal()) {
        let mut payload = Payload::read(call, "ServicePrincipal")?;
        payload.put("appId", app_id);
        return create::create_from(call, payload);
    }
    let mut sp = call.service_principal()?.clone();
    call.check_principal_reach(&sp, &UPDATE)?;
    let mut payload = Payload::read(call, "ServicePrincipal")?;
    payload.take_type();
    if let Some(enabled) = payload.boolean("accountEnabled")? {
        sp.account_enabled = enabled;
    }
    if let Some(name) = payload.text("displayName")? {
        if name.trim().is_empty() || name.chars().count() > 256 {
            return Err(payload.invalid("displayName"));
        }
        sp.display_name = name;
    }
    if sp.kind == ServicePrincipalKind::Application
        && let Some(keys) = payload.objects("keyCredentials")?
    {
        let policies = &call.tenant.workloads.policies.app_management;
        let allow = |key: &KeyCredential| policies.check_principal(&sp, Credential::Key, key.start, key.end);
        sp.keys = replace_keys(call, &sp.keys, &keys, allow)?;
    }
    incompatible::refuse(&sp.kind, &mut payload)?;
    sp.other.extend(payload.rest_but(create::PASSIVE, create::READ_ONLY)?);
    call.tenant.principal_changed(&sp.id);
    call.tenant.service_principals.insert(sp.id.clone(), sp);
    Ok(call.no_content())
}

fn delete(call: &mut Call<'_>) -> Answer {
    let sp = call.service_principal()?;
    call.check_principal_reach(sp, &DELETE)?;
    let (id, now, due) = (sp.id.clone(), call.now, call.due(Cause::Cascade));
    soft_delete(call.tenant, &id, now, due);
    Ok(call.no_content())
}

/// Soft-deletes a service principal and what hangs on it: an agent identity's agent user at once, a blueprint
/// principal's agent identities when that is due (§2.11). Its grants go for good.
pub(crate) fn soft_delete(tenant: &mut Tenant, id: &str, now: Timestamp, due: Timestamp) {
    let Some(sp) = tenant.service_principals.get_mut(id).filter(|sp| sp.life.is_live()) else { return };
    sp.life.deleted = Some(now);
    let (kind, app_id) = (sp.kind.clone(), sp.app_id.clone());
    tenant.principal_changed(id);
    tenant.grants.retain(|grant| grant.client_id != id && grant.resource_id != id);
    tenant.role_assignments.retain(|one| one.principal_id != id && one.resource_id != id);
    match kind {
        ServicePrincipalKind::Application => {}
        ServicePrincipalKind::BlueprintPrincipal => cascades::begin(tenant, id, &app_id, now, due),
        ServicePrincipalKind::AgentIdentity { .. } => {
            let gone: Vec<String> = tenant.agent_users_of(id).map(|user| user.id.clone()).collect();
            for id in gone {
                if let Some(user) = tenant.users.get_mut(&id) {
                    user.life.deleted = Some(now);
                }
                tenant.user_changed(ChangeKind::Updated, &id);
            }
        }
    }
}
