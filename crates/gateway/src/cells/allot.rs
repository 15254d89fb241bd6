//! Gives an identity its seat. Two that want the last seat of a cell at once do not both get it: one of them
//! opens the next cell.

use attache_ledger::ActName;
use attache_store::{CommitError, GatewayScope, OrgId, Page, Unit, Versioned};
use attache_terms::{AppId, TenantId};

use super::{Cell, CellError, CellId, SEATS, key, room};
use crate::Gateway;
use crate::record::{on, thing};

const OPENED: ActName = ActName::new("cell.opened");

/// How many open cells are looked at: enough that many at once do not all want the same one.
const CHOICE: usize = 8;

/// Allots a seat in a cell of this tenant, opening one if none has room. `with` adds to the unit that takes the
/// seat what remembers whose it is; it is called again for every try.
pub(crate) async fn allot(
    gateway: &Gateway,
    tenant: TenantId,
    reserved: Option<OrgId>,
    with: impl Fn(&mut Unit, &Cell),
) -> Result<Cell, CellError> {
    loop {
        let page = Page::first(CHOICE);
        let open: Vec<Versioned<Cell>> =
            gateway.system().list_by(Cell::BY_ROOM, &room(tenant, reserved), page).await?;
        if open.is_empty() {
            self::open(gateway, tenant, reserved).await?;
            continue;
        }
        // Those who come at once spread over the open cells, so that they seldom collide.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a fraction of a short list"
        )]
        let at = ((open.len() as f64) * gateway.rng.fraction()) as usize;
        let Some(cell) = open.get(at.min(open.len() - 1)) else { continue };
        let taken = Cell { taken: cell.taken + 1, ..cell.record.clone() };
        let mut unit = Unit::new();
        unit.update(cell, &taken);
        with(&mut unit, &taken);
        match gateway.store.commit(unit).await {
            Ok(_) => return Ok(taken),
            Err(CommitError::Conflict { kind: "cell", .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes a seat in this cell and in no other: that of a blueprint that a customer owns.
pub(crate) async fn take(
    gateway: &Gateway,
    cell: CellId,
    with: impl Fn(&mut Unit, &Cell),
) -> Result<Cell, CellError> {
    loop {
        let found: Option<Versioned<Cell>> = gateway.system().get(cell).await?;
        let found = found.ok_or(CellError::Gone(cell))?;
        if found.taken >= SEATS {
            return Err(CellError::Full(cell));
        }
        let taken = Cell { taken: found.taken + 1, ..found.record.clone() };
        let mut unit = Unit::new();
        unit.update(&found, &taken);
        with(&mut unit, &taken);
        match gateway.store.commit(unit).await {
            Ok(_) => return Ok(taken),
            Err(CommitError::Conflict { kind: "cell", .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Opens a cell: its key now, its blueprint when its first identity is provisioned.
async fn open(gateway: &Gateway, tenant: TenantId, reserved: Option<OrgId>) -> Result<(), CellError> {
    let cell = fresh(gateway, tenant, reserved, None).await?;
    let mut unit = Unit::new();
    opened(gateway, &mut unit, &cell);
    gateway.store.commit(unit).await?;
    Ok(())
}

/// A cell for a blueprint that an organisation owns: its key is made now, so that the owner can add the certificate.
/// It comes to be with the unit.
pub(crate) async fn open_given(
    gateway: &Gateway,
    tenant: TenantId,
    owner: OrgId,
    blueprint: AppId,
    unit: &mut Unit,
) -> Result<Cell, CellError> {
    let cell = fresh(gateway, tenant, Some(owner), Some(blueprint)).await?;
    opened(gateway, unit, &cell);
    Ok(cell)
}

async fn fresh(
    gateway: &Gateway,
    tenant: TenantId,
    reserved: Option<OrgId>,
    given: Option<AppId>,
) -> Result<Cell, CellError> {
    let id = CellId::make(&*gateway.clock, &*gateway.rng);
    let (key, certificate) = key::make(gateway, id).await?;
    let created = gateway.clock.now();
    Ok(Cell { id, tenant, reserved, given, taken: 0, key, certificate, suspended: None, created })
}

fn opened(gateway: &Gateway, unit: &mut Unit, cell: &Cell) {
    unit.create(GatewayScope::granted(), cell);
    unit.record(GatewayScope::granted(), gateway.changed_by_itself(OPENED, on([thing("cell", cell.id)])));
}
