//! The log of requests: what came in, what was decided and why.

use std::collections::BTreeMap;

use http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::requests::{Filter, LoggedRequest};

use super::steer::{Answer, Refusal, Steer, done, list, ok};
use super::table::{Handler, Kind, Operation, Parameter, WAIT, Waiting, list_of, shape};

const FILTERS: &[Parameter] = &[
    Parameter { name: "after", description: "Only those with a greater number.", kind: Kind::Number },
    Parameter { name: "method", description: "Only those of this method.", kind: Kind::Text },
    Parameter {
        name: "path",
        description: "Only those whose path fits: * for a segment, ** for any.",
        kind: Kind::Text,
    },
    Parameter {
        name: "status",
        description: "Only those answered with it: 404, or 4xx.",
        kind: Kind::Status,
    },
    Parameter { name: "caller", description: "Only those of this app or object id.", kind: Kind::Text },
    Parameter { name: "limit", description: "Only the newest so many.", kind: Kind::Number },
    WAIT,
];

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/requests",
            "List the requests that came in, oldest first, or wait for one; those of this API are left out",
            Handler::Waiting(|steer| Box::pin(requests(steer)) as Waiting<'_>),
        )
        .query(FILTERS)
        .answers(200, list_of::<LoggedRequest>),
        Operation::new(
            Method::DELETE,
            "/requests",
            "Forget the requests so far",
            Handler::Now(|steer| {
                steer.realm.requests.clear();
                done()
            }),
        ),
        Operation::new(
            Method::GET,
            "/not-emulated",
            "Count what was asked for and is not emulated; the log's clearing does not touch it",
            Handler::Now(not_emulated),
        )
        .answers(200, shape::<NotEmulated>),
    ]
}

#[derive(Debug, Serialize, JsonSchema)]
struct NotEmulated {
    /// How many requests.
    count: u64,
    /// How many of each.
    requests: BTreeMap<String, u64>,
}

async fn requests(steer: &Steer<'_>) -> Answer {
    let filter = Filter {
        after: steer.number("after")?.unwrap_or(0),
        method: steer.text("method").map(str::to_owned),
        path: steer.text("path").map(str::to_ascii_lowercase),
        status: steer.text("status").map(str::to_owned),
        caller: steer.text("caller").map(str::to_owned),
        limit: steer.number("limit")?,
    };
    filter.check().map_err(Refusal::bad)?;
    let log = &steer.realm.requests;
    let found = tokio::time::timeout(steer.wait()?, log.wait(&filter)).await;
    list(&found.unwrap_or_else(|_| log.filtered(&filter)))
}

fn not_emulated(steer: &Steer<'_>) -> Answer {
    let requests = steer.realm.requests.not_emulated();
    ok(&NotEmulated { count: requests.values().sum(), requests })
}
