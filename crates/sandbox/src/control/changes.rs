//! What happens to the tenant's resources, as it happens.

use http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::changes::{ChangeKind, Noted};

use super::steer::{Answer, Steer, list};
use super::table::{Handler, Kind, Operation, Parameter, WAIT, Waiting, list_of};

/// The operation.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/changes",
            "List the resources that came, changed or went, oldest first, or wait for one",
            Handler::Waiting(|steer| Box::pin(changes(steer)) as Waiting<'_>),
        )
        .query(&[
            Parameter { name: "after", description: "Only those with a greater number.", kind: Kind::Number },
            Parameter {
                name: "resource",
                description: "Only those whose path, or another name of theirs, begins so.",
                kind: Kind::Text,
            },
            WAIT,
        ])
        .answers(200, list_of::<Happened>),
    ]
}

/// One change.
#[derive(Debug, Serialize, JsonSchema)]
struct Happened {
    /// Its place in the order; pass the last one as `after`.
    number: u64,
    kind: &'static str,
    /// The resource's path: `users/{id}/messages/{id}`.
    resource: String,
    odata_type: String,
}

async fn changes(steer: &Steer<'_>) -> Answer {
    let after = steer.number("after")?.unwrap_or(0);
    let resource = steer.text("resource").unwrap_or_default().trim_start_matches('/').to_ascii_lowercase();
    let fits = |noted: &Noted| {
        let change = &noted.change;
        noted.number > after
            && std::iter::once(&change.resource)
                .chain(&change.aliases)
                .any(|path| path.to_ascii_lowercase().starts_with(&resource))
    };
    let feed = &steer.realm.feed;
    let found = feed.wait(steer.wait()?, || {
        let noted: Vec<_> = feed.noted().into_iter().filter(|noted| fits(noted)).collect();
        (!noted.is_empty()).then_some(noted)
    });
    let found = found.await.unwrap_or_default();
    list(&found.into_iter().map(happened).collect::<Vec<_>>())
}

fn happened(noted: Noted) -> Happened {
    let kind = match noted.change.kind {
        ChangeKind::Created => "created",
        ChangeKind::Updated => "updated",
        ChangeKind::Deleted => "deleted",
    };
    Happened {
        number: noted.number,
        kind,
        resource: noted.change.resource.clone(),
        odata_type: noted.change.odata_type.clone().into_owned(),
    }
}
