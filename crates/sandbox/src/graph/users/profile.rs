//! What a user has beside the user object: manager and reports, photo, and the addresses that the mailbox had
//! before (Entra reference §3.1, §3.2).

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::directory::{Named, Objects, User};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Query, Service, Surface};
use crate::graph::properties::USER;
use crate::graph::route::{Needs, Route};
use crate::sharing::whole;

use super::photo::Photo;

/// By user id; most users have none.
pub(crate) type Profiles = Objects<Profile>;

/// One user's.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Profile {
    pub(super) manager: Option<String>,
    pub(super) photo: Option<Photo>,
    /// Addresses that deliver to the mailbox besides the primary one.
    pub(super) aliases: Vec<String>,
}

impl Named for Profile {
    /// The earlier addresses, and the manager: so reports are found.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().chain(&self.manager).map(String::as_str)
    }
}

whole!(Profile);

const READ_MANAGER: Needs = Needs::either(&[
    "User.Read.All",
    "User.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const WRITE_MANAGER: Needs = Needs::either(&[
    "User.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
    "Directory.ReadWrite.All",
]);
const READ_REPORTS: Needs = Needs::split(
    &[
        "User.Read",
        "User.Read.All",
        "User.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    READ_MANAGER.application,
);

const OBJECT: Surface = Surface::object(Service::Directory, "directoryObject", USER);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/users/{id}/manager", READ_MANAGER, manager),
        Route::new(Method::GET, "/me/manager", Needs::delegated(READ_MANAGER.delegated), manager),
        Route::new(Method::PUT, "/users/{id}/manager/$ref", WRITE_MANAGER, set_manager),
        Route::new(Method::DELETE, "/users/{id}/manager/$ref", WRITE_MANAGER, remove_manager),
        Route::new(Method::GET, "/users/{id}/directReports", READ_REPORTS, reports),
        Route::new(Method::GET, "/me/directReports", Needs::delegated(READ_REPORTS.delegated), reports),
    ]
}

impl Call<'_> {
    pub(super) fn profile(&self, user: &User) -> Option<&Profile> {
        self.tenant.workloads.profiles.get(&user.id)
    }

    /// The path's user's profile, to change it.
    pub(super) fn profile_mut(&mut self) -> Result<&mut Profile, GraphError> {
        let id = self.user()?.id.clone();
        Ok(self.tenant.workloads.profiles.get_or_default(&id))
    }

    pub(super) fn manager_of(&self, user: &User) -> Option<Value> {
        self.directory_object(self.profile(user)?.manager.as_ref()?)
    }

    /// The manager with what the query selects of them, and in each one theirs, as far up as `$levels` says.
    pub(super) fn managers_above(&self, user: &User, query: &Query) -> Option<Value> {
        let above = |user: &User| self.tenant.user(self.profile(user)?.manager.as_ref()?, self.now);
        let chain = std::iter::successors(above(user), |manager| above(manager));
        let chain: Vec<&User> = chain.take(query.levels("manager")).collect();
        chain.into_iter().rev().fold(None, |theirs, manager| {
            let mut shown = query.project_nested("manager", self.directory_object(&manager.id)?);
            if let Some(theirs) = theirs {
                shown["manager"] = theirs;
            }
            Some(shown)
        })
    }

    pub(super) fn reports_of(&self, id: &str) -> Vec<String> {
        let profiles = self.tenant.workloads.profiles.entries_named(id).into_iter();
        let reports = profiles.filter(|(_, one)| one.manager.as_deref() == Some(id));
        reports.map(|(user, _)| user.to_owned()).collect()
    }

    /// Refuses a caller who may see only other users than the path's.
    fn check_seen(&self) -> Result<&User, GraphError> {
        let user = self.user()?;
        let own = self.caller.user_id() == Some(user.id.as_str());
        let broad = ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
        if own || self.reaches(user, &broad) { Ok(user) } else { Err(GraphError::denied()) }
    }
}

fn manager(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let user = call.check_seen()?;
    let manager = call.manager_of(user).ok_or_else(|| GraphError::no_object("manager"))?;
    Ok(call.entity(&query, "directoryObjects", manager, None))
}

fn set_manager(call: &mut Call<'_>) -> Answer {
    call.check_user_reach(call.user()?, &["User.ReadWrite.All", "Directory.ReadWrite.All"])?;
    let id = call.bound_in_body()?;
    let user = call.user()?.id.clone();
    if id == user {
        return Err(GraphError::bad_request("A user cannot be their own manager."));
    }
    if !call.tenant.users.contains_key(&id) {
        return Err(GraphError::bad_request(
            "The reference target of property 'manager' is not of a supported type.",
        ));
    }
    // A ring of managers has no head.
    let mut above = Some(id.clone());
    while let Some(one) = above {
        if one == user {
            return Err(GraphError::bad_request("The manager reports, directly or not, to the user."));
        }
        above = call.tenant.workloads.profiles.get(&one).and_then(|profile| profile.manager.clone());
    }
    call.profile_mut()?.manager = Some(id);
    Ok(call.no_content())
}

fn remove_manager(call: &mut Call<'_>) -> Answer {
    call.check_user_reach(call.user()?, &["User.ReadWrite.All", "Directory.ReadWrite.All"])?;
    if call.profile_mut()?.manager.take().is_none() {
        return Err(GraphError::no_object("manager"));
    }
    Ok(call.no_content())
}

fn reports(call: &mut Call<'_>) -> Answer {
    let id = call.check_seen()?.id.clone();
    let reports = call.reports_of(&id);
    call.referenced(&reports)
}
