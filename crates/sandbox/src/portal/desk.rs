//! What a page is made from: the tenant that is looked at, the request, and Graph as one of the tenant's people.

use std::sync::Arc;

use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::directory::User;
use crate::exchange::Request;
use crate::graph::{Insider, perform};
use crate::realm::Realm;
use crate::sandbox::Shared;
use crate::tenant::Tenant;

use super::page::Refusal;
use super::{PAGES, session};

/// One request for a page, by somebody who may see it.
pub(super) struct Desk<'a> {
    pub(super) shared: &'a Shared,
    pub(super) realm: Arc<Realm>,
    pub(super) tenant: Arc<Tenant>,
    pub(super) request: &'a Request,
    form: Vec<(String, String)>,
}

/// What every page shows at its top.
pub(super) struct Frame {
    pub(super) tenant: String,
    pub(super) domain: String,
    /// The sandbox's time, UTC.
    pub(super) now: String,
    pub(super) base: String,
    pub(super) section: &'static str,
}

/// A person or an agent user whose view is shown, and those whose view could be.
pub(super) struct View {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) everybody: Vec<Choice>,
}

/// One that can be chosen.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) is_chosen: bool,
}

impl<'a> Desk<'a> {
    /// `None` if the browser has not shown a token yet. The first tenant's token opens every tenant.
    pub(super) fn of(
        shared: &'a Shared,
        request: &'a Request,
        tenant: Option<&str>,
    ) -> Result<Option<Self>, Refusal> {
        let home = shared.realms.home();
        let realm = match tenant {
            None => Some(Arc::clone(home)),
            Some(name) => shared.realms.named(name),
        };
        let is_main = session::has_entered(request, home);
        let Some(realm) = realm else {
            let none = Refusal::new(StatusCode::NOT_FOUND, "No such tenant", "It may have been removed.");
            return if is_main { Err(none) } else { Ok(None) };
        };
        if !is_main && !session::has_entered(request, &realm) {
            return Ok(None);
        }
        let tenant = realm.look();
        let form = if request.method == Method::POST { request.form() } else { Vec::new() };
        Ok(Some(Self { shared, realm, tenant, request, form }))
    }

    /// What stands at the top of a page of this section.
    pub(super) fn frame(&self, section: &'static str) -> Frame {
        Frame {
            tenant: self.tenant.display_name.clone(),
            domain: self.tenant.domains.first().unwrap_or_default().to_owned(),
            now: self.realm.clock.now().strftime("%Y-%m-%d %H:%M:%S").to_string(),
            base: format!("{PAGES}/{}", self.realm.id),
            section,
        }
    }

    /// The address of a page of this tenant.
    pub(super) fn at(&self, page: &str) -> String {
        format!("{PAGES}/{}/{page}", self.realm.id)
    }

    /// A field of the form, or of the query; empty if it is not there.
    pub(super) fn field(&self, name: &str) -> &str {
        let posted = self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        posted.or_else(|| self.request.query(name)).unwrap_or_default()
    }

    /// The people and agent users that are there, by name.
    pub(super) fn users(&self) -> Vec<&User> {
        let mut users: Vec<&User> = self.tenant.users.values().filter(|user| user.life.is_live()).collect();
        users.sort_by_key(|user| user.display_name.to_lowercase());
        users
    }

    /// Whose view the field `as` names; the first's without it.
    pub(super) fn view(&self) -> Result<View, Refusal> {
        let users = self.users();
        let wanted = self.field("as");
        let chosen = users.iter().find(|user| wanted.is_empty() || user.id == wanted);
        let chosen = chosen.ok_or_else(|| {
            Refusal::new(StatusCode::NOT_FOUND, "No such person", "They may have been deleted.")
        })?;
        let everybody = users.iter().map(|user| Choice {
            value: user.id.clone(),
            label: format!("{} ({})", user.display_name, user.upn),
            is_chosen: user.id == chosen.id,
        });
        Ok(View { id: chosen.id.clone(), name: chosen.display_name.clone(), everybody: everybody.collect() })
    }

    /// The name of whoever has that object id.
    pub(super) fn name_of(&self, id: &str) -> String {
        self.tenant.users.get(id).map_or_else(|| id.to_owned(), |user| user.display_name.clone())
    }

    /// What Graph answers that person.
    pub(super) fn ask(&self, user: &str, path: &str) -> Result<Value, String> {
        self.graph(user, Method::GET, path, None)
    }

    /// What Graph answers when that person posts.
    pub(super) fn post(&self, user: &str, path: &str, body: &Value) -> Result<Value, String> {
        self.graph(user, Method::POST, path, Some(body))
    }

    fn graph(&self, user: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        perform(self.shared, &self.realm, Insider::User(user), method, path, body)
            .map_err(|error| format!("{}: {}", error.code, error.message))
    }
}

/// A value as one segment of a path, or in a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The members of a collection.
pub(super) fn values(answer: &Value) -> &[Value] {
    answer["value"].as_array().map_or(&[], Vec::as_slice)
}

/// A text property; empty if it is not there.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
