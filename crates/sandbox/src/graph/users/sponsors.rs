//! Sponsors of users (Entra reference §13: an agent user reads its own with `User.Read`).

use http::Method;

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::references;
use crate::graph::route::{Needs, Route};

const READ: Needs = Needs::split(
    &[
        "User.Read",
        "User.Read.All",
        "User.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
    ],
    &[
        "User.Read.All",
        "User.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
    ],
);
const WRITE: Needs = Needs::either(&[
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/users/{id}/sponsors", READ, sponsors),
        Route::new(Method::GET, "/me/sponsors", Needs::delegated(READ.delegated), sponsors),
        Route::new(Method::POST, "/users/{id}/sponsors/$ref", WRITE, add_sponsor),
        Route::new(Method::DELETE, "/users/{id}/sponsors/{member}/$ref", WRITE, remove_sponsor),
    ]
}

fn sponsors(call: &mut Call<'_>) -> Answer {
    let user = call.user()?;
    let own = call.caller.user_id() == Some(user.id.as_str());
    if !own && !call.reaches(user, &["User.Read.All", "User.ReadWrite.All"]) {
        return Err(GraphError::denied());
    }
    let ids = user.sponsors.clone();
    call.referenced(&ids)
}

fn add_sponsor(call: &mut Call<'_>) -> Answer {
    call.check_user_reach(call.user()?, &["User.ReadWrite.All", "Directory.ReadWrite.All"])?;
    let id = call.bound_in_body()?;
    call.check_sponsors(std::slice::from_ref(&id))?;
    references::add(&mut call.user_mut()?.sponsors, id, "sponsors")?;
    Ok(call.no_content())
}

fn remove_sponsor(call: &mut Call<'_>) -> Answer {
    call.check_user_reach(call.user()?, &["User.ReadWrite.All", "Directory.ReadWrite.All"])?;
    let id = call.params.get("member").to_owned();
    // Users, unlike agents, may be without a sponsor.
    references::remove(&mut call.user_mut()?.sponsors, &id, "sponsors of the user")?;
    Ok(call.no_content())
}
