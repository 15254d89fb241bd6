//! Reading a JSON body of the directory property by property: wrong types, missing, read-only and unknown
//! properties are refused as the directory refuses them (Entra reference §7.3); what Graph has and nothing here
//! emulates is 501.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::call::Call;
use super::error::GraphError;
use super::model;
use super::path::Version;

/// The properties that have not been read yet.
pub(crate) struct Payload {
    fields: Map<String, Value>,
    /// The resource's name, as refusals spell it.
    resource: &'static str,
    version: Version,
}

impl Payload {
    /// The body of the call.
    pub(crate) fn read(call: &Call<'_>, resource: &'static str) -> Result<Self, GraphError> {
        Ok(Self { fields: call.body()?, resource, version: call.path.version })
    }

    /// The type that `@odata.type` names, without `#` and namespace, in lower case.
    pub(crate) fn take_type(&mut self) -> Option<String> {
        let value = self.take("@odata.type")?;
        let name = value.as_str()?.trim_start_matches('#').to_ascii_lowercase();
        Some(name.strip_prefix("microsoft.graph.").unwrap_or(&name).to_owned())
    }

    /// Says what the path said instead of the body.
    pub(crate) fn put(&mut self, name: &str, value: String) {
        self.take(name);
        self.fields.insert(name.to_owned(), Value::String(value));
    }

    /// A property, whatever it is; names compare without regard to case.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let key = self.fields.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
        self.fields.remove(&key)
    }

    /// A text; null counts as absent.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, GraphError> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(name)),
        }
    }

    /// A text that must be there and says something, of at most `longest` characters.
    pub(crate) fn required_text(&mut self, name: &str, longest: usize) -> Result<String, GraphError> {
        match self.text(name)? {
            Some(text) if text.trim().is_empty() || text.chars().count() > longest => Err(self.invalid(name)),
            Some(text) => Ok(text),
            None => Err(GraphError::bad_request(format!(
                "A value is required for property '{name}' of resource '{}'.",
                self.resource
            ))),
        }
    }

    /// A truth value; null counts as absent.
    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>, GraphError> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.invalid(name)),
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, GraphError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let list = value.as_array().and_then(|list| {
            list.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        list.map(Some).ok_or_else(|| self.invalid(name))
    }

    /// A list of objects.
    pub(crate) fn objects(&mut self, name: &str) -> Result<Option<Vec<Map<String, Value>>>, GraphError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let list = match value {
            Value::Array(list) => list
                .into_iter()
                .map(|one| match one {
                    Value::Object(object) => Some(object),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>(),
            _ => None,
        };
        list.map(Some).ok_or_else(|| self.invalid(name))
    }

    /// What is left: properties that are settable but that nothing here looks at. Annotations are passed over.
    pub(crate) fn rest(self, settable: &[&str]) -> Result<BTreeMap<String, Value>, GraphError> {
        self.rest_but(settable, &[])
    }

    /// The same for a resource of which the service computes some properties.
    pub(crate) fn rest_but(
        mut self,
        settable: &[&str],
        read_only: &[&str],
    ) -> Result<BTreeMap<String, Value>, GraphError> {
        let mut rest = BTreeMap::new();
        for (name, value) in std::mem::take(&mut self.fields) {
            if name.starts_with("@odata.") {
                continue;
            }
            match settable.iter().find(|known| known.eq_ignore_ascii_case(&name)) {
                Some(known) => rest.insert((*known).to_owned(), value),
                None if read_only.iter().any(|known| known.eq_ignore_ascii_case(&name)) => {
                    return Err(GraphError::bad_request(format!(
                        "Property '{name}' is read-only and cannot be set."
                    )));
                }
                None => return Err(self.unknown(&name)),
            };
        }
        Ok(rest)
    }

    /// Whether the name is Graph's and not emulated, or nobody's. Of beta's own names there is no list.
    fn unknown(&self, name: &str) -> GraphError {
        let property = name.split('@').next().unwrap_or(name);
        let mut of = self.resource.to_owned();
        if let Some(first) = of.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        if self.version == Version::Beta || model::member(&of, property).is_some() {
            return GraphError::not_emulated(&format!("the property '{property}' of a {of} that is written"));
        }
        GraphError::bad_request(format!("Invalid property '{name}'."))
    }

    /// 400: the value of that property.
    pub(crate) fn invalid(&self, name: &str) -> GraphError {
        GraphError::bad_request(format!(
            "Invalid value specified for property '{name}' of resource '{}'.",
            self.resource
        ))
    }
}
