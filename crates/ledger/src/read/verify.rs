//! Goes through the whole file and checks every byte of it against the tree, the signatures and, when
//! somebody held one, an earlier checkpoint.

use std::path::Path;

use serde::Serialize;

use super::error::VerifyError;
use super::lines::Lines;
use crate::entry::{Entry, EntryId, Event};
use crate::log::{Fault, Line, Replay};
use crate::note::{Checkpoint, CheckpointError, VerifierKey};
use crate::tree::Hash;

/// What to verify against.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// An earlier checkpoint that was kept out of reach of whoever could write to the ledger: the text of a
    /// checkpoint file.
    pub checkpoint: Option<String>,
    /// The ledger's key, as it was known before. Without it the key in the file is taken on trust.
    pub key: Option<VerifierKey>,
}

/// What a ledger holds that verifies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The ledger's name.
    pub origin: String,
    /// Its key.
    pub key: VerifierKey,
    /// How many entries it has.
    pub entries: u64,
    /// The root over all of them.
    pub root: Hash,
    /// How many checkpoints it has.
    pub checkpoints: u64,
    /// Intents without outcome: in flight, or left behind.
    pub dangling: Vec<EntryId>,
    /// How often a torn end was repaired.
    pub repairs: u64,
    /// In how many entries withheld fields were destroyed.
    pub erased: u64,
    /// Bytes at the end that belong to a write that was never finished, and so acknowledge nothing. The next
    /// append removes them and records that.
    pub unfinished: u64,
    /// What the checkpoint file beside the ledger says.
    pub checkpoint_file: CheckpointFile,
}

/// The checkpoint file beside a ledger that verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointFile {
    /// There is none.
    Absent,
    /// It is signed and agrees with the ledger.
    Agrees,
    /// It is not a signed checkpoint of this ledger. The next append writes it anew.
    Unreadable,
}

/// Checks a ledger. Reads the file once; memory does not grow with it, but for intents that are open.
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

    let mut pass = Pass::new(key);
    held.compare(&pass.replay)?;
    while let Some(line) = lines.next()? {
        let (offset, complete) = (line.offset, line.complete);
        let fault = if complete { pass.line(line.bytes, offset).err() } else { Some(Fault::Unreadable) };
        match fault {
            None => held.compare(&pass.replay)?,
            Some(fault) => {
                if signed_checkpoint_follows(&mut lines, &pass.key)? {
                    return Err(VerifyError::Altered { sequence: pass.replay.size(), offset, fault });
                }
                pass.unfinished = lines.length - offset;
            }
        }
    }
    held.finish(&pass.replay)?;
    Ok(pass.report(checkpoint_file))
}

/// Whether somebody signed for what comes before the rest of the file.
fn signed_checkpoint_follows(lines: &mut Lines, key: &VerifierKey) -> Result<bool, VerifyError> {
    while let Some(line) = lines.next()? {
        if let Ok(Line::Checkpoint(checkpoint)) = Line::parse(line.bytes)
            && checkpoint.is_signed_by(key)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What was counted so far.
struct Pass {
    key: VerifierKey,
    replay: Replay,
    checkpoints: u64,
    repairs: u64,
    erased: u64,
    unfinished: u64,
}

impl Pass {
    fn new(key: VerifierKey) -> Self {
        Self { key, replay: Replay::default(), checkpoints: 0, repairs: 0, erased: 0, unfinished: 0 }
    }

    fn line(&mut self, line: &[u8], offset: u64) -> Result<(), Fault> {
        match Line::parse(line).map_err(|_| Fault::Unreadable)? {
            Line::Entry(line) => {
                let entry = self.replay.entry(&line, offset)?;
                self.count(&entry);
            }
            Line::Checkpoint(line) => {
                self.replay.checkpoint(&line, &self.key, offset)?;
                self.checkpoints += 1;
            }
        }
        Ok(())
    }

    fn count(&mut self, entry: &Entry) {
        self.repairs += u64::from(matches!(entry.event, Event::Repair(_)));
        self.erased += u64::from(!entry.erased.is_empty());
    }

    fn report(self, checkpoint_file: CheckpointFile) -> Report {
        Report {
            origin: self.key.name().to_owned(),
            entries: self.replay.size(),
            root: self.replay.frontier().root(),
            checkpoints: self.checkpoints,
            dangling: self.replay.open().map(|(_, intent)| intent.id).collect(),
            repairs: self.repairs,
            erased: self.erased,
            unfinished: self.unfinished,
            checkpoint_file,
            key: self.key,
        }
    }
}

/// Checkpoints from elsewhere that the ledger has to agree with.
#[derive(Default)]
struct Held(Vec<Checkpoint>);

impl Held {
    fn push(&mut self, checkpoint: Checkpoint) {
        self.0.push(checkpoint);
    }

    fn push_file(&mut self, text: Option<Vec<u8>>, key: &VerifierKey) -> CheckpointFile {
        let Some(text) = text else { return CheckpointFile::Absent };
        let note = String::from_utf8(text).map_err(|_| CheckpointError::Malformed);
        match note.and_then(|note| Checkpoint::open(&note, key)) {
            Ok(checkpoint) => {
                self.push(checkpoint);
                CheckpointFile::Agrees
            }
            Err(_) => CheckpointFile::Unreadable,
        }
    }

    /// Compares when the ledger has just the size of a checkpoint.
    fn compare(&self, replay: &Replay) -> Result<(), VerifyError> {
        for checkpoint in self.0.iter().filter(|checkpoint| checkpoint.size == replay.size()) {
            let (size, signed, actual) = (checkpoint.size, checkpoint.root, replay.frontier().root());
            if signed != actual {
                return Err(VerifyError::Rewritten { size, signed, actual });
            }
        }
        Ok(())
    }

    fn finish(&self, replay: &Replay) -> Result<(), VerifyError> {
        let found = replay.size();
        match self.0.iter().map(|checkpoint| checkpoint.size).max() {
            Some(signed) if signed > found => Err(VerifyError::Shrunk { found, signed }),
            _ => Ok(()),
        }
    }
}
