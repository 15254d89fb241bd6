//! The OpenAPI document: what the features' handlers say of themselves, and what holds for all of them, said once: how
//! callers prove themselves, and that any operation may answer with a problem.

use http::Method;
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use super::headers;
use crate::access::{SESSION, full_name};

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// The document that is served by a gateway that browsers reach by https, or not.
pub(super) fn finish(described: &OpenApi, https: bool) -> Value {
    let mut document = serde_json::to_value(described).unwrap_or_default();
    document["components"]["responses"]["Problem"] = json!({
        "description": "A problem (RFC 9457): what happened, and what to do. `code` stays; /docs/problems explains each.",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        "headers": headers::of_problem(),
    });
    document["components"]["headers"] = headers::components();
    document["components"]["securitySchemes"] = json!({
        "key": { "type": "http", "scheme": "bearer", "description": "An API key of one organisation: `atk_…`." },
        "session": {
            "type": "apiKey", "in": "cookie", "name": full_name(SESSION, https),
            "description": "The session of a person, in a page of this gateway.",
        },
    });
    document["security"] = json!([{ "key": [] }, { "session": [] }]);
    document["info"]["license"]["identifier"] = document["info"]["license"]["name"].clone();
    document["servers"] = json!([{ "url": "/", "description": "This gateway." }]);
    repeatable(&mut document);
    for (method, operation) in operations_mut(&mut document) {
        // Every feature has a `list`; in the document a name is used once.
        let feature = operation["tags"][0].as_str().unwrap_or_default().to_lowercase().replace(' ', "_");
        let name = operation["operationId"].as_str().unwrap_or_default();
        operation["operationId"] = format!("{feature}_{name}").into();
        if operation["description"].is_null() {
            operation["description"] = operation["summary"].clone();
        }
        let parameters = operation["parameters"].clone();
        for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
            response["headers"] = headers::of(method, &parameters, status);
            if response["description"].as_str().unwrap_or_default().is_empty() {
                response["description"] = meaning(status).into();
            }
        }
        operation["responses"]["default"] = json!({ "$ref": "#/components/responses/Problem" });
    }
    document
}

/// Every POST may be repeated with the same key.
fn repeatable(document: &mut Value) {
    for (_, item) in document["paths"].as_object_mut().into_iter().flatten() {
        let Some(post) = item.get_mut("post").and_then(Value::as_object_mut) else { continue };
        let parameters = post.entry("parameters").or_insert_with(|| json!([]));
        if let Some(list) = parameters.as_array_mut() {
            list.push(json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "Names the request: within a day, the same request with the same key happens once and gets \
                                the same answer, without the secrets that are shown once.",
                "schema": { "type": "string", "pattern": "^[!#-~]{1,255}$" },
            }));
        }
    }
}

/// Every operation, with its path and method.
pub(super) fn operations(document: &Value) -> impl Iterator<Item = (&str, Method, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let operations = METHODS.into_iter().filter_map(|method| Some((method, item.get(method)?)));
        operations.filter_map(|(method, operation)| {
            Some((path.as_str(), method.to_ascii_uppercase().parse().ok()?, operation))
        })
    })
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = (&str, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let items = paths.filter_map(|(_, item)| item.as_object_mut());
    let operations = items.flatten().map(|(method, operation)| (method.as_str(), operation));
    operations.filter(|(method, _)| METHODS.contains(method))
}

fn meaning(status: &str) -> &'static str {
    match status {
        "201" => "It was made.",
        "202" => "It was asked for, and goes on by itself.",
        "204" => "It is done.",
        "304" => "Nothing has changed.",
        _ => "What was asked for.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn document() -> Value {
        let (_, described) = super::super::api().split_for_parts();
        finish(&described, true)
    }

    #[test]
    fn the_document_in_the_repository_is_what_is_served() {
        let text = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        if std::env::var_os("ATTACHE_WRITE_BOOK").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        assert!(
            std::fs::read_to_string(&file).unwrap_or_default() == text,
            "{} is not what is served; see whether the change is meant, tell it to those who use the interface, and \
             renew the file: ATTACHE_WRITE_BOOK=1 cargo test -p attache-gateway the_document_in_the_repository",
            file.display()
        );
    }

    #[test]
    fn every_operation_is_described_named_once_and_may_answer_with_a_problem() {
        let document = document();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        let mut names = BTreeSet::new();
        let mut count = 0;
        for (_, _, operation) in operations(&document) {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(!operation["description"].as_str().unwrap_or_default().is_empty(), "{name}");
            assert_eq!(operation["responses"]["default"]["$ref"], "#/components/responses/Problem", "{name}");
            assert!(!operation["tags"].as_array().unwrap().is_empty(), "{name}");
            assert!(names.insert(name.clone()), "{name} is the name of two operations");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let described = parameter["description"].as_str().is_some_and(|text| !text.is_empty());
                assert!(described, "{name}: {parameter}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let said = response["$ref"].as_str().or(response["description"].as_str());
                assert!(said.is_some_and(|text| !text.is_empty()), "{name}: {status}");
            }
            count += 1;
        }
        assert!(count > 25, "{count} operations");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut open = vec![&document];
        while let Some(value) = open.pop() {
            if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').expect("within the document");
                assert!(document.pointer(pointer).is_some(), "{reference} is missing");
            }
            match value {
                Value::Object(object) => open.extend(object.values()),
                Value::Array(list) => open.extend(list),
                _ => {}
            }
        }
    }
}
