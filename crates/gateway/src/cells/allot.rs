//! Gives an identity its seat. A cell is opened before it is needed: when few seats are left, whoever comes next opens
//! another one, sits in it and makes its blueprint, while all others go on in those that are made. Two that want to
//! open it at once do not both do so, nor do two get the last seat of a cell.

use attache_ledger::ActName;
use attache_store::{CommitError, GatewayScope, OrgId, Page, Record as _, Unit, Versioned};
use attache_terms::{AppId, TenantId};

use super::suspend::residents;
use super::{Cell, CellError, CellId, SEATS, key, room};
use crate::Gateway;
use crate::record::{on, thing};

const OPENED: ActName = ActName::new("cell.opened");

/// How many cells with free seats are looked at: enough that many at once do not all want the same one.
const CHOICE: usize = 8;

/// When only so many seats are free, or fewer, the next cell is opened: more than come while its blueprint is made.
const AHEAD: u32 = 40;

/// Allots a seat in a cell of this tenant, opening one if few are free. `with` adds to the unit that takes the
/// seat what remembers whose it is; it is called again for every try.
pub(crate) async fn allot(
    gateway: &Gateway,
    tenant: TenantId,
    reserved: Option<OrgId>,
    with: impl Fn(&mut Unit, &Cell),
) -> Result<Cell, CellError> {
    let room = room(tenant, reserved);
    loop {
        let mut unit = Unit::new();
        let taken = match choose(gateway, &room).await? {
            Some(cell) => {
                let taken = Cell { taken: cell.taken + 1, ..cell.record.clone() };
                unit.update(&cell, &taken);
                taken
            }
            None => {
                let next = Cell { taken: 1, ..fresh(gateway, tenant, reserved, None).await? };
                opened(gateway, &mut unit, &next);
                next
            }
        };
        with(&mut unit, &taken);
        match gateway.store.commit(unit).await {
            Ok(_) => return Ok(taken),
            Err(
                CommitError::Conflict { kind: Cell::KIND, .. }
                | CommitError::Taken { lookup: Cell::BY_OPENING, .. },
            ) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The cell to sit in; `None` where the next one is to be opened.
async fn choose(gateway: &Gateway, room: &str) -> Result<Option<Versioned<Cell>>, CellError> {
    let page = Page::first(CHOICE);
    let mut made: Vec<Versioned<Cell>> = gateway.system().list_by(Cell::BY_ROOM, room, page).await?;
    let free: u32 = made.iter().map(|cell| SEATS - cell.taken).sum();
    if free <= AHEAD {
        let Some(next) = gateway.system().find::<Cell>(Cell::BY_OPENING, room).await? else {
            return Ok(None);
        };
        if made.is_empty() || !is_being_made(gateway, &next).await? {
            return Ok(Some(next));
        }
    }
    // Those who come at once spread over the cells, so that they seldom collide.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fraction of a short list")]
    let at = ((made.len() as f64) * gateway.rng.fraction()) as usize;
    Ok(Some(made.swap_remove(at.min(made.len() - 1))))
}

/// Whether one of those who sit in a cell goes on, and so makes its blueprint.
async fn is_being_made(gateway: &Gateway, cell: &Cell) -> Result<bool, CellError> {
    let residents = residents(gateway, cell.id).await?;
    Ok(residents.iter().any(|one| one.suspended.is_none() && one.state.is_under_way()))
}

/// Notes that a cell's blueprint is made: from now on whoever comes may sit in it.
pub(crate) async fn made(gateway: &Gateway, cell: CellId) -> Result<(), CellError> {
    loop {
        let Some(found) = gateway.system().get::<Cell>(cell).await?.filter(|cell| cell.opening) else {
            return Ok(());
        };
        let mut unit = Unit::new();
        unit.update(&found, &Cell { opening: false, ..found.record.clone() });
        match gateway.store.commit(unit).await {
            Ok(_) => return Ok(()),
            Err(CommitError::Conflict { kind: Cell::KIND, .. }) => {}
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
            Err(CommitError::Conflict { kind: Cell::KIND, .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
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

/// A cell that nobody sits in yet: its key is made now, its blueprint by its first identity.
async fn fresh(
    gateway: &Gateway,
    tenant: TenantId,
    reserved: Option<OrgId>,
    given: Option<AppId>,
) -> Result<Cell, CellError> {
    let id = CellId::make(&*gateway.clock, &*gateway.rng);
    let (key, certificate) = key::make(gateway, id).await?;
    let created = gateway.clock.now();
    let opening = given.is_none();
    Ok(Cell {
        id,
        tenant,
        reserved,
        given,
        opening,
        lost: false,
        taken: 0,
        key,
        certificate,
        suspended: None,
        created,
    })
}

fn opened(gateway: &Gateway, unit: &mut Unit, cell: &Cell) {
    unit.create(GatewayScope::granted(), cell);
    unit.record(GatewayScope::granted(), gateway.changed_by_itself(OPENED, on([thing("cell", cell.id)])));
}
