//! `/users` and `/me`: people and agent users (Entra reference §2.4, §3.1).

mod addresses;
mod authentication;
mod create;
mod licences;
mod password;
mod photo;
pub(crate) mod profile;
mod sponsors;
mod update;
pub(crate) mod wire;

use http::Method;
use serde_json::Value;

use crate::authorize::CallerKind;
use crate::changes::ChangeKind;
use crate::directory::User;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::mail;
use crate::graph::managers::{IDENTITY_PARENTED_BY, manages_user};
use crate::graph::odata::{Query, Service, Surface};
use crate::graph::properties::USER;
use crate::graph::references;
use crate::graph::role_assignments;
use crate::graph::route::{Needs, Route};

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use photo::withstand_photo;

/// The cast of agent users.
const AGENT_USER: &str = "agentUser";

const READ_ALL: Needs = Needs::either(&[
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
]);
const READ: Needs = Needs::split(
    &[
        "User.Read",
        "User.ReadWrite",
        "User.ReadBasic.All",
        "User.Read.All",
        "User.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
    ],
    READ_ALL.application,
);
const READ_ME: Needs = Needs::delegated(READ.delegated);
const DELETE: Needs = Needs::either(&[
    "User.DeleteRestore.All",
    "User.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
]);

const READS_ANYBODY: &[&str] =
    &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

/// What `User.ReadBasic.All` shows.
const BASIC: &[&str] = &["id", "displayName", "givenName", "surname", "mail", "userPrincipalName"];

const EXPANDABLE: &[&str] = &[
    "sponsors",
    "manager",
    "directReports",
    "memberOf",
    "transitiveMemberOf",
    "appRoleAssignments",
    "licenseDetails",
];
const COLLECTION: Surface = Surface::directory("user", USER).expanding(EXPANDABLE).searching();
const OBJECT: Surface = Surface::object(Service::Directory, "user", USER).expanding(EXPANDABLE);

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::GET, "/users", READ_ALL, list),
        Route::new(Method::GET, "/users/{id}", READ, get),
        Route::new(Method::GET, "/me", READ_ME, get),
        Route::new(Method::DELETE, "/users/{id}", DELETE, delete),
    ];
    routes.extend(create::routes());
    routes.extend(update::routes());
    routes.extend(sponsors::routes());
    routes.extend(licences::routes());
    routes.extend(authentication::routes());
    routes.extend(password::routes());
    routes.extend(photo::routes());
    routes.extend(profile::routes());
    routes
}

