//! What people see of an identity in the directory: its name, job title and department. They are written when its user
//! is made, and changed through Graph (`PATCH /users/{id}`, user in Microsoft's documentation).

use std::sync::Arc;

use attache_graph::Described;
use attache_ledger::ActName;
use attache_store::{Unit, Versioned};
use axum::extract::{Path, State as Shared};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::http::{IdentityView, Which, find};
use super::service::Wanted;
use super::{DEFAULT, Identity, Method, Mode, written};
use crate::Gateway;
use crate::access::{Allowed, Grant, InOrg, right};
use crate::line::is_line;
use crate::organisations::Organisation;
use crate::record::{on, thing};
use crate::server::{Answer, IfMatch, Json, Problem, Tag, Tagged};

const CHANGED: ActName = ActName::new("identity.names_changed");

/// What Entra takes at most (user in Microsoft's documentation), and of a name what fits a message's From.
const LONGEST: [(&str, usize); 3] = [("display_name", 100), ("job_title", 128), ("department", 64)];

/// The route.
pub(super) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(change_names))
}

/// What people are to see of an identity, as far as it is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Names {
    /// The name that people see.
    #[schema(
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"
    )]
    pub(crate) display_name: Option<String>,
    /// The job title in the directory.
    #[schema(
        max_length = 128,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"
    )]
    pub(crate) job_title: Option<String>,
    /// The department in the directory.
    #[schema(
        max_length = 64,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"
    )]
    pub(crate) department: Option<String>,
}

impl Names {
    /// Each is a line that the directory takes, or why it is none.
    pub(super) fn checked(&self) -> Result<(), Problem> {
        let given = [&self.display_name, &self.job_title, &self.department];
        for ((field, longest), text) in LONGEST.into_iter().zip(given) {
            if text.as_deref().is_some_and(|text| !is_line(text, longest)) {
                let remedy = format!("write 1 to {longest} characters on one line");
                return Err(Problem::invalid(field, "not a name", remedy));
            }
        }
        Ok(())
    }

    /// Those of an identity that is made like this: nothing is written to a user who was there before, nor where none is.
    pub(super) fn of_new(
        &self,
        organisation: &Organisation,
        wanted: &Wanted,
    ) -> Result<[String; 3], Problem> {
        self.checked()?;
        let found = matches!(wanted.method(), Method::Verify | Method::Adopt);
        let written = !found && wanted.mode() != Mode::Shared;
        match self.in_the_directory_only() {
            Some(field) if wanted.mode() == Mode::Shared => return Err(no_user(field)),
            Some(field) if found => {
                return Err(Problem::invalid(
                    field,
                    "nothing is written to a user who is there already",
                    "leave it out, and change it when the identity is active (PATCH …/agent-identities/{identity})",
                ));
            }
            _ => {}
        }
        let usual = |text: &str| if written { text.to_owned() } else { String::new() };
        let name = || match &*wanted.template {
            DEFAULT => format!("{} Assistant", organisation.name),
            specialist => format!("{} Assistant ({specialist})", organisation.name),
        };
        Ok([
            self.display_name.clone().unwrap_or_else(name),
            self.job_title.clone().unwrap_or_else(|| usual("AI Agent")),
            self.department.clone().unwrap_or_else(|| usual("AI Workforce")),
        ])
    }

    fn in_the_directory_only(&self) -> Option<&'static str> {
        let job_title = self.job_title.as_ref().map(|_| "job_title");
        job_title.or(self.department.as_ref().map(|_| "department"))
    }

    /// Whether an identity has other names than are said.
    pub(super) fn differ_from(&self, identity: &Identity) -> bool {
        let is = [&identity.display_name, &identity.job_title, &identity.department];
        let said = [&self.display_name, &self.job_title, &self.department];
        said.into_iter().zip(is).any(|(said, is)| said.as_ref().is_some_and(|said| said != is))
    }

    /// The identity with these names.
    pub(super) fn given_to(&self, identity: Identity) -> Identity {
        let Self { display_name, job_title, department } = self.clone();
        Identity {
            display_name: display_name.unwrap_or(identity.display_name),
            job_title: job_title.unwrap_or(identity.job_title),
            department: department.unwrap_or(identity.department),
            ..identity
        }
    }
}

fn no_user(field: &str) -> Problem {
    let why = "an identity of the mode `shared` has no user whom a directory could show";
    Problem::invalid(field, why, "leave it out: it has a display name only")
}

/// Change what people see of an identity: the directory is told, and then the record says so.
#[utoipa::path(
    patch, path = "/api/v1/orgs/{org}/agent-identities/{identity}", tag = "Identities", params(InOrg, Which, IfMatch),
    request_body = Names,
    responses((status = 200, body = IdentityView), (status = "default", body = Problem)),
)]
async fn change_names(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Path(which): Path<Which>,
    expected: IfMatch,
    Json(names): Json<Names>,
) -> Answer<Tagged<IdentityView>> {
    let identity = expected.seen(find(&gateway, allowed.scope, &which.identity).await?)?;
    expected.done(change(&gateway, &allowed, &identity, names).await)?;
    let changed = find(&gateway, allowed.scope, &identity.id.to_string()).await?;
    Ok(Tagged(Tag::of(&changed), changed.record.into()))
}

/// Changes them.
pub(super) async fn change(
    gateway: &Arc<Gateway>,
    grant: &Grant,
    identity: &Versioned<Identity>,
    names: Names,
) -> Answer<()> {
    names.checked()?;
    if names == Names::default() {
        return Ok(());
    }
    if identity.mode == Mode::Shared {
        // It has no user: its name stands in its messages alone.
        if let Some(field) = names.in_the_directory_only() {
            return Err(no_user(field));
        }
        let mut unit = Unit::new();
        let now = Identity { changed: gateway.clock.now(), ..identity.record.clone() };
        unit.update(identity, &names.given_to(now));
        unit.record(
            grant.scope,
            gateway.changed(&grant.caller, CHANGED, on([thing("identity", identity.id)])),
        );
        gateway.commit(&grant.caller, unit).await?;
        return Ok(());
    }
    if !identity.state.acts() {
        return Err(Problem::new(
            http::StatusCode::CONFLICT,
            "not_active",
            format!("the identity is {}: its names are being written, or are gone", identity.state.as_str()),
            "change them when it is active",
        ));
    }
    let told = names.clone();
    let call = |graph: attache_graph::Graph, user| async move {
        let described = Described {
            display_name: told.display_name.as_deref(),
            job_title: told.job_title.as_deref(),
            department: told.department.as_deref(),
        };
        graph.describe_user(user, &described).await
    };
    written::write(gateway, grant, identity, CHANGED, call, move |identity| names.given_to(identity)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_line_that_the_directory_takes() {
        let named = |text: &str| Names { department: Some(text.to_owned()), ..Names::default() }.checked();
        assert!(named("AI Workforce").is_ok() && named(&"ü".repeat(64)).is_ok());
        for bad in ["", "  ", "a\nb", &"a".repeat(65)] {
            assert!(named(bad).is_err(), "{bad:?}");
        }
    }
}
