//! Into a mailbox: whose it is, whether it is there, whether the caller may, and what the caller prefers
//! (Graph reference §3.3, §4.3).

use http::StatusCode;
use http::header::HeaderName;

use super::ids::IdKind;
use super::refusals::{bad, denied, no_item};
use super::state::{Access, Mailbox};
use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::error::GraphError;

/// The mailbox that the path names, as the caller sees it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The owner's object id.
    pub(super) owner: String,
    pub(super) preferences: Preferences,
    /// The caller may see neither bodies nor attachments (`Mail.ReadBasic`).
    pub(super) is_basic: bool,
}

/// What the `Prefer` header asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Preferences {
    pub(super) ids: IdKind,
    pub(super) body: Option<BodyKind>,
    /// `odata.maxpagesize`.
    pub(super) page: Option<usize>,
    applied: Vec<String>,
}

/// How bodies are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyKind {
    Html,
    Text,
}

/// What a delegate needs besides the scope.
const TO_READ: &[&str] =
    &["Mail.Read.Shared", "Mail.ReadWrite.Shared", "Mail.ReadBasic.Shared", "Mail.Send.Shared"];

/// Lets the caller into the mailbox of the path.
pub(super) fn enter(call: &mut Call<'_>) -> Result<Entry, GraphError> {
    let preferences = preferences(call)?;
    let owner = owner(call)?;
    // Whoever looks at a mailbox for the first time makes it.
    call.tenant.workloads.mail.mailbox(&owner);
    let sees_bodies = ["Mail.Read", "Mail.ReadWrite", "Mail.Read.Shared", "Mail.ReadWrite.Shared"]
        .iter()
        .any(|one| call.caller.holds(one));
    Ok(Entry { owner, preferences, is_basic: !sees_bodies })
}

impl Entry {
    /// The mailbox.
    pub(super) fn mailbox<'a>(&self, call: &'a mut Call<'_>) -> &'a mut Mailbox {
        call.tenant.workloads.mail.mailbox(&self.owner)
    }

    /// The mailbox, to look at.
    pub(super) fn look<'a>(&self, call: &'a Call<'_>) -> Result<&'a Mailbox, GraphError> {
        call.tenant.workloads.mail.mailboxes.get(&self.owner).ok_or_else(no_item)
    }

    /// The answer with `Preference-Applied`.
    pub(super) fn applied(&self, response: Response) -> Response {
        if self.preferences.applied.is_empty() {
            return response;
        }
        let name = HeaderName::from_static("preference-applied");
        response.with(name, &self.preferences.applied.join(", "))
    }

    /// What stands in `@odata.context` before the collection.
    pub(super) fn context(&self, rest: &str) -> String {
        format!("users('{}')/{rest}", self.owner)
    }
}

fn owner(call: &Call<'_>) -> Result<String, GraphError> {
    let key = match call.params.get("id") {
        "" => call.signed_in_user()?,
        key => key,
    };
    let user = call.tenant.user(key, call.now).ok_or_else(|| {
        GraphError::new(
            StatusCode::NOT_FOUND,
            "ErrorInvalidUser",
            format!("The requested user '{key}' is invalid."),
        )
    })?;
    if let Some(caller) = call.caller.user_id().filter(|caller| *caller != user.id) {
        let has_scope = TO_READ.iter().any(|scope| call.caller.holds(scope));
        let mail = &call.tenant.workloads.mail;
        let access = [Access::Full, Access::SendAs, Access::SendOnBehalf];
        if !has_scope || !mail.may(caller, &user.id, &access) {
            return Err(denied());
        }
    }
    if call.tenant.mailbox_due(user).is_none_or(|due| call.now < due) {
        return Err(GraphError::new(
            StatusCode::NOT_FOUND,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        ));
    }
    Ok(user.id.clone())
}

fn preferences(call: &Call<'_>) -> Result<Preferences, GraphError> {
    let mut preferences = Preferences::default();
    let headers = call.request.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    for one in headers.flat_map(|value| value.split([',', ';'])) {
        let Some((name, value)) = one.split_once('=') else { continue };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
        let known = match name.as_str() {
            "idtype" if value.eq_ignore_ascii_case("ImmutableId") => {
                preferences.ids = IdKind::Immutable;
                "IdType=\"ImmutableId\"".to_owned()
            }
            "outlook.body-content-type" => {
                preferences.body = Some(match value.to_ascii_lowercase().as_str() {
                    "text" => BodyKind::Text,
                    "html" => BodyKind::Html,
                    _ => {
                        return Err(bad(
                            "ErrorInvalidParameter",
                            "The value of outlook.body-content-type is \"text\" or \"html\".",
                        ));
                    }
                });
                format!("outlook.body-content-type=\"{}\"", value.to_ascii_lowercase())
            }
            "odata.maxpagesize" => {
                let size = value.parse().ok().filter(|size| (1..=1_000).contains(size));
                preferences.page = Some(size.ok_or_else(|| {
                    bad("ErrorInvalidParameter", "odata.maxpagesize is a number from 1 to 1000.")
                })?);
                format!("odata.maxpagesize={value}")
            }
            "outlook.timezone" => format!("outlook.timezone=\"{value}\""),
            _ => continue,
        };
        preferences.applied.push(known);
    }
    Ok(preferences)
}
