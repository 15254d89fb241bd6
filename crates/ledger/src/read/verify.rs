//! Goes through the whole file and checks every byte of it against the tree, the signatures and, when
//! somebody held one, an earlier checkpoint.

use std::path::Path;

use super::chunks::Chunks;
use super::error::VerifyError;
use super::examine::id_in;
use super::export;
use super::held::Held;
use super::lines::{Kind, Lines};
use super::report::Report;
use crate::entry::{Brief, Role};
use crate::log::{Fault, Line, Replay};
use crate::note::{Checkpoint, VerifierKey};

/// What to verify against.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// An earlier checkpoint that was kept out of reach of whoever could write to the ledger: the text of a
    /// checkpoint file.
    pub checkpoint: Option<String>,
    /// The ledger's key, as it was known before. Without it the key in the file is taken on trust.
    pub key: Option<VerifierKey>,
}

/// Checks a ledger or an export. Reads the file once; memory does not grow with it, but for intents that are
/// open and, in an export, for gaps and retentions.
pub fn verify(path: &Path, options: &VerifyOptions) -> Result<Report, VerifyError> {
    let mut lines = Lines::open(path)?;
    let key = lines.key.clone();
    if let Some(expected) = options.key.clone().filter(|expected| *expected != key) {
        return Err(VerifyError::OtherKey { found: key, expected });
    }
    let mut held = Held::default();
    if let Some(note) = &options.checkpoint {
        held.push(Checkpoint::open(note, &key)?);
    }
    let checkpoint_file = held.push_file(lines.beside.take(), &key);
    let report = Report::new(key, checkpoint_file);
    match lines.kind {
        Kind::Ledger => ledger(lines, &held, report),
        Kind::Export => export::verify(Chunks::of(lines), &held, report),
    }
}

fn ledger(mut lines: Lines, held: &Held, report: Report) -> Result<Report, VerifyError> {
    let mut pass = Pass { replay: Replay::default(), report };
    held.compare(pass.replay.frontier())?;
    while let Some(line) = lines.next()? {
        let (offset, complete) = (line.offset, line.complete);
        let fault = if complete { pass.line(line.bytes, offset).err() } else { Some(Fault::Unreadable) };
        match fault {
            None => held.compare(pass.replay.frontier())?,
            Some(fault) => {
                let id = id_in(line.bytes);
                if lines.signed_checkpoint_follows()? {
                    return Err(VerifyError::Altered { sequence: pass.replay.size(), offset, id, fault });
                }
                pass.report.unfinished = lines.length - offset;
            }
        }
    }
    held.finish(pass.replay.frontier())?;
    Ok(pass.finish())
}

/// What the lines so far come to.
struct Pass {
    replay: Replay,
    report: Report,
}

impl Pass {
    fn line(&mut self, line: &[u8], offset: u64) -> Result<(), Fault> {
        match Line::parse(line).map_err(|_| Fault::Unreadable)? {
            Line::Entry(line) => {
                let entry = self.replay.entry(&line, offset)?;
                self.count(&entry);
            }
            Line::Checkpoint(line) => {
                self.replay.checkpoint(&line, &self.report.key, offset)?;
                self.report.checkpoints += 1;
            }
        }
        Ok(())
    }

    fn count(&mut self, entry: &Brief) {
        self.report.repairs += u64::from(entry.role == Role::Repair);
        self.report.erased += u64::from(entry.is_erased);
    }

    fn finish(mut self) -> Report {
        self.report.entries = self.replay.size();
        self.report.root = self.replay.frontier().root();
        self.report.dangling = self.replay.open().map(|(_, intent)| intent.id).collect();
        self.report
    }
}
