//! Owners and sponsors: collections of references to users, groups and service principals
//! (Entra reference §2.1, §2.3, §13).

use serde_json::{Value, json};

use super::call::Call;
use super::error::{Answer, GraphError};
use super::odata::Query;
use super::users::wire as user_wire;

impl Call<'_> {
    /// The objects that `…@odata.bind` or `@odata.id` names: their ids, all visible.
    pub(crate) fn bind(&self, references: Vec<String>) -> Result<Vec<String>, GraphError> {
        references.iter().map(|reference| self.bind_one(reference)).collect()
    }

    /// One of them.
    pub(crate) fn bind_one(&self, reference: &str) -> Result<String, GraphError> {
        let key = self
            .reference(reference, "users")
            .or_else(|error| self.reference(reference, "servicePrincipals").map_err(|_| error))
            .or_else(|error| self.reference(reference, "groups").map_err(|_| error))?;
        let user = self.tenant.user(&key, self.now).map(|user| &user.id);
        let found = user
            .or_else(|| self.tenant.service_principal(&key, self.now).map(|sp| &sp.id))
            .or_else(|| self.group_of(&key).map(|group| &group.id));
        found.cloned().ok_or_else(|| GraphError::bad_request(format!("Object with id {key} not found.")))
    }

    /// The reference in the body of `POST …/$ref`.
    pub(crate) fn bound_in_body(&self) -> Result<String, GraphError> {
        let body = self.body()?;
        let reference = body.get("@odata.id").and_then(Value::as_str);
        let reference = reference
            .ok_or_else(|| GraphError::bad_request("A value is required for property '@odata.id'."))?;
        self.bind_one(reference)
    }

    /// 200 with the objects behind the ids; what is gone is left out.
    pub(crate) fn referenced(&self, ids: &[String]) -> Answer {
        self.objects(self.directory_objects(ids))
    }

    /// Puts owners and sponsors into an object whose query expands them.
    pub(crate) fn expand(&self, object: &mut Value, query: &Query, owners: &[String], sponsors: &[String]) {
        self.expand_references(object, query, &[("owners", owners), ("sponsors", sponsors)]);
    }

    /// The same for collections of other names.
    pub(crate) fn expand_references(&self, object: &mut Value, query: &Query, named: &[(&str, &[String])]) {
        for (name, ids) in named {
            expand_items(object, query, name, || self.directory_objects(ids));
        }
    }

    /// Who may answer for an agent: users, and groups of the right kind (§2.3).
    pub(crate) fn check_sponsors(&self, ids: &[String]) -> Result<(), GraphError> {
        for id in ids {
            let is_user = self.tenant.users.contains_key(id);
            if !is_user && !self.group_of(id).is_some_and(super::groups::Group::may_sponsor) {
                return Err(GraphError::bad_request(format!(
                    "The object '{id}' cannot be a sponsor: users, Microsoft 365 groups and groups with a dynamic membership can."
                )));
            }
        }
        Ok(())
    }

    fn directory_objects(&self, ids: &[String]) -> Vec<Value> {
        ids.iter().filter_map(|id| self.directory_object(id)).collect()
    }

    /// Any object of the directory with its type and what it shows by default.
    pub(crate) fn directory_object(&self, id: &str) -> Option<Value> {
        if let Some(user) = self.tenant.user(id, self.now) {
            let mut object = json!({ "@odata.type": "#microsoft.graph.user" });
            let whole = user_wire::user(self.tenant, user, self.now);
            if let Some(kind) = whole.get("@odata.type") {
                object["@odata.type"] = kind.clone();
            }
            if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), whole) {
                let shown = |name: &String| user_wire::DEFAULTS.contains(&name.as_str());
                object.extend(fields.into_iter().filter(|(name, _)| shown(name)));
            }
            return Some(object);
        }
        let query = Query::default();
        let typed = |mut object: Value, name: &str| {
            if object.get("@odata.type").is_none() {
                object["@odata.type"] = Value::from(format!("#microsoft.graph.{name}"));
            }
            object
        };
        if let Some(sp) = self.tenant.service_principal(id, self.now) {
            return Some(typed(self.principal_json(sp, &query), "servicePrincipal"));
        }
        if let Some(app) = self.tenant.application(id, self.now) {
            return Some(typed(self.application_json(app, &query), "application"));
        }
        if let Some(group) = self.group_of(id) {
            return Some(typed(self.group_json(group, &query), "group"));
        }
        Some(typed(self.role_json(self.role_of(id)?), "directoryRole"))
    }
}

/// Puts the items behind a property into an object whose query expands it.
pub(crate) fn expand_items(
    object: &mut Value,
    query: &Query,
    name: &str,
    items: impl FnOnce() -> Vec<Value>,
) {
    if query.expand.iter().any(|one| one.eq_ignore_ascii_case(name)) {
        object[name] = items().into_iter().map(|item| query.project_nested(name, item)).collect();
    }
}

/// Adds a reference; the same one twice is refused.
pub(crate) fn add(list: &mut Vec<String>, id: String, property: &str) -> Result<(), GraphError> {
    if list.contains(&id) {
        return Err(GraphError::bad_request(format!(
            "One or more added object references already exist for the following modified properties: '{property}'."
        )));
    }
    list.push(id);
    Ok(())
}

/// Removes a reference; the last sponsor stays.
pub(crate) fn remove(list: &mut Vec<String>, id: &str, property: &str) -> Result<(), GraphError> {
    let Some(at) = list.iter().position(|one| one.eq_ignore_ascii_case(id)) else {
        return Err(GraphError::no_object(id));
    };
    if property == "sponsors" && list.len() == 1 {
        return Err(GraphError::bad_request("The last sponsor of an agent cannot be removed."));
    }
    list.remove(at);
    Ok(())
}
