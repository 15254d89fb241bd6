//! Who signs tokens: the sandbox's own keys, and other issuers whose tokens federated credentials name.

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::steer::{Answer, Refusal, Steer, done, list, ok};
use super::table::{Handler, Operation, Who, list_of, shape};

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::POST,
            "/keys/roll",
            "Sign tokens with the next key; the old one stays published",
            Handler::Now(roll),
        )
        .who(Who::Main)
        .answers(200, shape::<Rolled>)
        .or(&[503]),
        Operation::new(
            Method::GET,
            "/issuers",
            "List the other issuers whose keys are known",
            Handler::Now(|steer| list(&steer.shared.issuers.names())),
        )
        .answers(200, list_of::<String>),
        Operation::new(
            Method::POST,
            "/issuers",
            "Tell the keys of another issuer, or other keys of one",
            Handler::Now(add),
        )
        .who(Who::Main)
        .body(shape::<NewIssuer>),
    ]
}

#[derive(Debug, Serialize, JsonSchema)]
struct Rolled {
    /// The id of the key that signs now.
    kid: String,
}

/// The keys of another issuer, whose tokens federated identity credentials name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewIssuer {
    issuer: String,
    jwks: NewKeys,
}

/// A JSON Web Key Set.
#[derive(Debug, Deserialize, JsonSchema)]
struct NewKeys {
    keys: Vec<Map<String, Value>>,
}

fn roll(steer: &Steer<'_>) -> Answer {
    let kid = steer.shared.roll_keys().map_err(|error| Refusal::not_saved(&error))?;
    ok(&Rolled { kid })
}

fn add(steer: &Steer<'_>) -> Answer {
    let new: NewIssuer = steer.body()?;
    steer.shared.issuers.set(&new.issuer, new.jwks.keys.into_iter().map(Value::Object).collect());
    done()
}
