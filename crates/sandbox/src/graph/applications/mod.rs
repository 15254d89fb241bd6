//! `/applications`: applications and agent identity blueprints (Entra reference §2.1, §2.8).

mod create;
pub(crate) mod credentials;
mod federated;
mod inheritable;
mod limits;
pub(crate) mod proof;
mod publisher;
mod update;
pub(crate) mod wire;

use http::Method;
use serde_json::Value;

use crate::directory::Application;
use crate::graph::agent_versions::AgentObject;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::managers::{OWNED_BY, owns};
use crate::graph::odata::{Query, Service, Surface};
use crate::graph::path::Key;
use crate::graph::properties::APPLICATION;
use crate::graph::references;
use crate::graph::route::{Needs, Route};
use crate::lag::Cause;

/// The cast that makes a path a blueprint's.
pub(crate) const BLUEPRINT: &str = "agentIdentityBlueprint";

const READ: Needs = Needs::split(
    &[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "AgentIdentityBlueprint.Read.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
    &[
        "Application.Read.All",
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "AgentIdentityBlueprint.Read.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
);
const READ_BLUEPRINT: Needs =
    Needs::either(&["AgentIdentityBlueprint.Read.All", "AgentIdentityBlueprint.ReadWrite.All"]);
const DELETE: Needs = Needs::split(
    &[
        "Application.ReadWrite.All",
        "AgentIdentityBlueprint.DeleteRestore.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
    &[
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "AgentIdentityBlueprint.DeleteRestore.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
);
const DELETE_BLUEPRINT: Needs =
    Needs::either(&["AgentIdentityBlueprint.DeleteRestore.All", "AgentIdentityBlueprint.ReadWrite.All"]);
const READ_REFERENCES: Needs = Needs::split(
    &[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "AgentIdentityBlueprint.Read.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
    &[
        "Application.Read.All",
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "AgentIdentityBlueprint.Read.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
);
const WRITE_OWNERS: Needs = Needs::split(
    &["Application.ReadWrite.All", "Directory.ReadWrite.All", "AgentIdentityBlueprint.ReadWrite.All"],
    &[
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "Directory.ReadWrite.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
);
const WRITE_SPONSORS: Needs = Needs::split(
    &[
        "Application.ReadWrite.All",
        "AgentIdentityBlueprint.UpdateSponsors.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
    &[
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "AgentIdentityBlueprint.UpdateSponsors.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
);
const WRITE_BLUEPRINT_SPONSORS: Needs =
    Needs::either(&["AgentIdentityBlueprint.UpdateSponsors.All", "AgentIdentityBlueprint.ReadWrite.All"]);

const EXPANDABLE: &[&str] = &["owners", "sponsors", "federatedIdentityCredentials"];
const COLLECTION: Surface = Surface::directory("application", APPLICATION).expanding(EXPANDABLE).searching();
const OBJECT: Surface = Surface::object(Service::Directory, "application", APPLICATION).expanding(EXPANDABLE);

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::GET, "/applications", READ, list),
        Route::new(Method::GET, "/applications", READ_BLUEPRINT, list).cast(BLUEPRINT),
        Route::new(Method::GET, "/applications/{id}", READ, get),
        Route::new(Method::GET, "/applications/{id}", READ_BLUEPRINT, get).cast(BLUEPRINT),
        Route::new(Method::DELETE, "/applications/{id}", DELETE, delete),
        Route::new(Method::DELETE, "/applications/{id}", DELETE_BLUEPRINT, delete).cast(BLUEPRINT),
        Route::new(Method::GET, "/applications/{id}/owners", READ_REFERENCES, owners),
        Route::new(Method::POST, "/applications/{id}/owners/$ref", WRITE_OWNERS, add_owner),
        Route::new(Method::DELETE, "/applications/{id}/owners/{member}/$ref", WRITE_OWNERS, remove_owner),
        Route::new(Method::GET, "/applications/{id}/sponsors", READ_REFERENCES, sponsors),
        Route::new(Method::POST, "/applications/{id}/sponsors/$ref", WRITE_SPONSORS, add_sponsor),
        Route::new(Method::POST, "/applications/{id}/sponsors/$ref", WRITE_BLUEPRINT_SPONSORS, add_sponsor)
            .cast(BLUEPRINT),
        Route::new(
            Method::DELETE,
            "/applications/{id}/sponsors/{member}/$ref",
            WRITE_SPONSORS,
            remove_sponsor,
        ),
        Route::new(
            Method::DELETE,
            "/applications/{id}/sponsors/{member}/$ref",
            WRITE_BLUEPRINT_SPONSORS,
            remove_sponsor,
        )
        .cast(BLUEPRINT),
    ];
    routes.extend(create::routes());
    routes.extend(update::routes());
    routes.extend(credentials::routes());
    routes.extend(federated::routes());
    routes.extend(publisher::routes());
    routes.extend(inheritable::routes());
    routes
}

impl Call<'_> {
    /// The application that the path's `{id}` names, if it is there, visible, and of the cast's type.
    pub(crate) fn application(&self) -> Result<&Application, GraphError> {
        let found = match self.params.key("id") {
            Key::Id(id) => self.tenant.application(id, self.now),
            Key::By(name, value) if name.eq_ignore_ascii_case("appId") => {
                self.tenant.registered(value, self.now)
            }
            Key::By(name, value) if name.eq_ignore_ascii_case("uniqueName") => {
                let named = self.tenant.applications.named(value).into_iter();
                let mut named = named.filter(|app| app.life.is_visible(self.now));
                named.find(|app| app.other.get("uniqueName").is_some_and(|name| name == value))
            }
            Key::By(..) => None,
        };
        let found = found
            .filter(|app| self.path.cast != Some(BLUEPRINT) || app.is_blueprint())
            .ok_or_else(|| GraphError::no_object(self.params.get("id")))?;
        if found.is_blueprint() {
            self.check_version(AgentObject::Blueprint)?;
        }
        Ok(found)
    }

    /// The same, to change it.
    pub(crate) fn application_mut(&mut self) -> Result<&mut Application, GraphError> {
        let id = self.application()?.id.clone();
        self.tenant.application_changed(&id);
        self.tenant.applications.get_mut(&id).ok_or_else(|| GraphError::no_object(&id))
    }

    /// Refuses a caller whose permissions concern other applications than this one: blueprints' permissions
    /// only blueprints, `OwnedBy` only what the caller owns.
    pub(crate) fn check_reach(
        &self,
        app: &Application,
        broad: &[&str],
        blueprints: &[&str],
    ) -> Result<(), GraphError> {
        let reaches = self.holds_any(broad)
            || (app.is_blueprint() && self.holds_any(blueprints))
            || (self.caller.holds(OWNED_BY) && owns(self.caller, app));
        if reaches { self.require_writer(app) } else { Err(GraphError::denied()) }
    }

    /// A person without an administrator's role may change what they own.
    fn require_writer(&self, app: &Application) -> Result<(), GraphError> {
        if owns(self.caller, app) { Ok(()) } else { self.require_administrator() }
    }

    pub(crate) fn application_json(&self, app: &Application, query: &Query) -> Value {
        let selects = |one: &str| query.select.iter().flatten().any(|name| name.eq_ignore_ascii_case(one));
        let domain = self.tenant.domains.first().unwrap_or_default();
        let mut object = wire::application(app, domain, selects("keyCredentials"));
        if let Some(fields) = object.as_object_mut().filter(|_| !selects("authenticationBehaviors")) {
            fields.remove("authenticationBehaviors");
        }
        query.fill(&mut object, APPLICATION);
        self.expand(&mut object, query, &app.owners, &app.sponsors);
        references::expand_items(&mut object, query, "federatedIdentityCredentials", || {
            app.federated.iter().map(federated::shown).collect()
        });
        object
    }
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let blueprints_only = call.path.cast == Some(BLUEPRINT);
    if blueprints_only {
        call.check_version(AgentObject::Blueprint)?;
    }
    let all = call.holds_any(&[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ]);
    let items = call
        .tenant
        .applications
        .candidates(None, query.demanded(&["appId", "uniqueName", "tags"]))
        .into_iter()
        .filter(|app| app.life.is_visible(call.now))
        .filter(|app| app.is_blueprint() || (all && !blueprints_only))
        .map(|app| call.application_json(app, &query))
        .collect();
    Ok(call.list(&query, "applications", items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let app = call.application()?;
    let all = call.holds_any(&[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ]);
    if !all && !app.is_blueprint() {
        return Err(GraphError::denied());
    }
    Ok(call.entity(&query, "applications", call.application_json(app, &query), None))
}

/// Soft-deletes. A blueprint takes its principal with it, and in time agent identities and agent users (§2.11).
fn delete(call: &mut Call<'_>) -> Answer {
    let app = call.application()?;
    call.check_reach(
        app,
        &["Application.ReadWrite.All"],
        &["AgentIdentityBlueprint.DeleteRestore.All", "AgentIdentityBlueprint.ReadWrite.All"],
    )?;
    let (id, app_id) = (app.id.clone(), app.app_id.clone());
    let (now, due) = (call.now, call.due(Cause::Cascade));
    let principals: Vec<String> =
        call.tenant.principals_of(&app_id).filter(|sp| sp.life.is_live()).map(|sp| sp.id.clone()).collect();
    for principal in principals {
        crate::graph::service_principals::soft_delete(call.tenant, &principal, now, due);
    }
    if let Some(app) = call.tenant.applications.get_mut(&id) {
        app.life.deleted = Some(now);
    }
    call.tenant.application_changed(&id);
    Ok(call.no_content())
}

fn owners(call: &mut Call<'_>) -> Answer {
    let ids = call.application()?.owners.clone();
    call.referenced(&ids)
}

fn sponsors(call: &mut Call<'_>) -> Answer {
    let ids = call.application()?.sponsors.clone();
    call.referenced(&ids)
}

fn add_owner(call: &mut Call<'_>) -> Answer {
    check_owners(call)?;
    let id = call.bound_in_body()?;
    limits::check_owners(call.application()?.owners.len() + 1)?;
    references::add(&mut call.application_mut()?.owners, id, "owners")?;
    Ok(call.no_content())
}

fn remove_owner(call: &mut Call<'_>) -> Answer {
    check_owners(call)?;
    let id = call.params.get("member").to_owned();
    references::remove(&mut call.application_mut()?.owners, &id, "owners")?;
    Ok(call.no_content())
}

fn add_sponsor(call: &mut Call<'_>) -> Answer {
    check_sponsors(call)?;
    let id = call.bound_in_body()?;
    call.check_sponsors(std::slice::from_ref(&id))?;
    references::add(&mut call.application_mut()?.sponsors, id, "sponsors")?;
    Ok(call.no_content())
}

fn remove_sponsor(call: &mut Call<'_>) -> Answer {
    check_sponsors(call)?;
    let id = call.params.get("member").to_owned();
    references::remove(&mut call.application_mut()?.sponsors, &id, "sponsors")?;
    Ok(call.no_content())
}

fn check_owners(call: &Call<'_>) -> Result<(), GraphError> {
    call.check_reach(
        call.application()?,
        &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
        &["AgentIdentityBlueprint.ReadWrite.All"],
    )
}

fn check_sponsors(call: &Call<'_>) -> Result<(), GraphError> {
    let app = call.application()?;
    if !app.is_blueprint() {
        return Err(GraphError::unreadable("Resource not found for the segment 'sponsors'."));
    }
    call.check_reach(
        app,
        &["Application.ReadWrite.All"],
        &["AgentIdentityBlueprint.UpdateSponsors.All", "AgentIdentityBlueprint.ReadWrite.All"],
    )
}
