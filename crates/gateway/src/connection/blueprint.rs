//! A blueprint that the organisation owns: it gives the client id, we make a key for it and hand out the certificate,
//! and its owner does the rest. Its identities sit in a cell of its own.

use attache_ledger::ActName;
use attache_store::{CommitError, Unit, Versioned};
use attache_terms::AppId;
use http::StatusCode;

use super::admin::unread;
use super::settings::{own, save};
use super::{Connection, GivenBlueprint, look};
use crate::Gateway;
use crate::access::Grant;
use crate::cells::{self, Cell, SEATS};
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

const GIVEN: ActName = ActName::new("tenant.blueprint_given");
const TAKEN_BACK: ActName = ActName::new("tenant.blueprint_taken_back");

/// A given blueprint, for its owner.
pub(super) struct Handed {
    /// Its client id.
    pub(super) client: AppId,
    /// The certificate to add to it, PEM.
    pub(super) certificate: String,
    /// How many identities sit in it.
    pub(super) taken: u32,
    /// How many may.
    pub(super) seats: u32,
}

/// Gives a blueprint. New identities come from it; those that exist stay with theirs.
pub(super) async fn give(gateway: &Gateway, grant: &Grant, client: AppId) -> Answer<Connection> {
    let before = own(gateway, grant).await?;
    let graph = look::graph(gateway, before.tenant)?;
    if graph.principal_of(client).await.map_err(|error| unread(&error))?.value.is_none() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "given_blueprint_unknown",
            format!("the tenant has no principal of the blueprint {client}"),
            "check the client id, and create the blueprint's principal in the tenant",
        ));
    }
    let mut unit = Unit::new();
    let key = Cell::given_key(before.tenant, client);
    let existing: Option<Versioned<Cell>> = gateway.system().find(Cell::BY_GIVEN, &key).await?;
    let cell = match existing {
        Some(cell) if cell.reserved == Some(grant.scope.org()) => cell.id,
        Some(_) => return Err(taken()),
        None => cells::open_given(gateway, before.tenant, grant.scope.org(), client, &mut unit).await?.id,
    };
    let after = Connection { blueprint: Some(GivenBlueprint { client, cell }), ..before.record.clone() };
    unit.update(&before, &after);
    let about = on([thing("tenant", after.tenant), thing("blueprint", client)]);
    unit.record(grant.scope, gateway.changed(&grant.caller, GIVEN, about));
    match gateway.commit(&grant.caller, unit).await {
        Ok(_) => Ok(after),
        Err(CommitError::Taken { lookup: Cell::BY_GIVEN, .. }) => Err(taken()),
        Err(error) => Err(error.into()),
    }
}

/// Whose it is is nobody else's to know.
fn taken() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "blueprint_taken",
        "another organisation of this gateway has given the blueprint",
        "give a blueprint of your own: its key opens all of its agents",
    )
}

/// Uses our own blueprints again for new identities.
pub(super) async fn take_back(gateway: &Gateway, grant: &Grant) -> Answer<Connection> {
    let before = own(gateway, grant).await?;
    let after = Connection { blueprint: None, ..before.record.clone() };
    save(gateway, grant, &before, after, TAKEN_BACK).await
}

/// What its owner needs of a given blueprint.
pub(super) async fn handed(gateway: &Gateway, connection: &Connection) -> Answer<Option<Handed>> {
    let Some(given) = &connection.blueprint else { return Ok(None) };
    let cell: Option<Versioned<Cell>> = gateway.system().get(given.cell).await?;
    Ok(cell.map(|cell| Handed {
        client: given.client,
        certificate: pem(&cell.certificate),
        taken: cell.taken,
        seats: SEATS,
    }))
}

/// Base64 as PEM, in lines of 64 (RFC 7468 §2).
fn pem(base64: &str) -> String {
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_certificate_is_wrapped_as_pem_wants_it() {
        let text = pem(&STANDARD.encode([7; 100]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines[0], lines.len()), ("-----BEGIN CERTIFICATE-----", 5));
        assert!(lines[1..4].iter().all(|line| line.len() <= 64), "{text}");
    }
}
