//! Ends in the ledger what a killed process began of provisioning and of removal. What came of a step is
//! remembered with the record, so that a death before the ledger has it loses nothing; what became of a step
//! whose answer nobody took in shows when the step is done again, and finds or does not find its work done.

use attache_ledger::{Code, LedgerError, Outcome, Verdict};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::audit::{Audit, LeftOver};

/// What came of a step, by the client-request-id of its intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Came {
    correlation: Uuid,
    verdict: Verdict,
    code: Option<Code>,
}

impl Came {
    pub(super) fn of(correlation: Uuid, outcome: &Outcome) -> Self {
        Self { correlation, verdict: outcome.verdict, code: outcome.code.clone() }
    }
}

/// The intents that nobody ended.
pub(super) struct Unsettled {
    left: Vec<LeftOver>,
}

impl Unsettled {
    /// Those of killed processes, without the one whose outcome is remembered: it gets that.
    pub(super) async fn of(audit: &Audit, came: Option<&Came>) -> Result<Self, LedgerError> {
        let mut left = audit.dangling().await?;
        left.retain(LeftOver::is_provisioning);
        let mut unsettled = Self { left };
        if let Some(Came { correlation, verdict, code }) = came {
            let outcome = Outcome { verdict: *verdict, code: code.clone(), ..Outcome::unknown() };
            unsettled.end(audit, *correlation, outcome);
        }
        Ok(unsettled)
    }

    /// Takes in that the step of this act is done; `found` when its work was there already. `resolves` names
    /// an intent and whether its act happened.
    pub(super) fn done(&mut self, audit: &Audit, act: &str, found: bool, resolves: Option<(Uuid, bool)>) {
        if let Some((correlation, happened)) = resolves {
            let outcome = if happened { Outcome::done() } else { not_done() };
            self.end(audit, correlation, outcome);
        }
        let (same, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.left).into_iter().partition(|left| left.named(act));
        self.left = others;
        let alone = same.len() == 1;
        for left in same {
            left.end(audit, judge(act, found, resolves.is_some(), alone));
        }
    }

    /// An intent whose fate is known.
    pub(super) fn end(&mut self, audit: &Audit, correlation: Uuid, outcome: Outcome) {
        if let Some(at) = self.left.iter().position(|left| left.correlation() == Some(correlation)) {
            self.left.swap_remove(at).end(audit, outcome);
        }
    }

    /// Nothing will tell any more what became of the rest.
    pub(super) async fn close(&mut self, audit: &Audit) -> Result<(), LedgerError> {
        for left in self.left.drain(..) {
            left.end(audit, Outcome::unknown());
        }
        audit.flush().await
    }
}

/// What became of an intent whose step was done again. A creation or a deletion that succeeds now shows that
/// none succeeded before; a setting may have been made and hidden by replication.
fn judge(act: &str, found: bool, resolved: bool, alone: bool) -> Outcome {
    let only_once = act.ends_with(".create") || act.ends_with(".delete");
    match (found, resolved) {
        (true, false) if alone => Outcome::done(),
        // Whose work it was is known, and it was not this one's.
        (_, true) => not_done(),
        (false, false) if only_once => not_done(),
        _ => Outcome::unknown(),
    }
}

fn not_done() -> Outcome {
    Outcome::failed(Code::new("not_done"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(act: &str, found: bool, resolved: bool, alone: bool) -> Verdict {
        judge(act, found, resolved, alone).verdict
    }

    #[test]
    fn what_is_found_was_done_by_the_only_one_who_tried() {
        assert_eq!(verdict("agent_user.create", true, false, true), Verdict::Done);
        assert_eq!(verdict("agent_user.licence.assign", true, false, true), Verdict::Done);
        assert_eq!(verdict("agent_user.delete", true, false, true), Verdict::Done);
        assert_eq!(verdict("agent_user.create", true, false, false), Verdict::Unknown, "one of two");
    }

    #[test]
    fn what_can_be_done_once_only_was_not_done_before() {
        for act in ["blueprint.create", "agent_identity.delete"] {
            assert_eq!(verdict(act, false, false, true), Verdict::Failed, "{act}");
        }
        assert_eq!(verdict("blueprint.create", true, true, true), Verdict::Failed, "it was another's work");
        assert_eq!(verdict("agent_user.licence.assign", false, false, true), Verdict::Unknown);
    }
}
