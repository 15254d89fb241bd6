//! The header fields of answers, as the OpenAPI document has them.

use serde_json::{Map, Value, json};

/// What answers say in header fields: the field, in which answers it stands, and its description.
struct Field {
    name: &'static str,
    /// Whether it stands in all of them.
    always: bool,
    description: &'static str,
}

const REQUEST_ID: Field = Field {
    name: "X-Request-Id",
    always: true,
    description: "Names the request in the gateway's log and in the entries of what it changed.",
};
const POLICY: Field = Field {
    name: "RateLimit-Policy",
    always: false,
    description: "The limits that the request counted for: `q` requests in a window of `w` seconds each \
                  (draft-ietf-httpapi-ratelimit-headers-10).",
};
const STANDING: Field = Field {
    name: "RateLimit",
    always: false,
    description: "How one stands by each limit: `r` requests are left, and it is whole again in `t` seconds.",
};
const RETRY_AFTER: Field = Field {
    name: "Retry-After",
    always: false,
    description: "In how many seconds to try again, where that may help.",
};
const REPLAYED: Field = Field {
    name: "Idempotency-Replayed",
    always: false,
    description: "`true` when this is the answer that was given before to the same `Idempotency-Key`.",
};
const ETAG: Field = Field {
    name: "ETag",
    always: true,
    description: "The version of what is shown, for `If-None-Match` and `If-Match`.",
};

/// In every answer of a route.
const EVERYWHERE: [Field; 3] = [REQUEST_ID, POLICY, STANDING];

/// Every one, as the document's components have them.
pub(super) fn components() -> Value {
    let described = [REQUEST_ID, POLICY, STANDING, RETRY_AFTER, REPLAYED, ETAG].map(|field| {
        let Field { name, always, description } = field;
        let header =
            json!({ "description": description, "required": always, "schema": { "type": "string" } });
        (name.to_owned(), header)
    });
    Value::Object(described.into_iter().collect())
}

/// Those of a problem.
pub(super) fn of_problem() -> Value {
    Value::Object(EVERYWHERE.iter().chain([&RETRY_AFTER]).map(reference).collect())
}

/// Those of an operation's answer with this status.
pub(super) fn of(method: &str, parameters: &Value, status: &str) -> Value {
    let takes = |name: &str| {
        parameters.as_array().is_some_and(|list| list.iter().any(|parameter| parameter["name"] == name))
    };
    let mut fields: Map<String, Value> = EVERYWHERE.iter().map(reference).collect();
    // A view is what a GET shows and a PATCH leaves; what a PUT sets is a part of it, without a version of its own.
    let shows = match method {
        "get" => takes("If-None-Match"),
        "patch" => takes("If-Match"),
        _ => false,
    };
    if shows && matches!(status, "200" | "304") {
        fields.extend([reference(&ETAG)]);
    }
    if method == "post" {
        fields.extend([reference(&REPLAYED)]);
    }
    Value::Object(fields)
}

fn reference(field: &Field) -> (String, Value) {
    (field.name.to_owned(), json!({ "$ref": format!("#/components/headers/{}", field.name) }))
}