impl Call<'_> {
    /// The user that the path names: `{id}` (an object id or a user principal name), or `/me`.
    pub(crate) fn user(&self) -> Result<&User, GraphError> {
        let key = match self.params.get("id") {
            "" => self.signed_in_user()?,
            key => key,
        };
        self.tenant
            .user(key, self.now)
            .filter(|user| self.path.cast != Some(AGENT_USER) || user.identity_parent_id().is_some())
            .ok_or_else(|| GraphError::no_object(key))
    }

    /// Whom `/me` means.
    pub(crate) fn signed_in_user(&self) -> Result<&str, GraphError> {
        self.caller.user_id().ok_or_else(GraphError::me_of_an_app)
    }

    /// The same, to change it; the change is noted.
    pub(crate) fn user_mut(&mut self) -> Result<&mut User, GraphError> {
        let id = self.user()?.id.clone();
        self.tenant.user_changed(ChangeKind::Updated, &id);
        self.tenant.users.get_mut(&id).ok_or_else(|| GraphError::no_object(&id))
    }

    /// Whether the caller may do to that user what one of `broad` allows for everybody; agent users' own
    /// permissions reach agent users only, and `IdentityParentedBy` the calling blueprint's only (§2.4).
    fn reaches(&self, user: &User, broad: &[&str]) -> bool {
        self.holds_any(broad)
            || (user.identity_parent_id().is_some() && self.caller.holds("AgentIdUser.ReadWrite.All"))
            || (self.caller.holds(IDENTITY_PARENTED_BY) && manages_user(self.tenant, self.caller, user))
    }

    /// [`Self::reaches`], or 403; a person needs an administrator's role besides.
    fn check_user_reach(&self, user: &User, broad: &[&str]) -> Result<(), GraphError> {
        if !self.reaches(user, broad) {
            return Err(GraphError::denied());
        }
        self.require_administrator()
    }

    pub(crate) fn user_json(&self, user: &User, query: &Query) -> Value {
        let mut object = wire::user(self.tenant, user, self.now);
        query.fill(&mut object, USER);
        self.expand(&mut object, query, &[], &user.sponsors);
        let expands = |name: &str| query.expand.iter().any(|one| one.eq_ignore_ascii_case(name));
        if expands("manager")
            && let Some(manager) = self.managers_above(user, query)
        {
            object["manager"] = manager;
        }
        if expands("directReports") {
            let reports = self.reports_of(&user.id);
            self.expand_references(&mut object, query, &[("directReports", &reports)]);
        }
        self.expand_memberships(&mut object, query, &user.id);
        references::expand_items(&mut object, query, "appRoleAssignments", || {
            role_assignments::of(self, |one| one.principal_id == user.id)
        });
        references::expand_items(&mut object, query, "licenseDetails", || {
            wire::license_details(self.tenant, user, self.now)
        });
        object
    }

    /// Whether there are people besides the caller that the caller may see.
    fn sees_others(&self) -> bool {
        let any = [&["User.ReadBasic.All", "AgentIdUser.ReadWrite.All", IDENTITY_PARENTED_BY], READS_ANYBODY];
        self.caller.user_id().is_none() || any.iter().any(|some| self.holds_any(some))
    }

    /// Whether the caller may see everything of that user.
    pub(crate) fn reads_user(&self, user: &User) -> bool {
        self.sight(user) == Sight::Whole
    }

    /// What the caller may see of that user: everything, the basic properties, or nothing.
    fn sight(&self, user: &User) -> Sight {
        let me = matches!(&self.caller.kind, CallerKind::User { .. }) && user.id == self.caller.object_id;
        if me || self.reaches(user, READS_ANYBODY) {
            Sight::Whole
        } else if self.caller.holds("User.ReadBasic.All") {
            Sight::Basic
        } else {
            Sight::Nothing
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    Whole,
    Basic,
    Nothing,
}

fn list(call: &mut Call<'_>) -> Answer {
    call.refuse_guest()?;
    let query = call.query(&COLLECTION)?;
    if query.selects("mailboxSettings") {
        return Err(mail::settings_of_nobody());
    }
    if query.levels("manager") > 1 {
        return Err(GraphError::unreadable(
            "The '$levels' query option is supported for a single user only.",
        ));
    }
    let agents_only = call.path.cast == Some(AGENT_USER);
    let items = call
        .tenant
        .users
        .candidates(query.demanded(&["identityParentId"]), query.demanded(&["userPrincipalName"]))
        .into_iter()
        .filter(|user| user.life.is_visible(call.now))
        .filter(|user| !agents_only || user.identity_parent_id().is_some())
        .filter_map(|user| seen(call, user, &query))
        .collect();
    let context = if agents_only { "users/microsoft.graph.agentUser" } else { "users" };
    Ok(call.list(&query, context, items, Some(wire::DEFAULTS)))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    // Most reads ask for nothing special: what they show is written as it stands.
    if query.is_plain()
        && let Ok(user) = call.user()
        && call.sight(user) == Sight::Whole
    {
        let context = call.context("users/$entity");
        return Ok(call.ok_untagged(&wire::Brief::of(call.tenant, user, call.now, &context)));
    }
    let mut user = match call.user() {
        Ok(user) => seen(call, user, &query).ok_or_else(GraphError::denied)?,
        // Whoever may see nobody else is not told who exists.
        Err(missing) => return Err(if call.sees_others() { missing } else { GraphError::denied() }),
    };
    if query.selects("mailboxSettings") {
        user["mailboxSettings"] = mail::settings_of(call)?;
    }
    Ok(call.entity(&query, "users", user, Some(wire::DEFAULTS)))
}

fn seen(call: &Call<'_>, user: &User, query: &Query) -> Option<Value> {
    let mut object = match call.sight(user) {
        Sight::Nothing => return None,
        // Most reads ask for nothing special, and most of the object would be made for nothing.
        Sight::Whole | Sight::Basic if query.is_plain() => {
            Value::Object(wire::brief(call.tenant, user, call.now))
        }
        Sight::Whole | Sight::Basic => call.user_json(user, query),
    };
    if let (Sight::Basic, Some(fields)) = (call.sight(user), object.as_object_mut()) {
        fields.retain(|name, _| name.starts_with("@odata.") || BASIC.contains(&name.as_str()));
    }
    Some(object)
}

fn delete(call: &mut Call<'_>) -> Answer {
    let user = call.user()?;
    call.check_user_reach(user, &["User.DeleteRestore.All", "User.ReadWrite.All"])?;
    let id = user.id.clone();
    let now = call.now;
    call.user_mut()?.life.deleted = Some(now);
    call.tenant.role_assignments.retain(|one| one.principal_id != id);
    call.tenant.grants.retain(|grant| {
        !matches!(&grant.consent, crate::directory::ConsentType::Principal(principal) if *principal == id)
    });
    Ok(call.no_content())
}
