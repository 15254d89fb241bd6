//! From a query to an answer: what every resource does with OData's options.

use serde_json::{Map, Value, json};

use super::call::Call;
use super::error::GraphError;
use super::odata::{Collection, Query, QueryError, Surface};
use crate::exchange::{Request, Response};

impl From<QueryError> for GraphError {
    fn from(error: QueryError) -> Self {
        let status = match error.code {
            "sandboxNotEmulated" => http::StatusCode::NOT_IMPLEMENTED,
            _ => http::StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.code, error.message)
    }
}

/// Whether a client asks the index that follows later.
pub(super) fn is_eventual(request: &Request) -> bool {
    request.header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
}

impl Call<'_> {
    /// The request's query options, as far as the surface takes them.
    pub(crate) fn query(&self, surface: &Surface) -> Result<Query, GraphError> {
        Ok(Query::parse(surface, &self.request.query, is_eventual(self.request))?)
    }

    /// 200 with a page of the items that the query lets through. `context` is the collection's name;
    /// every item has an `id`.
    pub(crate) fn list(
        &self,
        query: &Query,
        context: &str,
        items: Vec<Value>,
        defaults: Option<&[&str]>,
    ) -> Response {
        self.list_by(query, context, items, "id", defaults)
    }

    /// 200 with a page of directory objects of several types; a type cast at the end of the path keeps one of them.
    pub(crate) fn objects(&self, items: Vec<Value>) -> Result<Response, GraphError> {
        const OBJECTS: Surface = Surface::directory("directoryObject", &[]).searching();
        let query = self.query(&OBJECTS)?;
        let path = self.request.path.trim_end_matches("/$count").to_ascii_lowercase();
        let is_last = |cast: &&str| path.ends_with(&format!(".{}", cast.to_ascii_lowercase()));
        let items = match self.path.cast.filter(is_last) {
            Some(cast) => {
                items.into_iter().filter(|item| super::directory_objects::is_a(item, cast)).collect()
            }
            None => items,
        };
        Ok(self.list(&query, "directoryObjects", items, None))
    }

    /// The same for items that another property identifies.
    pub(crate) fn list_by(
        &self,
        query: &Query,
        context: &str,
        items: Vec<Value>,
        key: &str,
        defaults: Option<&[&str]>,
    ) -> Response {
        let url = format!("{}{}", self.request.origin, self.request.path);
        let collection =
            Collection { context, root: &self.base(), url: &url, parameters: &self.request.query };
        self.ok(&collection.answer(query, items, key, defaults))
    }

    /// 200 with a page that was cut already; `last` names its last item if more follow ([`Query::after`]).
    pub(crate) fn page(
        &self,
        query: &Query,
        context: &str,
        items: Vec<Value>,
        last: Option<String>,
    ) -> Response {
        let url = format!("{}{}", self.request.origin, self.request.path);
        let collection =
            Collection { context, root: &self.base(), url: &url, parameters: &self.request.query };
        self.ok(&collection.page(query, items, last))
    }

    /// 200 with one object, whole or selected. `context` is what stands before `/$entity`.
    pub(crate) fn entity(
        &self,
        query: &Query,
        context: &str,
        object: Value,
        defaults: Option<&[&str]>,
    ) -> Response {
        let context = format!("{context}{}", query.selected());
        self.ok(&self.with_context(&context, query.project(object, defaults)))
    }

    /// The object with its `@odata.context` in front.
    pub(crate) fn with_context(&self, context: &str, object: Value) -> Value {
        let mut fields = match object {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let context = self.context(&format!("{context}/$entity"));
        fields.insert("@odata.context".to_owned(), Value::String(context));
        Value::Object(fields)
    }

    /// 200 with all of a collection that takes no options.
    pub(crate) fn whole(&self, context: &str, items: Vec<Value>) -> Response {
        self.ok(&json!({ "@odata.context": self.context(context), "value": items }))
    }
}
