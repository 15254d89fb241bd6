//! The OpenAPI 3.1 document, made from the table of operations.

use schemars::SchemaGenerator;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use super::steer::LARGEST_NUMBER;
use super::table::{Kind, Operation, Parameter, Who, operations};

/// The document.
pub(super) fn document(url: &str) -> Value {
    let mut taken = generator(Contract::Deserialize);
    let mut given = generator(Contract::Serialize);
    let mut paths = Map::new();
    for operation in operations() {
        let path = paths.entry(format!("/_sandbox{}", operation.path)).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = described(&operation, &mut taken, &mut given);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "The sandbox's control API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What tests can do to a sandbox tenant. `/_sandbox/tenants/{id}/…` is the same as `?tenant={id}`.",
        },
        "servers": [{ "url": url }],
        "paths": paths,
        "components": {
            "securitySchemes": { "control_token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn generator(contract: Contract) -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.meta_schema = None;
            settings.inline_subschemas = true;
            settings.contract = contract;
        })
        .into_generator()
}

fn described(operation: &Operation, taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Value {
    let mut parameters = Vec::new();
    if operation.path.contains("{id}") {
        parameters.push(json!({
            "name": "id", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 },
        }));
    }
    parameters.extend(operation.query.iter().map(parameter));
    if operation.who != Who::Anybody {
        parameters.push(parameter(&Parameter {
            name: "tenant",
            description: "Another tenant, by id or domain; with the main token only.",
            kind: Kind::Text,
        }));
    }
    let (status, shape) = operation.success;
    let mut responses = Map::new();
    let mut success = json!({ "description": "Done." });
    if let Some(shape) = shape {
        success["content"] = json!({ "application/json": { "schema": shape(given) } });
    }
    responses.insert(status.to_string(), success);
    let of_everybody: &[u16] = if operation.who == Who::Anybody { &[400] } else { &[400, 401, 404] };
    let of_main: &[u16] = if operation.who == Who::Main { &[403] } else { &[] };
    for status in of_everybody.iter().chain(of_main).chain(operation.failures) {
        responses.insert(status.to_string(), failure(*status));
    }
    let mut described = json!({
        "summary": operation.summary,
        "operationId": operation_id(operation),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(shape) = operation.body {
        described["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": shape(taken) } } });
    }
    if operation.who != Who::Anybody {
        described["security"] = json!([{ "control_token": [] }]);
    }
    described
}

/// `get_held`, `post_held_release`.
fn operation_id(operation: &Operation) -> String {
    let path = operation.path.replace("{id}", "one").replace(['/', '-', '.'], "_");
    format!("{}{path}", operation.method.as_str().to_ascii_lowercase())
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Number => json!({ "type": "integer", "minimum": 0, "maximum": LARGEST_NUMBER }),
        Kind::Status => json!({ "type": "string", "pattern": "^[0-9]([0-9]{2}|xx)$" }),
        Kind::Time => json!({ "type": "string", "pattern": "^[0-9]{1,4}(ms|s|m)?$" }),
    };
    json!({ "name": parameter.name, "in": "query", "description": parameter.description, "schema": schema })
}

fn failure(status: u16) -> Value {
    let description = match status {
        400 => "The request is not as described here.",
        401 => "It needs a control token.",
        403 => "It needs the main token.",
        404 => "There is none of that id, or no such tenant.",
        409 => "It is there already.",
        422 => "What it asks for cannot be done to this tenant.",
        _ => "The data folder cannot be written.",
    };
    json!({
        "description": description,
        "content": { "application/json": { "schema": {
            "type": "object",
            "properties": { "error": {
                "type": "object",
                "properties": { "code": { "type": "string" }, "message": { "type": "string" } },
                "required": ["code", "message"],
            } },
            "required": ["error"],
        } } },
    })
}
