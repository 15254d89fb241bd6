//! The control API's operations, each declared once: what it takes, what it answers, who may ask.

use std::future::Future;
use std::pin::Pin;

use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::steer::{Answer, Steer};

/// One operation.
pub(super) struct Operation {
    pub(super) method: Method,
    /// Below `/_sandbox`; at most one parameter, `{id}`.
    pub(super) path: &'static str,
    /// A sentence that begins with a verb.
    pub(super) summary: &'static str,
    pub(super) who: Who,
    pub(super) query: &'static [Parameter],
    pub(super) body: Option<Shape>,
    /// The status when it is done, and the body.
    pub(super) success: (u16, Option<Shape>),
    /// The other statuses, beyond those that every operation has.
    pub(super) failures: &'static [u16],
    pub(super) handler: Handler,
}

/// Who may ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Everybody, without a token.
    Anybody,
    /// Whoever has the tenant's token, or the main one.
    Tenant,
    /// Whoever has the main token.
    Main,
}

/// A query parameter, always optional.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) kind: Kind,
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Time,
    Status,
}

/// The JSON schema of a body.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// An operation that waits.
pub(super) type Waiting<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// What does it.
pub(super) enum Handler {
    Now(fn(&Steer<'_>) -> Answer),
    Waiting(for<'a> fn(&'a Steer<'a>) -> Waiting<'a>),
}

/// The schema of a type.
pub(super) fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

/// The schema of a list: `{ "value": [ … ] }`.
pub(super) fn list_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let item = T::json_schema(generator);
    schemars::json_schema!({
        "type": "object",
        "properties": { "value": { "type": "array", "items": item } },
        "required": ["value"],
    })
}

/// The schema of some object.
pub(super) fn object(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "object" })
}

/// The schema of a list of some objects.
pub(super) fn object_list(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "object",
        "properties": { "value": { "type": "array", "items": { "type": "object" } } },
        "required": ["value"],
    })
}

/// The parameter of every operation that can wait.
pub(super) const WAIT: Parameter = Parameter {
    name: "wait",
    description: "How long to wait, in real time, if there is nothing yet: 10s, 500ms, at most 1m.",
    kind: Kind::Time,
};

impl Operation {
    /// An operation of a tenant that takes nothing and answers 204.
    pub(super) const fn new(
        method: Method,
        path: &'static str,
        summary: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path,
            summary,
            who: Who::Tenant,
            query: &[],
            body: None,
            success: (204, None),
            failures: &[],
            handler,
        }
    }

    /// For these only.
    pub(super) const fn who(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    /// With these query parameters.
    pub(super) const fn query(mut self, query: &'static [Parameter]) -> Self {
        self.query = query;
        self
    }

    /// With this body.
    pub(super) const fn body(mut self, shape: Shape) -> Self {
        self.body = Some(shape);
        self
    }

    /// Answers this.
    pub(super) const fn answers(mut self, status: u16, shape: Shape) -> Self {
        self.success = (status, Some(shape));
        self
    }

    /// May also answer these.
    pub(super) const fn or(mut self, failures: &'static [u16]) -> Self {
        self.failures = failures;
        self
    }

    /// Whether the path fits, and its parameter.
    pub(super) fn matches<'p>(&self, segments: &[&'p str]) -> Option<&'p str> {
        let mut own = self.path.split('/').skip(1);
        let mut id = "";
        for segment in segments {
            match own.next()? {
                "{id}" => id = segment,
                literal if literal == *segment => {}
                _ => return None,
            }
        }
        own.next().is_none().then_some(id)
    }
}

/// Every operation, in the order of the manual.
pub(super) fn operations() -> Vec<Operation> {
    [
        super::readiness::operations(),
        super::tenants::operations(),
        super::seed::operations(),
        super::snapshots::operations(),
        super::clock::operations(),
        super::lag::operations(),
        super::throttling::operations(),
        super::faults::operations(),
        super::held::operations(),
        super::requests::operations(),
        super::changes::operations(),
        super::notifications::operations(),
        super::signing::operations(),
        super::chats::operations(),
        super::mail::operations(),
        super::state::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_operation_is_declared_twice() {
        let all = operations();
        let distinct: BTreeSet<_> = all.iter().map(|one| (one.method.to_string(), one.path)).collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn a_path_matches_as_a_whole() {
        let operation =
            Operation::new(Method::GET, "/held/{id}/cut", "Cut it", Handler::Now(|_| unreachable!()));
        assert_eq!(operation.matches(&["held", "7", "cut"]), Some("7"));
        assert_eq!(operation.matches(&["held", "7"]), None);
        assert_eq!(operation.matches(&["held", "7", "cut", "x"]), None);
    }
}
