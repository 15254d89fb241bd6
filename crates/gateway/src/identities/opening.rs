//! Who makes a cell's blueprint. Identities of one cell may be provisioned at the same time, and a blueprint is found
//! again only by its tag, which nothing keeps unique: two that looked at once would both find none, and make two. So
//! one of them makes it, with all that belongs to it, and the others wait until it has.

use std::time::Duration;

use attache_provision::Step;
use attache_store::{CommitError, GatewayScope, OrgId, OrgScope, Record, Unit, Versioned};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::provisioning::Provisioning;
use super::{Identity, IdentityId, State, unheard};
use crate::Gateway;
use crate::cells::{Cell, CellId};
use crate::jobs::{JobError, Turn};

/// How long the others wait before they look again.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// What they wait for, for people.
pub(super) const REASON: &str = "another identity is making the blueprint that both come from";

/// For how long a request of an identity that was stopped may still be under way: longer than one takes.
const IN_FLIGHT: Duration = Duration::from_secs(90);

/// Who makes a cell's blueprint, and whether it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opening {
    cell: CellId,
    org: OrgId,
    opener: IdentityId,
    opened: bool,
}

impl Record for Opening {
    const KIND: &'static str = "cell_opening";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.cell.to_string()
    }
}

/// What an identity may do about its cell's blueprint.
pub(super) enum Blueprint {
    /// It is there.
    Made,
    /// Make it; nobody else does.
    Make(Versioned<Opening>),
    /// Wait until somebody else has made it.
    Wait,
}

/// Finds out which, and takes the making over from an identity that will not go on.
pub(super) async fn look(
    gateway: &Gateway,
    turn: &Turn,
    identity: &Identity,
    cell: &Cell,
) -> Result<Blueprint, JobError> {
    let own = Opening { cell: cell.id, org: identity.org, opener: identity.id, opened: false };
    loop {
        let mut unit = Unit::new();
        match gateway.system().get::<Opening>(cell.id).await? {
            Some(kept) if kept.opened => return Ok(Blueprint::Made),
            Some(kept) if kept.opener == identity.id => return Ok(Blueprint::Make(kept)),
            Some(kept) => {
                let store = gateway.store.org(OrgScope::granted(kept.org));
                let opener: Option<Versioned<Identity>> = store.get(kept.opener).await?;
                if let Some(opener) = &opener {
                    let steps = store.get::<Provisioning>(opener.id).await?;
                    let hides = steps.is_some_and(|own| own.steps.unsettled() == Some(Step::Blueprint));
                    let longest = if hides { IN_FLIGHT + unheard::hidden(gateway) } else { Duration::ZERO };
                    if opener.cell == Some(cell.id) && goes_on(opener, gateway.clock.now(), longest) {
                        return Ok(Blueprint::Wait);
                    }
                    unit.expect(opener);
                }
                unit.update(&kept, &own);
            }
            None => {
                unit.create(GatewayScope::granted(), &own);
            }
        }
        match turn.commit(unit).await {
            // Whoever has it now is read again, we ourselves among them.
            Ok(_) | Err(CommitError::Conflict { .. } | CommitError::Taken { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether an identity that makes a blueprint is still about to, or has been stopped so lately that what it asked for
/// may yet come to light.
fn goes_on(opener: &Identity, now: Timestamp, longest: Duration) -> bool {
    let stopped = match (&opener.suspended, opener.state) {
        (Some(suspension), _) => suspension.since,
        (None, State::Error | State::Deprovisioning | State::Deprovisioned) => opener.changed,
        (None, state) => return !state.acts(),
    };
    now.duration_since(stopped).unsigned_abs() < longest
}

impl Opening {
    /// The blueprint is made, with all that belongs to it.
    pub(super) fn made(self) -> Self {
        Self { opened: true, ..self }
    }
}
