//! What each line of an export says by itself, whatever stands before it: the part of the verification that
//! costs time, and that threads can share.

use memchr::memchr;

use super::chunks::Chunk;
use crate::entry::{Brief, EntryId, id_of};
use crate::log::{ExportLine, Fault, GapLine, LONGEST_LINE, SealLine};
use crate::tree::Hash;

/// What one line says.
pub(super) struct Examined {
    /// Where the line begins in the file.
    pub(super) offset: u64,
    pub(super) says: Result<Says, Bad>,
}

/// A line that is wrong by itself.
pub(super) struct Bad {
    pub(super) fault: Fault,
    /// Which entry it is, when it still says so.
    pub(super) id: Option<EntryId>,
}

pub(super) enum Says {
    Entry(Brief, Hash),
    Gap(GapLine),
    Checkpoint(SealLine),
}

/// Examines the lines of a chunk up to the first that is wrong.
pub(super) fn examine(chunk: &Chunk, found: &mut Vec<Examined>) {
    let mut at = 0;
    while at < chunk.bytes.len() {
        let offset = chunk.offset + at as u64;
        let rest = &chunk.bytes[at..];
        let end = memchr(b'\n', rest);
        let says = match end {
            Some(length) if length < LONGEST_LINE => line(&rest[..length]),
            _ => Err(Bad { fault: Fault::Unreadable, id: None }),
        };
        let is_wrong = says.is_err();
        found.push(Examined { offset, says });
        if is_wrong {
            break;
        }
        at += end.map_or(rest.len(), |length| length + 1);
    }
}

fn line(line: &[u8]) -> Result<Says, Bad> {
    match ExportLine::parse(line).map_err(|_| Bad { fault: Fault::Unreadable, id: id_in(line) })? {
        ExportLine::Gap(gap) => Ok(Says::Gap(gap)),
        ExportLine::Checkpoint(seal) => Ok(Says::Checkpoint(seal)),
        ExportLine::Entry(line, hash) => {
            let bad = |fault| Bad { fault, id: id_of(line.leaf) };
            if line.hash() != hash {
                return Err(bad(Fault::OtherHash));
            }
            let entry = Brief::decode(line.leaf, line.column).map_err(|error| bad(error.into()))?;
            Ok(Says::Entry(entry, hash))
        }
    }
}

/// The id in the line of an entry, as far as that can still be read.
pub(super) fn id_in(line: &[u8]) -> Option<EntryId> {
    let leaf = line.strip_prefix(b"entry\t")?;
    // What comes after the id may be anything.
    leaf.utf8_chunks().next().and_then(|begins| id_of(begins.valid()))
}
