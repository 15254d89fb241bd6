//! A cell whose blueprint somebody deleted: nobody gets a seat in it any more, until the blueprint is restored. Who has
//! one is degraded, and gets a seat elsewhere when it is provisioned again.

use attache_ledger::ActName;
use attache_store::{GatewayScope, Unit, Versioned};

use super::Cell;
use crate::Gateway;
use crate::record::{on, thing};

const LOST: ActName = ActName::new("cell.blueprint_lost");
const FOUND: ActName = ActName::new("cell.blueprint_found");

/// The tenant does not have its blueprint any more.
pub(crate) fn lost(gateway: &Gateway, unit: &mut Unit, cell: &Versioned<Cell>) {
    say(gateway, unit, cell, true);
}

/// The tenant has its blueprint.
pub(crate) fn found(gateway: &Gateway, unit: &mut Unit, cell: &Versioned<Cell>) {
    say(gateway, unit, cell, false);
}

fn say(gateway: &Gateway, unit: &mut Unit, cell: &Versioned<Cell>, lost: bool) {
    // A given blueprint is its owner's, and there is no other to take its place.
    if cell.lost == lost || cell.given.is_some() {
        return;
    }
    // There is never more than one that is being opened, and another may be by now.
    unit.update(cell, &Cell { lost, opening: false, ..cell.record.clone() });
    let act = if lost { LOST } else { FOUND };
    unit.record(GatewayScope::granted(), gateway.changed_by_itself(act, on([thing("cell", cell.id)])));
}
