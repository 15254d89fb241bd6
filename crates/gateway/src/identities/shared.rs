//! The sender that organisations without a mailbox of their own share: a no-reply address in a tenant of ours, from
//! whose mailbox the application there sends (`Mail.Send`, Entra reference §4.1).

use attache_graph::Mailbox;
use attache_mail::GraphMail;
use http::StatusCode;

use super::service::Wanted;
use crate::Gateway;
use crate::server::{Answer, Problem};
use crate::tenants::Home;

/// Its address.
pub(super) fn address(gateway: &Gateway) -> Answer<&str> {
    gateway.config.shared_sender.as_deref().ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "no_shared_sender",
            "this gateway has no sender that organisations share, so that an identity of the mode `shared` could do nothing",
            "choose another mode, or have whoever runs the gateway set `shared_sender`",
        )
    })
}

/// The address for an identity that is to share the sender. It has nothing else that could be wished for.
pub(super) fn wanted<'a>(gateway: &'a Gateway, wanted: &Wanted) -> Answer<&'a str> {
    if !wanted.aliases.is_empty() {
        return Err(no_mailbox());
    }
    address(gateway)
}

/// Whoever shares a mailbox gives it no addresses.
pub(super) fn no_mailbox() -> Problem {
    Problem::invalid(
        "aliases",
        "an identity of the mode `shared` has no mailbox of its own",
        "leave them out, or provision an identity of another mode",
    )
}

/// The mailbox, in whichever tenant of ours has it.
pub(super) async fn transport(gateway: &Gateway) -> Answer<GraphMail> {
    let address = address(gateway)?;
    for hosted in &gateway.config.hosted {
        let graph = gateway.provisioner(&Home::from(hosted));
        let found = graph.user_by_name(address).await;
        let found = found.map_err(|error| Problem::explained(StatusCode::BAD_GATEWAY, &error))?;
        if let Some(user) = found.value {
            return Ok(GraphMail::new(graph, Mailbox::Of(user.id)));
        }
    }
    Err(Problem::new(
        StatusCode::BAD_GATEWAY,
        "shared_sender_missing",
        format!("no tenant of this gateway has a user with the sign-in name {address}"),
        "have whoever runs the gateway make a mailbox of that name, or correct `shared_sender`",
    ))
}
