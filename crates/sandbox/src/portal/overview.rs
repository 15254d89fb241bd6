//! The tenant at a glance: its people, its agents with the chain from blueprint to agent user, its applications.

use askama::Template;
use http::StatusCode;

use crate::directory::{ServicePrincipal, ServicePrincipalKind, User};
use crate::exchange::Response;

use super::desk::{Desk, Frame};
use super::page::{Refusal, page};

#[derive(Template)]
#[template(path = "portal/overview.html")]
struct Overview {
    frame: Frame,
    people: Vec<Person>,
    blueprints: Vec<Blueprint>,
    applications: Vec<Entry>,
    tenants: Vec<Entry>,
}

struct Person {
    id: String,
    name: String,
    upn: String,
    password: String,
    notes: Vec<&'static str>,
    mailbox: &'static str,
    teams: &'static str,
}

/// Something with a name and an id.
struct Entry {
    name: String,
    id: String,
}

/// The chain, drawn from the top.
struct Blueprint {
    name: String,
    app_id: String,
    principal: Option<String>,
    agents: Vec<Agent>,
}

struct Agent {
    name: String,
    id: String,
    is_enabled: bool,
    sponsors: Vec<String>,
    users: Vec<Person>,
}

pub(super) fn show(desk: &Desk<'_>) -> Result<Response, Refusal> {
    let people = desk.users().into_iter().filter(|user| user.identity_parent_id().is_none());
    let applications =
        desk.tenant.applications.values().filter(|app| app.life.is_live() && !app.is_blueprint());
    let home = desk.shared.realms.home();
    let tenants = if desk.realm.id == home.id { desk.shared.realms.all() } else { Vec::new() };
    let overview = Overview {
        frame: desk.frame("overview"),
        people: people.map(|user| person(desk, user)).collect(),
        blueprints: blueprints(desk),
        applications: applications
            .map(|app| Entry { name: app.display_name.clone(), id: app.app_id.clone() })
            .collect(),
        tenants: tenants
            .into_iter()
            .filter(|realm| realm.id != desk.realm.id)
            .map(|realm| Entry { name: realm.look().display_name.clone(), id: realm.id.clone() })
            .collect(),
    };
    Ok(page(StatusCode::OK, &overview))
}

/// Every blueprint known here: those registered here, and those of which only the principal is here.
fn blueprints(desk: &Desk<'_>) -> Vec<Blueprint> {
    let tenant = &desk.tenant;
    let live = || tenant.service_principals.values().filter(|principal| principal.life.is_live());
    let principals: Vec<&ServicePrincipal> =
        live().filter(|principal| principal.kind == ServicePrincipalKind::BlueprintPrincipal).collect();
    let registered = tenant.applications.values().filter(|app| app.life.is_live() && app.is_blueprint());
    let mut found: Vec<Blueprint> = registered
        .map(|app| Blueprint {
            name: app.display_name.clone(),
            app_id: app.app_id.clone(),
            principal: None,
            agents: Vec::new(),
        })
        .collect();
    for principal in principals {
        match found.iter_mut().find(|blueprint| blueprint.app_id == principal.app_id) {
            Some(blueprint) => blueprint.principal = Some(principal.id.clone()),
            None => found.push(Blueprint {
                name: principal.display_name.clone(),
                app_id: principal.app_id.clone(),
                principal: Some(principal.id.clone()),
                agents: Vec::new(),
            }),
        }
    }
    for blueprint in &mut found {
        let children = live().filter(|agent| agent.blueprint_id() == Some(blueprint.app_id.as_str()));
        blueprint.agents = children.map(|principal| agent(desk, principal)).collect();
    }
    found
}

fn agent(desk: &Desk<'_>, principal: &ServicePrincipal) -> Agent {
    let users =
        desk.users().into_iter().filter(|user| user.identity_parent_id() == Some(principal.id.as_str()));
    Agent {
        name: principal.display_name.clone(),
        id: principal.id.clone(),
        is_enabled: principal.account_enabled,
        sponsors: principal.sponsors.iter().map(|id| desk.name_of(id)).collect(),
        users: users.map(|user| person(desk, user)).collect(),
    }
}

fn person(desk: &Desk<'_>, user: &User) -> Person {
    let now = desk.realm.clock.now();
    let state = |due: Option<jiff::Timestamp>| match due {
        None => "not licensed",
        Some(due) if due <= now => "ready",
        Some(_) => "on its way",
    };
    let mut notes = Vec::new();
    if user.is_admin {
        notes.push("administrator");
    }
    if !user.account_enabled {
        notes.push("disabled");
    }
    Person {
        id: user.id.clone(),
        name: user.display_name.clone(),
        upn: user.upn.clone(),
        password: user.password.clone().unwrap_or_default(),
        notes,
        mailbox: state(desk.tenant.mailbox_due(user)),
        teams: state(desk.tenant.teams_due(user)),
    }
}
