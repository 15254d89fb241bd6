//! Audit entries as features make them: who asked, what, on what, how it ended. The entry joins the unit of the
//! change that it tells of.

mod open;
mod refusal;

use attache_ledger::{Act, ActName, Actor, By, Draft, Name, Target, Thing, Verdict};

pub(crate) use open::give_up_open_acts;

use crate::Gateway;
use crate::access::Caller;

/// Something of ours that an entry is about: `thing("identity", id)`.
pub(crate) fn thing(kind: &'static str, id: impl ToString) -> Thing {
    let id = id.to_string().parse().unwrap_or(Name::new("unnamed"));
    Thing::new(Name::new(kind), id)
}

/// What an entry is about.
pub(crate) fn on(things: impl IntoIterator<Item = Thing>) -> Target {
    Target { things: things.into_iter().collect(), ..Target::default() }
}

impl Gateway {
    /// A caller changed something.
    pub(crate) fn changed(&self, caller: &Caller, act: ActName, on: Target) -> Draft {
        self.composer.change(asked(caller, act, on), Verdict::Done, None)
    }

    /// The gateway changed something by itself.
    pub(crate) fn changed_by_itself(&self, act: ActName, on: Target) -> Draft {
        self.composer.change(Act::new(act, system()).on(on), Verdict::Done, None)
    }
}

/// The gateway by itself: a job, a schedule.
pub(crate) fn system() -> Actor {
    Actor { by: Some(By::system()), ..Actor::default() }
}

fn asked(caller: &Caller, act: ActName, on: Target) -> Act {
    Act::new(act, caller.actor()).on(on).correlated(caller.correlation())
}
