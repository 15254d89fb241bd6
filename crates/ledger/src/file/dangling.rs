//! Intents without outcome whose writer is dead.

use std::collections::HashMap;

use super::error::LedgerError;
use super::handle::Intent;
use super::live::is_live;
use super::open::writers_path;
use super::writer::{Log, Writer};
use crate::entry::{Entry, WriterId};
use crate::log::Line;

/// An act that may or may not have happened.
#[derive(Debug)]
pub struct Dangling {
    /// To record its outcome with.
    pub intent: Intent,
    /// What was recorded of it: where to look.
    pub entry: Entry,
}

/// Finds them. A ledger that does not exist is not made.
pub(super) fn left_behind(writer: &mut Writer) -> Result<Vec<Dangling>, LedgerError> {
    let path = writer.origin.path.clone();
    if !std::fs::exists(&path).map_err(LedgerError::io(&path, "found"))? {
        return Ok(Vec::new());
    }
    let log = writer.lock()?;
    let found = dead_intents(writer.id(), &path, &log);
    writer.unlock(log)?;
    found
}

fn dead_intents(own: WriterId, path: &std::path::Path, log: &Log) -> Result<Vec<Dangling>, LedgerError> {
    let folder = writers_path(path);
    let mut live: HashMap<WriterId, bool> = HashMap::from([(own, true)]);
    let mut found = Vec::new();
    for (offset, intent) in log.replay.open() {
        let lives = match live.get(&intent.writer) {
            Some(lives) => *lives,
            None => {
                let lives = is_live(&folder, intent.writer).map_err(LedgerError::io(&folder, "read"))?;
                live.insert(intent.writer, lives);
                lives
            }
        };
        if !lives {
            found.extend(entry_at(log, offset).map_err(LedgerError::io(path, "read"))?);
        }
    }
    Ok(found)
}

fn entry_at(log: &Log, offset: u64) -> std::io::Result<Option<Dangling>> {
    let line = log.line_at(offset)?;
    let Ok(Line::Entry(line)) = Line::parse(&line) else { return Ok(None) };
    let Ok(entry) = Entry::decode(line.leaf, line.column) else { return Ok(None) };
    Ok(entry
        .act()
        .cloned()
        .map(|act| Dangling { intent: Intent { id: entry.id, act, sequence: entry.sequence }, entry }))
}
