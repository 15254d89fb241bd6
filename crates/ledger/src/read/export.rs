//! Verifies an export. Its lines are examined on threads of their own, while another reads them and puts together,
//! in order, what they say.

use std::collections::HashMap;
use std::ops::Range;

use super::chunks::Chunks;
use super::error::VerifyError;
use super::examine::{Bad, Examined, Says};
use super::held::Held;
use super::report::{Gap, Report};
use super::threads::examine_in_order;
use crate::entry::{Brief, EntryId, Retention, Role};
use crate::log::{Fault, GapLine, SealLine};
use crate::tree::{Frontier, Hash};

/// Reads all of it. Memory does not grow with it, but for intents that are open, gaps and retentions.
pub(super) fn verify(chunks: Chunks, held: &Held, report: Report) -> Result<Report, VerifyError> {
    let mut pass = Pass::new(held, report);
    held.compare(&pass.tree)?;
    let end = examine_in_order(chunks, |line| pass.line(line))?;
    pass.finish(end)
}

/// What the lines so far come to.
struct Pass<'a> {
    held: &'a Held,
    tree: Frontier,
    /// How many entries the last checkpoint covers.
    sealed: Option<u64>,
    /// Intents without outcome, and the numbers of their entries.
    open: HashMap<EntryId, u64>,
    retentions: Vec<Retention>,
    report: Report,
}

impl<'a> Pass<'a> {
    fn new(held: &'a Held, report: Report) -> Self {
        Self {
            held,
            tree: Frontier::default(),
            sealed: None,
            open: HashMap::new(),
            retentions: Vec::new(),
            report,
        }
    }

    fn line(&mut self, line: Examined) -> Result<(), VerifyError> {
        let Examined { offset, says } = line;
        let sequence = self.tree.size();
        let altered = |fault, id| VerifyError::Altered { sequence, offset, id, fault };
        match says.map_err(|Bad { fault, id }| altered(fault, id))? {
            Says::Entry(entry, leaf) => {
                self.entry(entry, leaf).map_err(|fault| altered(fault, Some(entry.id)))?;
            }
            Says::Gap(gap) => self.gap(&gap, offset)?,
            Says::Checkpoint(seal) => self.checkpoint(&seal).map_err(|fault| altered(fault, None))?,
        }
        self.held.compare(&self.tree)
    }

    fn entry(&mut self, entry: Brief, leaf: Hash) -> Result<(), Fault> {
        let Brief { sequence, id, role, is_erased, .. } = entry;
        if sequence != self.tree.size() {
            return Err(Fault::OutOfSequence { found: sequence });
        }
        match role {
            Role::Intent => {
                if self.open.insert(id, sequence).is_some() {
                    return Err(Fault::Repeated(id));
                }
            }
            Role::Outcome(intent) => {
                // The intent may be in a gap; and nothing keeps a database from ending an act twice.
                let is_known = self.open.remove(&intent).is_some();
                self.report.unannounced += u64::from(!is_known);
            }
            Role::Repair => self.report.repairs += 1,
            Role::Retention(retention) => self.retentions.push(retention),
            Role::Other => {}
        }
        self.report.erased += u64::from(is_erased);
        self.tree.push(leaf);
        Ok(())
    }

    fn gap(&mut self, gap: &GapLine, offset: u64) -> Result<(), VerifyError> {
        let Range { start: from, end: to } = gap.range;
        let sequence = self.tree.size();
        let altered = |fault| VerifyError::Altered { sequence, offset, id: None, fault };
        if from != sequence {
            return Err(altered(Fault::OtherGap { found: from }));
        }
        for (leaves, root) in gap.subtrees() {
            self.tree.push_perfect(leaves, root).map_err(|_| altered(Fault::Unreadable))?;
            self.held.compare(&self.tree)?;
        }
        if let Some(size) = self.held.hidden_in(gap) {
            return Err(VerifyError::InGap { size, from, to });
        }
        self.report.gaps.push(Gap { from, to });
        Ok(())
    }

    fn checkpoint(&mut self, seal: &SealLine) -> Result<(), Fault> {
        if !seal.is_signed_by(&self.report.key) {
            return Err(Fault::NotSigned);
        }
        if seal.size != self.tree.size() {
            return Err(Fault::OtherSize { found: seal.size });
        }
        let (signed, actual) = (seal.root, self.tree.root());
        if signed != actual {
            return Err(Fault::OneAltered { from: self.sealed.unwrap_or(0), signed, actual });
        }
        self.sealed = Some(seal.size);
        self.report.checkpoints += 1;
        Ok(())
    }

    fn finish(mut self, offset: u64) -> Result<Report, VerifyError> {
        let sequence = self.tree.size();
        if self.sealed != Some(sequence) {
            let fault = Fault::NoCheckpoint { from: self.sealed.unwrap_or(0) };
            return Err(VerifyError::Altered { sequence, offset, id: None, fault });
        }
        self.held.finish(&self.tree)?;
        self.report.entries = sequence;
        self.report.root = self.tree.root();
        let mut open: Vec<(EntryId, u64)> = self.open.into_iter().collect();
        open.sort_unstable_by_key(|(_, number)| *number);
        self.report.dangling = open.into_iter().map(|(id, _)| id).collect();
        self.report.explain(self.retentions);
        Ok(self.report)
    }
}
